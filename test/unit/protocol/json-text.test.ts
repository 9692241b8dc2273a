import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeFlaw, type JsonFlaw, parseJson } from '../../../src/protocol/json-text.ts';

function flawOf(text: string): JsonFlaw {
  const result = parseJson(text);
  if ('flaw' in result) return result.flaw;
  throw new Error(`valid: ${text}`);
}

describe('parseJson', () => {
  it('passes over a byte order mark', () => {
    expect(parseJson('\uFEFF{"a":1}')).toEqual({ value: { a: 1 } });
  });

  it.each([
    ['{"a":1,}', 1, 8, false],
    ['{"a" 1}', 1, 6, false],
    ['{a:1}', 1, 2, false],
    ["{'a':1}", 1, 2, false],
    ['[1 2]', 1, 4, false],
    ['[1,]', 1, 4, false],
    ['{"a":1}}', 1, 8, false],
    ['{"a":1]', 1, 7, false],
    ['{\n  "a": 01\n}', 2, 9, false],
    ['{\n  "a": tru,\n}', 2, 8, false],
    ['{"a":"\\x"}', 1, 7, false],
    ['{"a":"line\nbreak"}', 1, 11, false],
    ['NaN', 1, 1, false],
    ['{"a":1', 1, 7, true],
    ['{"a":', 1, 6, true],
    ['{"a', 1, 4, true],
    ['{"a":"\\u12', 1, 11, true],
    ['[1,', 1, 4, true],
    ['[tru', 1, 5, true],
    ['', 1, 1, true],
  ] as const)('finds the place in %j', (text, line, column, cut) => {
    expect(flawOf(text)).toMatchObject({ line, column, cut });
  });

  it('quotes nothing of the text', () => {
    const flaw = flawOf('{"password":"wonderland" "x":1}');
    expect(describeFlaw(flaw)).toBe('not valid JSON at line 1, column 26: expected a comma or the closing bracket');
  });

  it('agrees with JSON.parse on any text, and calls every cut of a document cut', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        expect(parseJson(json)).toEqual({ value: JSON.parse(json) as unknown });
        const document = `{"x":${json}}`;
        expect(flawOf(document.slice(0, at % document.length)).cut).toBe(true);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ut0-1.eE \nnul') }), text => {
        const result = parseJson(text);
        if ('flaw' in result) expect(() => JSON.parse(text) as unknown).toThrow();
      }),
      { numRuns: 2_000 },
    );
  });

  it('copes with depth and length', () => {
    expect(flawOf('['.repeat(200_000)).column).toBe(200_001);
    expect(flawOf(`["${'a'.repeat(5_000_000)}`).cut).toBe(true);
    expect(flawOf(`["${'\\n'.repeat(100_000)}`).cut).toBe(true);
  });
});
