import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digits, parseExact } from './messages.ts';

it('parses as JSON.parse does, but for numbers, which keep their digits', () => {
  const tagged = (value: unknown): unknown => {
    if (typeof value === 'number') return digits(JSON.stringify(value));
    if (Array.isArray(value)) return value.map(tagged);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tagged(inner)]));
  };
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = JSON.stringify(value);
      expect(parseExact(text)).toEqual(tagged(JSON.parse(text)));
    }),
  );
  expect(parseExact('{"a-1":"-1","b":[12345678901234567890.10,1e-7],"c":"\\\\"}')).toEqual({
    'a-1': '-1',
    b: ['\x0012345678901234567890.10', '\x001e-7'],
    c: '\\',
  });
});

it('parses a string of many megabytes', () => {
  const value = { a: 'x'.repeat(20_000_000), b: '\\"\n'.repeat(1_000_000), c: 1 };
  expect(parseExact(JSON.stringify(value))).toEqual({ ...value, c: digits('1') });
});
