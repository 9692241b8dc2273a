/** The columns that the connector adds to a table's own, and what becomes of a table that has one of such a name itself: decision 0019. */
import { listed } from './findings.ts';
import { tableLabel } from './ids.ts';
import type { Column, Table } from './table.ts';

/** The column that says which shard a record came from, on sources with more than one. */
export const SHARD_COLUMN = '_ab_source_shard';
export const UPDATED_AT_COLUMN = '_ab_cdc_updated_at';
export const DELETED_AT_COLUMN = '_ab_cdc_deleted_at';

export interface AddedOptions {
  /** `Engine.cursorColumn`. */
  readonly cursorColumn: string;
  /** `Engine.originColumns`. */
  readonly originColumns: readonly Column[];
  /** Whether the source reads more than one shard. */
  readonly sharded: boolean;
}

/** The columns that records carry beside the table's own, in the order in which they are written. `changes`: those of the log too. */
export function addedColumns(changes: boolean, options: AddedOptions): readonly Column[] {
  const shard: Column = { name: SHARD_COLUMN, type: { kind: 'string' }, nullable: false };
  const log: readonly Column[] = [
    { name: options.cursorColumn, type: { kind: 'integer' }, nullable: false },
    { name: UPDATED_AT_COLUMN, type: { kind: 'timestamp_tz' }, nullable: false },
    { name: DELETED_AT_COLUMN, type: { kind: 'timestamp_tz' }, nullable: true },
    ...options.originColumns,
  ];
  return [...(changes ? log : []), ...(options.sharded ? [shard] : [])];
}

/** Some destinations take names that differ in case alone for one name. */
const folded = (name: string): string => name.toLowerCase();

/** Splits a table's columns into those that records have and those whose names belong to `added`. */
export function ownColumns<C extends Column>(
  columns: readonly C[],
  added: readonly Column[],
): { readonly kept: readonly C[]; readonly leftOut: readonly C[] } {
  const taken = new Set(added.map(column => folded(column.name)));
  const isTaken = (column: C): boolean => taken.has(folded(column.name));
  return { kept: columns.filter(column => !isTaken(column)), leftOut: columns.filter(isTaken) };
}

/**
 * The table as it can be offered: a key must not lose a column to one of ours, or rows would fall together. Such a table is
 * not followed; where records carry such a column nevertheless, it has no key.
 */
export function offered<T extends Table>(table: T, options: AddedOptions): T {
  const taken = new Set(addedColumns(table.follow === true, options).map(column => folded(column.name)));
  const [first] = table.primaryKey.filter(name => taken.has(folded(name)));
  if (first === undefined) return table;
  if (table.follow !== true) return { ...table, primaryKey: [] };
  const reason = `the key column "${first}" of ${tableLabel(table.id)} has the name of a column that the connector adds to changes. Rename it, or read the table as full refresh.`;
  return offered({ ...table, follow: { reason } }, options);
}

/** What to say of columns that are left out, of all tables at once; nothing where there are none. */
export function leftOutNotices(tables: readonly Table[], options: AddedOptions): readonly string[] {
  const found = tables.flatMap(table => {
    const { leftOut } = ownColumns(table.columns, addedColumns(table.follow === true, options));
    return leftOut.length === 0 ? [] : [leftOutOf(table, leftOut)];
  });
  return sayLeftOut(found);
}

/** `public.orders (_ab_cdc_lsn, _ab_cdc_updated_at)` */
export const leftOutOf = ({ id }: Pick<Table, 'id'>, columns: readonly Column[]): string =>
  `${tableLabel(id)} (${columns.map(column => column.name).join(', ')})`;

export function sayLeftOut(found: readonly string[]): readonly string[] {
  if (found.length === 0) return [];
  const tables = found.length === 1 ? 'a table' : `${found.length} tables`;
  return [
    `Columns of ${tables} are left out, since the connector adds columns of these names to records: ${listed(found, 10)}. Rename them to have their values.`,
  ];
}
