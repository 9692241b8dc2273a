import type { Logger } from '../../../contract/engine.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { Selection } from '../../../contract/table.ts';
import type { Query } from '../sql.ts';
import type { PgColumn, PgTable } from '../table.ts';
import type { PgType } from '../types.ts';
import type { Relation } from '../wire/relation.ts';
import { lsnText } from '../wire/wal-stream.ts';
import { changedColumns, readAs, touchedColumns } from './layout.ts';
import { hasOnlyRowsSince, isRewritten, storageMark } from './storage.ts';
import type { TableMemo } from './table-memo.ts';

/** Names of the selected columns of which DDL may have changed values since the table was looked at last. */
export async function valuesChanged(query: Query, selection: Selection, before: TableMemo): Promise<readonly string[]> {
  const table = selection.table as PgTable;
  if (before.layout === '' || before.horizon === '') return [];
  const selected = new Set(selection.columns.map(column => column.name));
  const wanted = (columns: readonly PgColumn[]): readonly string[] =>
    columns.map(column => column.name).filter(name => selected.has(name));
  const changed = wanted(changedColumns(table, before));
  const touched = wanted(touchedColumns(table, before)).filter(name => !changed.includes(name));
  if (touched.length === 0 || !(await isWrittenAnew(query, table, before))) return changed;
  return [...changed, ...touched];
}

/** As an ALTER TABLE does that computes all values. Partitions that were written anew are read again, see `filledPartitions`. */
async function isWrittenAnew(query: Query, table: PgTable, { storage, horizon }: TableMemo): Promise<boolean> {
  if (storage === '' || !isRewritten(storage, storageMark(table.storage))) return false;
  return (await hasOnlyRowsSince(query, table.id, horizon)) !== false;
}

/** Where the log's rows have other types than the table has now: said once for a table. */
export class RetypedInLog {
  readonly #log: Logger;
  readonly #said: Set<number>;

  /** `said`: oids of the tables of which it need not be said any more. */
  constructor(log: Logger, said: Set<number>) {
    this.#log = log;
    this.#said = said;
  }

  announce(selection: Selection, relation: Relation, types: ReadonlyMap<number, PgType>, lsn: number): void {
    const table = selection.table as PgTable;
    if (this.#said.has(table.oid)) return;
    const selected = new Set(selection.columns.map(column => column.name));
    const columns = table.columns.filter(column => selected.has(column.name));
    const now = new Map(columns.map(column => [column.name, readAs(column.pgType)]));
    const retyped = relation.columns.filter(({ name, typeOid }) => {
      const type = types.get(typeOid);
      return now.has(name) && (type === undefined || readAs(type) !== now.get(name));
    });
    if (retyped.length === 0) return;
    this.#said.add(table.oid);
    const names = retyped.map(column => column.name).join(', ');
    this.#log.warn(
      `${tableLabel(table.id)} has other types in the log at ${lsnText(lsn)} than when this read began: ${names}. DDL may have changed their values in rows ` +
        'that the log does not mention. The destination keeps the old values there. Refresh the stream to read them anew.',
    );
  }
}
