import type { Followed, Logger } from '../../../contract/engine.ts';
import { shortened } from '../../../contract/findings.ts';
import type { TableId } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { LeafRow } from '../catalog-queries.ts';
import { type Query, qualified, quoteIdent } from '../sql.ts';
import type { PgLeaf, PgTable } from '../table.ts';
import { ask, hasOnlyRowsSince, hasRows, isFirstFile, isRewritten, storageMark } from './storage.ts';
import { attachmentOf, knownPartitions, memoOf, type TableMemo } from './table-memo.ts';

/**
 * What is remembered of the followed tables from the beginning of their snapshots on, and the partitions with which they
 * were read.
 *
 * Rows that a partition has before it is attached are in no log of the table. A snapshot that is under way reads them; for
 * one that comes later `missedRows` finds out.
 */
export class Partitions {
  readonly #followed: readonly Followed[];

  constructor(followed: readonly Followed[]) {
    this.#followed = followed;
    for (const each of followed) {
      const table = each.selection.table as PgTable;
      if (each.awaitsOrigin) each.memo = memoOf(table, table.leaves);
    }
  }

  /** A snapshot has read the table to its end, with these partitions. */
  read(table: PgTable, leaves: readonly LeafRow[]): void {
    if (table.relkind !== 'p') return;
    for (const followed of this.#followed)
      if ((followed.selection.table as PgTable).oid === table.oid) followed.memo = memoOf(table, leaves);
  }
}

/** What to say of a partitioned table that the role can read whole through its root only; undefined when it may read the partitions. */
export function unreadableLeaves(
  root: TableId,
  leaves: readonly Pick<PgLeaf, 'id' | 'readable' | 'rowSecurity'>[],
  role: string,
): string | undefined {
  const denied = leaves.filter(leaf => !leaf.readable).map(leaf => leaf.id);
  const hidden = leaves.filter(leaf => leaf.readable && leaf.rowSecurity).map(leaf => tableLabel(leaf.id));
  const slow = `The snapshot of ${tableLabel(root)} is one statement, which cannot be resumed and which vacuum waits for, since`;
  const causes: string[] = [];
  const remedies: string[] = [];
  if (denied.length > 0) {
    causes.push('the role may not read all of its partitions');
    remedies.push(`GRANT SELECT ON ${denied.map(qualified).join(', ')} TO ${quoteIdent(role)};`);
  }
  if (hidden.length > 0) {
    causes.push(`row-level security hides rows of ${shortened(hidden)} from the role`);
    remedies.push(`ALTER ROLE ${quoteIdent(role)} BYPASSRLS;`);
  }
  if (causes.length === 0) return undefined;
  return `${slow} ${causes.join(', and ')}. To read it in pieces run: ${remedies.join(' ')}`;
}

export const leafId = ({ namespace, name }: LeafRow): TableId => ({ namespace, name });

interface Source {
  readonly query: Query;
  readonly log: Logger;
}

/**
 * Oids of the partitions of which rows have come past the log: those that were attached with rows, and known ones that may
 * have been unlogged for a while, which the server allows although the table is published. Says what came, too.
 */
export async function filledPartitions(
  source: Source,
  wanted: {
    readonly table: PgTable;
    readonly before: TableMemo;
    readonly leaves: readonly LeafRow[];
    /** Of partitions that are new nobody needs to know. */
    readonly onlyKnown: boolean;
  },
): Promise<readonly number[]> {
  const { table, before, leaves, onlyKnown } = wanted;
  const known = knownPartitions(before.partitions ?? '');
  const filled: number[] = [];
  for (const leaf of leaves) {
    const attachment = attachmentOf(leaf);
    const isKnown = known.has(attachment);
    if (isKnown && (await wasUnlogged(source, { table, leaf, storage: known.get(attachment), horizon: before.horizon })))
      filled.push(leaf.oid);
    if (!isKnown && !onlyKnown && (await cameWithRows(source, table, leaf))) filled.push(leaf.oid);
  }
  return filled;
}

interface KnownLeaf {
  readonly table: PgTable;
  readonly leaf: LeafRow;
  /** Its mark when it was last looked at, and the horizon of then. */
  readonly storage: string | undefined;
  readonly horizon: string;
}

/** Whether the log may have lacked changes of a partition since it was last looked at. */
async function wasUnlogged({ query, log }: Source, { table, leaf, storage, horizon }: KnownLeaf): Promise<boolean> {
  if (storage === undefined || horizon === '' || !isRewritten(storage, storageMark(leaf))) return false;
  const only = leaf.row_security ? undefined : await hasOnlyRowsSince(query, leafId(leaf), horizon);
  const what =
    `All rows of ${tableLabel(leafId(leaf))}, a partition of ${tableLabel(table.id)}, were written anew since the last read, ` +
    'as SET UNLOGGED and SET LOGGED do; meanwhile the log may have lacked changes';
  if (only === true)
    log.warn(`${what}. A new snapshot of it is taken. Rows that were deleted meanwhile stay at the destination.`);
  if (only === undefined) log.warn(`${what}, which ${UNSEEN}. ${remedy(table)}`);
  return only === true;
}

async function cameWithRows({ query, log }: Source, table: PgTable, leaf: LeafRow): Promise<boolean> {
  const came = `${tableLabel(leafId(leaf))} was attached to ${tableLabel(table.id)}`;
  const older = await hasOlderRows(query, leaf);
  if (older === true) log.info(`${came} with rows that it had before, which are not in the log: a snapshot brings them.`);
  if (older === undefined) log.warn(`${came}. If it had rows before, which ${UNSEEN}, they are not in the log. ${remedy(table)}`);
  return older === true;
}

const UNSEEN = 'the role cannot see without SELECT on it (and BYPASSRLS, where it has row-level security)';
const remedy = (table: PgTable): string => `Clear the stream ${tableLabel(table.id)} to read it anew.`;

/**
 * Whether the partition has rows from before it was attached: written by an older transaction, or earlier in the same one.
 * A younger one may have an older number, so this may say yes too often. Once it was written anew, its rows no longer tell
 * how old they are: then any row counts. Undefined: it cannot be read.
 */
async function hasOlderRows(query: Query, leaf: LeafRow): Promise<boolean | undefined> {
  if (leaf.row_security) return undefined;
  if (!isFirstFile(leaf)) return hasRows(query, leafId(leaf));
  const older = leaf.attached.split('/').map(link => {
    const [xid = '0', command = '0'] = link.split('.');
    // Who locks a row overwrites its number of the command.
    const earlier = `r.xmin = '${xid}'::xid AND r.xmax = '0'::xid AND r.cmin::text::int8 < ${command}`;
    return `age(r.xmin) > age('${xid}'::xid) OR (${earlier})`;
  });
  return ask(query, leafId(leaf), table => `EXISTS (SELECT FROM ONLY ${table} r WHERE ${older.join(' OR ')})`);
}
