import { base64Length, writeBase64, writeBase64FromHex } from './base64.ts';
import { Constant } from './constant.ts';
import { MAX_INTEGER_BYTES, writeInt64, writeSafeInteger } from './int64.ts';
import { writeString } from './json-string.ts';
import { writeJson, writeJsonAsString } from './json-text.ts';
import { append } from './sink.ts';

const QUOTE = 0x22;
const TRUE = new Constant('true');
const FALSE = new Constant('false');

/** Constant bytes that are more than this are copied natively. */
const SHORT = 72;
/** A buffer that one huge value made larger than this is given back by `clear`. */
const KEPT_CAPACITY = 4 * 1024 * 1024;

/**
 * Growable buffer of JSON text: `bytes[0, length)` is what has been written. The methods do not add commas or colons.
 * Nothing is allocated per value; `bytes` is replaced when it grows.
 */
export class JsonWriter {
  bytes: Buffer;
  length: number;
  /** Where a line begins that is not finished yet; -1: there is none. */
  lineStart = -1;
  /** Bytes that already stand behind `aheadAt`, because they will most likely come next; null: none. */
  ahead: Constant | null = null;
  aheadAt = 0;
  private readonly initial: number;
  /** The same as `bytes`, for words that need not be aligned. */
  view: DataView;

