/**
 * Shapes of dates and times as ASCII digits: the ISO 8601 forms that databases print and Airbyte takes. A shape is checked
 * in full, calendar included, because a destination fails a whole sync over one impossible date.
 */

const MINUS = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const DATE_BYTES = 10;
/** `YYYY-MM-DD HH:MM:SS` */
const MOMENT_BYTES = 19;
/** Days that every month has. */
const SHORTEST_MONTH = 28;
const MAX_FRACTION_DIGITS = 9;
const DAYS = Uint8Array.of(0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

/** The two decimal digits at `at` as a number; -1 when they are not. */
function pair(source: Uint8Array, at: number): number {
  const tens = (source[at] ?? 0) - 0x30;
  const ones = (source[at + 1] ?? 0) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** Whether `source[start, end)` ends with ` BC`. */
export function hasEra(source: Uint8Array, start: number, end: number): boolean {
  return end - start > 3 && source[end - 1] === 0x43 && source[end - 2] === 0x42 && source[end - 3] === SPACE;
}

/**
 * Behind the date `YYYY-MM-DD` at `at`; -1 when there is none that exists (proleptic Gregorian calendar, years 1 to 9999).
 * `beforeChrist`: the year counts backwards from 1 BC, which is a leap year.
 */
export function dateEnd(source: Uint8Array, at: number, end: number, beforeChrist: boolean): number {
  if (end - at < DATE_BYTES || source[at + 4] !== MINUS || source[at + 7] !== MINUS) return -1;
  const century = pair(source, at);
  const inCentury = pair(source, at + 2);
  const month = pair(source, at + 5);
  const day = pair(source, at + 8);
  if (century < 0 || inCentury < 0 || century + inCentury === 0 || month < 1 || month > 12 || day < 1) return -1;
  if (day > (DAYS[month] ?? 0)) return -1;
  if (month === 2 && day === 29) {
    const year = century * 100 + inCentury - (beforeChrist ? 1 : 0);
    if (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0)) return -1;
  }
  return at + DATE_BYTES;
}

/** Behind the time of day `HH:MM:SS` with up to nine digits of a fraction at `at`; -1 when there is none before 24:00:00. */
export function timeEnd(source: Uint8Array, at: number, end: number): number {
  if (end - at < 8 || source[at + 2] !== COLON || source[at + 5] !== COLON) return -1;
  const hour = pair(source, at);
  const minute = pair(source, at + 3);
  const second = pair(source, at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  let i = at + 8;
  if (i === end || source[i] !== DOT) return i;
  i++;
  const digits = i;
  while (i < end && isDigit(source[i])) i++;
  return i === digits || i - digits > MAX_FRACTION_DIGITS ? -1 : i;
}

/**
 * Behind the date and time `YYYY-MM-DD HH:MM:SS` with up to nine digits of a fraction at `start`, which ends at `end` at the
 * latest. The common ones only, quickly: -1 also for the last days of a month, which `dateEnd` has to look at.
 */
export function momentEnd(source: Uint8Array, start: number, end: number): number {
  if (end - start < MOMENT_BYTES || source[start + 4] !== MINUS || source[start + 7] !== MINUS) return -1;
  if (source[start + 10] !== SPACE || source[start + 13] !== COLON || source[start + 16] !== COLON) return -1;
  const century = pair(source, start);
  const inCentury = pair(source, start + 2);
  const month = pair(source, start + 5);
  const day = pair(source, start + 8);
  const hour = pair(source, start + 11);
  const minute = pair(source, start + 14);
  const second = pair(source, start + 17);
  if (century < 0 || inCentury < 0 || century + inCentury === 0 || month < 1 || month > 12 || day < 1 || day > SHORTEST_MONTH)
    return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  let at = start + MOMENT_BYTES;
  if (at === end || source[at] !== DOT) return at;
  const first = ++at;
  while (at < end && (source[at] as number) >= ZERO && (source[at] as number) <= NINE) at++;
  return at === first || at - first > MAX_FRACTION_DIGITS ? -1 : at;
}

/** Behind the zone offset `+HH` or `+HH:MM` (or minus) at `at`, below 24 hours; -1 when there is none. */
export function offsetEnd(source: Uint8Array, at: number, end: number): number {
  if (end - at < 3 || (source[at] !== 0x2b && source[at] !== MINUS)) return -1;
  const hours = pair(source, at + 1);
  if (hours < 0 || hours > 23) return -1;
  if (at + 3 === end || source[at + 3] !== COLON) return at + 3;
  if (end - at < 6) return -1;
  const minutes = pair(source, at + 4);
  return minutes < 0 || minutes > 59 ? -1 : at + 6;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
