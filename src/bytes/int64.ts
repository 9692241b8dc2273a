/**
 * Decimal digits of integers of up to 64 bits, without BigInt and without strings, four digits in one stroke. The last
 * stroke may reach up to three bytes beyond the digits: there has to be room, and what comes next overwrites them.
 */

const ZERO = 0x30;
const MINUS = 0x2d;
const TEN_THOUSAND = 10_000;
const HUNDRED_MILLION = 100_000_000;
const BILLION = 1e9;
const TWO_16 = 0x10000;
const TWO_32 = 0x100000000;

/** The most bytes that any function here touches: a sign, 20 digits, and three beyond. */
export const MAX_INTEGER_BYTES = 24;

/** The four digits of every number below 10,000, the first in the lowest byte. */
const DIGITS = Int32Array.from(
  { length: TEN_THOUSAND },
  (_, value) =>
    (ZERO + Math.floor(value / 1000)) |
    ((ZERO + (Math.floor(value / 100) % 10)) << 8) |
    ((ZERO + (Math.floor(value / 10) % 10)) << 16) |
    ((ZERO + (value % 10)) << 24),
);

/** Writes a non-negative integer below 10,000; returns the offset behind it. */
function writeSmall(target: DataView, at: number, value: number): number {
  const digits = value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  target.setInt32(at, DIGITS[value]! >>> ((4 - digits) << 3), true);
  return at + digits;
}

/** Writes a non-negative integer below 2^31; returns the offset behind it. */
function writeUint31(target: DataView, at: number, value: number): number {
  if (value < TEN_THOUSAND) return writeSmall(target, at, value);
  if (value >= HUNDRED_MILLION) {
    const high = (value / HUNDRED_MILLION) | 0;
    return writePadded(target, writeSmall(target, at, high), value - high * HUNDRED_MILLION, 8);
  }
  const high = (value / TEN_THOUSAND) | 0;
  const place = writeSmall(target, at, high);
  target.setInt32(place, DIGITS[value - high * TEN_THOUSAND]!, true);
  return place + 4;
}

/** Writes exactly `digits` digits, at most nine, of a non-negative integer that has no more, zeros first; returns the offset behind them. */
export function writePadded(target: DataView, at: number, value: number, digits: number): number {
  let place = at;
  let left = digits;
  let rest = value;
  if (left > 8) {
    const high = (rest / HUNDRED_MILLION) | 0;
    target.setInt8(place++, ZERO + high);
    rest -= high * HUNDRED_MILLION;
    left = 8;
  }
  if (left > 4) {
    const high = (rest / TEN_THOUSAND) | 0;
    target.setInt32(place, DIGITS[high]! >>> ((8 - left) << 3), true);
    place += left - 4;
    rest -= high * TEN_THOUSAND;
    left = 4;
  }
  if (left > 0) target.setInt32(place, DIGITS[rest]! >>> ((4 - left) << 3), true);
  return at + digits;
}

/** Writes a safe integer (|value| < 2^53); returns the offset behind it. Throws RangeError on any other number. */
export function writeSafeInteger(target: DataView, at: number, value: number): number {
  let place = at;
  let rest = value;
  if (rest < 0) {
    target.setInt8(place++, MINUS);
    rest = -rest;
  }
  if (rest === (rest | 0)) return writeUint31(target, place, rest);
  if (!Number.isSafeInteger(rest)) throw new RangeError(`not a safe integer: ${value}`);
  const high = Math.floor(rest / BILLION); // below 9,007,200
  place = writeUint31(target, place, high);
  return writePadded(target, place, rest - high * BILLION, 9);
}

/** Writes the unsigned integer high * 2^32 + low, both halves below 2^32; returns the offset behind it. */
function writeUint64(target: DataView, at: number, high: number, low: number): number {
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
export function writeInt64(target: DataView, at: number, source: Uint8Array, offset: number, signed: boolean): number {
  let low = (source[offset]! | (source[offset + 1]! << 8) | (source[offset + 2]! << 16) | (source[offset + 3]! << 24)) >>> 0;
  let high = (source[offset + 4]! | (source[offset + 5]! << 8) | (source[offset + 6]! << 16) | (source[offset + 7]! << 24)) >>> 0;
  if (high === 0 && low < 0x80000000) return writeUint31(target, at, low);
  if (!signed || high < 0x80000000) return writeUint64(target, at, high, low);
  target.setInt8(at, MINUS);
  low = -low >>> 0;
  high = (~high + (low === 0 ? 1 : 0)) >>> 0;
  return writeUint64(target, at + 1, high, low);
}
