import { BYTE_CLASS, HIGH, NUL, PLAIN, plainEnd, writeEscape } from './escape.ts';
import { append, type Sink } from './sink.ts';
import { REPLACEMENT, utf8Sequence } from './utf8.ts';

const QUOTE = 0x22;
/** The most that one input byte can become: `\u00XX`. */
const MAX_ESCAPE_BYTES = 6;

/**
 * Writes the rest of a string, of which the opening quote is written, and its closing quote: scans for what needs an
 * escape, copies what lies between. False when NUL or invalid UTF-8 had to be replaced by U+FFFD.
 */
export function writeRestOfString(out: Sink, source: Uint8Array, start: number, end: number): boolean {
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
