import { BYTE_CLASS, HIGH, NUL, PLAIN, writeEscape } from './escape.ts';
import type { JsonWriter } from './json-writer.ts';
import { utf8Sequence } from './utf8.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Room is made for so many input bytes at a time, so that a huge document does not reserve six times its size. */
const BLOCK = 4096;
const MAX_BYTES_PER_BYTE = 6;

/**
 * Writes a JSON string that holds the JSON text `source[start, end)` without the white space outside its strings. What is
 * inside the strings stays as it is, escapes such as `\u0000` included: text can hold them. Anything but JSON comes out as
 * some string too. False when NUL or invalid UTF-8 had to be replaced by U+FFFD.
 */
export function writeJsonAsString(out: JsonWriter, source: Uint8Array, start: number, end: number): boolean {
  let exact = true;
  let quoted = false;
  let escaped = false;
  out.byte(QUOTE);
  let i = start;
  while (i < end) {
    const stop = Math.min(end, i + BLOCK);
    out.reserve((stop - i) * MAX_BYTES_PER_BYTE);
    const bytes = out.bytes;
    let at = out.length;
    while (i < stop) {
      const byte = source[i]!;
      const kind = BYTE_CLASS[byte]!;
      if (kind === PLAIN) {
        i++;
        if (byte === 0x20 && !quoted) continue;
        bytes[at++] = byte;
        escaped = false;
        continue;
      }
      if (kind === HIGH) {
        const sequence = utf8Sequence(source, i, end);
        if (sequence > 0) {
          for (let k = 0; k < sequence; k++) bytes[at++] = source[i++]!;
        } else {
          i -= sequence;
          at = writeReplacement(bytes, at);
          exact = false;
        }
        escaped = false;
        continue;
      }
      i++;
      if (byte <= 0x20 && !quoted) continue;
      if (kind === NUL) {
        at = writeReplacement(bytes, at);
        exact = false;
      } else {
        at = writeEscape(bytes, at, byte, kind);
      }
      if (byte === QUOTE && !escaped) quoted = !quoted;
      escaped = byte === BACKSLASH && quoted && !escaped;
    }
    out.length = at;
  }
  out.byte(QUOTE);
  return exact;
}

function writeReplacement(target: Uint8Array, at: number): number {
  target[at] = 0xef;
  target[at + 1] = 0xbf;
  target[at + 2] = 0xbd;
  return at + 3;
}
