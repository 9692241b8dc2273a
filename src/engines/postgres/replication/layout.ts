import { createHash } from 'node:crypto';
import type { PgColumn, PgTable } from '../table.ts';
import type { PgType } from '../types.ts';

/**
 * What is remembered of how a table is laid out: enough to see that values were changed by DDL, of which no log says
 * anything. Which columns it was is then told by the catalog, which knows who wrote its entries since.
 */

/** Six characters: enough to see that a text is another one than before. */
export const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 6);

/** As what stored values are read: types of text are one, for without a rewrite a value of one is the same in another. */
export function readAs(type: PgType): string {
  if (type.base !== undefined) return readAs(type.base);
  return type.typcategory === 'S' ? 'S' : `${type.oid}`;
}

const entryOf = ({ attnum, name, pgType, virtualExpression }: PgColumn): unknown => [
  attnum,
  name,
  readAs(pgType),
  virtualExpression,
];

/**
 * `<last column>.<fingerprint>` of the columns up to that one. What a modifier, or a stored expression, changes shows in a
 * rewrite of the table instead.
 */
export function layoutMark(table: PgTable, last = Math.max(0, ...table.columns.map(column => column.attnum))): string {
  const entries = table.columns.filter(column => column.attnum <= last).map(entryOf);
  return `${last}.${fingerprint(JSON.stringify(entries))}`;
}

/**
 * `<greatest oid of an enum's value>.<fingerprint>` of what the text of values depends on beside the table: the labels of
 * enums up to that oid, the attributes of composites. Empty where no column is of such a type.
 */
export function formsMark(table: PgTable, greatest?: number): string {
  const forms = table.columns.flatMap(column => column.forms);
  if (forms.length === 0) return '';
  const last = greatest ?? Math.max(...forms.map(form => form.oid));
  const texts = new Set(forms.filter(form => form.oid <= last).map(({ oid, text }) => `${oid} ${text}`));
  return `${last}.${fingerprint(JSON.stringify([...texts].sort()))}`;
}

/** Whether the row of the catalog was written by a transaction from `horizon`, a 64-bit id, on. `xmin` has 32 bits. */
const isSince = (xmin: string, horizon: string): boolean => ((Number(xmin) - Number(BigInt(horizon) % 4_294_967_296n)) | 0) >= 0;

const lastOf = (mark: string): number => Number.parseInt(mark, 10);

interface LayoutBefore {
  readonly layout: string;
  readonly forms: string;
  readonly horizon: string;
}

/** Columns that were touched since. Only of a table that was written anew may their values be others. */
export const touchedColumns = (table: PgTable, { horizon }: Pick<LayoutBefore, 'horizon'>): readonly PgColumn[] =>
  table.columns.filter(column => isSince(column.written, horizon));

/** Columns that are not what they were, whether or not the table was written anew, and those that may have taken a name over. */
export function changedColumns(table: PgTable, before: LayoutBefore): readonly PgColumn[] {
  const last = lastOf(before.layout);
  const same = layoutMark(table, last) === before.layout;
  const moved = same ? [] : [...touchedColumns(table, before), ...table.columns.filter(column => column.attnum > last)];
  const greatest = lastOf(before.forms);
  const known = before.forms === '' || formsMark(table, greatest) === before.forms;
  const renamed = (column: PgColumn): boolean =>
    column.forms.some(form => form.oid <= greatest && isSince(form.written, before.horizon));
  return [...new Set([...moved, ...(known ? [] : table.columns.filter(renamed))])];
}
