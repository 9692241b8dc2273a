import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TextRow } from '../../../../../src/engines/mysql/wire/text-row.ts';
import { textRow } from './lenenc.ts';

const split = (bytes: Buffer, columns: number, start = 0, end = bytes.length): (Buffer | null)[] => {
  const row = new TextRow(columns);
  row.split(bytes, start, end);
  return [...row.starts].map((at, column) => (at < 0 ? null : bytes.subarray(at, row.ends[column])));
};

describe('TextRow', () => {
  it('finds every field, also NULL and empty ones', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.uint8Array({ maxLength: 300 })), { maxLength: 12 }), fc.nat(5), (values, before) => {
        const row = textRow(values);
        const bytes = Buffer.concat([Buffer.alloc(before, 0xfb), row, Buffer.alloc(3)]);
        expect(split(bytes, values.length, before, before + row.length)).toEqual(
          values.map(value => (value === null ? null : Buffer.from(value))),
        );
      }),
    );
  });

  it.each([0, 250, 251, 252, 253, 254, 255, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000])('with a field of %i bytes', length => {
    const value = Buffer.alloc(length, 0xfb);
    const [found, last] = split(textRow([value, Buffer.from('x')]), 2);
    expect(found?.equals(value)).toBe(true);
    expect(last?.toString()).toBe('x');
  });

  it.each([
    ['fewer fields', textRow([Buffer.from('a')]), 2],
    ['more fields', textRow([Buffer.from('a'), null]), 1],
    ['a field beyond its end', Buffer.from([5, 0x61]), 1],
    ['a length cut off', Buffer.from([0xfc, 1]), 1],
    ['a length that is none', Buffer.from([0xff, 1, 2, 3]), 1],
    ['a length beyond all numbers', Buffer.from([0xfe, 255, 255, 255, 255, 255, 255, 255, 255]), 1],
    ['nothing', Buffer.alloc(0), 1],
  ])('refuses a row with %s', (_, bytes, columns) => {
    expect(() => split(bytes, columns)).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }));
  });
});
