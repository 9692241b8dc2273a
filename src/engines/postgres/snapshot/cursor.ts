/** Where a snapshot goes on. Cursors come back from the state, so they are looked at before anything is made of them. */
import { createHash } from 'node:crypto';
import { ConnectorError, cursorDamaged } from '../../../contract/errors.ts';
import type { JsonObject, SnapshotCursor } from '../../../contract/ids.ts';
import type { PgColumn, PgTable } from '../table.ts';
import { serverError } from '../wire/errors.ts';

/** A place between two pages of one relation's heap. */
export interface PageCursor {
  /** Oid of the table, or of the partition that is being read. */
  readonly relation: number;
  /** Changes when the heap is rewritten (VACUUM FULL, CLUSTER, some ALTERs): then pages mean nothing any more. */
  readonly filenode: string;
  readonly page: number;
  /** Fingerprint of the partitions up to this one: another one may have been attached among those done. */
  readonly leaves: string;
  /** Oids of the partitions to be read, where the others were read before. */
  readonly only?: readonly number[];
}

export interface KeyCursor {
  /** Values of the primary key, as text, of the last row read. */
  readonly key: readonly string[];
  /** `keySignature` of the key: under another one the values mark no place. */
  readonly of: string;
}

/** Changes when the key consists of other columns, or they are ordered otherwise. */
export const keySignature = (columns: readonly PgColumn[]): string =>
  columns.map(({ name, typeSql, collation }) => JSON.stringify([name, typeSql, collation])).join();

export const asCursor = (cursor: PageCursor | KeyCursor): SnapshotCursor => cursor as unknown as JsonObject as SnapshotCursor;

const MAX_OID = 2 ** 32 - 1;
/** MaxBlockNumber (storage/block.h). */
const MAX_PAGE = 2 ** 32 - 2;

/** Null: from the beginning. Throws STATE_INVALID when it is not one of ours. */
export function pageCursor(table: PgTable, cursor: SnapshotCursor | null): PageCursor | null {
  if (cursor === null) return null;
  const { relation, filenode, page, leaves, only } = cursor as JsonObject;
  if (!isWithin(relation, only === undefined ? 1 : 0, MAX_OID))
    throw cursorDamaged(table.id, '"relation" must be an oid', relation);
  if (typeof filenode !== 'string' || !/^[0-9]+$/.test(filenode))
    throw cursorDamaged(table.id, '"filenode" must be digits', filenode);
  if (!isWithin(page, 0, MAX_PAGE)) throw cursorDamaged(table.id, `"page" must be a whole number up to ${MAX_PAGE}`, page);
  if (typeof leaves !== 'string') throw cursorDamaged(table.id, '"leaves" must be text', leaves);
  if (only === undefined) return { relation, filenode, page, leaves };
  const isOids = Array.isArray(only) && only.length > 0 && only.every(oid => isWithin(oid, 1, MAX_OID));
  if (!isOids) throw cursorDamaged(table.id, '"only" must be a list of oids', only);
  return { relation, filenode, page, leaves, only: only as readonly number[] };
}

/** Changes when there are other partitions. */
export const fingerprint = (oids: readonly number[]): string =>
  createHash('sha256').update(oids.join(',')).digest('hex').slice(0, 16);

/** The beginning of a snapshot of these partitions alone. */
export const firstOf = (only: readonly number[]): PageCursor => ({
  relation: 0,
  filenode: '0',
  page: 0,
  leaves: fingerprint([]),
  only,
});

/** Whether the snapshot under way is one of some partitions alone. */
export const isOfParts = (cursor: SnapshotCursor): boolean => 'only' in (cursor as JsonObject);

/** A snapshot of some partitions alone, and of those that one under way, at `cursor`, has still to read. */
export function partsCursor(table: PgTable, cursor: SnapshotCursor | null, oids: readonly number[]): PageCursor {
  const known = pageCursor(table, cursor)?.only ?? [];
  return firstOf([...new Set([...known, ...oids])].sort((a, b) => a - b));
}

/** As `pageCursor`, of a snapshot in the order of the table's key, of which `signature` is that of today. */
export function keyCursor(table: PgTable, cursor: SnapshotCursor | null, signature: string): KeyCursor | null {
  if (cursor === null) return null;
  const { key, of } = cursor as JsonObject;
  const { keyset } = table;
  const isKey = Array.isArray(key) && key.every(isText) && (of !== signature || key.length === keyset.length);
  if (!isKey) throw cursorDamaged(table.id, `"key" must be the values of ${keyset.join(', ')} as ${keyset.length} texts`, key);
  if (typeof of !== 'string') throw cursorDamaged(table.id, '"of" must be text', of);
  return { key, of };
}

/**
 * The error of a statement that goes on behind `key`, which came by the state. STATE_INVALID where the server cannot read
 * it as values of the key's types (class 22 of SQLSTATE: data exception), else the error as it is.
 */
export function refusedKey(table: PgTable, key: readonly string[], error: unknown): unknown {
  const server = error instanceof ConnectorError ? serverError(error.cause) : undefined;
  if (server?.code.startsWith('22') !== true) return error;
  return cursorDamaged(table.id, `"key" must be values of ${table.keyset.join(', ')} (${server.message})`, key);
}

/** A NUL would end the statement in which it stands; no text of the server holds one. */
const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

const isWithin = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
