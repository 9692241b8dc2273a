import { BYTE_CLASS, HIGH, jsonEscape, NUL, plainEnd, writeEscape } from './escape.ts';
import { append, type Sink } from './sink.ts';
import { REPLACEMENT, utf8Sequence } from './utf8.ts';

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPED_REPLACEMENT = Uint8Array.from('\\ufffd', c => c.charCodeAt(0));
const MAX_ESCAPE_BYTES = 6;
/** Room is made for so many input bytes at a time, so that a huge document does not reserve six times its size. */
const BLOCK = 4096;

/**
 * Writes JSON text as a value: no white space outside strings. `source[start, end)` must be valid JSON but for the encoding.
 * False when NUL, a lone surrogate or invalid UTF-8 in a string had to be replaced by U+FFFD.
 */
export function writeJson(out: Sink, source: Uint8Array, start: number, end: number): boolean {
  out.reserve(end - start);
  let exact = true;
  let run = start;
  let i = start;
  while (i < end) {
    const byte = source[i]!;
    if (byte === QUOTE) {
      const after = writeStringOfJson(out, source, run, i + 1, end);
      exact = exact && after > 0;
      run = i = Math.abs(after);
    } else if (byte <= SPACE) {
      append(out, source, run, i);
      run = ++i;
    } else {
      i++;
    }
  }
  append(out, source, run, end);
  return exact;
}

/**
 * Writes a string of JSON text, of which the opening quote is before `inside`, and what stands before it from `start` on.
 * Returns the offset behind it, negative when something was replaced.
 */
function writeStringOfJson(out: Sink, source: Uint8Array, start: number, inside: number, end: number): number {
  let exact = true;
  let run = start;
  let i = inside;
  for (;;) {
    i = plainEnd(source, i, end);
    if (i >= end) break;
    const byte = source[i]!;
    if (byte === QUOTE) {
      i++;
      break;
    }
    const kind = BYTE_CLASS[byte]!;
    const length = kind === HIGH ? utf8Sequence(source, i, end) : byte === BACKSLASH ? jsonEscape(source, i, end) : 0;
    if (length > 0) {
      i += length;
      continue;
    }
    append(out, source, run, i);
    if (length < 0 || kind === NUL) {
      append(out, ESCAPED_REPLACEMENT, 0, ESCAPED_REPLACEMENT.length);
      exact = false;
    } else {
      out.reserve(MAX_ESCAPE_BYTES);
      out.length = writeEscape(out.bytes, out.length, byte, kind);
    }
    i += length < 0 ? -length : 1;
    run = i;
  }
  append(out, source, run, i);
  return exact ? i : -i;
}

/**
 * Writes a JSON string that holds the JSON text `source[start, end)` without the white space outside its strings. What is
 * inside the strings stays as it is, escapes such as `\u0000` included: text can hold them. Anything but JSON comes out as
 * some string too. False when a raw NUL or invalid UTF-8 had to be replaced by U+FFFD.
 */
export function writeJsonAsString(out: Sink, source: Uint8Array, start: number, end: number): boolean {
  let exact = true;
  let inString = false;
  out.reserve(1);
  out.bytes[out.length++] = QUOTE;
  let i = start;
  while (i < end) {
    const stop = Math.min(end, i + BLOCK);
    // The last byte may be a backslash, which takes the next one with it.
    out.reserve((stop - i + 1) * MAX_ESCAPE_BYTES + 1);
    const bytes = out.bytes;
    let at = out.length;
    while (i < stop) {
      const byte = source[i]!;
      // Comparisons: looking bytes up in tables takes longer.
      if (byte === QUOTE) {
        bytes[at] = BACKSLASH;
        bytes[at + 1] = QUOTE;
        at += 2;
        inString = !inString;
        i++;
      } else if (byte === SPACE) {
        if (inString) bytes[at++] = SPACE;
        i++;
      } else if (byte > SPACE && byte < 0x80 && byte !== BACKSLASH) {
        bytes[at++] = byte;
        i++;
      } else if (byte === BACKSLASH) {
        bytes[at] = BACKSLASH;
        bytes[at + 1] = BACKSLASH;
        at += 2;
        i++;
        const next = inString && i < end ? source[i]! : 0;
        if (next === QUOTE || next === BACKSLASH) {
          bytes[at] = BACKSLASH;
          bytes[at + 1] = next;
          at += 2;
          i++;
        }
      } else if (BYTE_CLASS[byte] === HIGH) {
        const sequence = utf8Sequence(source, i, end);
        const from = sequence > 0 ? source : REPLACEMENT;
        const first = sequence > 0 ? i : 0;
        const count = sequence > 0 ? sequence : REPLACEMENT.length;
        for (let k = 0; k < count; k++) bytes[at++] = from[first + k]!;
        exact = exact && sequence > 0;
        i += Math.abs(sequence);
      } else {
        i++;
        if (!inString && byte < SPACE) continue;
        if (byte === 0) {
          for (let k = 0; k < REPLACEMENT.length; k++) bytes[at++] = REPLACEMENT[k]!;
          exact = false;
        } else at = writeEscape(bytes, at, byte, BYTE_CLASS[byte]!);
      }
    }
    out.length = at;
  }
  out.reserve(1);
  out.bytes[out.length++] = QUOTE;
  return exact;
}
