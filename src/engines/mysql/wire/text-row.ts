import { ConnectorError } from '../../../contract/errors.ts';

const NULL = 0xfb;

/**
 * Where the fields of one row of the text protocol stand: each has its length in front, NULL is 0xFB (MySQL source
 * documentation, "Text Resultset Row"). Reused for every row.
 */
export class TextRow {
  /** Offset of each field's first byte; -1 is NULL. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(columns: number) {
    this.starts = new Int32Array(columns);
    this.ends = new Int32Array(columns);
  }

  /** Finds the fields of the row in `bytes[start, end)`. Throws VALUE_UNREADABLE unless they fill it exactly. */
  split(bytes: Uint8Array, start: number, end: number): void {
    const { starts, ends } = this;
    const columns = starts.length;
    let at = start;
    for (let column = 0; column < columns; column++) {
      if (at >= end) throw unreadable(`ends after ${column} of ${columns} fields`);
      let length = bytes[at++]!;
      if (length === NULL) {
        starts[column] = -1;
        ends[column] = -1;
        continue;
      }
      if (length > NULL) {
        const width = length === 0xfc ? 2 : length === 0xfd ? 3 : length === 0xfe ? 8 : 0;
        if (width === 0 || at + width > end) throw unreadable(`has a malformed length in field ${column + 1}`);
        length = 0;
        for (let i = width - 1; i >= 0; i--) length = length * 256 + bytes[at + i]!;
        at += width;
      }
      starts[column] = at;
      at += length;
      if (at > end) throw unreadable(`is shorter than its field ${column + 1}`);
      ends[column] = at;
    }
    if (at !== end) throw unreadable(`has ${end - at} bytes left over`);
  }
}

function unreadable(why: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `a row of the text protocol ${why}.`);
}
