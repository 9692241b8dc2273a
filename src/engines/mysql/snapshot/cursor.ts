/** Where a snapshot goes on. Cursors come back from the state, so they are looked at before anything is made of them. */
import { ConnectorError, cursorDamaged } from '../../../contract/errors.ts';
import type { JsonObject, SnapshotCursor } from '../../../contract/ids.ts';
import type { MysqlTable } from '../table.ts';
import { serverError } from '../wire/errors.ts';

/** A place behind the row with this key. */
export interface KeyCursor {
  /** The bytes of the key's values, as the text protocol has them, in hexadecimal digits. */
  readonly after: readonly string[];
  /** `keySignature` of the key: under another one the values mark no place. */
  readonly key: string;
}

export const asCursor = (cursor: KeyCursor): SnapshotCursor => cursor as unknown as JsonObject as SnapshotCursor;

const isHex = (value: unknown): value is string => typeof value === 'string' && /^(?:[0-9a-f]{2})*$/i.test(value);

/** Null: from the beginning. `signature` is that of the key now. Throws STATE_INVALID when it is not one of ours. */
export function keyCursor({ id, keyset }: MysqlTable, cursor: SnapshotCursor | null, signature: string): KeyCursor | null {
  if (cursor === null) return null;
  const { after, key } = cursor as JsonObject;
  const isOurs = Array.isArray(after) && after.every(isHex) && typeof key === 'string';
  if (isOurs && (key !== signature || after.length === keyset.length)) return { after, key };
  const expected = `"after" must be the values of ${keyset.join(', ')} as ${keyset.length} texts of hexadecimal digits, and "key" what the key is`;
  throw cursorDamaged(id, expected, { after, key });
}

/** Says that a constant is no value of the type that it is compared as, beside those of class 22 (data exception). */
const NO_SUCH_VALUE: ReadonlySet<number> = new Set([
  1300, // ER_INVALID_CHARACTER_STRING
  1411, // ER_WRONG_VALUE_FOR_TYPE
  1525, // ER_WRONG_VALUE
]);

/**
 * The error of a statement that goes on behind `cursor`, which came by the state. STATE_INVALID where a value is found to be
 * none of its type, by us or by the server, else the error as it is.
 */
export function refusedKey({ id, keyset }: MysqlTable, { after }: KeyCursor, error: unknown): unknown {
  if (!(error instanceof ConnectorError)) return error;
  const server = serverError(error.cause);
  const isData = server !== undefined && (server.sqlState.startsWith('22') || NO_SUCH_VALUE.has(server.errno));
  if (!isData && error.code !== 'STATE_INVALID') return error;
  const why = server?.sqlMessage ?? error.detail;
  return cursorDamaged(id, `"after" must be values of ${keyset.join(', ')} in hexadecimal digits (${why})`, after);
}
