import { ConnectorError } from '../../../contract/errors.ts';
import type { TableId } from '../../../contract/ids.ts';
import { type Query, qualified } from '../sql.ts';

/** `pg_class.relfilenode` and `reltoastrelid` of a relation that holds rows. */
export interface Storage {
  readonly oid: number;
  readonly file: number;
  /** 0 where the table has no TOAST table. */
  readonly toast: number;
}

const RADIX = 36;

/** File and TOAST table as the memo keeps them: their distance from the oid, since both are made with the table. */
export const storageMark = ({ oid, file, toast }: Storage): string =>
  `${(file - oid).toString(RADIX)}.${toast === 0 ? '' : (toast - oid).toString(RADIX)}`;

/** Whether the relation has the very file that it was made with. */
export const isFirstFile = ({ oid, file }: Storage): boolean => oid === file;

/**
 * Whether the rows were written anew between two marks, as by VACUUM FULL, CLUSTER, an ALTER TABLE that rewrites, and by
 * SET UNLOGGED and SET LOGGED. TRUNCATE and SET TABLESPACE give another file, but leave the TOAST table as it is.
 */
export function isRewritten(before: string, now: string): boolean {
  if (before === now) return false;
  const [file, toast = ''] = before.split('.');
  const [fileNow, toastNow = ''] = now.split('.');
  return file !== fileNow && (toast === '' || toast !== toastNow);
}

/**
 * Whether the table has rows, but none that is older than `horizon` (the oldest transaction that was open once): whoever
 * wrote it anew since then gave all rows to himself. VACUUM FULL and CLUSTER do not, SET LOGGED does. Undefined: it cannot
 * be read.
 */
export function hasOnlyRowsSince(query: Query, id: TableId, horizon: string): Promise<boolean | undefined> {
  const xid = (BigInt(horizon) % 4_294_967_296n).toString();
  return ask(
    query,
    id,
    table =>
      `EXISTS (SELECT FROM ONLY ${table}) AND NOT EXISTS (SELECT FROM ONLY ${table} r WHERE age(r.xmin) > age('${xid}'::xid))`,
  );
}

export const hasRows = (query: Query, id: TableId): Promise<boolean | undefined> =>
  ask(query, id, table => `EXISTS (SELECT FROM ONLY ${table})`);

/** A question about the rows of a table. False where it is gone; undefined where the role may not read it. */
export async function ask(query: Query, id: TableId, condition: (table: string) => string): Promise<boolean | undefined> {
  try {
    const [row] = await query.rows<{ yes: boolean }>(`SELECT ${condition(qualified(id))} AS yes`);
    return row?.yes === true;
  } catch (error) {
    const code = error instanceof ConnectorError ? error.code : undefined;
    if (code === 'TABLE_MISSING') return false;
    if (code === 'PERMISSION_DENIED' || code === 'SERVER_ERROR') return undefined;
    throw error;
  }
}
