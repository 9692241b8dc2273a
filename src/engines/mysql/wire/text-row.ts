import { ConnectorError } from '../../../contract/errors.ts';

/** Stands where a field's length would, for NULL. Lengths below stand for themselves; above it, their width follows. */
export const NULL_FIELD = 0xfb;

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
      if (at >= end) throw unreadableRow(`ends after ${column} of ${columns} fields`);
      let length = bytes[at++]!;
      if (length === NULL_FIELD) {
        starts[column] = -1;
        ends[column] = -1;
        continue;
      }
      if (length > NULL_FIELD) {
        const width = lengthWidth(length, at, end);
        length = longLength(bytes, at, width);
        at += width;
      }
      starts[column] = at;
      at += length;
      if (at > end) throw unreadableRow(`is shorter than its field ${column + 1}`);
      ends[column] = at;
    }
    if (at !== end) throw unreadableRow(`has ${end - at} bytes left over`);
  }
}

/** How many bytes the length behind such a first byte has, at `at`. Throws VALUE_UNREADABLE when it is none. */
export function lengthWidth(first: number, at: number, end: number): number {
  const width = first === 0xfc ? 2 : first === 0xfd ? 3 : first === 0xfe ? 8 : 0;
  if (width === 0 || at + width > end) throw unreadableRow('has a malformed length');
  return width;
}

/** The length of `width` bytes, least significant first, at `at`. */
export function longLength(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let i = width - 1; i >= 0; i--) length = length * 256 + bytes[at + i]!;
  return length;
}

/** Behind the field at `at`. Throws VALUE_UNREADABLE where the row has none. */
export function fieldEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) throw unreadableRow('ends too early');
  const first = bytes[at]!;
  const width = first > NULL_FIELD ? lengthWidth(first, at + 1, end) : 0;
  const length = width > 0 ? longLength(bytes, at + 1, width) : first === NULL_FIELD ? 0 : first;
  const next = at + 1 + width + length;
  if (next > end) throw unreadableRow('is shorter than one of its fields');
  return next;
}

export function unreadableRow(why: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `a row of the text protocol ${why}.`);
}
