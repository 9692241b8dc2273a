const BACKSLASH = 0x5c;
const LOWER_X = 0x78;

/** What the letter behind a backslash stands for in COPY's text format; every other byte stands for itself. */
const LETTER = Uint8Array.from({ length: 256 }, (_, byte) => byte);
LETTER[0x62] = 0x08; // \b
LETTER[0x66] = 0x0c; // \f
LETTER[0x6e] = 0x0a; // \n
LETTER[0x72] = 0x0d; // \r
LETTER[0x74] = 0x09; // \t
LETTER[0x76] = 0x0b; // \v

/**
 * Undoes the backslash escapes of one field in COPY's text format, in place, and returns the new end. `\N`, which stands for
 * NULL only as a whole field, is the caller's. Format: PostgreSQL manual, COPY, "Text Format", with the octal and
 * hexadecimal forms that the server reads but does not print.
 */
export function unescapeCopy(bytes: Uint8Array, start: number, end: number): number {
  let from = start;
  while (from < end && bytes[from] !== BACKSLASH) from++;
  let to = from;
  while (from < end) {
    const byte = bytes[from++] ?? 0;
    if (byte !== BACKSLASH || from === end) {
      bytes[to++] = byte;
      continue;
    }
    const letter = bytes[from++] ?? 0;
    let value = octal(letter);
    if (value >= 0) {
      for (let digits = 1; digits < 3 && from < end && octal(bytes[from] ?? 0) >= 0; digits++) {
        value = value * 8 + octal(bytes[from++] ?? 0);
      }
    } else if (letter === LOWER_X && from < end && hexadecimal(bytes[from] ?? 0) >= 0) {
      value = hexadecimal(bytes[from++] ?? 0);
      if (from < end && hexadecimal(bytes[from] ?? 0) >= 0) value = value * 16 + hexadecimal(bytes[from++] ?? 0);
    } else {
      value = LETTER[letter] ?? letter;
    }
    bytes[to++] = value & 0xff;
  }
  return to;
}

function octal(byte: number): number {
  return byte >= 0x30 && byte <= 0x37 ? byte - 0x30 : -1;
}

function hexadecimal(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
