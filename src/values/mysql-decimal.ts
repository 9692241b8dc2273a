import { writePadded, writeSafeInteger } from '../bytes/int64.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/**
 * DECIMAL in its binary form (`decimal2bin` in `strings/decimal.cc`): groups of nine decimal digits as four bytes, most
 * significant first, the incomplete groups at both ends in fewer bytes, the highest bit turned over, and all bits turned over
 * for a negative number.
 */

const ZERO = 0x30;
const MINUS = 0x2d;
const DOT = 0x2e;
const GROUP = 9;
const BYTES = Uint8Array.of(0, 1, 1, 2, 2, 3, 3, 4, 4, 4);
const MAX_DIGITS = 65;
/** A sign, a point, a zero in front of it, and what the last digits may reach beyond. */
const SPARE = 8;
/** Digits before the point that a number holds exactly. */
const MAX_WHOLE = 15;
const BILLION = 1e9;
const POWERS = Float64Array.from({ length: GROUP + 1 }, (_, digits) => 10 ** digits);

/** Bytes of a DECIMAL(precision, scale); -1 where there is no such type. */
export function decimalBytes(precision: number, scale: number): number {
  if (precision < 1 || precision > MAX_DIGITS || scale < 0 || scale > precision) return -1;
  return partBytes(precision - scale) + partBytes(scale);
}

const partBytes = (digits: number): number => Math.floor(digits / GROUP) * 4 + (BYTES[digits % GROUP] ?? 0);

/** Writes the value at `start` as the server prints it: `-12.50`, `0.5`. `metadata` is precision × 256 + scale. */
export function writeDecimalBinary(out: JsonWriter, source: Uint8Array, start: number, end: number, metadata: number): Verdict {
  const precision = metadata >> 8;
  const scale = metadata & 0xff;
  if (end - start !== decimalBytes(precision, scale)) return refused(out, out.length);
  out.reserve(MAX_DIGITS + SPARE);
  const whole = precision - scale;
  const isShort = scale <= GROUP && whole > 0 && whole <= MAX_WHOLE;
  if (isShort && writeShort(out, source, start, whole, scale)) return SAID;
  return writeGroups(out, source, start, precision, scale);
}

function writeGroups(out: JsonWriter, source: Uint8Array, start: number, precision: number, scale: number): Verdict {
  const before = out.length;
  const { bytes } = out;
  let at = out.length;
  const negative = ((source[start] ?? 0) & 0x80) === 0;
  const flip = negative ? 0xff : 0;
  if (negative) bytes[at++] = MINUS;
  const whole = precision - scale;
  const first = at;
  let from = start;
  let invert = flip ^ 0x80;
  for (let left = whole; left > 0; ) {
    const digits = left % GROUP === 0 ? GROUP : left % GROUP;
    const count = BYTES[digits] ?? 0;
    const value = group(source, from, count, flip, invert);
    if (value >= (POWERS[digits] ?? 0)) return refused(out, before);
    invert = flip;
    at = writePadded(out.view, at, value, digits);
    from += count;
    left -= digits;
  }
  // Leading zeros are not printed, but for one.
  let skip = first;
  while (skip < at - 1 && bytes[skip] === ZERO) skip++;
  if (skip > first) {
    for (let i = skip; i < at; i++) bytes[i - skip + first] = bytes[i] ?? ZERO;
    at -= skip - first;
  }
  if (at === first) bytes[at++] = ZERO;
  if (scale > 0) bytes[at++] = DOT;
  for (let left = scale; left > 0; ) {
    const digits = Math.min(left, GROUP);
    const count = BYTES[digits] ?? 0;
    const value = group(source, from, count, flip, invert);
    if (value >= (POWERS[digits] ?? 0)) return refused(out, before);
    invert = flip;
    at = writePadded(out.view, at, value, digits);
    from += count;
    left -= digits;
  }
  out.length = at;
  return SAID;
}

/**
 * The same where one number holds all that is before the point, and one all behind it: nearly every decimal. False, and
 * nothing written, for one with digits that it cannot have.
 */
function writeShort(out: JsonWriter, source: Uint8Array, start: number, whole: number, scale: number): boolean {
  const negative = ((source[start] ?? 0) & 0x80) === 0;
  const flip = negative ? 0xff : 0;
  const leading = whole > GROUP ? whole - GROUP : whole;
  let from = start;
  let count = BYTES[leading] ?? 0;
  let value = group(source, from, count, flip, flip ^ 0x80);
  if (value >= (POWERS[leading] ?? 0)) return false;
  from += count;
  if (whole > GROUP) {
    const rest = group(source, from, 4, flip, flip);
    if (rest >= BILLION) return false;
    value = value * BILLION + rest;
    from += 4;
  }
  count = BYTES[scale] ?? 0;
  const fraction = group(source, from, count, flip, flip);
  if (fraction >= (POWERS[scale] ?? 0)) return false;
  const { bytes } = out;
  let at = out.length;
  if (negative) bytes[at++] = MINUS;
  at = writeSafeInteger(out.view, at, value);
  if (scale > 0) {
    bytes[at++] = DOT;
    at = writePadded(out.view, at, fraction, scale);
  }
  out.length = at;
  return true;
}

/** Up to four bytes as a number; `first` is what the first of them is turned over with, `flip` the others. */
function group(source: Uint8Array, at: number, count: number, flip: number, first: number): number {
  if (count === 0) return 0;
  let value = (source[at] ?? 0) ^ first;
  for (let i = 1; i < count; i++) value = (value << 8) | ((source[at + i] ?? 0) ^ flip);
  return value >>> 0;
}

function refused(out: JsonWriter, before: number): Verdict {
  out.rewind(before);
  out.null();
  return NULLED;
}
