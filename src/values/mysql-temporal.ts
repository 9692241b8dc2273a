import { writePadded } from '../bytes/int64.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/**
 * Dates and times of row images, in the forms of MySQL 5.6 and later (`my_time.cc`, `my_datetime_packed_from_binary` and its
 * like). Zero and partial dates (`0000-00-00`, `2024-00-01`) become null: there is no such day.
 */

const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;
const SPACE = 0x20;
const MAX_BYTES = 40;
/** The two digits of every number below 100 and a colon, the first in the lowest byte. */
const PAIRS = Int32Array.from({ length: 100 }, (_, n) => (ZERO + Math.floor(n / 10)) | ((ZERO + (n % 10)) << 8) | (COLON << 16));
export const DAY_SECONDS = 86_400;
/** 10^n for the digits of a fraction. */
export const POWERS = Float64Array.of(1, 10, 100, 1000, 10_000, 100_000, 1_000_000);
const DAYS = Uint8Array.of(0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);
export const fractionBytes = (digits: number): number => (digits + 1) >> 1;

/** DATE, three bytes: five bits of day, four of month, the year. */
export function writeDateBinary(out: JsonWriter, source: Uint8Array, start: number): Verdict {
  const packed = littleEndian(source, start, 3);
  const year = packed >> 9;
  const month = (packed >> 5) & 15;
  const day = packed & 31;
  if (!isDay(year, month, day)) return nulled(out);
  const at = begin(out);
  out.length = close(out, putDate(out.bytes, at, year, month, day));
  return SAID;
}

/** TIMESTAMP since MySQL 5.6: seconds since 1970 in UTC, then `digits` of a fraction. All zero stands for the zero date. */
export function writeTimestampBinary(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  const seconds = bigEndian24(source, start) * 256 + (source[start + 3] ?? 0);
  return timestamp(out, seconds, microseconds(source, start + 4, digits), digits);
}

/** DATETIME since MySQL 5.6: sign, 17 bits of months, 5 of day, 5 of hour, 6 of minute, 6 of second; then the fraction. */
export function writeDatetimeBinary(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  const upper = bigEndian24(source, start);
  if (upper < 0x800000) return nulled(out);
  const days = (upper & 0x7fffff) >> 1;
  const clock = ((upper & 1) << 16) | ((source[start + 3] ?? 0) << 8) | (source[start + 4] ?? 0);
  const months = days >> 5;
  const year = (months / 13) | 0;
  const fraction = microseconds(source, start + 5, digits);
  return datetime(out, year, months - year * 13, days & 31, clock >> 12, (clock >> 6) & 63, clock & 63, fraction, digits);
}

/** TIME since MySQL 5.6: 10 bits of hours, 6 of minutes, 6 of seconds, and the fraction, all together an offset integer. */
export function writeTimeBinary(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  const bytes = fractionBytes(digits);
  const unit = 2 ** (bytes * 8);
  const packed = bigEndian(source, start, 3 + bytes) - 0x800000 * unit;
  const size = Math.abs(packed);
  const clock = Math.floor(size / unit);
  const fraction = scaled(size % unit, bytes, digits);
  return time(out, packed < 0, (clock >> 12) & 0x3ff, (clock >> 6) & 63, clock & 63, fraction, digits);
}

/**
 * A date or time inside a JSON document: 64 bits, most significant in front of `type` DATE 10, TIME 11, otherwise a date
 * with a time. As the server prints it, zero dates too: this is text in a document. False when it is not one.
 */
export function putPackedTemporal(out: JsonWriter, source: Uint8Array, start: number, type: number): boolean {
  let low = littleEndian(source, start, 4);
  let high = littleEndian(source, start + 4, 4);
  const negative = high >= 0x80000000;
  if (negative) {
    low = low === 0 ? 0 : 0x100000000 - low;
    high = 0xffffffff - high + (low === 0 ? 1 : 0);
  }
  const fraction = low % 0x1000000;
  const packed = high * 256 + Math.floor(low / 0x1000000);
  if (fraction >= 1e6) return false;
  const clock = packed % 0x20000;
  const minute = (clock >> 6) & 63;
  const second = clock & 63;
  if (minute > 59 || second > 59) return false;
  const { bytes } = out;
  let at = begin(out);
  if (type === 11) {
    const hour = Math.floor(packed / 4096);
    if (hour > 838) return false;
    if (negative) bytes[at++] = MINUS;
    at = putClock(out, at, hour, minute, second, fraction, 6);
  } else {
    const days = Math.floor(packed / 0x20000);
    const months = Math.floor(days / 32);
    const year = Math.floor(months / 13);
    if (negative || year > 9999 || clock >> 12 > 23) return false;
    at = putDate(bytes, at, year, months % 13, days % 32);
    if (type !== 10) {
      bytes[at++] = SPACE;
      at = putClock(out, at, clock >> 12, minute, second, fraction, 6);
    }
  }
  out.length = close(out, at);
  return true;
}

/** The date of the last timestamp as it is written, `"2024-01-02T`: the rows of a log mostly share theirs. */
const knownDate = Buffer.from('"0000-00-00T');
/** The same in words. */
const known = new DataView(knownDate.buffer, knownDate.byteOffset, knownDate.length);
/** It in days since 1970. */
let knownDay = Number.NaN;

