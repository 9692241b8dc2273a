/** What engines do with what they found in a catalog. */
import { ConnectorError } from './errors.ts';
import { type TableId, tableKey, tableLabel } from './ids.ts';
import type { Table } from './table.ts';

/** The tables in the order asked. Throws TABLE_MISSING naming all that `what` does not have. */
export function tablesAsked<T extends Table>(found: readonly T[], ids: readonly TableId[], what: string): readonly T[] {
  const byKey = new Map(found.map(table => [tableKey(table.id), table]));
  const missing = ids.filter(id => !byKey.has(tableKey(id)));
  if (missing.length > 0) {
    const detail = `${what} does not have ${missing.map(tableLabel).join(', ')}, or the user may not read it.`;
    throw new ConnectorError('TABLE_MISSING', detail, { table: missing[0] });
  }
  return ids.map(id => byKey.get(tableKey(id)) as T);
}

/** `Map.groupBy`, which Node 20 does not have. */
export function groupBy<Row, Key>(rows: readonly Row[], key: (row: Row) => Key): ReadonlyMap<Key, readonly Row[]> {
  const groups = new Map<Key, Row[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group === undefined) groups.set(key(row), [row]);
    else group.push(row);
  }
  return groups;
}
