import type { Followed, Logger, Missed, Watched } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { listed } from '../../../contract/findings.ts';
import type { JsonObject, SnapshotCursor, TableId } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { type LeafRow, readLeaves } from '../catalog-queries.ts';
import { asCursor, partsCursor } from '../snapshot/cursor.ts';
import { type Query, qualified, quoteIdent } from '../sql.ts';
import type { PgLeaf, PgTable } from '../table.ts';

/**
 * The partitions with which the followed tables are read: kept in the memos of the tables.
 *
 * Rows that a partition has before it is attached are in no log of the table. A snapshot that is under way reads them; for
 * one that comes later `missedRows` finds out.
 */
export class Partitions {
  readonly #followed: readonly Followed[];

  constructor(followed: readonly Followed[]) {
    this.#followed = followed.filter(isPartitioned);
  }

  /** A snapshot has read the table to its end, with these partitions. */
  read(table: PgTable, leaves: readonly LeafRow[]): void {
    for (const followed of this.#followed)
      if ((followed.selection.table as PgTable).oid === table.oid) followed.memo = memoOf(leaves);
  }
}

/** The partitions that have come with rows since the last look, and the snapshots that bring those. Changes the memos of the other tables. */
export async function missedRows(tables: readonly Watched[], query: Query, log: Logger): Promise<readonly Missed[]> {
  // A snapshot of the whole table sees to its partitions by itself.
  const watched = tables.filter(({ followed, cursor }) => isPartitioned(followed) && cursor !== null && !isOfWhole(cursor));
  if (watched.length === 0) return [];
  const all = await readLeaves(
    query,
    watched.map(({ followed }) => (followed.selection.table as PgTable).oid),
  );
  const missed: Missed[] = [];
  for (const { followed, cursor } of watched) {
    const table = followed.selection.table as PgTable;
    const leaves = all.filter(leaf => leaf.root === table.oid);
    const known = followed.memo?.['partitions'];
    const memo = memoOf(leaves);
    if (known === memo['partitions']) continue;
    const before = new Set(typeof known === 'string' ? known.split(' ') : leaves.map(mark));
    const filled: number[] = [];
    for (const leaf of leaves)
      if (!before.has(mark(leaf)) && (await cameWithRows(query, log, table, leaf))) filled.push(leaf.oid);
    if (filled.length > 0) missed.push({ followed, cursor: asCursor(partsCursor(table, cursor ?? null, filled)), memo });
    else followed.memo = memo;
  }
  return missed;
}

const isPartitioned = ({ selection }: Followed): boolean => (selection.table as PgTable).relkind === 'p';
const isOfWhole = (cursor: SnapshotCursor | undefined): boolean => cursor !== undefined && !('only' in (cursor as JsonObject));

/** What to say of a partitioned table that the role can read whole through its root only; undefined when it may read the partitions. */
export function unreadableLeaves(
  root: TableId,
  leaves: readonly Pick<PgLeaf, 'id' | 'readable' | 'rowSecurity'>[],
  role: string,
): string | undefined {
  const denied = leaves.filter(leaf => !leaf.readable).map(leaf => leaf.id);
  const hidden = leaves.filter(leaf => leaf.readable && leaf.rowSecurity).map(leaf => tableLabel(leaf.id));
  const slow = `The snapshot of ${tableLabel(root)} is one statement, which cannot be resumed and which vacuum waits for, since`;
  if (denied.length > 0) {
    const grant = `GRANT SELECT ON ${listed(denied.map(qualified))} TO ${quoteIdent(role)};`;
    return `${slow} the role may not read all of its partitions. To read it in pieces run: ${grant}`;
  }
  if (hidden.length === 0) return undefined;
  const bypass = `ALTER ROLE ${quoteIdent(role)} BYPASSRLS;`;
  return `${slow} row-level security hides rows of ${listed(hidden)} from the role. To read it in pieces run: ${bypass}`;
}

export const leafId = ({ namespace, name }: LeafRow): TableId => ({ namespace, name });

/** Another one when the partition is detached and attached again. */
const mark = (leaf: LeafRow): string => `${leaf.oid}:${leaf.attached}`;

const memoOf = (leaves: readonly LeafRow[]): JsonObject => ({ partitions: leaves.map(mark).join(' ') });

/** Says what came, too. */
async function cameWithRows(query: Query, log: Logger, table: PgTable, leaf: LeafRow): Promise<boolean> {
  const came = `${tableLabel(leafId(leaf))} was attached to ${tableLabel(table.id)}`;
  const older = await hasOlderRows(query, leaf);
  if (older === true) log.info(`${came} with rows that it had before, which are not in the log: a snapshot brings them.`);
  if (older === undefined) {
    const remedy = `Clear the stream ${tableLabel(table.id)} to read it anew.`;
    log.warn(
      `${came}. If it had rows before, which the role cannot see without SELECT on it (and BYPASSRLS, where it has row-level security), they are not in the log. ${remedy}`,
    );
  }
  return older === true;
}

/**
 * Whether the partition has rows from before it was attached: written by an older transaction, or earlier in the same one.
 * A younger one may have an older number, so this may say yes too often. Undefined: it cannot be read.
 */
async function hasOlderRows(query: Query, leaf: LeafRow): Promise<boolean | undefined> {
  if (leaf.row_security) return undefined;
  const older = leaf.attached.split('/').map(link => {
    const [xid = '0', command = '0'] = link.split('.');
    // Who locks a row overwrites its number of the command.
    const earlier = `r.xmin = '${xid}'::xid AND r.xmax = '0'::xid AND r.cmin::text::int8 < ${command}`;
    return `age(r.xmin) > age('${xid}'::xid) OR (${earlier})`;
  });
  try {
    const name = qualified(leafId(leaf));
    const sql = `SELECT EXISTS (SELECT FROM ONLY ${name} r WHERE ${older.join(' OR ')}) AS yes`;
    return (await query.rows<{ yes: boolean }>(sql))[0]?.yes === true;
  } catch (error) {
    const code = error instanceof ConnectorError ? error.code : undefined;
    if (code === 'TABLE_MISSING') return false;
    if (code === 'PERMISSION_DENIED' || code === 'SERVER_ERROR') return undefined;
    throw error;
  }
}