/** H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days. */
function findDate(sinceEpoch: number): void {
  const days = sinceEpoch + 719_468;
  const era = Math.floor(days / 146_097);
  const ofEra = days - era * 146_097;
  const year = Math.floor((ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const shifted = Math.floor((5 * ofYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  putDate(knownDate, 1, era * 400 + year + (month <= 2 ? 1 : 0), month, ofYear - Math.floor((153 * shifted + 2) / 5) + 1);
  knownDay = sinceEpoch;
}

/** Writes seconds since 1970 in UTC and a fraction in units of its last digit; zero is the zero date. */
export function timestamp(out: JsonWriter, seconds: number, fraction: number, digits: number): Verdict {
  if (seconds === 0 && fraction === 0) return nulled(out);
  if (fraction >= (POWERS[digits] ?? 0)) return nulled(out);
  const day = Math.floor(seconds / DAY_SECONDS);
  const clock = (seconds - day * DAY_SECONDS) | 0;
  const hour = (clock / 3600) | 0;
  const minute = ((clock / 60) | 0) - hour * 60;
  if (day !== knownDay) findDate(day);
  out.reserve(MAX_BYTES);
  const { bytes, view, length } = out;
  view.setInt32(length, known.getInt32(0, true), true);
  view.setInt32(length + 4, known.getInt32(4, true), true);
  view.setInt32(length + 8, known.getInt32(8, true), true);
  let at = putClock(out, length + 12, hour, minute, clock % 60, fraction, digits);
  bytes[at++] = UPPER_Z;
  out.length = close(out, at);
  return SAID;
}

/** Writes a date with a time, or null for a day or time that does not exist. */
export function datetime(
  out: JsonWriter,
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  fraction: number,
  digits: number,
): Verdict {
  if (!isDay(year, month, day) || hour > 23 || minute > 59 || second > 59 || fraction >= (POWERS[digits] ?? 0))
    return nulled(out);
  const { bytes } = out;
  let at = begin(out);
  at = putDate(bytes, at, year, month, day);
  bytes[at++] = UPPER_T;
  at = putClock(out, at, hour, minute, second, fraction, digits);
  out.length = close(out, at);
  return SAID;
}

/** Writes a TIME as the server prints it. */
export function time(
  out: JsonWriter,
  negative: boolean,
  hour: number,
  minute: number,
  second: number,
  fraction: number,
  digits: number,
): Verdict {
  if (hour > 838 || minute > 59 || second > 59 || fraction >= (POWERS[digits] ?? 0)) return nulled(out);
  const { bytes } = out;
  let at = begin(out);
  if (negative) bytes[at++] = MINUS;
  at = putClock(out, at, hour, minute, second, fraction, digits);
  out.length = close(out, at);
  return SAID;
}

/** The fraction behind a time of MySQL 5.6 on, in units of its last digit. */
function microseconds(source: Uint8Array, at: number, digits: number): number {
  const bytes = fractionBytes(digits);
  return bytes === 0 ? 0 : scaled(bigEndian(source, at, bytes), bytes, digits);
}

/** Each byte holds two digits, the last of which is 0 where there are an odd number of them. */
const scaled = (value: number, bytes: number, digits: number): number => (digits < bytes * 2 ? Math.floor(value / 10) : value);

function isDay(year: number, month: number, day: number): boolean {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > (DAYS[month] ?? 0)) return false;
  return month !== 2 || day !== 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

function begin(out: JsonWriter): number {
  out.reserve(MAX_BYTES);
  out.bytes[out.length] = QUOTE;
  return out.length + 1;
}

function close(out: JsonWriter, at: number): number {
  out.bytes[at] = QUOTE;
  return at + 1;
}

function putDate(bytes: Uint8Array, start: number, year: number, month: number, day: number): number {
  let at = putPair(bytes, start, (year / 100) | 0);
  at = putPair(bytes, at, year % 100);
  bytes[at++] = MINUS;
  at = putPair(bytes, at, month);
  bytes[at++] = MINUS;
  return putPair(bytes, at, day);
}

function putClock(
  out: JsonWriter,
  start: number,
  hour: number,
  minute: number,
  second: number,
  fraction: number,
  digits: number,
): number {
  const { bytes, view } = out;
  let at = start;
  if (hour >= 100) bytes[at++] = ZERO + Math.floor(hour / 100);
  // Each in one stroke; the last colon gives way to what follows.
  view.setInt32(at, PAIRS[hour % 100] ?? 0, true);
  view.setInt32(at + 3, PAIRS[minute] ?? 0, true);
  view.setInt32(at + 6, PAIRS[second] ?? 0, true);
  at += 8;
  if (digits === 0) return at;
  bytes[at++] = DOT;
  return writePadded(out.view, at, fraction, digits);
}

function putPair(bytes: Uint8Array, at: number, value: number): number {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
  return at + 2;
}

const bigEndian24 = (source: Uint8Array, at: number): number =>
  ((source[at] ?? 0) << 16) | ((source[at + 1] ?? 0) << 8) | (source[at + 2] ?? 0);

/** An unsigned integer of at most six bytes, most significant first. */
export function bigEndian(source: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + (source[at + i] ?? 0);
  return value;
}

/** The same, least significant first. */
export function littleEndian(source: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (source[at + i] ?? 0);
  return value;
}

function nulled(out: JsonWriter): Verdict {
  out.null();
  return NULLED;
}
