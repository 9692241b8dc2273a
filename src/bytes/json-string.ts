import { copyBytes } from './copy.ts';
import { BYTE_CLASS, HIGH, NUL, needsEscape, PLAIN, plainEnd, plainWords, writeEscape } from './escape.ts';
import { append, type Sink } from './sink.ts';
import { REPLACEMENT, utf8Sequence } from './utf8.ts';
import { viewOf } from './view.ts';

const QUOTE = 0x22;
/** The most that one input byte can become: `\u00XX`. */
const MAX_ESCAPE_BYTES = 6;

/**
 * Strings longer than this are copied first, natively, and then looked through. Measured, ns per string of 100 / 400 / 1600
 * bytes: four bytes at a time 54 / 160 / 680 on Node 24, 69 / 236 / 900 on Node 20; copied first 98 / 180 / 490, and
 * 154 / 264 / 715.
 */
const SHORT = 500;

/** Writes a JSON string from UTF-8 bytes. False when NUL or invalid UTF-8 had to be replaced by U+FFFD. */
export function writeString(out: Sink, source: Uint8Array, start: number, end: number): boolean {
  const count = end - start;
  if (count > SHORT) return writeLongString(out, source, start, end);
  out.reserve(count * MAX_ESCAPE_BYTES + 2);
  const { bytes, view } = out;
  const words = viewOf(source);
  const last = end - 4;
  let at = out.length;
  bytes[at++] = QUOTE;
  let i = start;
  while (i < end) {
    for (; i <= last; i += 4) {
      const word = words.getInt32(i, true);
      if (needsEscape(word)) break;
      view.setInt32(at, word, true);
      at += 4;
    }
    if (i > last && last >= start) {
      // What is left is written with what stands before it, once more.
      const word = words.getInt32(last, true);
      if (!needsEscape(word)) {
        view.setInt32(at - i + last, word, true);
        at += end - i;
        break;
      }
    }
    let kind = PLAIN;
    while (i < end) {
      const byte = source[i]!;
      kind = BYTE_CLASS[byte]!;
      if (kind !== PLAIN) break;
      bytes[at++] = byte;
      i++;
    }
    if (i === end) break;
    if (kind === HIGH || kind === NUL) {
      out.length = at;
      return writeRestOfString(out, source, i, end);
    }
    at = writeEscape(bytes, at, source[i]!, kind);
    i++;
  }
  bytes[at++] = QUOTE;
  out.length = at;
  return true;
}

function writeLongString(out: Sink, source: Uint8Array, start: number, end: number): boolean {
  const count = end - start;
  out.reserve(count + 2);
  const { bytes } = out;
  const at = out.length + 1;
  bytes[at - 1] = QUOTE;
  copyBytes(bytes, at, source, start, end);
  const plain = plainWords(out.view, at, at + count) - at;
  out.length = at + plain;
  return writeRestOfString(out, source, start + plain, end);
}

/**
 * Writes the rest of a string, of which the opening quote is written, and its closing quote: scans for what needs an
 * escape, copies what lies between. False when NUL or invalid UTF-8 had to be replaced by U+FFFD.
 */
function writeRestOfString(out: Sink, source: Uint8Array, start: number, end: number): boolean {
  let exact = true;
  let run = start;
  let i = start;
  for (;;) {
    if (i < end && BYTE_CLASS[source[i]!] === PLAIN) i = plainEnd(source, i + 1, end);
    if (i >= end) break;
    const kind = BYTE_CLASS[source[i]!]!;
    if (kind === HIGH) {
      const sequence = utf8Sequence(source, i, end);
      if (sequence > 0) {
        i += sequence;
        continue;
      }
      append(out, source, run, i);
      append(out, REPLACEMENT, 0, REPLACEMENT.length);
      exact = false;
      i -= sequence;
    } else {
      append(out, source, run, i);
      if (kind === NUL) {
        append(out, REPLACEMENT, 0, REPLACEMENT.length);
        exact = false;
      } else {
        out.reserve(MAX_ESCAPE_BYTES);
        out.length = writeEscape(out.bytes, out.length, source[i]!, kind);
      }
      i++;
    }
    run = i;
  }
  append(out, source, run, end);
  out.reserve(1);
  out.bytes[out.length++] = QUOTE;
  return exact;
}
