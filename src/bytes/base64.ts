import { HEX_VALUE } from './escape.ts';

/** Base64 as in RFC 4648 section 4, with padding. */

const BASE64 = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', c => c.charCodeAt(0));
const PADDING = 0x3d;

/** Characters that `count` bytes become. */
export const base64Length = (count: number): number => Math.ceil(count / 3) * 4;

/** Writes the base64 of `source[start, end)`; the room is there. Returns the offset behind it. */
export function writeBase64(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  let place = at;
  let i = start;
  for (; i + 2 < end; i += 3) {
    const group = (source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!;
    target[place] = BASE64[group >> 18]!;
    target[place + 1] = BASE64[(group >> 12) & 63]!;
    target[place + 2] = BASE64[(group >> 6) & 63]!;
    target[place + 3] = BASE64[group & 63]!;
    place += 4;
  }
  return i < end ? writeLast(target, place, source[i]!, i + 1 < end ? source[i + 1]! : -1) : place;
}

/** The same for bytes given as pairs of hexadecimal digits; -1 when they are not. What was written by then is void. */
export function writeBase64FromHex(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  if ((end - start) % 2 !== 0) return -1;
  let place = at;
  let seen = 0;
  let i = start;
  for (; i + 5 < end; i += 6) {
    const a = HEX_VALUE[source[i]!]!;
    const b = HEX_VALUE[source[i + 1]!]!;
    const c = HEX_VALUE[source[i + 2]!]!;
    const d = HEX_VALUE[source[i + 3]!]!;
    const e = HEX_VALUE[source[i + 4]!]!;
    const f = HEX_VALUE[source[i + 5]!]!;
    seen |= a | b | c | d | e | f;
    target[place] = BASE64[((a << 2) | (b >> 2)) & 63]!;
    target[place + 1] = BASE64[((b << 4) | c) & 63]!;
    target[place + 2] = BASE64[((d << 2) | (e >> 2)) & 63]!;
    target[place + 3] = BASE64[((e << 4) | f) & 63]!;
    place += 4;
  }
  if (i < end) {
    const a = HEX_VALUE[source[i]!]!;
    const b = HEX_VALUE[source[i + 1]!]!;
    const two = i + 3 < end;
    const c = two ? HEX_VALUE[source[i + 2]!]! : 0;
    const d = two ? HEX_VALUE[source[i + 3]!]! : 0;
    seen |= a | b | c | d;
    place = writeLast(target, place, ((a << 4) | b) & 255, two ? ((c << 4) | d) & 255 : -1);
  }
  return seen > 15 ? -1 : place;
}

/** The padded last group, of one byte or, where `second` is not negative, two. */
function writeLast(target: Uint8Array, at: number, first: number, second: number): number {
  const group = (first << 16) | (second < 0 ? 0 : second << 8);
  target[at] = BASE64[group >> 18]!;
  target[at + 1] = BASE64[(group >> 12) & 63]!;
  target[at + 2] = second < 0 ? PADDING : BASE64[(group >> 6) & 63]!;
  target[at + 3] = PADDING;
  return at + 4;
}
