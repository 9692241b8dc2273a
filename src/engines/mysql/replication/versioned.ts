import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { TYPE_LONGLONG, TYPE_TIMESTAMP2 } from '../binlog/column-types.ts';
import type { TableMap, TableMapColumn } from '../binlog/table-map.ts';
import type { TableLayout } from '../layout/column-layout.ts';
import type { MysqlTable } from '../table.ts';

/** The log has old versions of its rows as rows, and deletes as updates. */
export const versioned = ({ id }: MysqlTable): ConnectorError =>
  new ConnectorError(
    'SCHEMA_CHANGED',
    `${tableLabel(id)} has, or had, system versioning at this place in the log, where old versions of rows cannot be told from rows. Clear the stream, so that it is read anew.`,
    { table: id },
  );

/** Columns that a server calls so where the statement does not name them. */
const NAMES = ['row_start', 'row_end'];
const MICROSECONDS = 6;

/** Times, or numbers of transactions. */
const mayHoldVersions = ({ type, metadata, unsigned }: TableMapColumn): boolean =>
  type === TYPE_TIMESTAMP2 ? metadata === MICROSECONDS : type === TYPE_LONGLONG && unsigned !== false;

/**
 * Whether a TABLE_MAP with names looks like that of a table with system versioning: of two columns that the table does not have
 * now (`present`), both as those that say since when and until when a version holds, one is in the key, or they have the
 * names that the server gives them.
 */
export function looksVersioned(map: TableMap, present: TableLayout): boolean {
  const now = new Set(present.columns.map(({ name }) => name.toLowerCase()));
  const isGone = ({ name }: TableMapColumn): boolean => name !== undefined && !now.has(name.toLowerCase());
  const gone = map.columns.filter(column => isGone(column) && mayHoldVersions(column));
  if (gone.length < 2) return false;
  const inKey = (map.primaryKey ?? []).some(at => gone.includes(map.columns[at] as TableMapColumn));
  return inKey || NAMES.every(name => gone.some(column => column.name?.toLowerCase() === name));
}
