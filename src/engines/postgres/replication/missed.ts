import type { Followed, Logger, Missed, Watched } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { listed } from '../../../contract/findings.ts';
import { groupBy } from '../../../contract/found-tables.ts';
import type { SnapshotCursor } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { type LeafRow, readLeaves } from '../catalog-queries.ts';
import { asCursor, isOfParts, partsCursor } from '../snapshot/cursor.ts';
import type { Query } from '../sql.ts';
import type { PgTable } from '../table.ts';
import { filledPartitions } from './partitions.ts';
import { hasOnlyRowsSince, isRewritten, storageMark } from './storage.ts';
import { keyMark, memoOf, readMemo, type TableMemo } from './table-memo.ts';
import { valuesChanged } from './values-changed.ts';

interface Source {
  readonly query: Query;
  readonly log: Logger;
  /** Oids of the tables of which it was said that DDL may have changed values, or that are read anew. Is added to. */
  readonly said: Set<number>;
}

/**
 * The tables of which rows have come past the log since the last look, and the snapshots that bring those: all of a table
 * that may have been out of the log for a while, or the partitions that came with rows. Changes the memos of the others.
 * Throws SCHEMA_CHANGED for a table whose records have stood under another key so far.
 */
export async function missedRows(tables: readonly Watched[], source: Source): Promise<readonly Missed[]> {
  const { query, log, said } = source;
  const partitioned = tables.map(({ followed }) => tableOf(followed)).filter(table => table.relkind === 'p');
  const leaves = groupBy(
    await readLeaves(
      query,
      partitioned.map(table => table.oid),
    ),
    leaf => leaf.root,
  );
  const missed: Missed[] = [];
  const gaps: { readonly table: PgTable; readonly why: string }[] = [];
  const changed: string[] = [];
  for (const { followed, cursor } of tables) {
    const table = tableOf(followed);
    const before = readMemo(followed.memo);
    if (before.key !== '' && before.key !== keyMark(table)) throw rekeyed(table);
    const own = leaves.get(table.oid) ?? [];
    const memo = memoOf(table, own);
    const why = await gapOf(query, table, before);
    if (why !== undefined) gaps.push({ table, why });
    const comes = why === undefined ? await startOf(source, { table, before, leaves: own, cursor }) : null;
    const columns = comes === null ? [] : await valuesChanged(query, followed.selection, before);
    if (comes === null || columns.length > 0) said.add(table.oid);
    if (columns.length > 0) changed.push(`${tableLabel(table.id)} (${listed(columns)})`);
    if (comes === undefined) followed.memo = memo;
    else missed.push({ followed, cursor: comes, memo });
  }
  for (const [why, found] of groupBy(gaps, gap => gap.why)) {
    const names = listed(found.map(({ table }) => tableLabel(table.id)));
    log.warn(
      `${why}; meanwhile the log may have lacked changes. A new snapshot is taken of ${names}. ` +
        'Rows that were deleted meanwhile stay at the destination until the stream is refreshed.',
    );
  }
  if (changed.length > 0) {
    log.warn(
      `DDL since the last read may have changed values of ${listed(changed)} in rows that the log does not mention: a type with USING or fewer ` +
        'digits, a generated expression, the labels of an enum, a name that another column has taken over. The destination keeps the old values there. ' +
        'Refresh the streams to read them anew.',
    );
  }
  return missed;
}

const tableOf = (followed: Followed): PgTable => followed.selection.table as PgTable;

/** Why the log may have lacked changes of the table since the last look; undefined: it had all of them. */
async function gapOf(query: Query, table: PgTable, before: TableMemo): Promise<string | undefined> {
  const { entry, removals } = table;
  if (entry !== null && before.entry !== '' && before.entry !== entry) {
    if (publicationOf(entry) !== publicationOf(before.entry)) return 'The publication was altered since the last read';
    return 'A table was in another schema, or not a partition, for a while';
  }
  if (removals !== null && before.removals !== '' && removals > Number(before.removals))
    return 'A publication was altered since the last read, perhaps by an EXCEPT for a while';
  const { storage, horizon } = before;
  if (!table.mayBeUnlogged || storage === '' || horizon === '' || !isRewritten(storage, storageMark(table.storage)))
    return undefined;
  // One that cannot be looked at counts as unlogged: its columns may be readable all the same.
  if ((await hasOnlyRowsSince(query, table.id, horizon)) === false) return undefined;
  return 'All rows of a table were written anew since the last read, as SET UNLOGGED and SET LOGGED do';
}

/** Also where the catalog has the new key: what the destination has of the table is under the old one. */
function rekeyed({ id, primaryKey }: PgTable): ConnectorError {
  const key = primaryKey.length === 0 ? 'none' : primaryKey.join(', ');
  const detail =
    `the key of ${tableLabel(id)} is ${key} now, and was another one when the table was last read: its rows are at the destination under that. ` +
    'Refresh the source schema and clear the stream, so that it is read anew.';
  return new ConnectorError('SCHEMA_CHANGED', detail, { table: id });
}

const publicationOf = (entry: string): string => entry.split(' ')[0] ?? '';

interface Partitioned {
  readonly table: PgTable;
  readonly before: TableMemo;
  readonly leaves: readonly LeafRow[];
  /** See `Watched`. */
  readonly cursor: SnapshotCursor | null | undefined;
}

/** Where the snapshot of partitions begins that came with rows; undefined: there are none. */
async function startOf(source: Source, partitioned: Partitioned): Promise<SnapshotCursor | null | undefined> {
  const { table, before, leaves, cursor } = partitioned;
  if (before.partitions === undefined) return undefined;
  // A snapshot of the whole table under way sees to partitions that come, but not to a new ordering key of its rows.
  const whole = cursor !== undefined && (cursor === null || !isOfParts(cursor));
  const filled = await filledPartitions(source, { table, before, leaves, onlyKnown: whole });
  if (filled.length === 0) return undefined;
  return whole ? null : asCursor(partsCursor(table, cursor ?? null, filled));
}
