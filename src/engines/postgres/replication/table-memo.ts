import type { JsonObject } from '../../../contract/ids.ts';
import type { PgTable } from '../table.ts';
import { fingerprint, formsMark, layoutMark } from './layout.ts';
import { type Storage, storageMark } from './storage.ts';

/** What must be remembered of a followed table from one read to the next. Empty, or absent, where an older state has none. */
export interface TableMemo {
  /** By which entries of the catalog the publication has the table: see `PgTable.entry`. */
  readonly entry: string;
  /** Fingerprint of the key that the table's records have carried so far; empty where they had none. */
  readonly key: string;
  /** See `storageMark`; empty for a partitioned table. */
  readonly storage: string;
  /** All transactions before that had ended when the table was looked at. */
  readonly horizon: string;
  /** See `layoutMark`. */
  readonly layout: string;
  /** See `formsMark`. */
  readonly forms: string;
  /** Version 19 and later: see `Publication.removals`. */
  readonly removals: string;
  /** Partitions with which the table was read: oid, how it was attached, storage. */
  readonly partitions?: string;
}

/** The order in which they stand in `seen`, between semicolons; the last ones are left out where they are empty. */
const PARTS = ['entry', 'key', 'storage', 'horizon', 'layout', 'forms', 'removals'] as const;

/** A partition, as the memo has it. */
export interface LeafMark extends Storage {
  readonly attached: string;
}

export function readMemo(memo: JsonObject | null): TableMemo {
  const { seen, partitions } = memo ?? {};
  const parts = typeof seen === 'string' ? seen.split(';') : [];
  const [entry = '', key = '', storage = '', horizon = '', layout = '', forms = '', removals = ''] = parts;
  const digits = /^[0-9]+$/.test(horizon) ? horizon : '';
  const known = { entry, key, storage, horizon: digits, layout, forms, removals };
  return typeof partitions === 'string' ? { ...known, partitions } : known;
}

/** Another one when the partition is detached and attached again. */
export const attachmentOf = ({ oid, attached }: LeafMark): string => `${oid}:${attached}`;

/** Alike for the same columns in any order. */
export const keyMark = ({ primaryKey }: PgTable): string =>
  primaryKey.length === 0 ? '' : fingerprint(JSON.stringify([...primaryKey].sort()));

/** As it stands in `seen`. */
export const memoText = (memo: Readonly<Record<(typeof PARTS)[number], string>>): string =>
  PARTS.map(part => memo[part])
    .join(';')
    .replace(/;+$/, '');

/** The memo of a table as it is now. */
export function memoOf(table: PgTable, leaves: readonly LeafMark[]): JsonObject {
  const partitioned = table.relkind === 'p';
  const seen = memoText({
    entry: table.entry ?? '',
    key: keyMark(table),
    storage: partitioned ? '' : storageMark(table.storage),
    horizon: table.horizon,
    layout: layoutMark(table),
    forms: formsMark(table),
    removals: table.removals === null ? '' : `${table.removals}`,
  });
  if (!partitioned) return { seen };
  return { seen, partitions: leaves.map(leaf => `${attachmentOf(leaf)}:${storageMark(leaf)}`).join(' ') };
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
