import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as read from '../../../src/bytes/byte-reader.ts';
import { copyBytes } from '../../../src/bytes/copy.ts';

const AT = 3;

describe('byte-reader', () => {
  it('reads what Buffer reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: AT + 8, maxLength: AT + 8 }), bytes => {
        const buffer = Buffer.from(bytes);
        expect(read.u8(bytes, AT)).toBe(buffer.readUInt8(AT));
        expect(read.u16be(bytes, AT)).toBe(buffer.readUInt16BE(AT));
        expect(read.i16be(bytes, AT)).toBe(buffer.readInt16BE(AT));
        expect(read.i32be(bytes, AT)).toBe(buffer.readInt32BE(AT));
        expect(read.u32be(bytes, AT)).toBe(buffer.readUInt32BE(AT));
        expect(read.u16le(bytes, AT)).toBe(buffer.readUInt16LE(AT));
        expect(read.u24le(bytes, AT)).toBe(buffer.readUIntLE(AT, 3));
        expect(read.i32le(bytes, AT)).toBe(buffer.readInt32LE(AT));
        expect(read.u32le(bytes, AT)).toBe(buffer.readUInt32LE(AT));
        expect(read.u48le(bytes, AT)).toBe(buffer.readUIntLE(AT, 6));
      }),
    );
  });

  it('reads 64-bit integers exactly below 2^53', () => {
    const check = (value: number): void => {
      const bytes = Buffer.alloc(AT + 16);
      bytes.writeBigInt64BE(BigInt(value), AT);
      bytes.writeBigInt64LE(BigInt(value), AT + 8);
      expect(read.i64beAsNumber(bytes, AT)).toBe(value);
      expect(read.i64leAsNumber(bytes, AT + 8)).toBe(value);
      if (value < 0) return;
      expect(read.u64beAsNumber(bytes, AT)).toBe(value);
      expect(read.u64leAsNumber(bytes, AT + 8)).toBe(value);
    };
    for (const value of [0, 1, -1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
      check(value);
    fc.assert(
      fc.property(
        fc.maxSafeInteger().filter(value => !Object.is(value, -0)),
        check,
      ),
    );
    const most = Buffer.alloc(8, 0xff);
    expect(read.u64beAsNumber(most, 0)).toBe(2 ** 64);
    expect(read.u64leAsNumber(most, 0)).toBe(2 ** 64);
  });

  it('never reads outside the array', () => {
    const bytes = new Uint8Array(8);
    expect(read.i64beAsNumber(bytes, 0)).toBe(0);
    for (const at of [-1, 1, 7, 8, 9]) {
      expect(() => read.i64beAsNumber(bytes, at)).toThrow(RangeError);
      expect(() => read.u64leAsNumber(bytes, at)).toThrow(RangeError);
    }
    for (const of of [read.i32be, read.u32be, read.i32le, read.u32le]) expect(() => of(bytes, 5)).toThrow(RangeError);
    for (const of of [read.u16be, read.i16be, read.u16le]) expect(() => of(bytes, 7)).toThrow(RangeError);
    expect(() => read.u24le(bytes, 6)).toThrow(RangeError);
    expect(() => read.u8(bytes, 8)).toThrow(RangeError);
  });

  it('finds the end of a C string', () => {
    const bytes = Buffer.from('ab\0cd\0');
    expect([
      read.cstringEnd(bytes, 0, 6),
      read.cstringEnd(bytes, 3, 6),
      read.cstringEnd(bytes, 3, 5),
      read.cstringEnd(bytes, 2, 6),
    ]).toEqual([2, 5, -1, 2]);
  });
});

describe('copyBytes', () => {
  it('copies any slice to any place and touches nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 150 }), fc.nat(), fc.nat(), fc.nat(9), (source, a, b, at) => {
        const [start = 0, end = 0] = [a % (source.length + 1), b % (source.length + 1)].sort((x, y) => x - y);
        const target = new Uint8Array(170).fill(0xaa);
        copyBytes(target, at, source, start, end);
        const expected = new Uint8Array(170).fill(0xaa);
        expected.set(source.slice(start, end), at);
        expect(target).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
