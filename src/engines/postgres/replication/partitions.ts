import type { Followed, Logger } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { listed } from '../../../contract/findings.ts';
import type { JsonObject, TableId } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { type LeafRow, readLeaves } from '../catalog-queries.ts';
import { type Query, qualified, quoteIdent } from '../sql.ts';
import type { PgTable } from '../table.ts';

/**
 * The partitions of the followed tables as they were when the log was last looked at: kept in the memos of the tables.
 *
 * Rows that a partition has before it is attached are in no log of the table. A snapshot that is under way reads them;
 * afterwards nobody would, and nobody would say so.
 */
export class Partitions {
  readonly #followed: readonly Followed[];

  constructor(followed: readonly Followed[]) {
    this.#followed = followed.filter(({ selection }) => (selection.table as PgTable).relkind === 'p');
  }

  /** A snapshot has read the table to its end, with these partitions. */
  read(table: PgTable, leaves: readonly LeafRow[]): void {
    for (const followed of this.#followed)
      if ((followed.selection.table as PgTable).oid === table.oid) followed.memo = memoOf(leaves);
  }

  /** Warns of partitions that have come with rows since the last look. Gives the tables whose memo has changed. */
  async look(query: Query, log: Logger): Promise<readonly Followed[]> {
    if (this.#followed.length === 0) return [];
    const all = await readLeaves(
      query,
      this.#followed.map(({ selection }) => (selection.table as PgTable).oid),
    );
    const changed: Followed[] = [];
    for (const followed of this.#followed) {
      if (followed.awaitsOrigin) continue; // its snapshot will say with which partitions it was read
      const table = followed.selection.table as PgTable;
      const leaves = all.filter(leaf => leaf.root === table.oid);
      const memo = memoOf(leaves);
      const known = followed.memo?.['partitions'];
      if (known === memo['partitions']) continue;
      const before = new Set(typeof known === 'string' ? known.split(' ') : leaves.map(mark));
      for (const leaf of leaves) if (!before.has(mark(leaf))) await warnOfOlderRows(query, log, table, leaf);
      followed.memo = memo;
      changed.push(followed);
    }
    return changed;
  }
}

/** What to say of a partitioned table of which the role may read the root only; undefined when it may read the partitions. */
export function unreadableLeaves(
  root: TableId,
  leaves: readonly { readonly id: TableId; readonly readable: boolean }[],
  role: string,
): string | undefined {
  const denied = leaves.filter(leaf => !leaf.readable).map(leaf => leaf.id);
  if (denied.length === 0) return undefined;
  const grant = `GRANT SELECT ON ${listed(denied.map(qualified))} TO ${quoteIdent(role)};`;
  return (
    `The snapshot of ${tableLabel(root)} is one statement, for want of SELECT on its partitions: it cannot be resumed, and vacuum waits for it. ` +
    `To read it in pieces run: ${grant}`
  );
}

export const leafId = ({ namespace, name }: LeafRow): TableId => ({ namespace, name });

/** Another one when the partition is detached and attached again. */
const mark = (leaf: LeafRow): string => `${leaf.oid}:${leaf.attached}`;

const memoOf = (leaves: readonly LeafRow[]): JsonObject => ({ partitions: leaves.map(mark).join(' ') });

async function warnOfOlderRows(query: Query, log: Logger, table: PgTable, leaf: LeafRow): Promise<void> {
  const came = `${tableLabel(leafId(leaf))} was attached to ${tableLabel(table.id)}`;
  const remedy = `Clear the stream ${tableLabel(table.id)} to read it anew.`;
  const older = await hasOlderRows(query, leaf);
  if (older === true) log.warn(`${came} with rows that it had before, which are not in the log. ${remedy}`);
  if (older === undefined)
    log.warn(`${came}. If it had rows before, which cannot be told without SELECT on it, they are not in the log. ${remedy}`);
}

/**
 * Whether the partition has rows from before it was attached: written by an older transaction, or earlier in the same one.
 * A younger one may have an older number, so this may say yes too often. Undefined: it cannot be read.
 */
async function hasOlderRows(query: Query, leaf: LeafRow): Promise<boolean | undefined> {
  const older = leaf.attached.split('/').map(link => {
    const [xid = '0', command = '0'] = link.split('.');
    // Who locks a row overwrites its number of the command.
    const earlier = `r.xmin = '${xid}'::xid AND r.xmax = '0'::xid AND r.cmin::text::int8 < ${command}`;
    return `age(r.xmin) > age('${xid}'::xid) OR (${earlier})`;
  });
  try {
    const name = qualified(leafId(leaf));
    const sql = `SELECT EXISTS (SELECT FROM ONLY ${name} r WHERE ${older.join(' OR ')}) AS yes`;
    return (await query.rows<{ yes: boolean }>(sql))[0]?.yes === true;
  } catch (error) {
    const code = error instanceof ConnectorError ? error.code : undefined;
    if (code === 'TABLE_MISSING') return false;
    if (code === 'PERMISSION_DENIED' || code === 'SERVER_ERROR') return undefined;
    throw error;
  }
}
