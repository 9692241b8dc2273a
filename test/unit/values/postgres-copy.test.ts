import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unescapeCopy } from '../../../src/values/postgres-copy.ts';
import { printed } from './copy-text.ts';

function unescaped(field: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.from('\\'), field, Buffer.from('\\x')]);
  const end = unescapeCopy(bytes, 1, 1 + field.length);
  expect(bytes[0]).toBe(0x5c);
  expect(bytes.subarray(1 + field.length).toString()).toBe('\\x');
  return bytes.subarray(1, end);
}

describe('unescapeCopy', () => {
  it('gives back any text that the server printed', () => {
    const special = fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\v', 'x', 'N', '0', '7'), maxLength: 6 });
    const hard = fc
      .array(fc.oneof(special, fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 6 })
      .map(parts => parts.join(''));
    fc.assert(
      fc.property(hard, text => {
        expect(unescaped(Buffer.from(printed(text))).toString('hex')).toBe(Buffer.from(text).toString('hex'));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['\\101\\x41\\x4a', 'AAJ'],
    ['\\7', '\x07'],
    ['\\1012', 'A2'],
    ['\\8', '8'],
    ['\\x4g', '\x04g'],
    ['\\xg', 'xg'],
    ['\\.', '.'],
    ['\\q', 'q'],
    ['\\', '\\'],
    ['a\\', 'a\\'],
    ['\\\\n', '\\n'],
    ['\\\t', '\t'],
  ])('%j becomes %j', (field, expected) => {
    expect(unescaped(Buffer.from(field, 'latin1')).toString('latin1')).toBe(expected);
  });

  it('keeps the low eight bits of an octal number', () => {
    expect([...unescaped(Buffer.from('\\777'))]).toEqual([0xff]);
  });

  it('never grows, whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        expect(unescaped(bytes).length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
