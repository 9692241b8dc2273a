import type { KnownTable } from '../../../contract/engine.ts';
import type { JsonObject } from '../../../contract/ids.ts';
import { type PgPosition, parseLsn } from '../position.ts';
import type { Query } from '../sql.ts';
import type { PgTable } from '../table.ts';
import type { ServerIdentity } from './history.ts';
import type { Slot } from './slot.ts';
import { attachmentOf, knownPartitions, memoText, readMemo } from './table-memo.ts';

/**
 * pg_upgrade makes a cluster with a system identifier of its own, and from version 17 on it carries logical slots over: each
 * begins at the end of the new cluster's log, after it was made sure that the old one's had been read to its end. So a state
 * of the old cluster may be read on from, where these can be shown:
 *
 * - the slot is as pg_upgrade made it: confirmed up to the end of the record of running transactions at which it begins,
 *   and right behind the last transaction of the upgrade, which restored objects of this database, or those of the one that
 *   was created last;
 * - from the last look of the state on, the old cluster has not begun a single transaction: pg_upgrade lets the new one
 *   go on counting where the old one stopped, and writes the tables of template0, which every database has copies of, in
 *   its seventh transaction (`set_frozenxids`: two on pg_database, two for template1, which comes first, and for template0
 *   one that lets it in, then relfrozenxid, relminmxid);
 * - tables have their oids, which pg_upgrade preserves.
 *
 * A cluster that is not the old one's successor, one made from an older copy of it, and a state older than the last have
 * another count.
 */
const FIRST_SIGN = 6;
/** Length of the record of running transactions where there are none (access/xlogrecord.h, storage/standbydefs.h). */
const NO_TRANSACTIONS_BYTES = 56;

const XIDS = 4_294_967_296;

export interface Upgraded {
  /** Where the new cluster's log begins for the slot. */
  readonly from: number;
  /** What would have been noted of each table then; null: it is another one. */
  readonly memos: readonly (JsonObject | null)[];
}

interface Before {
  readonly position: PgPosition;
  readonly server: ServerIdentity;
  readonly slot: Slot;
  readonly tables: readonly PgTable[];
  /** What the state says of them. */
  readonly known: readonly (KnownTable | null)[];
}

/** How the state of another cluster can be read on from here; or why it cannot be shown that it can, in words. */
export async function afterUpgrade(query: Query, before: Before): Promise<Upgraded | { readonly why: string }> {
  const { position, server, slot, tables, known } = before;
  const unproven = (why: string): { readonly why: string } => ({
    why:
      `the state comes from the cluster ${position.system}, but the server is ${server.system}: another one answers behind this name, ` +
      `or pg_upgrade has made it of that one, but nothing shows that all was read before, since ${why}`,
  });
  const horizons = known.map(table => readMemo(table?.memo ?? null).horizon).filter(horizon => horizon !== '');
  if (horizons.length === 0) return unproven('the state does not say how far transactions were counted.');
  const confirmed = parseLsn(slot.confirmedFlushLsn ?? '') ?? 0;
  const untouched = confirmed - (parseLsn(slot.restartLsn ?? '') ?? 0) === NO_TRANSACTIONS_BYTES && confirmed > position.lsn;
  const { catalogXmin } = slot;
  if (!untouched || catalogXmin === null) return unproven(`the replication slot "${slot.name}" is not as pg_upgrade makes it.`);
  const [horizon = 0n] = horizons.map(BigInt).sort((a, b) => (a > b ? 1 : -1));
  const count = await countTransactions(query, horizon, catalogXmin);
  if (count.before !== FIRST_SIGN)
    return unproven('there were transactions between the last sync and the upgrade, of this database or another one.');
  if (count.slot !== Math.max(count.restored, count.created + 1) + 1)
    return unproven(`the replication slot "${slot.name}" was read after the upgrade already.`);
  return { from: confirmed, memos: tables.map((table, at) => renewed(table, known[at] ?? null, catalogXmin)) };
}

/** All counted from the horizon of the state on; -1 where there is none. */
interface Counts {
  /** The first transaction that wrote tables of the system which every database has from template0. */
  readonly before: number;
  /** The last one in front of the slot that created a database. */
  readonly created: number;
  /** The last one in front of the slot that made something in this database. */
  readonly restored: number;
  /** The first one that the slot may not know. */
  readonly slot: number;
}

/** The last transaction that restores a database may have anything in it. */
const CATALOGS = [
  'class',
  'attribute',
  'depend',
  'description',
  'constraint',
  'trigger',
  'proc',
  'type',
  'publication',
  'publication_rel',
];

async function countTransactions(query: Query, horizon: bigint, slotXid: string): Promise<Counts> {
  const since = (xid: string): string => `(${xid}::text::int8 - ${horizon % BigInt(XIDS)} + ${XIDS}) % ${XIDS}`;
  const slot = since(`'${slotXid}'`);
  const written = (catalog: string): string => `SELECT ${since('xmin')} AS n FROM pg_catalog.pg_${catalog}`;
  const lastOf = (rows: string): string => `coalesce((SELECT max(n) FROM (${rows}) c WHERE n < ${slot}), -1)::float8`;
  const [row] = await query.rows<Counts>(`
    SELECT coalesce((SELECT min(n) FROM (${written('class')} WHERE oid < 16384 AND relkind IN ('r', 't', 'm')) c WHERE n < ${XIDS / 2}), -1)::float8 AS before,
           ${lastOf(written('database'))} AS created,
           ${lastOf(CATALOGS.map(written).join(' UNION ALL '))} AS restored,
           (${slot})::float8 AS slot`);
  return row ?? { before: -1, created: -1, restored: -1, slot: -1 };
}

/** What the state would say of the table if it had been looked at when the slot was made. */
function renewed(table: PgTable, known: KnownTable | null, slotXid: string): JsonObject | null {
  if (known === null || known.identity.split('/')[0] !== `${table.oid}`) return null;
  const before = readMemo(known.memo);
  const isOfUpgrade = (xid: string): boolean => ((Number(xid) - Number(slotXid)) | 0) < 0;
  const entry = table.entry ?? '';
  const unaltered = (entry.match(/\d+/g) ?? []).every(isOfUpgrade);
  const memo = { ...before, entry: unaltered ? entry : ALTERED, horizon: slotXid, removals: '' };
  if (before.partitions === undefined) return { seen: memoText(memo) };
  const storages = new Map([...knownPartitions(before.partitions)].map(([mark, storage]) => [mark.split(':')[0], storage]));
  const partitions = table.leaves.flatMap(leaf => {
    const storage = storages.get(`${leaf.oid}`);
    const linked = leaf.attached.split('/').every(link => isOfUpgrade(link.split('.')[0] ?? ''));
    return storage === undefined || !linked ? [] : [`${attachmentOf(leaf)}:${storage}`];
  });
  return { seen: memoText(memo), partitions: partitions.join(' ') };
}

/** An entry that no table has. */
const ALTERED = '0';
