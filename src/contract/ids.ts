/** Opaque names and places. The core stores them, hands them back, and never looks inside. */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** One independently ordered change log: `main` for a single server, the configured name for one of many. */
export type ShardId = Brand<string, 'ShardId'>;
/** A place in a shard's change log, always at a transaction boundary. Partially ordered: see `Shard.covers`. */
export type Position = Brand<JsonObject, 'Position'>;
/** A place in a table's snapshot from which it can be resumed. */
export type SnapshotCursor = Brand<JsonObject, 'SnapshotCursor'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMillis = Brand<number, 'EpochMillis'>;
/** Microseconds since 1970-01-01T00:00:00Z; exact in a double until the year 2255. */
export type EpochMicros = Brand<number, 'EpochMicros'>;

/** A table as the database spells it. */
export interface TableId {
  readonly namespace: string;
  readonly name: string;
}

/** A key for maps; NUL cannot stand in a name of any of the databases read here. */
export const tableKey = (id: TableId): string => `${id.namespace}\0${id.name}`;

/** For messages to people: `schema.table`. */
export const tableLabel = (id: TableId): string => (id.namespace === '' ? id.name : `${id.namespace}.${id.name}`);
