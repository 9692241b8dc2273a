import type { JsonWriter } from '../bytes/json-writer.ts';
import { bigEndian, DAY_SECONDS, datetime, fractionBytes, littleEndian, POWERS, time, timestamp } from './mysql-temporal.ts';
import type { Verdict } from './value-writer.ts';

/**
 * The older forms of dates and times in MariaDB's row images: columns made under `mysql56_temporal_format=OFF`, whose
 * COLUMN_TYPE ends with the comment `mariadb-5.3` (`field.cc`, `Field_datetime_hires` and its like).
 */

/** MariaDB's older TIME and DATETIME with a fraction of 0 to 6 digits, in bytes. */
const OLD_TIME_BYTES = Uint8Array.of(3, 4, 4, 5, 5, 5, 6);
const OLD_DATETIME_BYTES = Uint8Array.of(8, 6, 6, 7, 7, 7, 8);
/** What MariaDB adds to an older TIME with a fraction so that it is not negative: 839 hours less a minute and 59 s, + 1 s. */
const OLD_TIME_ZERO = 838 * 3600 + 59 * 60 + 59 + 1;

/** Bytes of an older TIMESTAMP with a fraction of `digits` digits. */
export const oldTimestampBytes = (digits: number): number => 4 + fractionBytes(digits);
/** Bytes of an older TIME. */
export const oldTimeBytes = (digits: number): number => OLD_TIME_BYTES[digits] ?? 0;
/** Bytes of an older DATETIME. */
export const oldDatetimeBytes = (digits: number): number => OLD_DATETIME_BYTES[digits] ?? 0;

/** MariaDB's older TIMESTAMP: without a fraction least significant byte first, with one most significant first. */
export function writeOldTimestamp(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  if (digits === 0) return timestamp(out, littleEndian(source, start, 4), 0, 0);
  return timestamp(out, bigEndian(source, start, 4), bigEndian(source, start + 4, fractionBytes(digits)), digits);
}

/** MariaDB's older DATETIME: the decimal number YYYYMMDDhhmmss, or with a fraction a mixed-radix number. */
export function writeOldDatetime(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  if (digits === 0) {
    const number = littleEndian(source, start, 8);
    const day = Math.floor(number / 1e6);
    const clock = number % 1e6;
    const year = Math.floor(day / 1e4);
    return datetime(
      out,
      year,
      Math.floor(day / 100) % 100,
      day % 100,
      Math.floor(clock / 1e4),
      Math.floor(clock / 100) % 100,
      clock % 100,
      0,
      0,
    );
  }
  const unit = POWERS[digits] ?? 1;
  // At most eight bytes, of which the first is at most 1: below 2^57, so the division is done in two halves.
  const bytes = oldDatetimeBytes(digits);
  const high = bigEndian(source, start, bytes - 3);
  const low = bigEndian(source, start + bytes - 3, 3);
  const quotient = Math.floor(high / unit);
  const rest = (high % unit) * 0x1000000 + low;
  const seconds = quotient * 0x1000000 + Math.floor(rest / unit);
  const fraction = rest % unit;
  const days = Math.floor(seconds / DAY_SECONDS);
  const clock = seconds % DAY_SECONDS;
  const months = Math.floor(days / 32);
  return datetime(
    out,
    Math.floor(months / 13),
    months % 13,
    days % 32,
    Math.floor(clock / 3600),
    Math.floor(clock / 60) % 60,
    clock % 60,
    fraction,
    digits,
  );
}

/** MariaDB's older TIME: the decimal number ±hhmmss, or with a fraction the seconds from the least TIME on. */
export function writeOldTime(out: JsonWriter, source: Uint8Array, start: number, digits: number): Verdict {
  if (digits === 0) {
    const number = (littleEndian(source, start, 3) << 8) >> 8;
    const size = Math.abs(number);
    return time(out, number < 0, Math.floor(size / 1e4), Math.floor(size / 100) % 100, size % 100, 0, 0);
  }
  const unit = POWERS[digits] ?? 1;
  const packed = bigEndian(source, start, oldTimeBytes(digits)) - OLD_TIME_ZERO * unit;
  const size = Math.abs(packed);
  const seconds = Math.floor(size / unit);
  return time(out, packed < 0, Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60, size % unit, digits);
}
