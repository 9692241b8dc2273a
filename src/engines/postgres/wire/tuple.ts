import type { MessageCursor } from './message-cursor.ts';
import type { Relation } from './relation.ts';

/** `MaxHeapAttributeNumber`: no table has more columns. */
export const MAX_COLUMNS = 1600;

/** Kinds of a column within a tuple, as the bytes of the protocol. */
export const COLUMN_NULL = 0x6e; // n
/** A TOASTed value that the change did not touch: it is not in the log. */
export const COLUMN_UNCHANGED = 0x75; // u
export const COLUMN_TEXT = 0x74; // t
export const COLUMN_BINARY = 0x62; // b
export type ColumnKind = typeof COLUMN_NULL | typeof COLUMN_UNCHANGED | typeof COLUMN_TEXT | typeof COLUMN_BINARY;

/**
 * Where the columns of one tuple stand in the borrowed message. Reused for every row: only the first `count` entries
 * count, and only until the next message is read.
 */
export class Tuple {
  /** 0: the message has no such tuple. */
  count = 0;
  readonly kinds: Uint8Array = new Uint8Array(MAX_COLUMNS);
  /** Offsets `[start, end)` into the message's bytes; equal for a null, unchanged or empty value. */
  readonly starts: Int32Array = new Int32Array(MAX_COLUMNS);
  readonly ends: Int32Array = new Int32Array(MAX_COLUMNS);
}

/** The hot loop: finds the columns of the TupleData at the cursor, which must have all columns of `relation`. */
export function readTuple(cursor: MessageCursor, tuple: Tuple, relation: Relation): void {
  const { bytes, end } = cursor;
  const { kinds, starts, ends } = tuple;
  const count = relation.columns.length;
  const sent = cursor.u16();
  if (sent !== count) throw cursor.unreadable(`a tuple of ${relation.name} has ${sent} columns instead of ${count}`);
  let at = cursor.at;
  for (let column = 0; column < count; column++) {
    if (at >= end) throw cursor.truncated();
    const kind = bytes[at++]!;
    kinds[column] = kind;
    if (kind === COLUMN_TEXT || kind === COLUMN_BINARY) {
      if (end - at < 4) throw cursor.truncated();
      const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      at += 4;
      if (length < 0 || length > end - at) throw cursor.truncated();
      starts[column] = at;
      at += length;
      ends[column] = at;
    } else if (kind === COLUMN_NULL || kind === COLUMN_UNCHANGED) {
      starts[column] = at;
      ends[column] = at;
    } else {
      throw cursor.unreadable(`column ${column + 1} of ${relation.name} has the unknown kind ${kind}`);
    }
  }
  tuple.count = count;
  cursor.at = at;
}
