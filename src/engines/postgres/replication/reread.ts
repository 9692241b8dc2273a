import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { lockedCopy, qualified, quoteIdent, quoteLiteral } from '../sql.ts';
import { CopyRow } from '../wire/copy-row.ts';
import { serverError } from '../wire/errors.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { computeSql } from './computed.ts';
import type { RowPlan } from './row-plan.ts';

/** Rows of one query at most: more would only make the statement long. */
const MOST_ROWS = 500;
/** Rows of the first query of a table, of which nobody knows how large they are. */
const FIRST_ROWS = 64;
/** Values that are held at once; a single row may be larger. */
const MOST_BYTES = 4 * 1024 * 1024;
const POLL_MILLIS = 20;

/** How long things are waited for, in milliseconds. */
export interface RereadLimits {
  /** A transaction of the log, until snapshots show it. */
  readonly visibleMillis: number;
  /** The server's answer. */
  readonly answerMillis: number;
}

/** A row of the log that lacks values, and what the table has for them now. */
export interface Wanted {
  readonly plan: RowPlan;
  /** The key's values as text; null where the log does not have them. */
  readonly key: readonly string[] | null;
  /** What the plan's computation needs of the row, as text; null where there is none. Then the table is not asked. */
  readonly inputs: readonly (string | null)[] | null;
  /** The selected columns that are needed. */
  readonly columns: readonly number[];
  /** The table was asked for the row. */
  asked: boolean;
  /** By selected column: the value's text form, or null for NULL. Undefined once asked: the row is not there any more. */
  found: ReadonlyMap<number, Uint8Array | null> | undefined;
}

/**
 * Fetches values that the log does not carry (unchanged TOAST, columns that are not published) by primary key: some rows
 * ahead of the one whose turn it is, as many as fit into a few megabytes.
 *
 * What is read is newer than the change, or as old: a later change of the value has a record of its own with a larger
 * key. It must not be older. A transaction that waits for a synchronous standby is in the log already while no snapshot
 * shows it; so all transactions of the waiting rows must be visible before the first of them is fetched.
 */
export class Rereader {
  readonly #connect: () => Promise<RawConnection>;
  readonly #limits: RereadLimits;
  #wanted: readonly Wanted[] = [];
  /** Rows up to here have had their turn. */
  #done = 0;
  /** Bytes fetched and not yet released. */
  #held = 0;
  /** Rows of the next query, by what the last one brought. */
  readonly #rows = new Map<RowPlan, number>();

  /** `connect` gives a connection that is idle, and that a snapshot may use before and after. */
  constructor(connect: () => Promise<RawConnection>, limits: RereadLimits) {
    this.#connect = connect;
    this.#limits = limits;
  }

  /** Takes over rows of the transactions `xids`. Throws TRANSACTIONS_IN_PROGRESS if these do not become visible in time. */
  async begin(wanted: readonly Wanted[], xids: ReadonlySet<number>): Promise<void> {
    // What is computed from the row itself needs no snapshot.
    if (wanted.some(row => row.inputs === null)) {
      const what = 'Waiting for transactions of the log to become visible';
      await this.#using(what, connection => untilVisible(connection, [...xids], this.#limits.visibleMillis));
    }
    this.#wanted = wanted;
    this.#done = 0;
    this.#held = 0;
  }

