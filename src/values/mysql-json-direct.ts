import { BYTE_CLASS, HIGH, needsEscape, PLAIN } from '../bytes/escape.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { utf8Sequence } from '../bytes/utf8.ts';
import {
  containerEnd,
  DOUBLE,
  INT16,
  INT32,
  INT64,
  isContainer,
  isLarge,
  isObject,
  keyEntry,
  LITERAL,
  putDouble,
  putLiteral,
  STRING,
  size,
  UINT16,
  UINT32,
  UINT64,
  valueEntry,
  valueStart,
} from './mysql-json-form.ts';

/**
 * Common documents of MySQL's binary JSON straight into a JSON string that holds their text: what `mysql-json.ts` makes in two
 * steps, text first, is made in one. Strings that need an escape, opaque values and whatever is not well-formed are left to it.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
/** Deeper documents are rare. */
const MAX_DEPTH = 20;

/** How many values may still be written: no well-formed document has more values than bytes. */
let allowance = 0;

/** Writes the document at `source[start, end)`, its type first; false, and nothing written, for one that is not a common one. */
export function writeDirectly(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  const before = out.length;
  allowance = end - start;
  if (start >= end) return false;
  out.byte(QUOTE);
  if (value(out, source, start + 1, end, source[start] ?? 0, 0)) {
    out.byte(QUOTE);
    return true;
  }
  out.rewind(before);
  return false;
}

function value(out: JsonWriter, source: Uint8Array, at: number, end: number, type: number, depth: number): boolean {
  if (--allowance < 0 || at >= end) return false;
  switch (type) {
    case STRING:
      return lengthAndString(out, source, at, end);
    case LITERAL:
      return putLiteral(out, source[at] ?? 0);
    case INT16:
      if (at + 2 > end) return false;
      out.integer((size(source, at, false) << 16) >> 16);
      return true;
    case UINT16:
      if (at + 2 > end) return false;
      out.integer(size(source, at, false));
      return true;
    case INT32:
      if (at + 4 > end) return false;
      out.integer(size(source, at, true) | 0);
      return true;
    case UINT32:
      if (at + 4 > end) return false;
      out.integer(size(source, at, true));
      return true;
    case INT64:
    case UINT64:
      if (at + 8 > end) return false;
      out.int64(source, at, type === INT64);
      return true;
    case DOUBLE:
      return at + 8 <= end && putDouble(out, source, at);
    default:
      return isContainer(type) && depth < MAX_DEPTH && container(out, source, at, end, type, depth);
  }
}

function container(out: JsonWriter, source: Uint8Array, at: number, limit: number, type: number, depth: number): boolean {
  const end = containerEnd(source, at, limit, type);
  if (end < 0) return false;
  const large = isLarge(type);
  const object = isObject(type);
  const count = size(source, at, large);
  out.byte(object ? 0x7b : 0x5b);
  for (let i = 0; i < count; i++) {
    if (i > 0) out.byte(COMMA);
    if (object) {
      const entry = keyEntry(at, i, type);
      const key = at + size(source, entry, large);
      const keyEnd = key + size(source, entry + (large ? 4 : 2), false);
      if (keyEnd > end || !string(out, source, key, keyEnd)) return false;
      out.byte(COLON);
    }
    const entry = valueEntry(at, i, count, type);
    if (!value(out, source, valueStart(source, at, entry, large), end, source[entry] ?? 0, depth + 1)) return false;
  }
  out.byte(object ? 0x7d : 0x5d);
  return true;
}

/** A string with its length in front, of seven bits a byte; those of more than two bytes of length are left out. */
function lengthAndString(out: JsonWriter, source: Uint8Array, at: number, end: number): boolean {
  let length = source[at] ?? 0;
  let start = at + 1;
  if (length >= 0x80) {
    const second = start < end ? (source[start] ?? 0) : 0x80;
    if (second >= 0x80) return false;
    length = (length & 0x7f) | (second << 7);
    start++;
  }
  return start + length <= end && string(out, source, start, start + length);
}

/** A string without anything that needs an escape. */
function string(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  out.reserve(end - start + 4);
  const { bytes } = out;
  let to = out.length;
  bytes[to] = BACKSLASH;
  bytes[to + 1] = QUOTE;
  to += 2;
  let at = start;
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
    if (sequence <= 0) return false;
    for (let i = 0; i < sequence; i++) bytes[to++] = source[at++] ?? 0;
  }
  bytes[to] = BACKSLASH;
  bytes[to + 1] = QUOTE;
  out.length = to + 2;
  return true;
}
