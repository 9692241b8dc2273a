import { type AddedOptions, addedColumns, leftOutOf, offered, ownColumns, sayLeftOut } from '../contract/added-columns.ts';
import { ConnectorError, type ErrorCode } from '../contract/errors.ts';
import type { TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import { keyChanged } from '../contract/key-changed.ts';
import type { Column, Selection, Table } from '../contract/table.ts';
import type { ConfiguredCatalog, ConfiguredStream } from '../protocol/catalog.ts';

/** What is to be done with one stream of the catalog. */
export interface StreamPlan {
  readonly id: TableId;
  readonly configured: ConfiguredStream;
  /** The log is followed after a snapshot; otherwise a snapshot is all. */
  readonly follow: boolean;
  readonly refusal: Refusal | null;
  /** Records carry the ordering key and the other columns of changes. */
  readonly changes: boolean;
  /** The columns of records that are not the table's own. */
  readonly added: readonly Column[];
}

/** Why a stream is not read. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
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
    return {
      id: table.id,
      configured,
      follow: incremental && table.follow === true,
      refusal: unfollowable(configured, table) ?? rekeyed(configured, table, namesOf(added)),
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

/**
 * The table cannot be followed, though that is wanted. A snapshot in its place would say nothing of the rows that are gone,
 * nor have an ordering key by which a destination takes it for the newer.
 */
function unfollowable({ syncMode }: ConfiguredStream, { id, follow }: Table): Refusal | null {
  if (syncMode !== 'incremental' || follow === true) return null;
  return { code: 'REPLICA_IDENTITY_MISSING', detail: `${tableLabel(id)}: configured as incremental, but ${follow.reason}` };
}

/**
 * The table has another key than the catalog. A destination that keeps one record for each key would take two rows for
 * one, where the catalog's no longer tells them apart; or it would not find the row that a delete means, since changes
 * name rows by the key of the table.
 */
function rekeyed(configured: ConfiguredStream, { id, primaryKey }: Table, added: ReadonlySet<string>): Refusal | null {
  const { syncMode, deduplicated } = configured;
  const promised = promisedKey(configured, added);
  if (promised.length === 0 || !(syncMode === 'incremental' || deduplicated)) return null;
  const tellsApart = primaryKey.length > 0 && primaryKey.every(name => promised.includes(name));
  if (tellsApart && (syncMode === 'full_refresh' || primaryKey.length === promised.length)) return null;
  return keyChanged(id, primaryKey, 'now', promised);
}

/** The key of the catalog without the columns that we add. */
const promisedKey = ({ key }: ConfiguredStream, added: ReadonlySet<string>): readonly string[] =>
  key.filter(name => !added.has(name));

/** The error for streams that are refused. `more`: what became of the others. */
export function refused(plans: readonly StreamPlan[], more: string): ConnectorError {
  const refusals = plans.map(({ refusal }) => refusal).filter(refusal => refusal !== null);
  const detail = `${refusals.map(refusal => refusal.detail).join(' ')} ${more}`;
  return new ConnectorError(refusals[0]?.code ?? 'INVARIANT', detail, { table: plans[0]?.id });
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
  return { table, columns, key: promisedKey(configured, namesOf(added)) };
}

const namesOf = (columns: readonly Column[]): ReadonlySet<string> => new Set(columns.map(column => column.name));
