import { BYTE_CLASS, PLAIN, plainEnd, writeEscape } from '../bytes/escape.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import { SINGLE_BYTE } from './mysql-charset-tables.ts';
import type { ValueWriter, Verdict } from './value-writer.ts';
import { REPAIRED, SAID } from './value-writer.ts';

/**
 * Text in MySQL's and MariaDB's character sets as JSON strings in UTF-8. The bytes of a row image are in the character set
 * of the column, and so are those of a SELECT where `character_set_results` is NULL: one writer serves both.
 */

const QUOTE = 0x22;
const BLANK = 0x20;
const REPLACEMENT = 0xfffd;
/** Room is made for so many input bytes at a time, so that a huge text does not reserve six times its size. */
const BLOCK = 4096;
/** The most that one character becomes: `\u00XX`. */
const MAX_BYTES = 6;

/** A character set of more than one byte a character, in which bytes below 0x80 are ASCII. */
export interface MultiByteTables {
  /** Code points of the single bytes; LEAD for those that begin a longer character. U+FFFD: means nothing. */
  readonly single: Uint16Array;
  /** Code points of two bytes, at `first * 256 + second`; 0: no such character. */
  readonly double: Uint16Array;
  /** The same for three bytes, of which the first is 0x8f, at `second * 256 + third`. */
  readonly triple?: Uint16Array;
  /** The code point of the four bytes of GB 18030 at `at`; 0: no such character. */
  readonly quadruple?: (source: Uint8Array, at: number) => number;
}

export const LEAD = 0xffff;
const TRIPLE_LEAD = 0x8f;

/** Writes one character of a JSON string, at most MAX_BYTES bytes; returns the offset behind it. A NUL is the caller's. */
function writeCharacter(target: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    const kind = BYTE_CLASS[code] ?? PLAIN;
    if (kind !== PLAIN) return writeEscape(target, at, code, kind);
    target[at] = code;
    return at + 1;
  }
  if (code < 0x800) {
    target[at] = 0xc0 | (code >> 6);
    target[at + 1] = 0x80 | (code & 63);
    return at + 2;
  }
  if (code < 0x10000) {
    target[at] = 0xe0 | (code >> 12);
    target[at + 1] = 0x80 | ((code >> 6) & 63);
    target[at + 2] = 0x80 | (code & 63);
    return at + 3;
  }
  target[at] = 0xf0 | (code >> 18);
  target[at + 1] = 0x80 | ((code >> 12) & 63);
  target[at + 2] = 0x80 | ((code >> 6) & 63);
  target[at + 3] = 0x80 | (code & 63);
  return at + 4;
}

/** Takes one character after the other out of `source[start, end)`: a subclass for each kind of character set. */
abstract class Decoder {
  /** Behind the character that `decode` took. */
  next = 0;

  /** The code point of the character at `at`, which is before `end`; U+FFFD where there is none. Sets `next`. */
  abstract decode(source: Uint8Array, at: number, end: number): number;
}

class SingleByte extends Decoder {
  readonly #table: Uint16Array;

  constructor(table: Uint16Array) {
    super();
    this.#table = table;
  }

  decode(source: Uint8Array, at: number): number {
    this.next = at + 1;
    return this.#table[source[at] ?? 0] ?? REPLACEMENT;
  }
}

class MultiByte extends Decoder {
  readonly #tables: MultiByteTables;

  constructor(tables: MultiByteTables) {
    super();
    this.#tables = tables;
  }

  decode(source: Uint8Array, at: number, end: number): number {
    const { single, double, triple, quadruple } = this.#tables;
    const first = source[at] ?? 0;
    const code = single[first] ?? REPLACEMENT;
    this.next = at + 1;
    if (code !== LEAD) return code;
    if (at + 1 >= end) return REPLACEMENT;
    const second = source[at + 1] ?? 0;
    if (triple !== undefined && first === TRIPLE_LEAD) {
      if (at + 2 >= end) return REPLACEMENT;
      return this.#found(triple[(second << 8) | (source[at + 2] ?? 0)] ?? 0, at + 3);
    }
    if (quadruple !== undefined && second >= 0x30 && second <= 0x39) {
      return at + 3 < end ? this.#found(quadruple(source, at), at + 4) : REPLACEMENT;
    }
    return this.#found(double[(first << 8) | second] ?? 0, at + 2);
  }

  /** A character that does not exist is one byte long: what follows may be a character of its own. */
  #found(code: number, next: number): number {
    if (code === 0) return REPLACEMENT;
    this.next = next;
    return code;
  }
}

/** UTF-16, also `ucs2`, where surrogates have no meaning to the server and are joined here all the same. */
class Utf16 extends Decoder {
  readonly #high: number;

  constructor(littleEndian: boolean) {
    super();
    this.#high = littleEndian ? 1 : 0;
  }

