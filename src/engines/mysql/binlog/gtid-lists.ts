import type { EventCursor } from './event-cursor.ts';

const TAG_LENGTH = 32;

/** Transactions of one source: `[first, last]`, both included. */
export interface PreviousGtids {
  readonly sid: string;
  /** Empty for none. */
  readonly tag: string;
  readonly intervals: readonly (readonly [number, number])[];
}

/**
 * Reads a set of GTIDs at the cursor to its end: the body of PREVIOUS_GTIDS (`Gtid_set::encode` in `rpl_gtid_set.cc`).
 * The first number is how many sources follow; in the form with tags its highest and lowest bytes are 1.
 */
export function readPreviousGtids(cursor: EventCursor): PreviousGtids[] {
  const low = cursor.u32();
  const high = cursor.u32();
  const form = high >>> 24;
  if (form > 1) throw cursor.unreadable(`the form ${form} of a GTID set is not known`);
  const count = form === 0 ? (high & 0xffffff) * 0x100000000 + low : (high & 0xffffff) * 0x1000000 + (low >>> 8);
  if (count > cursor.left / 24) throw cursor.truncated();
  const sets: PreviousGtids[] = [];
  for (let i = 0; i < count; i++) {
    const sid = cursor.uuid();
    const tag = form === 0 ? '' : readTag(cursor);
    const many = cursor.u64();
    if (many > cursor.left / 16) throw cursor.truncated();
    const intervals: (readonly [number, number])[] = [];
    for (let k = 0; k < many; k++) {
      const first = cursor.u64();
      const behind = cursor.u64();
      if (first < 1 || behind <= first) throw cursor.unreadable('an interval of GTIDs is empty');
      intervals.push([first, behind - 1]);
    }
    sets.push({ sid, tag, intervals });
  }
  cursor.finish();
  return sets;
}

function readTag(cursor: EventCursor): string {
  const length = cursor.varint();
  if (length > TAG_LENGTH) throw cursor.unreadable(`a tag of ${length} bytes`);
  return cursor.text(length);
}

/** MariaDB: one entry of GTID_LIST. */
export interface ListedGtid {
  readonly domainId: number;
  readonly serverId: number;
  readonly sequence: number;
}

/** Reads a GTID_LIST at the cursor to its end (`Gtid_list_log_event`). The last entry of a domain is its newest. */
export function readGtidList(cursor: EventCursor): ListedGtid[] {
  const count = cursor.u32() & 0x0fff_ffff; // flags above
  if (count > cursor.left / 16) throw cursor.truncated();
  const list: ListedGtid[] = [];
  for (let i = 0; i < count; i++) list.push({ domainId: cursor.u32(), serverId: cursor.u32(), sequence: cursor.u64() });
  cursor.skip(cursor.left); // filled up to a size
  return list;
}
