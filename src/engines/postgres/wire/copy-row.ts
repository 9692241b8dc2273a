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
    for (let at = start; ; at++) {
      const byte = bytes[at]!;
      if (byte > TAB + 1 && byte !== BACKSLASH) continue; // nearly every byte
      if (byte === BACKSLASH) {
        escaped = true;
        const letter = bytes[++at]!; // the newline at the end stands behind any backslash
        if (ESCAPES[letter] === 1) continue;
        const next = bytes[at + 1];
        if (letter === CAPITAL_N && at === field + 1 && (next === TAB || at + 1 === last)) continue;
        throw unreadable(`unknown escape in field ${column + 1}`);
      }
      if (byte < TAB) continue;
      if (byte === NEWLINE && at !== last) throw unreadable('a newline stands within it');
      if (column === columns) throw unreadable(`it has more than ${columns} fields`);
      if (!escaped) {
        starts[column] = field;
        ends[column] = at;
      } else {
        escaped = false;
        if (bytes[field] === BACKSLASH && bytes[field + 1] === CAPITAL_N) {
          starts[column] = -1;
          ends[column] = -1;
        } else {
          starts[column] = field;
          ends[column] = unescapeCopy(bytes, field, at);
        }
      }
      column++;
      field = at + 1;
      if (byte === NEWLINE) break;
    }
    if (column !== columns) throw unreadable(`it has ${column} fields instead of ${columns}`);
  }
}

function unreadable(why: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `COPY row: ${why}`);
}
