import type { Followed } from '../../../contract/engine.ts';
import { keyChanged } from '../../../contract/key-changed.ts';
import type { TableMap } from '../binlog/table-map.ts';
import type { TableLayout } from '../layout/column-layout.ts';
import { firstKey, tellsApart, withPrimaryKey } from '../layout/unique-keys.ts';
import { isNamed } from './row-layout.ts';

/**
 * Throws SCHEMA_CHANGED where the catalog's key is no unique key of the table as it is at this place: a destination that
 * deduplicates would take two rows for one. `where`: the place, in words.
 */
export function holdKey({ selection }: Pick<Followed, 'selection'>, layout: TableLayout, where: string): void {
  const { key = [], table } = selection;
  if (key.length === 0 || tellsApart(layout, key) !== false) return;
  throw keyChanged(table.id, firstKey(layout), where, key);
}

/** The layout with the primary key that this TABLE_MAP shows, where it shows one or that there is none. */
export function withSentKey(layout: TableLayout, map: TableMap): TableLayout {
  if (!isNamed(map) || (layout.keys === undefined && map.primaryKey === undefined)) return layout;
  const primary = map.primaryKey?.map(at => map.columns[at]?.name ?? '') ?? null;
  return { ...layout, keys: withPrimaryKey(layout.keys, primary) };
}
