import type { EventCursor } from './event-cursor.ts';

/**
 * Reads the name of an XA transaction at the cursor (`XA_prepare_event`), in the spelling of the statements that end the
 * transaction in the log: `X'6162',X'',1`.
 */
export function readXid(cursor: EventCursor): string {
  const format = cursor.u32() | 0;
  const globalLength = cursor.u32();
  const branchLength = cursor.u32();
  const global = hex(cursor, globalLength);
  return `X'${global}',X'${hex(cursor, branchLength)}',${format}`;
}

function hex(cursor: EventCursor, length: number): string {
  const at = cursor.skip(length);
  const { bytes } = cursor;
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('hex');
}
