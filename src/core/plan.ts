import { type AddedOptions, addedColumns, leftOutOf, offered, ownColumns, sayLeftOut } from '../contract/added-columns.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Column, Selection, Table } from '../contract/table.ts';
import type { ConfiguredCatalog, ConfiguredStream } from '../protocol/catalog.ts';

/** What is to be done with one stream of the catalog. */
export interface StreamPlan {
  readonly id: TableId;
  readonly configured: ConfiguredStream;
  /** The log is followed after a snapshot; otherwise a snapshot is all. */
  readonly follow: boolean;
  /**
   * Why the stream is not read: it is configured as incremental, and its table cannot be followed. A snapshot in its place
   * would say nothing of the rows that are gone, nor have an ordering key by which a destination takes it for the newer.
   */
  readonly refusal: string | null;
  /** Records carry the ordering key and the other columns of changes. */
  readonly changes: boolean;
  /** The columns of records that are not the table's own. */
  readonly added: readonly Column[];
}

/**
 * Decides for each stream of the configured catalog, from what the source has. `notices`: what the user should know of it.
 * Pure. Throws STREAM_UNKNOWN naming every stream that is not there.
 */
export function plan(
  catalog: ConfiguredCatalog,
  found: readonly Table[],
  options: AddedOptions,
): { readonly plans: readonly StreamPlan[]; readonly notices: readonly string[] } {
  const tables = new Map(found.map(table => [tableKey(table.id), offered(table, options)]));
  const unknown = catalog.streams.filter(stream => !tables.has(tableKey(stream.id)));
  if (unknown.length > 0) {
    const names = unknown.map(stream => `"${tableLabel(stream.id)}"`).join(', ');
    const [first] = unknown;
    throw new ConnectorError('STREAM_UNKNOWN', `not among the tables on offer: ${names}.`, { table: first?.id });
  }
  const notices: string[] = [];
  const left: string[] = [];
  const plans = catalog.streams.map((configured): StreamPlan => {
    const table = tables.get(tableKey(configured.id)) as Table;
    const incremental = configured.syncMode === 'incremental';
    const changes = incremental || promisesChanges(configured, table, options);
    const added = addedColumns(changes, options);
    const known = new Set([...table.columns, ...added].map(column => column.name));
    const gone = [...(configured.properties?.keys() ?? [])].filter(name => !known.has(name));
    if (gone.length > 0) {
      notices.push(`${tableLabel(table.id)} no longer has the columns ${gone.join(', ')}; refresh the source schema.`);
    }
    const { leftOut } = ownColumns(table.columns, added);
    if (leftOut.length > 0) left.push(leftOutOf(table, leftOut));
    const reason = table.follow === true ? null : table.follow.reason;
    return {
      id: table.id,
      configured,
      follow: incremental && reason === null,
      refusal: incremental ? reason : null,
      changes,
      added,
    };
  });
  return { plans, notices: [...notices, ...sayLeftOut(left)] };
}

/**
 * Whether the catalog promises the columns of changes for a full refresh: those that the table cannot mean by columns of its
 * own. It was made while the table could be followed, which may have ended since.
 */
function promisesChanges({ properties }: ConfiguredStream, table: Table, options: AddedOptions): boolean {
  if (properties === null) return table.follow === true;
  const own = new Set(table.follow === true ? [] : table.columns.map(column => column.name));
  return addedColumns(true, { ...options, sharded: false }).some(({ name }) => properties.has(name) && !own.has(name));
}

/** The error for streams that are configured as incremental and cannot be followed. `more`: what became of the others. */
export function refused(plans: readonly StreamPlan[], more: string): ConnectorError {
  const names = plans.map(({ id }) => tableLabel(id)).join(', ');
  const reasons = plans.map(({ refusal }) => refusal).join(' ');
  const detail = `${names}: configured as incremental, but ${reasons} ${more}`;
  return new ConnectorError('REPLICA_IDENTITY_MISSING', detail, { table: plans[0]?.id });
}

/**
 * The columns that the catalog asks for, in the table's order and in the types that the catalog promises. A column of the
 * table that bears the name of one we add is left out: the destination relies on the meaning of ours.
 */
export function select({ configured, added }: StreamPlan, table: Table): Selection {
  const { properties } = configured;
  const columns = ownColumns(table.columns, added)
    .kept.filter(column => properties === null || properties.has(column.name))
    .map(column => ({ ...column, type: properties?.get(column.name) ?? column.type }));
  return { table, columns };
}
