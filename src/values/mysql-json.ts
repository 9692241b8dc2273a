import { writeBase64 } from '../bytes/base64.ts';
import { BYTE_CLASS, HIGH, NUL, plainEnd, UNICODE, writeEscape } from '../bytes/escape.ts';
import { JsonWriter } from '../bytes/json-writer.ts';
import { writeJsonNative, writeJsonText } from './json-column.ts';
import { writeDecimalBinary } from './mysql-decimal.ts';
import { writeDirectly } from './mysql-json-direct.ts';
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
  OPAQUE,
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
import { putPackedTemporal } from './mysql-temporal.ts';
import type { ValueWriter, Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/**
 * MySQL's binary JSON (`json_binary.h`) as the text that the server prints for it (`Json_wrapper::to_string`), without the
 * blanks between tokens. Every offset is checked; a document that is not well-formed becomes null.
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LOWER_N = 0x6e;
/** The server allows 100 levels. */
const MAX_DEPTH = 200;
/** The server breaks base64 in lines of so many characters. */
const BASE64_LINE = 76;

/** Column types of opaque values that have a form of their own. */
const OPAQUE_TIMESTAMP = 7;
const OPAQUE_DATE = 10;
const OPAQUE_TIME = 11;
const OPAQUE_DATETIME = 12;
const OPAQUE_DECIMAL = 246;

const BASE64_PREFIX = Uint8Array.from('"base64:type', c => c.charCodeAt(0));
/** The text of a document is put together here. */
const scratch = new JsonWriter(4096);

/** How many values may still be written: no well-formed document has more values than bytes. */
let allowance = 0;

/** Starts a document, of `bytes` bytes. */
export function allow(bytes: number): void {
  allowance = bytes;
}

/** Writes the value of type `type` at `at` as JSON text; false where it is malformed. What was written by then is void. */
export function putValue(out: JsonWriter, source: Uint8Array, at: number, end: number, type: number, depth: number): boolean {
  if (--allowance < 0 || at >= end) return false;
  switch (type) {
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
    case STRING:
      return readLength(source, at, end) && putString(out, source, lengthEnd, lengthEnd + length);
    case OPAQUE:
      return readLength(source, at + 1, end) && putOpaque(out, source, lengthEnd, lengthEnd + length, source[at] ?? 0);
    default:
      return isContainer(type) && depth < MAX_DEPTH && putContainer(out, source, at, end, type, depth);
  }
}

function putContainer(out: JsonWriter, source: Uint8Array, at: number, limit: number, type: number, depth: number): boolean {
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
      if (keyEnd > end || !putString(out, source, key, keyEnd)) return false;
      out.byte(COLON);
    }
    const entry = valueEntry(at, i, count, type);
    if (!putValue(out, source, valueStart(source, at, entry, large), end, source[entry] ?? 0, depth + 1)) return false;
  }
  out.byte(object ? 0x7d : 0x5d);
  return true;
}

let length = 0;
let lengthEnd = 0;

/** Reads a length of seven bits a byte, lowest first, into `length` and `lengthEnd`; false where it goes beyond `end`. */
function readLength(source: Uint8Array, at: number, end: number): boolean {
  length = 0;
  let unit = 1;
  for (let i = at; i < at + 5 && i < end; i++) {
    const byte = source[i] ?? 0;
    length += (byte & 0x7f) * unit;
    unit *= 128;
    if (byte < 0x80) {
      lengthEnd = i + 1;
      return lengthEnd + length <= end;
    }
  }
  return false;
}

/** A JSON string as the server escapes it. The encoding is not looked at: whoever takes the text does that. */
export function putString(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  out.byte(QUOTE);
  let i = start;
  while (i < end) {
    const plain = plainEnd(source, i, end);
    out.digits(source, i, plain);
    i = plain;
    if (i === end) break;
    const byte = source[i++] ?? 0;
    const kind = BYTE_CLASS[byte] ?? NUL;
    out.reserve(6);
    if (kind === HIGH) out.bytes[out.length++] = byte;
    else out.length = writeEscape(out.bytes, out.length, byte, kind === NUL ? UNICODE : kind);
  }
  out.byte(QUOTE);
  return true;
}

function putOpaque(out: JsonWriter, source: Uint8Array, start: number, end: number, type: number): boolean {
  switch (type) {
    case OPAQUE_DECIMAL: {
      if (start + 2 > end) return false;
      const metadata = ((source[start] ?? 0) << 8) | (source[start + 1] ?? 0);
      return writeDecimalBinary(out, source, start + 2, end, metadata) === SAID;
    }
    case OPAQUE_DATE:
    case OPAQUE_TIME:
    case OPAQUE_DATETIME:
    case OPAQUE_TIMESTAMP:
      return end - start === 8 && putPackedTemporal(out, source, start, type);
    default:
      putBase64(out, source, start, end, type);
      return true;
  }
}

/** `"base64:type15:…"`, with a line break (escaped) after every 76 characters. */
function putBase64(out: JsonWriter, source: Uint8Array, start: number, end: number, type: number): void {
  out.raw(BASE64_PREFIX);
  out.integer(type);
  out.byte(COLON);
  const lineBytes = (BASE64_LINE / 4) * 3;
  for (let i = start; i < end; i += lineBytes) {
    out.reserve(BASE64_LINE + 2);
    if (i > start) {
      out.bytes[out.length++] = BACKSLASH;
      out.bytes[out.length++] = LOWER_N;
    }
    out.length = writeBase64(out.bytes, out.length, source, i, Math.min(end, i + lineBytes));
  }
  out.byte(QUOTE);
}

/** A document, type first, as JSON text. An empty one is the `null` that the server puts where a NOT NULL column got nothing. */
export function putDocument(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  allow(end - start);
  if (start < end) return putValue(out, source, start + 1, end, source[start] ?? OPAQUE, 0);
  out.null();
  return true;
}

/** Lets `put` write JSON text, and says it as a JSON column. */
export function sayText(out: JsonWriter, native: boolean, put: (text: JsonWriter) => boolean): Verdict {
  scratch.clear();
  if (!put(scratch)) {
    out.null();
    return NULLED;
  }
  return (native ? writeJsonNative : writeJsonText)(out, scratch.bytes, 0, scratch.length);
}

/** A JSON document of a row image as a string that holds its text. */
export const writeJsonBinary: ValueWriter = (out, source, start, end) => {
  if (writeDirectly(out, source, start, end)) return SAID;
  scratch.clear();
  if (putDocument(scratch, source, start, end)) return writeJsonText(out, scratch.bytes, 0, scratch.length);
  out.null();
  return NULLED;
};

/** The same as the value itself. */
export const writeJsonBinaryNative: ValueWriter = (out, source, start, end) => {
  scratch.clear();
  if (putDocument(scratch, source, start, end)) return writeJsonNative(out, scratch.bytes, 0, scratch.length);
  out.null();
  return NULLED;
};