  decode(source: Uint8Array, at: number, end: number): number {
    this.next = at + 2;
    if (at + 2 > end) return REPLACEMENT;
    const unit = this.#unit(source, at);
    if ((unit & 0xf800) !== 0xd800) return unit;
    if (unit >= 0xdc00 || at + 4 > end) return REPLACEMENT;
    const low = this.#unit(source, at + 2);
    if ((low & 0xfc00) !== 0xdc00) return REPLACEMENT;
    this.next = at + 4;
    return 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff);
  }

  #unit(source: Uint8Array, at: number): number {
    return ((source[at + this.#high] ?? 0) << 8) | (source[at + 1 - this.#high] ?? 0);
  }
}

class Utf32 extends Decoder {
  decode(source: Uint8Array, at: number, end: number): number {
    this.next = at + 4;
    if (at + 4 > end || source[at] !== 0) return REPLACEMENT;
    const code = ((source[at + 1] ?? 0) << 16) | ((source[at + 2] ?? 0) << 8) | (source[at + 3] ?? 0);
    return code > 0x10ffff || (code & 0x1ff800) === 0xd800 ? REPLACEMENT : code;
  }
}

/** `ascii`: bytes below 0x80 stand for themselves, so that runs of them need no decoding. */
function textWriter(decoder: Decoder, ascii: boolean): ValueWriter {
  return (out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict => {
    if (ascii && plainEnd(source, start, end) === end) return writeUtf8(out, source, start, end);
    out.byte(QUOTE);
    let verdict: Verdict = SAID;
    let i = start;
    while (i < end) {
      const stop = Math.min(end, i + BLOCK);
      out.reserve((stop - i) * MAX_BYTES + 1);
      const { bytes } = out;
      let at = out.length;
      while (i < stop) {
        const byte = source[i] ?? 0;
        if (ascii && BYTE_CLASS[byte] === PLAIN) {
          bytes[at++] = byte;
          i++;
          continue;
        }
        let code = decoder.decode(source, i, end);
        i = decoder.next;
        if (code === 0) code = REPLACEMENT;
        if (code === REPLACEMENT) verdict = REPAIRED;
        at = writeCharacter(bytes, at, code);
      }
      out.length = at;
    }
    out.byte(QUOTE);
    return verdict;
  };
}

/** UTF-8 as it stands: `utf8mb4` and `utf8mb3`, checked. */
function writeUtf8(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return out.utf8(source, start, end) ? SAID : REPAIRED;
}

function singleByteTable(characters: string): Uint16Array {
  const table = Uint16Array.from({ length: 256 }, (_, byte) => byte);
  const first = 256 - characters.length;
  if (first !== 0 && first !== 128 && first !== 160) throw new RangeError(`a table of ${characters.length} characters`);
  for (let i = 0; i < characters.length; i++) table[first + i] = characters.charCodeAt(i);
  return table;
}

/**
 * The writer for text in a character set, by MySQL's name of it; null for one that is not known. `tables` gives the
 * tables of a character set of several bytes, null where it has none.
 */
export function charsetWriter(charset: string, tables: (charset: string) => MultiByteTables | null): ValueWriter | null {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
    case 'binary':
      return writeUtf8;
    case 'utf16':
    case 'ucs2':
      return textWriter(new Utf16(false), false);
    case 'utf16le':
      return textWriter(new Utf16(true), false);
    case 'utf32':
      return textWriter(new Utf32(), false);
    default: {
      const characters = Object.hasOwn(SINGLE_BYTE, charset) ? SINGLE_BYTE[charset] : undefined;
      if (characters !== undefined) return textWriter(new SingleByte(singleByteTable(characters)), characters.length < 256);
      const found = tables(charset);
      return found === null ? null : textWriter(new MultiByte(found), true);
    }
  }
}

/** CHAR: without the blanks that pad it, which the log leaves in where the server does not print them. */
export function trimmed(write: ValueWriter, charset: string | null): ValueWriter {
  const unit = charset === 'utf32' ? 4 : charset === 'ucs2' || charset === 'utf16' || charset === 'utf16le' ? 2 : 1;
  if (unit === 1) {
    return (out, source, start, end) => {
      let stop = end;
      while (stop > start && source[stop - 1] === BLANK) stop--;
      return write(out, source, start, stop);
    };
  }
  const place = charset === 'utf16le' ? 0 : unit - 1;
  return (out, source, start, end) => {
    let stop = end;
    while (stop - unit >= start && isBlank(source, stop - unit, unit, place)) stop -= unit;
    return write(out, source, start, stop);
  };
}

function isBlank(source: Uint8Array, at: number, unit: number, place: number): boolean {
  for (let i = 0; i < unit; i++) if (source[at + i] !== (i === place ? BLANK : 0)) return false;
  return true;
}
