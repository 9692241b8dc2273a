/** U+FFFD, which stands for what cannot be said. */
export const REPLACEMENT = Uint8Array.of(0xef, 0xbf, 0xbd);

/**
 * Length of the UTF-8 sequence at `at`, whose first byte is 0x80 or above: 2 to 4 when it is well-formed (Unicode 17,
 * table 3-7: no overlong form, no surrogate, nothing above U+10FFFF). Otherwise minus the length of its maximal ill-formed
 * part, which one U+FFFD stands for: the same policy as TextDecoder's (WHATWG Encoding, UTF-8 decoder).
 */
export function utf8Sequence(source: Uint8Array, at: number, end: number): number {
  const lead = source[at]!;
  if (lead < 0xc2 || lead > 0xf4 || at + 1 >= end) return -1;
  const second = source[at + 1]!;
  if (lead < 0xe0) return (second & 0xc0) === 0x80 ? 2 : -1;
  if (lead < 0xf0) {
    if (second < (lead === 0xe0 ? 0xa0 : 0x80) || second > (lead === 0xed ? 0x9f : 0xbf)) return -1;
    return at + 2 < end && (source[at + 2]! & 0xc0) === 0x80 ? 3 : -2;
  }
  if (second < (lead === 0xf0 ? 0x90 : 0x80) || second > (lead === 0xf4 ? 0x8f : 0xbf)) return -1;
  if (at + 2 >= end || (source[at + 2]! & 0xc0) !== 0x80) return -2;
  return at + 3 < end && (source[at + 3]! & 0xc0) === 0x80 ? 4 : -3;
}
