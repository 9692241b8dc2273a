import { lsnText, type PgPosition, parseLsn } from '../position.ts';
import { type Query, quoteLiteral } from '../sql.ts';
import { type ServerIdentity, strayed } from './history.ts';
import type { Slot } from './slot.ts';

/** What a position of the state is held against. */
export interface Present {
  readonly replication: Query;
  readonly server: ServerIdentity;
  readonly slot: Slot;
  /** Where the log ends. */
  readonly head: number;
  readonly publication: { readonly name: string; readonly existed: boolean };
}

/** Why the log cannot be read on from the position, in words; undefined when it can. */
export async function whyLost(position: PgPosition, present: Present): Promise<string | undefined> {
  const { replication, server, slot, head, publication } = present;
  const why = await strayed(replication, server, position);
  if (why !== undefined) return why;
  const confirmed = parseLsn(slot.confirmedFlushLsn ?? '') ?? 0;
  const at = lsnText(position.lsn);
  if (confirmed > position.lsn) {
    return `the replication slot "${slot.name}" is at ${lsnText(confirmed)}, past ${at} of the state: what lies between is not sent again.`;
  }
  if (position.lsn > head)
    return `the log ends at ${lsnText(head)}, before ${at} of the state: the server lost its latest changes.`;
  // The server decodes with the publication as it was at the time: changes from before it was made cannot be read by it.
  return publication.existed ? undefined : `the publication "${publication.name}" was dropped.`;
}

/** Moves a slot to the end of the log, and says where that is: it is older than the publication, and nothing was ever read from it. */
export async function advanceSlot(query: Query, name: string): Promise<number> {
  const sql = `SELECT end_lsn::text AS lsn FROM pg_replication_slot_advance(${quoteLiteral(name)}, pg_current_wal_flush_lsn())`;
  const [row] = await query.rows<{ lsn: string }>(sql);
  return parseLsn(row?.lsn ?? '') ?? 0;
}
