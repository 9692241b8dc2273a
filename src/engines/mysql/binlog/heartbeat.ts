import type { EventCursor } from './event-cursor.ts';
import { HEARTBEAT_EVENT } from './events.ts';

const HEADER_END = 0;
const POSITION = 2;

/**
 * Reads a heartbeat at the cursor to its end and returns the position in it, or `position` where it has none beside the
 * one in its header: how far the server has read in the file. Version 2 has fields (`Heartbeat_event_v2`); version 1 is
 * the file's name, with a position of 8 bytes in front of it where MariaDB's is beyond 4 GiB (`send_heartbeat_event`).
 */
export function readHeartbeat(cursor: EventCursor, position: number, hasLargePosition: boolean): number {
  if (cursor.type === HEARTBEAT_EVENT) {
    if (hasLargePosition) return largePosition(cursor);
    cursor.skip(cursor.left);
    return position;
  }
  let said = position;
  for (let field = cursor.packed(); field !== HEADER_END; field = cursor.packed()) {
    const length = cursor.packed();
    const valueEnd = cursor.at + length;
    if (length > cursor.left) throw cursor.truncated();
    if (field === POSITION) said = cursor.packed();
    else cursor.skip(length);
    if (cursor.at !== valueEnd) throw cursor.unreadable(`the field ${field} has another length`);
  }
  return said;
}

function largePosition(cursor: EventCursor): number {
  const position = cursor.u64();
  cursor.skip(cursor.left);
  return position;
}
