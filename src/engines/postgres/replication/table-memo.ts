import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../../contract/ids.ts';
import type { PgTable } from '../table.ts';
import { type Storage, storageMark } from './storage.ts';

/** What must be remembered of a followed table from one read to the next. Each may be absent in an older state. */
export interface TableMemo {
  /** By which entries of the catalog the publication has the table: see `PgTable.entry`. */
  readonly entry?: string;
  /** Where the table may leave the log by being unlogged: see `storageMark`. */
  readonly storage?: string;
  /** All transactions before that had ended when `storage`, or that of the partitions, was looked at. */
  readonly horizon?: string;
  /** Version 19 and later: see `Publication.removals`. */
  readonly removals?: number;
  /** Fingerprint of the key that the table's records have carried so far; absent where they had none. */
  readonly key?: string;
  /** Partitions with which the table was read: oid, how it was attached, storage. */
  readonly partitions?: string;
}

/** A partition, as the memo has it. */
export interface LeafMark extends Storage {
  readonly attached: string;
}

export function readMemo(memo: JsonObject | null): TableMemo {
  if (memo === null) return {};
  const text = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
  const { entry, storage, horizon, key, partitions, removals } = memo;
  const known = {
    entry: text(entry),
    storage: text(storage),
    horizon: /^[0-9]+$/.test(text(horizon) ?? '') ? text(horizon) : undefined,
    key: text(key),
    partitions: text(partitions),
    removals: typeof removals === 'number' ? removals : undefined,
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}

/** Another one when the partition is detached and attached again. */
export const attachmentOf = ({ oid, attached }: LeafMark): string => `${oid}:${attached}`;

/** Alike for the same columns in any order. */
export const keyMark = ({ primaryKey }: PgTable): string | undefined =>
  primaryKey.length === 0 ? undefined : fingerprint(JSON.stringify([...primaryKey].sort()));

/** Eight characters: enough to see that a text is another one than before. */
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 8);

/** The memo of a table as it is now. */
export function memoOf(table: PgTable, leaves: readonly LeafMark[]): JsonObject {
  const partitioned = table.relkind === 'p';
  const watched = partitioned || table.mayBeUnlogged;
  const key = keyMark(table);
  return {
    ...(table.entry === null ? {} : { entry: table.entry }),
    ...(table.removals === null ? {} : { removals: table.removals }),
    ...(key === undefined ? {} : { key }),
    ...(watched && !partitioned ? { storage: storageMark(table.storage) } : {}),
    ...(watched ? { horizon: table.horizon } : {}),
    ...(partitioned ? { partitions: leaves.map(leaf => `${attachmentOf(leaf)}:${storageMark(leaf)}`).join(' ') } : {}),
  };
}

/** The storage of each known partition, by `attachmentOf`; undefined where an older state does not say it. */
export function knownPartitions(partitions: string): ReadonlyMap<string, string | undefined> {
  return new Map(
    partitions.split(' ').map(mark => {
      const [oid = '', attached = '', storage] = mark.split(':');
      return [`${oid}:${attached}`, storage];
    }),
  );
}
