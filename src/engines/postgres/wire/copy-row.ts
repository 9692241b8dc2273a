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
    const last = end - 1;
    if (start < 0 || end > bytes.length || last < start || bytes[last] !== NEWLINE)
      throw unreadable('it does not end with a newline');
    const { columns, starts, ends } = this;
    if (columns === 0) {
      if (last !== start) throw unreadable('a row without columns has bytes');
      return;
    }
    let field = start;
    let column = 0;
    let escaped = false;
    let at = start;
    for (;;) {
      let byte = bytes[at]!;
      // Nearly every byte ends here: a loop without calls, so that V8 looks at the array once and not for each byte.
      while (byte > NEWLINE && byte !== BACKSLASH) byte = bytes[++at]!;
      if (byte === BACKSLASH) {
        escapeAt(bytes, at, field, last);
        escaped = true;
        at += 2;
        continue;
      }
      if (byte < TAB) {
        at++;
        continue;
      }
      if (column === columns) throw unreadable(`it has more than ${columns} fields`);
      starts[column] = field;
      ends[column] = at;
      if (escaped) {
        escaped = false;
        this.unescape(bytes, column);
      }
      column++;
      at++;
      field = at;
      if (byte === NEWLINE) break;
    }
    if (at !== end) throw unreadable('a newline stands within it');
    if (column !== columns) throw unreadable(`it has ${column} fields instead of ${columns}`);
  }

  private unescape(bytes: Uint8Array, column: number): void {
    const start = this.starts[column]!;
    if (bytes[start] === BACKSLASH && bytes[start + 1] === CAPITAL_N) {
      this.starts[column] = -1;
      this.ends[column] = -1;
    } else {
      this.ends[column] = unescapeCopy(bytes, start, this.ends[column]!);
    }
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
