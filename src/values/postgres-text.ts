import { copyBytes } from '../bytes/copy.ts';
import { numberEnd } from '../bytes/json-scan.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { dateEnd, hasEra, offsetEnd, timeEnd } from './temporal.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, REPAIRED, SAID } from './value-writer.ts';

/**
 * Writers for values as PostgreSQL prints them, in COPY (text format, unescaped) and in pgoutput alike, under the session
 * settings DateStyle=ISO, IntervalStyle=postgres, TimeZone=UTC, bytea_output=hex, extra_float_digits=3. The forms are those
 * of the manual, chapter "Data Types". What does not have its type's form becomes null, whatever it is.
 */

const QUOTE = 0x22;
const SPACE = 0x20;
const BACKSLASH = 0x5c;
const LOWER_X = 0x78;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;

function nulled(out: JsonWriter): Verdict {
  out.null();
  return NULLED;
}

/** `t` or `f`. */
export function writeBoolean(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const byte = end - start === 1 ? source[start] : 0;
  if (byte !== 0x74 && byte !== 0x66) return nulled(out);
  out.boolean(byte === 0x74);
  return SAID;
}

/** Integers of any width, and `numeric` without fraction: the digits as they stand. */
export function writeInteger(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return plainDigits(out, source, start, end, false) ? SAID : nulled(out);
}

/** `numeric`, `real`, `double precision`: the digits as they stand; NaN and the infinities become null. */
export function writeNumber(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (plainDigits(out, source, start, end, true)) return SAID;
  if (numberEnd(source, start, end) !== end) return nulled(out);
  out.digits(source, start, end);
  return SAID;
}

/** Copies a number without exponent while it checks it; false, and nothing written, when it is none. */
function plainDigits(out: JsonWriter, source: Uint8Array, start: number, end: number, fraction: boolean): boolean {
  out.reserve(end - start);
  const bytes = out.bytes;
  let at = out.length;
  let first = start;
  if (first < end && source[first] === MINUS) {
    bytes[at++] = MINUS;
    first++;
  }
  let dot = end;
  for (let i = first; i < end; i++) {
    const byte = source[i] ?? 0;
    if (byte < ZERO || byte > NINE) {
      if (byte !== DOT || dot !== end || !fraction) return false;
      dot = i;
    }
    bytes[at++] = byte;
  }
  // A digit in front, a digit behind the dot, and no zero before another digit.
  if (first === dot || dot + 1 === end || (source[first] === ZERO && dot > first + 1)) return false;
  out.length = at;
  return true;
}

/** The text as it stands. */
export function writeString(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return out.utf8(source, start, end) ? SAID : REPAIRED;
}

/** `bytea` in hex form, `\x` and pairs of digits, as base64. */
export function writeBytea(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (end - start < 2 || source[start] !== BACKSLASH || source[start + 1] !== LOWER_X) return nulled(out);
  return out.base64FromHex(source, start + 2, end) ? SAID : nulled(out);
}

/** `json` and `jsonb`: as a string that holds the text, or as the value itself. */
export { writeJsonNative, writeJsonText } from './json-column.ts';

/** `2024-01-02`, `0044-03-15 BC`; infinity and years above 9999 become null. */
export function writeDate(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const era = hasEra(source, start, end);
  const stop = era ? end - 3 : end;
  if (dateEnd(source, start, stop, era) !== stop) return nulled(out);
  quoted(out, source, start, end);
  return SAID;
}

/** `03:04:05.123`; 24:00:00 becomes null. */
export function writeTime(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (timeEnd(source, start, end) !== end) return nulled(out);
  quoted(out, source, start, end);
  return SAID;
}

/** `03:04:05+02` as `03:04:05+02:00`: a time with zone has no date to convert it by. An offset with seconds becomes null. */
export function writeTimeTz(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const time = timeEnd(source, start, end);
  if (time < 0 || offsetEnd(source, time, end) !== end) return nulled(out);
  out.reserve(end - start + 5);
  const bytes = out.bytes;
  let at = out.length;
  bytes[at++] = QUOTE;
  copyBytes(bytes, at, source, start, end);
  at += end - start;
  if (end - time === 3) {
    bytes[at++] = COLON;
    bytes[at++] = ZERO;
    bytes[at++] = ZERO;
  }
  bytes[at++] = QUOTE;
  out.length = at;
  return SAID;
}

/** `2024-01-02 03:04:05.123` as `2024-01-02T03:04:05.123`, ` BC` kept behind. */
export function writeTimestamp(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const era = hasEra(source, start, end);
  const stop = era ? end - 3 : end;
  if (timestampEnd(source, start, stop, era) !== stop) return nulled(out);
  timestamp(out, source, start, stop, false, era);
  return SAID;
}

/** `2024-01-02 03:04:05+00` as `2024-01-02T03:04:05Z`. Any other offset means that the session is not in UTC: null. */
export function writeTimestampTz(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const era = hasEra(source, start, end);
  const stop = era ? end - 3 : end;
  const zone = timestampEnd(source, start, stop, era);
  if (zone < 0 || stop - zone !== 3) return nulled(out);
  if (source[zone] !== 0x2b || source[zone + 1] !== ZERO || source[zone + 2] !== ZERO) return nulled(out);
  timestamp(out, source, start, zone, true, era);
  return SAID;
}

/** Behind the date and time at `start`; -1 when there is none. */
function timestampEnd(source: Uint8Array, start: number, end: number, era: boolean): number {
  const date = dateEnd(source, start, end, era);
  return date < 0 || date === end || source[date] !== SPACE ? -1 : timeEnd(source, date + 1, end);
}

/** Writes a checked timestamp without its zone and era, then those. */
function timestamp(out: JsonWriter, source: Uint8Array, start: number, end: number, utc: boolean, era: boolean): void {
  out.reserve(end - start + 6);
  const bytes = out.bytes;
  let at = out.length;
  bytes[at++] = QUOTE;
  copyBytes(bytes, at, source, start, end);
  bytes[at + 10] = UPPER_T;
  at += end - start;
  if (utc) bytes[at++] = UPPER_Z;
  if (era) {
    bytes[at++] = SPACE;
    bytes[at++] = 0x42;
    bytes[at++] = 0x43;
  }
  bytes[at++] = QUOTE;
  out.length = at;
}

/** A string of bytes that are known to need no escape. */
function quoted(out: JsonWriter, source: Uint8Array, start: number, end: number): void {
  out.reserve(end - start + 2);
  out.bytes[out.length] = QUOTE;
  copyBytes(out.bytes, out.length + 1, source, start, end);
  out.length += end - start + 2;
  out.bytes[out.length - 1] = QUOTE;
}
