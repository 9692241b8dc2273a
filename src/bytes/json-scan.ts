import { BYTE_CLASS, HEX_VALUE, HIGH, PLAIN } from './escape.ts';

/** Recognises JSON text (RFC 8259) without making anything of it. */

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LOWER_U = 0x75;

const NULL = Uint8Array.from('null', c => c.charCodeAt(0));
const TRUE = Uint8Array.from('true', c => c.charCodeAt(0));
const FALSE = Uint8Array.from('false', c => c.charCodeAt(0));
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrtu') ESCAPED[letter.charCodeAt(0)] = 1;

/** Behind the decimal digits at `at`; `at` when there are none. */
export function digitsEnd(source: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && source[i]! >= ZERO && source[i]! <= NINE) i++;
  return i;
}

/** Behind the JSON integer (no fraction, no exponent, no leading zeros) at `at`; -1 when there is none. */
export function integerEnd(source: Uint8Array, at: number, end: number): number {
  const first = at < end && source[at] === MINUS ? at + 1 : at;
  const after = digitsEnd(source, first, end);
  return after === first || (source[first] === ZERO && after > first + 1) ? -1 : after;
}

/** Behind the JSON number at `at`; -1 when there is none. */
export function numberEnd(source: Uint8Array, at: number, end: number): number {
  let i = integerEnd(source, at, end);
  if (i < 0 || i === end) return i;
  if (source[i] === DOT) {
    const after = digitsEnd(source, i + 1, end);
    if (after === i + 1) return -1;
    i = after;
  }
  if (i < end && (source[i]! | 0x20) === 0x65) {
    const sign = i + 1 < end && (source[i + 1] === MINUS || source[i + 1] === 0x2b) ? 1 : 0;
    const after = digitsEnd(source, i + 1 + sign, end);
    if (after === i + 1 + sign) return -1;
    i = after;
  }
  return i;
}

/** Behind the string whose opening quote is at `at`; -1 when it is not JSON. The encoding is not looked at. */
function stringEnd(source: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const byte = source[i]!;
    const kind = BYTE_CLASS[byte];
    if (kind === PLAIN || kind === HIGH) continue;
    if (byte === QUOTE) return i + 1;
    if (byte !== BACKSLASH) return -1;
    i++;
    if (i >= end || ESCAPED[source[i]!] === 0) return -1;
    if (source[i] === LOWER_U) {
      if (i + 4 >= end) return -1;
      if (
        (HEX_VALUE[source[i + 1]!]! | HEX_VALUE[source[i + 2]!]! | HEX_VALUE[source[i + 3]!]! | HEX_VALUE[source[i + 4]!]!) >
        15
      )
        return -1;
      i += 4;
    }
  }
  return -1;
}

/** Behind the string, number or word at `at`; -1 when there is none. */
function scalarEnd(source: Uint8Array, at: number, end: number): number {
  switch (source[at]) {
    case QUOTE:
      return stringEnd(source, at, end);
    case 0x6e:
      return wordEnd(source, at, end, NULL);
    case 0x74:
      return wordEnd(source, at, end, TRUE);
    case 0x66:
      return wordEnd(source, at, end, FALSE);
    default:
      return numberEnd(source, at, end);
  }
}

function wordEnd(source: Uint8Array, at: number, end: number, word: Uint8Array): number {
  const after = at + word.length;
  if (after > end) return -1;
  for (let i = 1; i < word.length; i++) if (source[at + i] !== word[i]) return -1;
  return after;
}

function skipSpace(source: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && (source[i] === 0x20 || source[i] === 0x0a || source[i] === 0x0d || source[i] === 0x09)) i++;
  return i;
}

/** The closing bytes of the containers that are open; grows with the deepest text seen. */
let closers = new Uint8Array(256);

/** Whether `source[start, end)` is one JSON value, of any depth. Bytes of strings need not be valid UTF-8. */
export function isJson(source: Uint8Array, start: number, end: number): boolean {
  let depth = 0;
  let i = skipSpace(source, start, end);
  for (;;) {
    // A value begins at i; a member's name has to come first inside an object.
    if (i >= end) return false;
    const byte = source[i]!;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const closer = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
      i = skipSpace(source, i + 1, end);
      if (i < end && source[i] === closer) {
        i++;
      } else {
        if (depth === closers.length) {
          const grown = new Uint8Array(depth * 2);
          grown.set(closers);
          closers = grown;
        }
        closers[depth++] = closer;
        if (closer === CLOSE_BRACE) i = memberValue(source, i, end);
        if (i < 0) return false;
        continue;
      }
    } else {
      i = scalarEnd(source, i, end);
      if (i < 0) return false;
    }
    // A value ended before i: close what ends here, then a comma, or the end of the text.
    i = skipSpace(source, i, end);
    while (depth > 0 && i < end && source[i] === closers[depth - 1]) {
      depth--;
      i = skipSpace(source, i + 1, end);
    }
    if (depth === 0) return i === end;
    if (i >= end || source[i] !== COMMA) return false;
    i = skipSpace(source, i + 1, end);
    if (closers[depth - 1] === CLOSE_BRACE) i = memberValue(source, i, end);
    if (i < 0) return false;
  }
}

/** Behind the name and colon of a member, where its value begins; -1 when there is none. */
function memberValue(source: Uint8Array, at: number, end: number): number {
  if (at >= end || source[at] !== QUOTE) return -1;
  const name = stringEnd(source, at, end);
  if (name < 0) return -1;
  const colon = skipSpace(source, name, end);
  return colon < end && source[colon] === COLON ? skipSpace(source, colon + 1, end) : -1;
}
