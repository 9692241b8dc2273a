import type { Logger } from '../../contract/engine.ts';
import { listed } from '../../contract/findings.ts';
import { tableLabel } from '../../contract/ids.ts';
import type { RelationRow } from './catalog-queries.ts';

/** Says what discovery leaves out for want of rights: tables, and columns of the others. */
export function tellLeftOut(
  offered: readonly RelationRow[],
  kept: readonly RelationRow[],
  columns: number,
  log: Logger | undefined,
): void {
  const denied = offered.filter(row => !row.partly_readable).map(row => tableLabel(row));
  if (denied.length > 0) {
    log?.warn(`Left out for want of SELECT (or USAGE on the schema): ${listed(denied, 10)}.`);
  }
  const empty = offered.filter(row => row.partly_readable && !row.populated && !kept.includes(row)).map(row => tableLabel(row));
  if (empty.length > 0) {
    log?.warn(`Left out, since they hold no data (run REFRESH MATERIALIZED VIEW): ${listed(empty, 10)}.`);
  }
  if (columns === 0) return;
  const partly = kept.filter(row => !row.readable).map(row => tableLabel(row));
  log?.warn(`${columns} columns are left out for want of SELECT, in ${partly.slice(0, 10).join(', ')}.`);
}
