import { BYTE_CLASS, HIGH, needsEscape, PLAIN } from '../bytes/escape.ts';
import { writeInt64, writeSafeInteger } from '../bytes/int64.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { utf8Sequence } from '../bytes/utf8.ts';
import {
  DOUBLE,
  INT16,
  INT32,
  INT64,
  isContainer,
  isLarge,
  LITERAL,
  OBJECT,
  putDouble,
  putLiteral,
  STRING,
  size,
  UINT16,
  UINT32,
  UINT64,
} from './mysql-json-form.ts';

/**
 * Common documents of MySQL's binary JSON straight into a JSON string that holds their text: what `mysql-json.ts` makes in two
 * steps, text first, is made in one. Documents of more than 64 KiB, strings that need an escape, opaque values and whatever is
 * not well-formed are left to it.
 *
 * The functions write to `out.bytes` from `to` on and return the offset behind it; -1 for what they leave. They keep below
 * `limit`, up to which there is room.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** Deeper documents are rare. */
const MAX_DEPTH = 20;
const HEADER = 4;
const KEY_ENTRY = 4;
const VALUE_ENTRY = 3;
/** No number, literal or bracket reserves more, with the comma in front of it: else a buffer that grows would not be the one at hand. */
const SCALAR_BYTES = 64;
/** Well-formed documents become at most so many times as long: the shortest value has three bytes, and becomes `,-32768`. */
const GROWTH = 3;

/** Writes the document at `source[start, end)`, its type first; false, and nothing written, for one that is not a common one. */
export function writeDirectly(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  if (start >= end) return false;
  const room = (end - start) * GROWTH + 2 * SCALAR_BYTES;
  out.reserve(room);
  const { bytes, length } = out;
  bytes[length] = QUOTE;
  const to = value(out, length + 1, length + room - SCALAR_BYTES, source, start + 1, end, source[start] ?? 0, 0);
  out.length = length;
  if (to < 0) return false;
  bytes[to] = QUOTE;
  out.length = to + 1;
  return true;
}

function value(
  out: JsonWriter,
  to: number,
  limit: number,
  source: Uint8Array,
  at: number,
  end: number,
  type: number,
  depth: number,
): number {
  if (to > limit || at >= end) return -1;
  switch (type) {
    case STRING:
      return lengthAndString(out.bytes, to, limit, source, at, end);
    case INT16:
      return at + 2 > end ? -1 : writeSafeInteger(out.view, to, (size(source, at, false) << 16) >> 16);
    case UINT16:
      return at + 2 > end ? -1 : writeSafeInteger(out.view, to, size(source, at, false));
    case INT32:
      return at + 4 > end ? -1 : writeSafeInteger(out.view, to, size(source, at, true) | 0);
    case UINT32:
      return at + 4 > end ? -1 : writeSafeInteger(out.view, to, size(source, at, true));
    case INT64:
    case UINT64:
      return at + 8 > end ? -1 : writeInt64(out.view, to, source, at, type === INT64);
    case LITERAL:
      out.length = to;
      return putLiteral(out, source[at] ?? 0) ? out.length : -1;
    case DOUBLE:
      out.length = to;
      return at + 8 <= end && putDouble(out, source, at) ? out.length : -1;
    default:
      return isContainer(type) && !isLarge(type) && depth < MAX_DEPTH
        ? container(out, to, limit, source, at, end, type, depth)
        : -1;
  }
}

/** A small object or array: count and size, entries of the keys, entries of the values, then what they point to. */
function container(
  out: JsonWriter,
  start: number,
  limit: number,
  source: Uint8Array,
  at: number,
  outerEnd: number,
  type: number,
  depth: number,
): number {
  if (at + HEADER > outerEnd) return -1;
  const count = size(source, at, false);
  const end = at + size(source, at + 2, false);
  const isObject = type === OBJECT;
  let key = at + HEADER;
  let entry = isObject ? key + count * KEY_ENTRY : key;
  if (end > outerEnd || entry + count * VALUE_ENTRY > end) return -1;
  const { bytes } = out;
  let to = start;
  bytes[to++] = isObject ? 0x7b : 0x5b;
  for (let i = 0; i < count; i++) {
    if (i > 0) bytes[to++] = COMMA;
    if (isObject) {
      const from = at + size(source, key, false);
      const keyEnd = from + size(source, key + 2, false);
      key += KEY_ENTRY;
      if (keyEnd > end) return -1;
      to = string(bytes, to, limit, source, from, keyEnd);
      if (to < 0) return -1;
      bytes[to++] = COLON;
    }
    const kind = source[entry] ?? 0;
    const isInline = kind === LITERAL || kind === INT16 || kind === UINT16;
    to = value(out, to, limit, source, isInline ? entry + 1 : at + size(source, entry + 1, false), end, kind, depth + 1);
    if (to < 0) return -1;
    entry += VALUE_ENTRY;
  }
  if (to > limit) return -1;
  bytes[to] = isObject ? 0x7d : 0x5d;
  return to + 1;
}

/** A string with its length in front, of seven bits a byte; those of more than two bytes of length are left out. */
function lengthAndString(bytes: Uint8Array, to: number, limit: number, source: Uint8Array, at: number, end: number): number {
  let length = source[at] ?? 0;
  let start = at + 1;
  if (length >= 0x80) {
    const second = start < end ? (source[start] ?? 0) : 0x80;
    if (second >= 0x80) return -1;
    length = (length & 0x7f) | (second << 7);
    start++;
  }
  return start + length <= end ? string(bytes, to, limit, source, start, start + length) : -1;
}

/** A string without anything that needs an escape. */
function string(bytes: Uint8Array, start: number, limit: number, source: Uint8Array, from: number, end: number): number {
  if (start + end - from > limit) return -1;
  let to = start;
  bytes[to] = BACKSLASH;
  bytes[to + 1] = QUOTE;
  to += 2;
  let at = from;
  for (const four = end - 3; at < four; at += 4) {
    const a = source[at] ?? 0;
    const b = source[at + 1] ?? 0;
    const c = source[at + 2] ?? 0;
    const d = source[at + 3] ?? 0;
    if (needsEscape(a | (b << 8) | (c << 16) | (d << 24))) break;
    bytes[to] = a;
    bytes[to + 1] = b;
    bytes[to + 2] = c;
    bytes[to + 3] = d;
    to += 4;
  }
  while (at < end) {
    const byte = source[at] ?? 0;
    const kind = BYTE_CLASS[byte] ?? PLAIN;
    if (kind === PLAIN) {
      bytes[to++] = byte;
      at++;
      continue;
    }
    const sequence = kind === HIGH ? utf8Sequence(source, at, end) : 0;
    if (sequence <= 0) return -1;
    for (let i = 0; i < sequence; i++) bytes[to++] = source[at++] ?? 0;
  }
  bytes[to] = BACKSLASH;
  bytes[to + 1] = QUOTE;
  return to + 2;
}
