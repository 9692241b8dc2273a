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
  /** What the user should know about how the stream is read. */
  readonly notices: readonly string[];
}

/**
 * Decides for each stream of the configured catalog, from what the source offers. Pure. Throws STREAM_UNKNOWN naming
 * every stream that is not offered.
 */
export function plan(catalog: ConfiguredCatalog, offered: readonly Table[], added: ReadonlySet<string>): readonly StreamPlan[] {
  const tables = new Map(offered.map(table => [tableKey(table.id), table]));
  const unknown = catalog.streams.filter(stream => !tables.has(tableKey(stream.id)));
  if (unknown.length > 0) {
    const names = unknown.map(stream => `"${tableLabel(stream.id)}"`).join(', ');
    const [first] = unknown;
    throw new ConnectorError('STREAM_UNKNOWN', `not among the tables on offer: ${names}.`, { table: first?.id });
  }
  return catalog.streams.map(configured => {
    const table = tables.get(tableKey(configured.id)) as Table;
    const wanted = configured.syncMode === 'incremental';
    const notices: string[] = [];
    if (wanted && table.follow !== true) {
      notices.push(`${tableLabel(table.id)} is read as full refresh although incremental was asked for: ${table.follow.reason}`);
    }
    const gone = [...(configured.properties?.keys() ?? [])].filter(
      name => !added.has(name) && !table.columns.some(column => column.name === name),
    );
    if (gone.length > 0) {
      notices.push(`${tableLabel(table.id)} no longer has the columns ${gone.join(', ')}; refresh the source schema.`);
    }
    return { id: table.id, configured, follow: wanted && table.follow === true, notices };
  });
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
