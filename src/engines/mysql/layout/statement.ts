import type { ColumnDefinition } from './column-definition.ts';
import type { TableName } from './sql-tokens.ts';
import type { Strictness } from './value-change.ts';

/** A character set and collation as options name them; null: not said; `default`: the word DEFAULT (see `chooseDefaults`). */
export interface CharsetOptions {
  readonly charset: string | null;
  readonly collation: string | null;
}

export type ColumnPlace = { readonly after: string } | 'first' | 'last';

/** A primary key or a unique index. */
export interface DeclaredKey {
  readonly primary: boolean;
  /** Null: the server chooses one. */
  readonly name: string | null;
  /** Null: a part of it is an expression. */
  readonly columns: readonly string[] | null;
  /** Nothing happens where there is one of this name. */
  readonly ifNotExists: boolean;
}

/** One clause of ALTER TABLE that changes what the log looks like, or which rows there are. */
export type AlterAction =
  | { readonly kind: 'add'; readonly column: ColumnDefinition; readonly place: ColumnPlace; readonly ifNotExists: boolean }
  | { readonly kind: 'drop'; readonly name: string; readonly ifExists: boolean }
  | {
      /** CHANGE, and MODIFY, which keeps the name. */
      readonly kind: 'change';
      readonly name: string;
      readonly column: ColumnDefinition;
      /** Null: it stays where it is. */
      readonly place: ColumnPlace | null;
      readonly ifExists: boolean;
    }
  | { readonly kind: 'rename-column'; readonly name: string; readonly to: string; readonly ifExists: boolean }
  | { readonly kind: 'rename-table'; readonly to: TableName }
  | { readonly kind: 'add-key'; readonly key: DeclaredKey }
  /** PRIMARY: the primary key. Also for indexes that are not unique. */
  | { readonly kind: 'drop-key'; readonly name: string }
  | { readonly kind: 'rename-key'; readonly name: string; readonly to: string }
  | { readonly kind: 'convert'; readonly options: CharsetOptions }
  | { readonly kind: 'default-charset'; readonly options: CharsetOptions }
  /** `other`: a second table that gives or takes rows. */
  | { readonly kind: 'rows-removed'; readonly how: string; readonly other: TableName | null };

/** What a statement says about tables and databases, before it is held against what is known of them. */
export type Statement =
  | {
      readonly kind: 'create-table';
      readonly table: TableName;
      readonly ifNotExists: boolean;
      readonly columns: readonly ColumnDefinition[];
      readonly keys: readonly DeclaredKey[];
      readonly options: CharsetOptions;
    }
  | { readonly kind: 'create-like'; readonly table: TableName; readonly ifNotExists: boolean; readonly source: TableName }
  | {
      readonly kind: 'alter-table';
      readonly table: TableName;
      readonly actions: readonly AlterAction[];
      readonly strictness: Strictness;
    }
  | { readonly kind: 'rename-tables'; readonly renames: readonly (readonly [from: TableName, to: TableName])[] }
  | { readonly kind: 'drop-tables'; readonly tables: readonly TableName[] }
  | { readonly kind: 'rows-removed'; readonly table: TableName; readonly how: string }
  | { readonly kind: 'database'; readonly name: string; readonly made: boolean; readonly options: CharsetOptions }
  | { readonly kind: 'drop-database'; readonly name: string }
  /** It changes this table, and how cannot be said. `versioned`: the table gets or loses system versioning. */
  | {
      readonly kind: 'unclear';
      readonly table: TableName;
      readonly ifNotExists: boolean;
      readonly why: string;
      readonly versioned: boolean;
    }
  /** It may change any table that it names. */
  | { readonly kind: 'unclear-words'; readonly why: string }
  /** It changes rows, and the log has the statement instead of them. `named`: of tables that it names. */
  | { readonly kind: 'rows-changed'; readonly tables: 'named' | 'any' };
