import { BYTE_CLASS, needsEscape, PLAIN } from '../bytes/escape.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { momentEnd } from './temporal.ts';

/**
 * Writers for a field of a COPY row of which the end is not known yet: they find it while they write, so that each byte is
 * looked at once. They do the common case only: `source[last]` is the row's newline; the offset of the tab or newline
 * behind the field is returned, or -1, with nothing written, for whatever needs a closer look.
 */
export type FieldWriter = (out: JsonWriter, source: Uint8Array, start: number, last: number) => number;

const SPACE = 0x20;
const LOWER_F = 0x66;
const LOWER_T = 0x74;
const TAB = 0x09;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_T = 0x54;
const UPPER_Z = 0x5a;

/** Text without escapes of COPY and without bytes above 0x7f; quotes may stand in it. */
export function textField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  out.reserve(2 * (last - start) + 2);
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = QUOTE;
  let at = start;
  const four = last - 3;
  for (;;) {
    for (; at < four; at += 4) {
      const a = source[at] as number;
      const b = source[at + 1] as number;
      const c = source[at + 2] as number;
      const d = source[at + 3] as number;
      if (needsEscape(a | (b << 8) | (c << 16) | (d << 24))) break;
      bytes[to] = a;
      bytes[to + 1] = b;
      bytes[to + 2] = c;
      bytes[to + 3] = d;
      to += 4;
    }
    let byte = source[at] as number;
    while (BYTE_CLASS[byte] === PLAIN) {
      bytes[to++] = byte;
      byte = source[++at] as number;
    }
    if (byte !== QUOTE) {
      if (byte !== TAB && byte !== NEWLINE) return -1;
      break;
    }
    bytes[to] = BACKSLASH;
    bytes[to + 1] = QUOTE;
    to += 2;
    at++;
  }
  bytes[to++] = QUOTE;
  out.length = to;
  return at;
}

/** Digits with at most one sign and one point: what every integer and nearly every numeric looks like. */
export function numberField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  out.reserve(last - start);
  const { bytes } = out;
  let to = out.length;
  let at = start;
  let byte = source[at] as number;
  if (byte === MINUS) {
    bytes[to++] = byte;
    byte = source[++at] as number;
  }
  const first = at;
  let dot = -1;
  while ((byte >= ZERO && byte <= NINE) || (byte === DOT && dot < 0)) {
    if (byte === DOT) dot = at;
    bytes[to++] = byte;
    byte = source[++at] as number;
  }
  if (byte !== TAB && byte !== NEWLINE) return -1;
  const whole = (dot < 0 ? at : dot) - first;
  // A digit in front, a digit behind the point, and no zero before another digit.
  if (whole === 0 || dot + 1 === at || (whole > 1 && source[first] === ZERO)) return -1;
  out.length = to;
  return at;
}

/** As `numberField`, without a point. */
export function integerField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  out.reserve(last - start);
  const { bytes } = out;
  let to = out.length;
  let at = start;
  let byte = source[at] as number;
  if (byte === MINUS) {
    bytes[to++] = byte;
    byte = source[++at] as number;
  }
  const first = at;
  while (byte >= ZERO && byte <= NINE) {
    bytes[to++] = byte;
    byte = source[++at] as number;
  }
  if ((byte !== TAB && byte !== NEWLINE) || at === first || (at > first + 1 && source[first] === ZERO)) return -1;
  out.length = to;
  return at;
}

/** `2024-01-02 03:04:05.123`; the last days of months and years before Christ go the long way. */
export function timestampField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  const at = momentEnd(source, start, last);
  if (at < 0 || (source[at] !== TAB && source[at] !== NEWLINE)) return -1;
  moment(out, source, start, at);
  out.byte(QUOTE);
  return at;
}

/** The same with `+00` behind it, which becomes `Z`. */
export function timestampTzField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  const at = momentEnd(source, start, last);
  if (at < 0 || source[at] !== PLUS || source[at + 1] !== ZERO || source[at + 2] !== ZERO) return -1;
  if (source[at + 3] !== TAB && source[at + 3] !== NEWLINE) return -1;
  moment(out, source, start, at);
  out.byte(UPPER_Z);
  out.byte(QUOTE);
  return at + 3;
}

function moment(out: JsonWriter, source: Uint8Array, start: number, end: number): void {
  out.reserve(end - start + 1);
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = QUOTE;
  for (let at = start; at < end; at++) bytes[to++] = source[at] as number;
  bytes[out.length + 11] = UPPER_T;
  out.length = to;
}

/** JSON as a string that holds it, without white space outside its strings. Escapes go the long way. */
export function jsonField(out: JsonWriter, source: Uint8Array, start: number, last: number): number {
  out.reserve(2 * (last - start) + 2);
  const { bytes } = out;
  let to = out.length;
  bytes[to++] = QUOTE;
  let at = start;
  let inString = false;
  for (;;) {
    const byte = source[at] as number;
    if (byte === QUOTE) {
      bytes[to] = BACKSLASH;
      bytes[to + 1] = QUOTE;
      to += 2;
      inString = !inString;
    } else if (BYTE_CLASS[byte] !== PLAIN) break;
    else if (byte !== SPACE || inString) bytes[to++] = byte;
    at++;
  }
  if (source[at] !== TAB && source[at] !== NEWLINE) return -1;
  bytes[to++] = QUOTE;
  out.length = to;
  return at;
}

/** `t` or `f`. */
export function booleanField(out: JsonWriter, source: Uint8Array, start: number): number {
  const byte = source[start];
  const behind = source[start + 1];
  if ((byte !== LOWER_T && byte !== LOWER_F) || (behind !== TAB && behind !== NEWLINE)) return -1;
  out.boolean(byte === LOWER_T);
  return start + 1;
}
