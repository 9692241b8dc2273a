import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { qualified, quoteIdent, quoteLiteral } from '../sql.ts';
import { CopyRow } from '../wire/copy-row.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import type { RowPlan } from './row-plan.ts';

/** Rows of one query. More would only make the statement long; the log is read in pieces of this order anyway. */
const BATCH = 500;
const POLL_MILLIS = 20;
const PATIENCE_MILLIS = 60_000;

/** A row of the log that lacks values, and what the table has for them now. */
export interface Wanted {
  readonly plan: RowPlan;
  /** The key's values as text; null where the log does not have them. */
  readonly key: readonly string[] | null;
  /** The selected columns that are needed. */
  readonly columns: readonly number[];
  /** By selected column: the value's text form, or null for NULL. Undefined: the row is not there any more. */
  found: ReadonlyMap<number, Uint8Array | null> | undefined;
}

/**
 * Fetches values that the log does not carry (unchanged TOAST, columns that are not published) by primary key.
 *
 * What is read is newer than the change, or as old: a later change of the value has a record of its own with a larger
 * key. It must not be older. A transaction that waits for a synchronous standby is in the log already while no snapshot
 * shows it; so all of `xids` (transactions of the rows) must be visible first. Throws TRANSACTIONS_IN_PROGRESS if they
 * are not within a minute.
 */
export async function reread(connection: RawConnection, wanted: readonly Wanted[], xids: ReadonlySet<number>): Promise<void> {
  await untilVisible(connection, [...xids]);
  const byPlan = new Map<RowPlan, Wanted[]>();
  for (const row of wanted) {
    if (row.key === null) continue;
    const rows = byPlan.get(row.plan);
    if (rows === undefined) byPlan.set(row.plan, [row]);
    else rows.push(row);
  }
  for (const [plan, rows] of byPlan) {
    for (let at = 0; at < rows.length; at += BATCH) await fetchRows(connection, plan, rows.slice(at, at + BATCH));
  }
}

async function fetchRows(connection: RawConnection, plan: RowPlan, rows: readonly Wanted[]): Promise<void> {
  const columns = [...new Set(rows.flatMap(row => row.columns))].sort((a, b) => a - b);
  connection.what = `Reading rows of ${tableLabel(plan.table.id)} again`;
  await connection.beginCopy(fetchSql(plan, rows, columns));
  const row = new CopyRow(columns.length + 1);
  for (;;) {
    while (connection.nextCopyData()) {
      const { bytes } = connection;
      row.split(bytes, connection.start, connection.end);
      const number = Number(bytes.toString('latin1', row.starts[0], row.ends[0]));
      const found = new Map<number, Uint8Array | null>();
      for (const [at, column] of columns.entries()) {
        const start = row.starts[at + 1] ?? -1;
        found.set(column, start < 0 ? null : Buffer.from(bytes.subarray(start, row.ends[at + 1])));
      }
      const target = rows[number];
      if (target !== undefined) target.found = found;
    }
    if (connection.copyDone) return;
    await connection.fill();
  }
}

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
  return (
    `COPY (SELECT q.n, r.* FROM (VALUES ${values.join(', ')}) AS q (${['n', ...keyNames].join(', ')}) ` +
    `CROSS JOIN LATERAL (SELECT ${names.join(', ')} FROM ${from} t WHERE ${match} LIMIT 1) r) TO STDOUT`
  );
}

/** The log has 32-bit transaction ids; the epoch that belongs to them is that of the present, give or take one. */
const visibleSql = (xids: readonly number[]): string => `
  WITH present (top) AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8),
       guess (top, id) AS (SELECT top, top - top % 4294967296 + x FROM present, unnest(ARRAY[${xids.join(', ')}]::int8[]) x)
  SELECT bool_and(pg_visible_in_snapshot(
           (CASE WHEN id > top + 2147483648 THEN id - 4294967296
                 WHEN id < top - 2147483648 THEN id + 4294967296 ELSE id END)::text::xid8, pg_current_snapshot()))
    FROM guess`;

async function untilVisible(connection: RawConnection, xids: readonly number[]): Promise<void> {
  if (xids.length === 0) return;
  connection.what = 'Waiting for transactions of the log to become visible';
  for (let waited = 0; waited < PATIENCE_MILLIS; waited += POLL_MILLIS) {
    const [row] = await connection.query(visibleSql(xids));
    if (row?.[0] === 't') return;
    await new Promise(resolve => setTimeout(resolve, POLL_MILLIS));
  }
  const detail = `transactions of the log (${xids.slice(0, 5).join(', ')}) are not visible after a minute: most likely they wait for a synchronous standby.`;
  throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
}
