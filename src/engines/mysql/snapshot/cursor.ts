/** Where a snapshot goes on. Cursors come back from the state, so they are looked at before anything is made of them. */
import { ConnectorError } from '../../../contract/errors.ts';
import type { JsonObject, SnapshotCursor } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { MysqlTable } from '../table.ts';

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
  const found = JSON.stringify({ after, key });
  throw new ConnectorError('STATE_INVALID', `the cursor of ${tableLabel(id)} is damaged: ${expected}, found ${found}.`, {
    table: id,
  });
}