  /** Makes sure that the table was asked for the row: the next one, whose values are then to be written and released. */
  async fetch(row: Wanted): Promise<void> {
    while (this.#wanted[this.#done] !== row && this.#done < this.#wanted.length) this.#done++;
    if (!isAskable(row)) row.asked = true;
    if (row.asked) return;
    for (const [plan, rows] of this.#ahead()) {
      if (rows[0] !== row && this.#held >= MOST_BYTES) break;
      if (plan.computation === null) await this.#fetchRows(plan, rows);
      else await this.#computeRows(plan, rows);
    }
  }

  release(row: Wanted): void {
    if (row.found !== undefined) this.#held -= sizeOf(row.found);
    row.found = undefined;
  }

  /** The rows from the present one on that nobody has asked for, by plan: one query each. */
  #ahead(): ReadonlyMap<RowPlan, Wanted[]> {
    const byPlan = new Map<RowPlan, Wanted[]>();
    const end = Math.min(this.#wanted.length, this.#done + MOST_ROWS);
    for (let at = this.#done; at < end; at++) {
      const row = this.#wanted[at] as Wanted;
      if (row.asked || !isAskable(row)) continue;
      const rows = byPlan.get(row.plan);
      if (rows === undefined) byPlan.set(row.plan, [row]);
      else if (rows.length < (this.#rows.get(row.plan) ?? FIRST_ROWS)) rows.push(row);
    }
    return byPlan;
  }

  /** What the server cannot compute today, with a function that has changed since, stays unknown for that row alone. */
  async #computeRows(plan: RowPlan, rows: readonly Wanted[]): Promise<void> {
    try {
      await this.#fetchRows(plan, rows);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      for (const row of rows) this.release(row);
      if (rows.length > 1) for (const row of rows) await this.#computeRows(plan, [row]);
      else for (const row of rows) row.asked = true;
    }
  }

  async #fetchRows(plan: RowPlan, rows: readonly Wanted[]): Promise<void> {
    const { computation } = plan;
    const wanted = [...new Set(rows.flatMap(row => row.columns))].sort((a, b) => a - b);
    const columns = computation === null ? wanted : wanted.filter(at => computation.expressions.has(at));
    const inputs = (): (readonly (string | null)[])[] => rows.map(row => row.inputs ?? []);
    const sql = computation === null ? fetchSql(plan, rows, columns) : computeSql(computation, inputs(), columns);
    const before = this.#held;
    const what = `Reading rows of ${tableLabel(plan.table.id)} again`;
    const surplus = await this.#using(what, connection => this.#copied(connection, sql, rows, columns));
    for (const target of rows) target.asked = !surplus.has(target);
    this.#learn(plan, rows.length, rows.length - surplus.size, this.#held - before);
  }

  /** Holds what the statement brings; gives the rows for which there was no room. */
  async #copied(
    connection: RawConnection,
    sql: string,
    rows: readonly Wanted[],
    columns: readonly number[],
  ): Promise<ReadonlySet<Wanted>> {
    const row = new CopyRow(columns.length + 1);
    const surplus = new Set<Wanted>();
    try {
      await connection.beginCopy(sql);
      for (;;) {
        while (connection.nextCopyData()) {
          const { bytes } = connection;
          row.split(bytes, connection.start, connection.end);
          const number = Number(bytes.toString('latin1', row.starts[0], row.ends[0]));
          const target = rows[number];
          if (target === undefined) continue;
          // More than may be held: it is asked for once more when there is room. The row whose turn it is always fits.
          if (number > 0 && this.#held + connection.end - connection.start > MOST_BYTES) surplus.add(target);
          else this.#hold(target, row, bytes, columns);
        }
        if (connection.copyDone) return surplus;
        await connection.fill();
      }
    } catch (error) {
      // Where the server has refused, the transaction is over, and the connection is left as it was found.
      if (!isRefusal(error)) throw error;
      await connection.settle();
      await connection.query('ROLLBACK');
      throw error;
    }
  }

  async #using<T>(what: string, body: (connection: RawConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    const { what: before, quietMillis } = connection;
    connection.what = what;
    connection.quietMillis = this.#limits.answerMillis;
    try {
      return await body(connection);
    } finally {
      connection.what = before;
      connection.quietMillis = quietMillis;
    }
  }

  #hold(target: Wanted, row: CopyRow, bytes: Buffer, columns: readonly number[]): void {
    const found = new Map<number, Uint8Array | null>();
    for (const [at, column] of columns.entries()) {
      const start = row.starts[at + 1] ?? -1;
      found.set(column, start < 0 ? null : Buffer.from(bytes.subarray(start, row.ends[at + 1])));
    }
    target.found = found;
    this.#held += sizeOf(found);
  }

