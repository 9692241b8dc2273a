import type { TableMap } from '../binlog/table-map.ts';
import type { ColumnLayout, TableLayout } from '../layout/column-layout.ts';
import { layoutFromTableMap } from '../layout/from-table-map.ts';
import type { KnownTable } from '../layout/layout-catalog.ts';
import { columnMismatch, mismatch } from '../layout/match.ts';

/** The columns of rows in the log; `isSent`: as TABLE_MAP has them, which is not what was known. Or why they cannot be told. */
export type RowLayout = { readonly layout: TableLayout; readonly isSent: boolean } | { readonly why: string };

/** TABLE_MAP names its columns: `binlog_row_metadata` was FULL. */
export const isNamed = (map: TableMap): boolean => map.columns.every(column => column.name !== undefined);

/**
 * Holds what is known of a table against a TABLE_MAP. `discovered` is what it is now: it helps to tell types that a TABLE_MAP
 * with names does not; `selected` are the columns that matter.
 */
export function rowLayout(
  map: TableMap,
  known: KnownTable | undefined,
  options: {
    readonly discovered: TableLayout;
    readonly selected: readonly string[];
    readonly flavor: 'mysql' | 'mariadb';
  },
): RowLayout {
  const layout = known !== undefined && 'layout' in known ? known.layout : null;
  const unfit = layout === null ? null : mismatch(map, layout, options.flavor);
  if (layout !== null && unfit === null) return { layout, isSent: false };
  const sent = isNamed(map) ? layoutFromTableMap(map, bestOf(map, [layout, options.discovered])) : null;
  if (sent !== null) {
    const unclear = sent.ambiguous.filter(name => options.selected.includes(name));
    if (unclear.length === 0) return { layout: sent.layout, isSent: true };
    return { why: `the types of ${unclear.join(', ')} cannot be told from the log` };
  }
  if (known !== undefined && 'why' in known) return { why: known.why };
  return { why: unfit?.why ?? 'its columns are not known' };
}

/** For each column that the log names, the first of the layouts that knows one of that name which fits. */
function bestOf(map: TableMap, layouts: readonly (TableLayout | null)[]): TableLayout | null {
  const [first] = layouts.filter(layout => layout !== null);
  if (first === undefined) return null;
  const columns = map.columns.flatMap((sent): readonly ColumnLayout[] => {
    for (const layout of layouts) {
      const column = layout?.columns.find(({ name }) => name === sent.name);
      if (column !== undefined && columnMismatch(sent, column) === null) return [column];
    }
    return [];
  });
  return { ...first, columns };
}