  /** `capacity`: bytes to start with, and to return to after a huge value. */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(Math.max(capacity, 64));
    this.length = 0;
    this.initial = this.bytes.length;
    this.view = newView(this.bytes);
  }

  /** Makes room for `count` more bytes. Throws RangeError when no buffer can be that large. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.grow(this.length + count);
  }

  private grow(needed: number): void {
    const capacity = this.bytes.length;
    const larger = capacity < KEPT_CAPACITY ? capacity * 2 : Math.ceil(capacity * 1.5);
    // A margin, so that a huge value with a few escapes in it does not have to move a second time.
    const grown = Buffer.allocUnsafeSlow(Math.max(larger, needed + Math.ceil(needed / 16)));
    grown.set(this.bytes.subarray(0, this.length));
    this.ahead = null;
    this.bytes = grown;
    this.view = newView(grown);
  }

  /** Hands out the buffer with all that was written, and goes on with an empty one, `spare`. */
  swap(spare: Buffer): Buffer {
    const filled = this.bytes;
    this.ahead = null;
    this.bytes = spare;
    this.view = newView(spare);
    this.length = 0;
    return filled;
  }

  /** Forgets everything. Gives back memory that only a huge value needed. */
  clear(): void {
    this.length = 0;
    this.ahead = null;
    if (this.bytes.length > Math.max(KEPT_CAPACITY, this.initial)) this.swap(Buffer.allocUnsafeSlow(this.initial));
  }

  /**
   * Takes back a line that was begun and not finished. Lines are written without a pause, so whoever comes next and finds
   * one knows that its writer failed.
   */
  dropOpenLine(): void {
    if (this.lineStart < 0) return;
    this.length = this.lineStart;
    this.lineStart = -1;
  }

  /** Takes back everything behind `length`, a value that `length` had before. */
  rewind(length: number): void {
    this.length = length;
  }

  /** Copies constant bytes. */
  raw(source: Uint8Array): void {
    const count = source.length;
    this.reserve(count);
    const bytes = this.bytes;
    let at = this.length;
    this.length = at + count;
    if (count > SHORT) {
      bytes.set(source, at);
      return;
    }
    let i = 0;
    for (const four = count - 3; i < four; i += 4) {
      bytes[at] = source[i]!;
      bytes[at + 1] = source[i + 1]!;
      bytes[at + 2] = source[i + 2]!;
      bytes[at + 3] = source[i + 3]!;
      at += 4;
    }
    for (; i < count; i++) bytes[at++] = source[i]!;
  }

  /** Writes constant bytes. The last word may reach beyond them: what comes next overwrites that. */
  constant(constant: Constant): void {
    const { words, length } = constant;
    const count = words.length;
    if (count === 0) {
      this.raw(constant.bytes);
      return;
    }
    this.reserve(count * 4);
    const { view } = this;
    let at = this.length;
    this.length = at + length;
    for (let i = 0; i < count; i++) {
      view.setInt32(at, words[i]!, true);
      at += 4;
    }
  }

  /** Writes `now` and, in the same stroke, what most likely comes behind it. */
  rawWithAhead(now: Uint8Array, ahead: Constant): void {
    this.raw(now);
    this.length -= ahead.length;
    this.aheadAt = this.length;
    this.ahead = ahead;
  }

  /** `constant`, which may stand there already. */
  expected(constant: Constant): void {
    if (this.ahead === constant && this.aheadAt === this.length) this.length += constant.length;
    else this.constant(constant);
    this.ahead = null;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  null(): void {
    this.reserve(4);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = 0x6e;
    bytes[at + 1] = 0x75;
    bytes[at + 2] = 0x6c;
    bytes[at + 3] = 0x6c;
    this.length = at + 4;
  }

  boolean(value: boolean): void {
    this.constant(value ? TRUE : FALSE);
  }

  /** A safe integer (|value| < 2^53). Throws RangeError on any other number. */
  integer(value: number): void {
    this.reserve(MAX_INTEGER_BYTES);
    this.length = writeSafeInteger(this.view, this.length, value);
  }

  /** Little-endian 64-bit integer at `offset`. */
  int64(source: Uint8Array, offset: number, signed: boolean): void {
    this.reserve(MAX_INTEGER_BYTES);
    this.length = writeInt64(this.view, this.length, source, offset, signed);
  }

  /** Digits of a number, copied as they stand: `source[start, end)` must be a JSON number. */
  digits(source: Uint8Array, start: number, end: number): void {
    append(this, source, start, end);
  }

  /** A JSON string from UTF-8 bytes. False when NUL or invalid UTF-8 had to be replaced by U+FFFD. */
  utf8(source: Uint8Array, start: number, end: number): boolean {
    return writeString(this, source, start, end);
  }

  /** A JSON string of the base64 of the bytes (RFC 4648 section 4, with padding). */
  base64(source: Uint8Array, start: number, end: number): void {
    this.reserve(base64Length(end - start) + 2);
    this.bytes[this.length] = QUOTE;
    const at = writeBase64(this.bytes, this.length + 1, source, start, end);
    this.bytes[at] = QUOTE;
    this.length = at + 1;
  }

  /** A JSON string of the base64 of bytes given as hexadecimal digits. False, and nothing written, when they are not. */
  base64FromHex(source: Uint8Array, start: number, end: number): boolean {
    this.reserve(base64Length(Math.ceil((end - start) / 2)) + 2);
    this.bytes[this.length] = QUOTE;
    const at = writeBase64FromHex(this.bytes, this.length + 1, source, start, end);
    if (at < 0) return false;
    this.bytes[at] = QUOTE;
    this.length = at + 1;
    return true;
  }

  /**
   * JSON text as a value: no white space outside strings. `source[start, end)` must be valid JSON but for the encoding.
   * False when NUL, a lone surrogate or invalid UTF-8 in a string had to be replaced by U+FFFD.
   */
  json(source: Uint8Array, start: number, end: number): boolean {
    return writeJson(this, source, start, end);
  }

  /** JSON text as a string that holds it, compact like `json`. False when invalid UTF-8 or a raw NUL had to be replaced. */
  jsonAsString(source: Uint8Array, start: number, end: number): boolean {
    return writeJsonAsString(this, source, start, end);
  }

  /** A JSON string. Cold path: allocates. */
  string(value: string): void {
    const encoded = Buffer.from(value);
    this.utf8(encoded, 0, encoded.length);
  }
}

const newView = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
