/**
 * What each byte needs inside a JSON string (RFC 8259 section 7): PLAIN is copied as it stands, HIGH begins or continues a
 * UTF-8 sequence, NUL is replaced, UNICODE becomes `\u00XX`, and any other value is the letter of a two-character escape.
 */
export const BYTE_CLASS = new Uint8Array(256);
export const PLAIN = 0;
export const UNICODE = 1;
export const HIGH = 2;
export const NUL = 3;

const BACKSLASH = 0x5c;
const LOWER_U = 0x75;

BYTE_CLASS.fill(UNICODE, 0, 0x20);
BYTE_CLASS.fill(HIGH, 0x80, 0x100);
BYTE_CLASS[0x00] = NUL;
BYTE_CLASS[0x08] = 0x62; // \b
BYTE_CLASS[0x09] = 0x74; // \t
BYTE_CLASS[0x0a] = 0x6e; // \n
BYTE_CLASS[0x0c] = 0x66; // \f
BYTE_CLASS[0x0d] = 0x72; // \r
BYTE_CLASS[0x22] = 0x22; // \"
BYTE_CLASS[0x5c] = 0x5c; // \\

/** Whether any of four bytes, packed into 32 bits, is not PLAIN: below 0x20, a quote, a backslash, or above 0x7f. */
export function needsEscape(word: number): boolean {
  // A subtraction sets a byte's high bit when the byte was smaller, or zero; a borrow only comes from a byte that counts anyway.
  const control = word - 0x20202020;
  const quote = (word ^ 0x22222222) - 0x01010101;
  const backslash = (word ^ 0x5c5c5c5c) - 0x01010101;
  return ((word | control | quote | backslash) & 0x80808080) !== 0;
}

/** The offset of the first byte of `source[at, end)` that is not PLAIN, or `end`. */
export function plainEnd(source: Uint8Array, at: number, end: number): number {
  let i = at;
  for (const four = end - 3; i < four; i += 4) {
    if (needsEscape(source[i]! | (source[i + 1]! << 8) | (source[i + 2]! << 16) | (source[i + 3]! << 24))) break;
  }
  while (i < end && BYTE_CLASS[source[i]!] === PLAIN) i++;
  return i;
}

/** The same for the bytes that `view` shows. May stop up to three bytes before the first that is not PLAIN, or `end`. */
export function plainWords(view: DataView, at: number, end: number): number {
  let i = at;
  while (i <= end - 4 && !needsEscape(view.getInt32(i, true))) i += 4;
  return i;
}

/** Digits 0 to 15 as lower-case hexadecimal. */
export const HEX_DIGITS = Uint8Array.from('0123456789abcdef', c => c.charCodeAt(0));

/** The value of each byte as a hexadecimal digit of either case; NOT_HEX for all others. */
export const HEX_VALUE = new Uint8Array(256);
export const NOT_HEX = 0xff;
HEX_VALUE.fill(NOT_HEX);
for (let value = 0; value < 16; value++) {
  HEX_VALUE[HEX_DIGITS[value]!] = value;
  HEX_VALUE['0123456789ABCDEF'.charCodeAt(value)] = value;
}

/** Writes the escape of a byte of class `kind`, at most 6 bytes; returns the offset behind it. */
export function writeEscape(target: Uint8Array, at: number, byte: number, kind: number): number {
  target[at] = BACKSLASH;
  if (kind !== UNICODE) {
    target[at + 1] = kind;
    return at + 2;
  }
  target[at + 1] = LOWER_U;
  target[at + 2] = 0x30;
  target[at + 3] = 0x30;
  target[at + 4] = HEX_DIGITS[byte >> 4]!;
  target[at + 5] = HEX_DIGITS[byte & 15]!;
  return at + 6;
}

/** The code unit of `\uXXXX` at `at`, or -1 when there is no such escape. */
function codeUnit(source: Uint8Array, at: number, end: number): number {
  if (at + 6 > end || source[at] !== BACKSLASH || source[at + 1] !== LOWER_U) return -1;
  const a = HEX_VALUE[source[at + 2]!]!;
  const b = HEX_VALUE[source[at + 3]!]!;
  const c = HEX_VALUE[source[at + 4]!]!;
  const d = HEX_VALUE[source[at + 5]!]!;
  return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d;
}

/**
 * Length of the escape of a JSON string at `at`, a surrogate pair counted as one; minus the length when it stands for
 * something that no destination can store: U+0000 or a surrogate without its partner.
 */
export function jsonEscape(source: Uint8Array, at: number, end: number): number {
  const unit = codeUnit(source, at, end);
  if (unit < 0) return at + 1 < end ? 2 : 1;
  if (unit === 0) return -6;
  if ((unit & 0xf800) !== 0xd800) return 6;
  if (unit >= 0xdc00) return -6;
  return (codeUnit(source, at + 6, end) & 0xfc00) === 0xdc00 ? 12 : -6;
}
