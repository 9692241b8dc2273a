import { digitsEnd } from '../bytes/json-scan.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { ValueWriter, Verdict } from './value-writer.ts';
import { NULLED, REPAIRED, SAID } from './value-writer.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const EQUALS = 0x3d;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** A scratch buffer that one huge element made larger than this is not kept. */
const KEPT_SCRATCH = 1024 * 1024;

/**
 * A writer for arrays in PostgreSQL's text form (manual, "Array Input and Output Syntax") as JSON arrays.
 *
 * `delimiter` is the element type's `typdelim` as a byte, `depth` the number of dimensions promised (1 and up). An empty
 * array is `[]` at any depth; a value of another depth, or not an array at all, is null as a whole. An element that cannot be
 * said is null in its place, and the verdict says so. Bounds such as `[0:2]=` are left out: JSON has no place for them.
 */
export function arrayWriter(element: ValueWriter, delimiter: number, depth: number): ValueWriter {
  const array = new ArrayText(element, delimiter, depth);
  return (out, source, start, end) => array.write(out, source, start, end);
}

class ArrayText {
  private readonly element: ValueWriter;
  private readonly delimiter: number;
  private readonly depth: number;
  /** Quoted elements with backslashes are put together here. */
  private scratch: Buffer = Buffer.allocUnsafeSlow(256);
  private verdict: Verdict = SAID;

  constructor(element: ValueWriter, delimiter: number, depth: number) {
    this.element = element;
    this.delimiter = delimiter;
    this.depth = depth;
  }

  write(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
    const before = out.length;
    const open = source[start] === OPEN_BRACKET ? boundsEnd(source, start, end) : start;
    this.verdict = SAID;
    const whole = open >= 0 && open < end && source[open] === OPEN_BRACE && this.braces(out, source, open, end);
    if (this.scratch.length > KEPT_SCRATCH) this.scratch = Buffer.allocUnsafeSlow(256);
    if (whole) return this.verdict;
    out.rewind(before);
    out.null();
    return NULLED;
  }

  /** The braces from `open` to `end` and all between; false when they are malformed or of another depth. */
  private braces(out: JsonWriter, source: Uint8Array, open: number, end: number): boolean {
    if (open + 2 === end && source[open + 1] === CLOSE_BRACE) {
      out.byte(OPEN_BRACKET);
      out.byte(CLOSE_BRACKET);
      return true;
    }
    let level = 0;
    let i = open;
    for (;;) {
      // An item begins at i: another opening brace down to the promised depth, then an element.
      while (level < this.depth) {
        if (i >= end || source[i] !== OPEN_BRACE) return false;
        out.byte(OPEN_BRACKET);
        level++;
        i++;
      }
      i = this.item(out, source, i, end);
      if (i < 0) return false;
      // An item ended before i: close what ends here, then the delimiter, or the end of the array.
      while (level > 0 && i < end && source[i] === CLOSE_BRACE) {
        out.byte(CLOSE_BRACKET);
        level--;
        i++;
      }
      if (level === 0) return i === end;
      if (i >= end || source[i] !== this.delimiter) return false;
      out.byte(COMMA);
      i++;
    }
  }

  /** Writes the element at `at`; returns the offset behind it, or -1 when there is none. */
  private item(out: JsonWriter, source: Uint8Array, at: number, end: number): number {
    if (at < end && source[at] === QUOTE) return this.quoted(out, source, at + 1, end);
    let i = at;
    for (; i < end; i++) {
      const byte = source[i];
      if (byte === this.delimiter || byte === CLOSE_BRACE) break;
      if (byte === QUOTE || byte === BACKSLASH || byte === OPEN_BRACE) return -1;
    }
    if (i === at || i === end) return -1;
    if (isNull(source, at, i)) out.null();
    else this.say(this.element(out, source, at, i));
    return i;
  }

  /** The same for an element between quotes; `at` is behind the first of them. */
  private quoted(out: JsonWriter, source: Uint8Array, at: number, end: number): number {
    let i = at;
    let escapes = 0;
    while (i < end && source[i] !== QUOTE) {
      if (source[i] === BACKSLASH) {
        escapes++;
        i++;
      }
      i++;
    }
    if (i >= end) return -1;
    if (escapes === 0) {
      this.say(this.element(out, source, at, i));
    } else {
      const count = this.unescape(source, at, i, escapes);
      this.say(this.element(out, this.scratch, 0, count));
    }
    return i + 1;
  }

  private unescape(source: Uint8Array, start: number, end: number, escapes: number): number {
    const count = end - start - escapes;
    if (count > this.scratch.length) this.scratch = Buffer.allocUnsafeSlow(Math.max(count, this.scratch.length * 2));
    const scratch = this.scratch;
    let to = 0;
    for (let i = start; i < end; i++) {
      if (source[i] === BACKSLASH) i++;
      scratch[to++] = source[i] ?? 0;
    }
    return to;
  }

  /** The gravest verdict of all elements is the array's. */
  private say(verdict: Verdict): void {
    if (verdict === NULLED || (verdict === REPAIRED && this.verdict === SAID)) this.verdict = verdict;
  }
}

/** Behind the bounds `[-1:1][2:3]=` at `at`; -1 when they are malformed. */
function boundsEnd(source: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && source[i] === OPEN_BRACKET) {
    const lower = bound(source, i + 1, end);
    if (lower < 0 || lower >= end || source[lower] !== COLON) return -1;
    const upper = bound(source, lower + 1, end);
    if (upper < 0 || upper >= end || source[upper] !== CLOSE_BRACKET) return -1;
    i = upper + 1;
  }
  return i < end && source[i] === EQUALS ? i + 1 : -1;
}

function bound(source: Uint8Array, at: number, end: number): number {
  const first = at < end && source[at] === MINUS ? at + 1 : at;
  const after = digitsEnd(source, first, end);
  return after === first ? -1 : after;
}

/** The unquoted word NULL, in any case, as the server itself reads it. */
function isNull(source: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    ((source[start] ?? 0) | 0x20) === 0x6e &&
    ((source[start + 1] ?? 0) | 0x20) === 0x75 &&
    ((source[start + 2] ?? 0) | 0x20) === 0x6c &&
    ((source[start + 3] ?? 0) | 0x20) === 0x6c
  );
}
