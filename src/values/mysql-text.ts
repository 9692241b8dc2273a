import { copyBytes } from '../bytes/copy.ts';
import { digitsEnd } from '../bytes/json-scan.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { dateEnd, momentEnd, timeEnd } from './temporal.ts';
import type { ValueWriter, Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/**
 * Writers for values as MySQL and MariaDB print them in the text protocol, under `time_zone='+00:00'`. What does not have its
 * type's form becomes null, whatever it is.
 */

const QUOTE = 0x22;
const SPACE = 0x20;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const MAX_FRACTION_DIGITS = 6;
/** TIME goes to ±838:59:59. */
const MAX_HOUR_DIGITS = 3;

function nulled(out: JsonWriter): Verdict {
  out.null();
  return NULLED;
}

/** Integers and YEAR. ZEROFILL's zeros are left out: JSON has no numbers with leading zeros. */
export function writeInteger(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return number(out, source, start, end, false);
}

/** DECIMAL: the digits as they stand. */
export function writeDecimal(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return number(out, source, start, end, true);
}

/** Copies the digits while it checks them. */
function number(out: JsonWriter, source: Uint8Array, start: number, end: number, fraction: boolean): Verdict {
  out.reserve(end - start);
  const { bytes } = out;
  let at = out.length;
  let first = start;
  if (first < end && source[first] === MINUS) {
    bytes[at++] = MINUS;
    first++;
  }
  while (source[first] === ZERO && first + 1 < end && source[first + 1] !== DOT) first++;
  let dot = end;
  for (let i = first; i < end; i++) {
    const byte = source[i] as number;
    if (byte < ZERO || byte > NINE) {
      if (byte !== DOT || dot !== end || !fraction) return nulled(out);
      dot = i;
    }
    bytes[at++] = byte;
  }
  if (first === dot || dot + 1 === end) return nulled(out);
  out.length = at;
  return SAID;
}

/** `tinyint(1)`: 0 is false, everything else true. */
export function writeBoolean(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (end - start === 1 && (source[start] === ZERO || source[start] === ONE)) {
    out.boolean(source[start] === ONE);
    return SAID;
  }
  const first = start < end && source[start] === MINUS ? start + 1 : start;
  if (first === end || digitsEnd(source, first, end) !== end) return nulled(out);
  let value = false;
  for (let i = first; i < end; i++) value = value || source[i] !== ZERO;
  out.boolean(value);
  return SAID;
}

/** The same in a row image: one byte. */
export function writeByteBoolean(out: JsonWriter, source: Uint8Array, start: number): Verdict {
  out.boolean(source[start] !== 0);
  return SAID;
}

/** `bit(1)`, which comes as a byte. */
export function writeBitBoolean(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const byte = end - start === 1 ? source[start] : 2;
  if (byte !== 0 && byte !== 1) return nulled(out);
  out.boolean(byte === 1);
  return SAID;
}

/** `bit(n)`, which comes as bytes, most significant first, as a string of n digits. */
export function bitsWriter(bits: number): ValueWriter {
  const count = (bits + 7) >> 3;
  const above = 0xff & ~(0xff >> (count * 8 - bits));
  return (out, source, start, end) => {
    if (end - start !== count || ((source[start] ?? 0) & above) !== 0) return nulled(out);
    out.reserve(bits + 2);
    const { bytes } = out;
    let at = out.length;
    bytes[at++] = QUOTE;
    for (let bit = bits - 1; bit >= 0; bit--) bytes[at++] = ZERO + (((source[end - 1 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1);
    bytes[at++] = QUOTE;
    out.length = at;
    return SAID;
  };
}

/** `2024-01-02`; `0000-00-00` and dates without a month or day become null. */
export function writeDate(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (dateEnd(source, start, end, false) !== end) return nulled(out);
  out.reserve(end - start + 2);
  quote(out, source, start, end);
  return SAID;
}

/** DATETIME: `2024-01-02 03:04:05.123` as `2024-01-02T03:04:05.123`. */
export function writeDatetime(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return timestamp(out, source, start, end, false);
}

/** TIMESTAMP: the same with a `Z` behind it; the session is in UTC. */
export function writeTimestamp(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return timestamp(out, source, start, end, true);
}

function timestamp(out: JsonWriter, source: Uint8Array, start: number, end: number, utc: boolean): Verdict {
  if (momentEnd(source, start, end) !== end) {
    const date = dateEnd(source, start, end, false);
    if (date < 0 || date === end || source[date] !== SPACE || timeEnd(source, date + 1, end) !== end) return nulled(out);
  }
  out.reserve(end - start + 3);
  const at = out.length;
  quote(out, source, start, end);
  out.bytes[at + 11] = UPPER_T;
  if (utc) {
    out.bytes[out.length - 1] = UPPER_Z;
    out.bytes[out.length++] = QUOTE;
  }
  return SAID;
}

/** TIME, a duration: `-838:59:59.000000`, as it stands. */
export function writeTime(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  const first = start < end && source[start] === MINUS ? start + 1 : start;
  const hours = digitsEnd(source, first, end);
  if (hours - first < 2 || hours - first > MAX_HOUR_DIGITS || end - hours < 6 || source[hours + 3] !== COLON) return nulled(out);
  if (!sixty(source, hours, end) || !sixty(source, hours + 3, end)) return nulled(out);
  const seconds = hours + 6;
  if (seconds < end) {
    const digits = end - seconds - 1;
    if (source[seconds] !== DOT || digits === 0 || digits > MAX_FRACTION_DIGITS) return nulled(out);
    if (digitsEnd(source, seconds + 1, end) !== end) return nulled(out);
  }
  out.reserve(end - start + 2);
  quote(out, source, start, end);
  return SAID;
}

/** TIME for a catalog that promises a time of day: a duration that is none becomes null. */
export function writeTimeOfDay(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (timeEnd(source, start, end) !== end) return nulled(out);
  return writeTime(out, source, start, end);
}

/** Whether a colon and two digits below 60 stand at `at`. */
function sixty(source: Uint8Array, at: number, end: number): boolean {
  const tens = (source[at + 1] ?? 0) - ZERO;
  return source[at] === COLON && tens >= 0 && tens < 6 && digitsEnd(source, at + 1, Math.min(end, at + 3)) === at + 3;
}

/** Bytes of BINARY, VARBINARY, BLOB and GEOMETRY (SRID and WKB) as base64. */
export function writeBinary(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  out.base64(source, start, end);
  return SAID;
}

/** A string of bytes that are known to need no escape; the room is there. */
function quote(out: JsonWriter, source: Uint8Array, start: number, end: number): void {
  out.bytes[out.length] = QUOTE;
  copyBytes(out.bytes, out.length + 1, source, start, end);
  out.length += end - start + 2;
  out.bytes[out.length - 1] = QUOTE;
}
