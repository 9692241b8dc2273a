/** Decimal digits of integers of up to 64 bits, without BigInt and without strings. */

const ZERO = 0x30;
const MINUS = 0x2d;
const BILLION = 1e9;
const TWO_16 = 0x10000;
const TWO_32 = 0x100000000;

/** The most bytes that any function here writes: a sign and 20 digits. */
export const MAX_INTEGER_BYTES = 21;

/** Writes a non-negative integer below 2^31; returns the offset behind it. */
function writeUint31(target: Uint8Array, at: number, value: number): number {
  let digits = 1;
  if (value >= 10) {
    digits = value < 100 ? 2 : value < 1000 ? 3 : value < 10000 ? 4 : value < 100000 ? 5 : value < 1000000 ? 6 : 7;
    if (value >= 10000000) digits = value < 100000000 ? 8 : value < BILLION ? 9 : 10;
  }
  return writePadded(target, at, value, digits);
}

/** The digits of every number below 100, two by two. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, at) => ZERO + (at % 2 === 0 ? Math.floor(at / 20) : (at >> 1) % 10));

/** Writes exactly `digits` digits of a non-negative integer below 2^31, zeros first; returns the offset behind them. */
export function writePadded(target: Uint8Array, at: number, value: number, digits: number): number {
  let rest = value;
  let place = at + digits;
  while (place > at + 1) {
    const hundredth = (rest / 100) | 0;
    const pair = (rest - hundredth * 100) << 1;
    place -= 2;
    target[place] = PAIRS[pair]!;
    target[place + 1] = PAIRS[pair + 1]!;
    rest = hundredth;
  }
  if (place > at) target[at] = ZERO + (rest % 10);
  return at + digits;
}

/** Writes a safe integer (|value| < 2^53); returns the offset behind it. Throws RangeError on any other number. */
export function writeSafeInteger(target: Uint8Array, at: number, value: number): number {
  let place = at;
  let rest = value;
  if (rest < 0) {
    target[place++] = MINUS;
    rest = -rest;
  }
  if (rest === (rest | 0)) return writeUint31(target, place, rest);
  if (!Number.isSafeInteger(rest)) throw new RangeError(`not a safe integer: ${value}`);
  const high = Math.floor(rest / BILLION); // below 9,007,200
  if (high === 0) return writeUint31(target, place, rest);
  place = writeUint31(target, place, high);
  return writePadded(target, place, rest - high * BILLION, 9);
}

/** Writes the unsigned integer high * 2^32 + low, both halves below 2^32; returns the offset behind it. */
function writeUint64(target: Uint8Array, at: number, high: number, low: number): number {
  if (high < 0x200000) return writeSafeInteger(target, at, high * TWO_32 + low);
  // Long division by 10^9 in steps of 16 bits: no intermediate value reaches 2^47.
  const first = Math.floor(high / BILLION);
  let rest = (high - first * BILLION) * TWO_16 + (low >>> 16);
  const second = Math.floor(rest / BILLION);
  rest = (rest - second * BILLION) * TWO_16 + (low & 0xffff);
  const third = Math.floor(rest / BILLION);
  const place = writeSafeInteger(target, at, first * TWO_32 + second * TWO_16 + third);
  return writePadded(target, place, rest - third * BILLION, 9);
}

/** Writes the little-endian 64-bit integer at `source[offset]`; returns the offset behind it in `target`. */
export function writeInt64(target: Uint8Array, at: number, source: Uint8Array, offset: number, signed: boolean): number {
  let low = (source[offset]! | (source[offset + 1]! << 8) | (source[offset + 2]! << 16) | (source[offset + 3]! << 24)) >>> 0;
  let high = (source[offset + 4]! | (source[offset + 5]! << 8) | (source[offset + 6]! << 16) | (source[offset + 7]! << 24)) >>> 0;
  if (high === 0 && low < 0x80000000) return writeUint31(target, at, low);
  if (!signed || high < 0x80000000) return writeUint64(target, at, high, low);
  target[at] = MINUS;
  low = -low >>> 0;
  high = (~high + (low === 0 ? 1 : 0)) >>> 0;
  return writeUint64(target, at + 1, high, low);
}
