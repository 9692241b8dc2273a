import { ConnectorError } from '../../../contract/errors.ts';
import { unescapeCopy } from '../../../values/postgres-copy.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;

/** What COPY TO writes behind a backslash (PostgreSQL manual, "COPY", "Text Format"); `\N` is looked at apart. */
const ESCAPES = new Uint8Array(256);
for (const letter of 'bfnrtv\\') ESCAPES[letter.charCodeAt(0)] = 1;

/**
 * Where the fields of one row of `COPY … TO STDOUT` in text format stand. Reused for every row; `split` takes one
 * CopyData payload, which is one row and its newline.
 */
export class CopyRow {
  readonly columns: number;
  /** Offset of each field's first byte; -1 is null. */
  readonly starts: Int32Array;
  /** Offset behind each field's last byte, after unescaping; -1 is null. */
  readonly ends: Int32Array;
  /** Where the field found last begins and ends. */
  start = 0;
  end = 0;

  constructor(columns: number) {
    this.columns = columns;
    this.starts = new Int32Array(columns);
    this.ends = new Int32Array(columns);
  }

  /**
   * Finds the fields of the row in `bytes[start, end)` and removes their escapes in place. Throws VALUE_UNREADABLE unless
   * the row is exactly what a server writes for this number of columns.
   */
  split(bytes: Uint8Array, start: number, end: number): void {
    const { columns, starts, ends } = this;
    const last = end - 1;
    this.expectRow(bytes, start, end);
    let field = start;
    for (let column = 0; column < columns; column++) {
      const stop = this.field(bytes, field, last);
      this.expectEnd(bytes, stop, last, column);
      starts[column] = this.start;
      ends[column] = this.end;
      field = stop + 1;
    }
  }

  /** Makes sure that the bytes are a row at all: they end with a newline, and are nothing else where there are no columns. */
  expectRow(bytes: Uint8Array, start: number, end: number): void {
    if (start < 0 || end > bytes.length || end <= start || bytes[end - 1] !== NEWLINE)
      throw unreadable('it does not end with a newline');
    if (this.columns === 0 && end - 1 !== start) throw unreadable('a row without columns has bytes');
  }

  /**
   * Finds the field that begins at `from` of a row whose newline stands at `last`: `start` and `end` say where it is, both -1
   * for null. Returns the offset of the tab or newline behind it.
   */
  field(bytes: Uint8Array, from: number, last: number): number {
    let escaped = false;
    let at = from;
    for (;;) {
      let byte = bytes[at]!;
      // Nearly every byte ends here: a loop without calls, so that V8 looks at the array once and not for each byte.
      while (byte > NEWLINE && byte !== BACKSLASH) byte = bytes[++at]!;
      if (byte === BACKSLASH) {
        escapeAt(bytes, at, from, last);
        escaped = true;
        at += 2;
      } else if (byte < TAB) at++;
      else break;
    }
    this.start = from;
    this.end = at;
    if (escaped) this.unescape(bytes);
    return at;
  }

  /** Makes sure that the field of that number ends where the row lets it: the last one, and only that, at the newline. */
  expectEnd(bytes: Uint8Array, stop: number, last: number, column: number): void {
    if (column === this.columns - 1) {
      if (stop === last) return;
      throw unreadable(bytes[stop] === TAB ? `it has more than ${this.columns} fields` : 'a newline stands within it');
    }
    if (bytes[stop] === TAB) return;
    throw unreadable(stop === last ? `it has ${column + 1} fields instead of ${this.columns}` : 'a newline stands within it');
  }

  private unescape(bytes: Uint8Array): void {
    const { start } = this;
    if (bytes[start] === BACKSLASH && bytes[start + 1] === CAPITAL_N) {
      this.start = -1;
      this.end = -1;
    } else this.end = unescapeCopy(bytes, start, this.end);
  }
}

/** Makes sure that COPY TO writes what stands at the backslash `at`. The newline at `last` stands behind any backslash. */
function escapeAt(bytes: Uint8Array, at: number, field: number, last: number): void {
  const letter = bytes[at + 1]!;
  if (ESCAPES[letter] === 1) return;
  const isNull = letter === CAPITAL_N && at === field && (bytes[at + 2] === TAB || at + 2 === last);
  if (!isNull) throw unreadable('an escape in it is not known');
}

function unreadable(why: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `COPY row: ${why}`);
}