  /** Rows that did not fit were sent in vain: the next query asks for no more than fitted; for twice as many when all did. */
  #learn(plan: RowPlan, asked: number, fitted: number, bytes: number): void {
    const room = bytes === 0 ? MOST_ROWS : Math.floor((MOST_BYTES * fitted) / bytes);
    const next = fitted < asked ? fitted : Math.min(2 * Math.max(asked, this.#rows.get(plan) ?? FIRST_ROWS), room);
    this.#rows.set(plan, Math.max(1, Math.min(MOST_ROWS, next)));
  }
}

const isAskable = (row: Wanted): boolean => row.inputs !== null || (row.key !== null && row.plan.computation === null);

/** Classes of SQLSTATE that say nothing about the row: connections, resources, an operator, the system. */
const OF_THE_SERVER = new Set(['08', '53', '57', '58']);

/** The server would not run the statement, and the session goes on. */
function isRefusal(error: unknown): boolean {
  const code = error instanceof ConnectorError ? serverError(error.cause)?.code : undefined;
  return code !== undefined && !OF_THE_SERVER.has(code.slice(0, 2));
}

/** A snapshot whose connection it is has settings of its own. */
const SETTINGS = 'SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL row_security = off; SET LOCAL lock_timeout = 0; ';

const sizeOf = (found: ReadonlyMap<number, Uint8Array | null>): number => {
  let size = 0;
  for (const value of found.values()) size += value?.length ?? 0;
  return size;
};

/** One probe of the key's index for each row, numbered; a join might choose to scan the table. */
function fetchSql(plan: RowPlan, rows: readonly Wanted[], columns: readonly number[]): string {
  const { table, template } = plan;
  const keys = table.primaryKey.map(name => table.columns.find(column => column.name === name));
  const keyNames = keys.map((_, at) => `k${at}`);
  const values = rows.map((row, number) => {
    const key = (row.key ?? []).map((text, at) => `${quoteLiteral(text)}::${keys[at]?.typeSql ?? 'text'}`);
    return `(${[number, ...key].join(', ')})`;
  });
  const names = columns.map(at => `t.${quoteIdent(template.selection.columns[at]?.name ?? '')}`);
  const match = keys.map((key, at) => `t.${quoteIdent(key?.name ?? '')} ${key?.comparison.equal ?? '='} q.k${at}`).join(' AND ');
  const from = `${table.relkind === 'p' ? '' : 'ONLY '}${qualified(table.id)}`;
  return lockedCopy(
    from,
    `SELECT q.n, r.* FROM (VALUES ${values.join(', ')}) AS q (${['n', ...keyNames].join(', ')}) ` +
      `CROSS JOIN LATERAL (SELECT ${names.join(', ')} FROM ${from} t WHERE ${match} LIMIT 1) r`,
    SETTINGS,
  );
}

/**
 * The log has 32-bit transaction ids. What they stand for is the number nearest to the present one, `top`, that has the same
 * 32 bits: the epoch of the present, give or take one. Both are SQL of type int8.
 */
export const fullXid = (top: string, xid: string): string =>
  `(SELECT CASE WHEN id > ${top} + 2147483648 THEN id - 4294967296 WHEN id < ${top} - 2147483648 THEN id + 4294967296 ELSE id END ` +
  `FROM (SELECT ${top} - ${top} % 4294967296 + ${xid} AS id) guess)`;

const visibleSql = (xids: readonly number[]): string => `
  WITH present (top) AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8)
  SELECT bool_and(pg_visible_in_snapshot(${fullXid('p.top', 'x')}::text::xid8, pg_current_snapshot()))
    FROM present p, unnest(ARRAY[${xids.join(', ')}]::int8[]) x`;

async function untilVisible(connection: RawConnection, xids: readonly number[], patience: number): Promise<void> {
  if (xids.length === 0) return;
  for (let waited = 0; waited < patience; waited += POLL_MILLIS) {
    const [row] = await connection.query(visibleSql(xids));
    if (row?.[0] === 't') return;
    await new Promise(resolve => setTimeout(resolve, POLL_MILLIS));
  }
  const detail = `transactions of the log (${xids.slice(0, 5).join(', ')}) are not visible after ${Math.round(patience / 1000)} seconds: most likely they wait for a synchronous standby.`;
  throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
}
