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
  const before = out.length;
  if (end - start !== decimalBytes(precision, scale)) return refused(out, before);
  out.reserve(MAX_DIGITS + 4);
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
    if (!putDigits(bytes, at, group(source, from, count, flip, invert), digits)) return refused(out, before);
    invert = flip;
    at += digits;
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
    if (!putDigits(bytes, at, group(source, from, count, flip, invert), digits)) return refused(out, before);
    invert = flip;
    at += digits;
    from += count;
    left -= digits;
  }
  out.length = at;
  return SAID;
}

/** Writes `digits` digits; false where the value, which is below 2^32, has more. */
function putDigits(bytes: Uint8Array, at: number, value: number, digits: number): boolean {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place--) {
    const tenth = (rest / 10) | 0;
    bytes[place] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return rest === 0;
}

/** `count` bytes as a number; `first` is what the first of them is turned over with, `flip` the others. */
function group(source: Uint8Array, at: number, count: number, flip: number, first: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + ((source[at + i] ?? 0) ^ (i === 0 ? first : flip));
  return value;
}

function refused(out: JsonWriter, before: number): Verdict {
  out.rewind(before);
  out.null();
  return NULLED;
}
