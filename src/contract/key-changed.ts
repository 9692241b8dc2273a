import { ConnectorError } from './errors.ts';
import { type TableId, tableLabel } from './ids.ts';

/** Of columns, for messages. */
const listed = (key: readonly string[]): string => (key.length === 0 ? 'none' : key.join(', '));

/**
 * The table's key is not the one under which the destination keeps its rows. `found`: its key; `when`: at which time, or
 * where; `promised`: the catalog's key.
 */
export function keyChanged(id: TableId, found: readonly string[], when: string, promised: readonly string[]): ConnectorError {
  const detail =
    `the key of ${tableLabel(id)} is ${listed(found)} ${when}, but ${listed(promised)} in the catalog, by which the destination tells rows apart. ` +
    'Refresh the source schema and clear the stream, so that it is read anew.';
  return new ConnectorError('SCHEMA_CHANGED', detail, { table: id });
}
