import type { Column, Table } from '../../contract/table.ts';
import type { ColumnLayout, TableLayout } from './layout/column-layout.ts';
import type { ColumnType } from './types.ts';

export interface MysqlColumn extends Column {
  readonly layout: ColumnLayout;
  /** How its values are written, in a snapshot and from the log; `types.logical` is `type`. */
  readonly types: ColumnType;
  /** What to SELECT it by, so that the text protocol gives all of its value. */
  readonly selectSql: string;
  /** Place among all columns of the table, from 0: the one it has in the log. */
  readonly ordinal: number;
  /** Not in `SELECT *`: declared INVISIBLE, or the server's own primary key (GIPK). */
  readonly invisible: boolean;
}

export interface MysqlTable extends Table {
  /** Those that the user may read, in the table's order, invisible and generated ones included. */
  readonly columns: readonly MysqlColumn[];
  /** All columns as the log has them. Whole where `follow` is true. */
  readonly layout: TableLayout;
  readonly tableKind: 'table' | 'view';
  /** ENGINE of information_schema.TABLES: InnoDB, MyISAM, Aria, …; empty for views. */
  readonly engine: string;
  /**
   * Columns of a key that orders all rows, in index order, none of them NULL: what a snapshot can be paged by. The PRIMARY
   * KEY, else a UNIQUE key. Empty: there is none, or its columns are not readable.
   */
  readonly keyset: readonly string[];
  /** Changes with its columns, their types and collations, and its unique keys: see `shapeOf`. */
  readonly shape: string;
  readonly defaultCharset: string;
  readonly defaultCollation: string | null;
}
