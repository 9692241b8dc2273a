import { ConnectorError } from '../contract/errors.ts';
import type { TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Selection, Table } from '../contract/table.ts';
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
  /** What the user should know about how the stream is read. */
  readonly notices: readonly string[];
}

/**
 * Decides for each stream of the configured catalog, from what the source offers. Pure. Throws STREAM_UNKNOWN naming
 * every stream that is not offered.
 */
export function plan(
  catalog: ConfiguredCatalog,
  offered: readonly Table[],
  { added, cursorColumn }: { readonly added: ReadonlySet<string>; readonly cursorColumn: string },
): readonly StreamPlan[] {
  const tables = new Map(offered.map(table => [tableKey(table.id), table]));
  const unknown = catalog.streams.filter(stream => !tables.has(tableKey(stream.id)));
  if (unknown.length > 0) {
    const names = unknown.map(stream => `"${tableLabel(stream.id)}"`).join(', ');
    const [first] = unknown;
    throw new ConnectorError('STREAM_UNKNOWN', `not among the tables on offer: ${names}.`, { table: first?.id });
  }
  return catalog.streams.map(configured => {
    const table = tables.get(tableKey(configured.id)) as Table;
    const incremental = configured.syncMode === 'incremental';
    const notices: string[] = [];
    const gone = [...(configured.properties?.keys() ?? [])].filter(
      name => !added.has(name) && !table.columns.some(column => column.name === name),
    );
    if (gone.length > 0) {
      notices.push(`${tableLabel(table.id)} no longer has the columns ${gone.join(', ')}; refresh the source schema.`);
    }
    const promised = configured.properties === null ? table.follow === true : configured.properties.has(cursorColumn);
    return {
      id: table.id,
      configured,
      follow: incremental && table.follow === true,
      refusal: incremental && table.follow !== true ? table.follow.reason : null,
      changes: incremental || promised,
      notices,
    };
  });
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
export function select(configured: ConfiguredStream, table: Table, added: ReadonlySet<string>): Selection {
  const { properties } = configured;
  const columns = table.columns
    .filter(column => !added.has(column.name) && (properties === null || properties.has(column.name)))
    .map(column => ({ ...column, type: properties?.get(column.name) ?? column.type }));
  return { table, columns };
}
