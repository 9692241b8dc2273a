import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as float from '../../../src/values/mysql-float.ts';
import { NULLED, SAID } from '../../../src/values/value-writer.ts';
import { say, written } from '../bytes/written.ts';

const double = (value: number): string => written(out => float.writeDouble(out, value));
const single = (value: number): string => written(out => float.writeFloat(out, Math.fround(value)));
const bytesOf = (value: number, size: 4 | 8): Buffer => {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeDoubleLE(value);
  else bytes.writeFloatLE(value);
  return bytes;
};
/** Significant digits, without zeros at either end. */
const digitsOf = (json: string): string => json.replace(/e.*/, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '');

const doubles = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.integer({ min: 0, max: 9 })).map(([n, e]) => n / 10 ** e),
  fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -60, max: 60 })).map(([n, e]) => n * 10 ** e),
  fc.integer({ min: -1074, max: 1023 }).map(e => 2 ** e),
);

describe('writeDouble', () => {
  // As MySQL 9.7 and MariaDB 10.11 print them.
  it.each([
    [0, '0'],
    [-0, '-0'],
    [0.1, '0.1'],
    [-12.5, '-12.5'],
    [1e14, '100000000000000'],
    [1e15, '1e15'],
    [-1e20, '-1e20'],
    [123456789012345, '123456789012345'],
    [1234567890123456, '1.234567890123456e15'],
    [1234567890123456.5, '1234567890123456.5'],
    [12345678901234568, '1.2345678901234568e16'],
    [1e-14, '0.00000000000001'],
    [1e-15, '0.000000000000001'],
    [1.5e-15, '0.0000000000000015'],
    [1e-16, '1e-16'],
    [1e100, '1e100'],
    [1.5e300, '1.5e300'],
    [Number.MAX_VALUE, '1.7976931348623157e308'],
    [Number.MIN_VALUE, '5e-324'],
  ])('%d', (value, json) => {
    expect(double(value)).toBe(json);
  });

  it('reads back, with no more digits than JavaScript needs', () => {
    fc.assert(
      fc.property(doubles, value => {
        const json = double(value);
        expect(Object.is(JSON.parse(json), value)).toBe(true);
        expect(digitsOf(json)).toBe(digitsOf(value.toExponential()));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is null and said so', value => {
    let verdict: number = SAID;
    expect(
      written(out => {
        verdict = float.writeDouble(out, value);
      }),
    ).toBe('null');
    expect(verdict).toBe(NULLED);
  });
});

/** How many digits it takes at least, by trying: of each precision the nearest decimal and its two neighbours. */
function fewestDigits(value: number): number {
  for (let precision = 1; precision < 10; precision++) {
    const [mantissa = '', exponent = ''] = Math.abs(value)
      .toExponential(precision - 1)
      .split('e');
    const digits = Number(mantissa.replace('.', ''));
    const power = Number(exponent) - precision + 1;
    const found = [digits - 1, digits, digits + 1].some(near => Math.fround(Number(`${near}e${power}`)) === Math.abs(value));
    if (found) return precision;
  }
  throw new Error(`nine digits are not enough for ${value}`);
}

describe('writeFloat', () => {
  it.each([
    [0.1, '0.1'],
    [-0, '-0'],
    [16777216, '16777216'],
    [3.4028234663852886e38, '3.4028235e38'],
    [1.401298464324817e-45, '1e-45'],
    [1.1754943508222875e-38, '1.1754944e-38'],
    [123456.789, '123456.79'],
    [1e10, '10000000000'],
    [-1.5, '-1.5'],
    [8388608.5, '8388608'],
    [2 ** 24 + 2, '16777218'],
  ])('%d', (value, json) => {
    expect(single(value)).toBe(json);
  });

  const floats = fc.oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -149, max: 127 }).map(e => 2 ** e),
    fc.integer({ min: -(10 ** 8), max: 10 ** 8 }).map(n => Math.fround(n / 100)),
    fc.integer({ min: 1, max: 0x7f7fffff }).map(bits => Buffer.from(Uint32Array.of(bits).buffer).readFloatLE()),
  );
  it('reads back as a float, with the fewest digits', () => {
    fc.assert(
      fc.property(floats, value => {
        const json = single(value);
        expect(Object.is(Math.fround(Number(JSON.parse(json))), value)).toBe(true);
        if (value !== 0) expect(digitsOf(json).length).toBe(fewestDigits(value));
      }),
      { numRuns: 10_000 },
    );
  });

  it('is the same from the bytes of the log and from the digits of `col * 1e0`', () => {
    fc.assert(
      fc.property(floats, value => {
        const json = single(value);
        expect(say(float.writeFloatBinary, bytesOf(value, 4)).json).toBe(json);
        expect(say(float.writeFloatText, double(value)).json).toBe(json);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('text', () => {
  it.each(['', '-', 'nan', 'inf', '1e', '.5', '1,5', '01', '0x1', '1 '])('%j is null and said so', value => {
    expect(say(float.writeDoubleText, value)).toEqual({ json: 'null', verdict: NULLED });
    expect(say(float.writeFloatText, value)).toEqual({ json: 'null', verdict: NULLED });
  });
  it('takes a double as it stands', () => {
    expect(say(float.writeDoubleText, '-1.25e-300')).toEqual({ json: '-1.25e-300', verdict: SAID });
  });
  it.each(['1e999999999999', '-1e400'])('%s is no float', value => {
    expect(say(float.writeFloatText, value)).toEqual({ json: 'null', verdict: NULLED });
  });
  it('takes long digits for what they are', () => {
    expect(say(float.writeFloatText, `0.${'0'.repeat(30)}123456789012345678901234567890`).json).toBe('1.2345679e-31');
    expect(say(float.writeFloatText, `${'1'.repeat(30)}.5`).json).toBe('1.1111111e29');
  });
});

describe('writeVector', () => {
  it('is an array of floats', () => {
    const bytes = Buffer.concat([bytesOf(1, 4), bytesOf(2.5, 4), bytesOf(-0.1, 4)]);
    expect(say(float.writeVector, bytes)).toEqual({ json: '[1,2.5,-0.1]', verdict: SAID });
    expect(say(float.writeVector, '')).toEqual({ json: '[]', verdict: SAID });
  });
  it('says what is no number', () => {
    expect(say(float.writeVector, bytesOf(Number.NaN, 4))).toEqual({ json: '[null]', verdict: NULLED });
    expect(say(float.writeVector, 'abc')).toEqual({ json: 'null', verdict: NULLED });
  });
});
