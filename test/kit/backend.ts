import type { Row } from './destination.ts';
import type { JsonObject } from './messages.ts';

/** What the kit's own tables are made of; each engine has a type for each. */
export type ColumnKind = 'integer' | 'text' | 'decimal' | 'boolean' | 'json' | 'bytes' | 'timestamp' | 'integers';

export interface TableSpec {
  readonly name: string;
  /** Key columns are `integer` or `text`, and come first. */
  readonly columns: Readonly<Record<string, ColumnKind>>;
  /** Empty for a table without a key. */
  readonly primaryKey: readonly string[];
}

/** Integers as numbers, decimals, JSON and timestamps (`2024-01-02 03:04:05.678`, UTC) as text. */
export type Value = null | boolean | number | string | Uint8Array | readonly number[];
export type Values = Readonly<Record<string, Value>>;

/** One connection to the database under test, by which rows are changed. Outside of a transaction each call commits. */
export interface Session {
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Savepoints nest; `rollbackTo` undoes what came after the newest one and keeps it no longer. */
  savepoint(): Promise<void>;
  rollbackTo(): Promise<void>;
  insert(table: TableSpec, rows: readonly Values[]): Promise<void>;
  /** Changes the row with this key; `set` may hold new key values. */
  update(table: TableSpec, key: Values, set: Values): Promise<void>;
  delete(table: TableSpec, key: Values): Promise<void>;
  close(): Promise<void>;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A config that must be refused, with the failure type that the user must see. */
export interface BrokenConfig {
  readonly label: string;
  readonly config: JsonObject;
  readonly failureType: 'config_error' | 'transient_error';
  /** A word that the message for the user must hold. */
  readonly says: RegExp;
}

/** A database of one test's own. */
export interface TestDatabase {
  /** The namespace of streams in it. */
  readonly namespace: string;
  readonly endpoint: Endpoint;
  /** A config that reads it, with a STATE at every safe place. `endpoint` puts a proxy in between. */
  config(options?: { readonly endpoint?: Endpoint; readonly more?: JsonObject }): JsonObject;
  brokenConfigs(): readonly BrokenConfig[];
  createTable(table: TableSpec): Promise<void>;
  dropTable(name: string): Promise<void>;
  session(): Promise<Session>;
  /**
   * All rows of the table in the words of records, by a way of its own: the driver's text output and the rules of
   * config.md, none of the connector's code. Numbers are exact (`digits`).
   */
  rows(table: TableSpec): Promise<Row[]>;
  /** Makes a view that is offered, and of which reading ends with an error of the server. */
  createFailingView(name: string): Promise<void>;
  /**
   * Writes all rows of the table anew, as they were, in a transaction that is left open: by TRUNCATE where the server can take
   * that back. A reader may have to wait for the commit.
   */
  reload(table: TableSpec): Promise<{ readonly commit: () => Promise<void> }>;
  /** Gives the table another primary key, of columns that it has. */
  rekey(table: TableSpec, key: readonly string[]): Promise<void>;
  /** Keeps the changes that `during` makes in the table out of the log, in every way there is; undefined where nobody can notice. */
  outsideOfLog?(table: TableSpec, during: () => Promise<void>): Promise<void>;
  /** The server's version, for reports. */
  version(): Promise<string>;
  /** Resolves once no connector is connected to this database any more. */
  disconnected(): Promise<void>;
  drop(): Promise<void>;
}

/** What an engine gives to the kit. */
export interface TestBackend {
  /** `source.engine`. */
  readonly engine: string;
  /** Engine and version, for people. */
  readonly label: string;
  /** Why there is no server here; null when there is one. */
  readonly unavailable: string | null;
  readonly cursorColumn: string;
  /**
   * What the engine cannot do, so that tests of it are left out. A server without a memory of the first read keeps no log for
   * it: where none of its states is stored, the next one begins at a later place, and what was deleted in between it never says.
   */
  readonly lacks: readonly ('key change' | 'table without key' | 'savepoint' | 'memory of the first read')[];
  /** The engine sees that a table was out of its log for a while (`TestDatabase.outsideOfLog`). */
  readonly noticesGaps: boolean;
  open(): Promise<TestDatabase>;
}
