import { randomInt } from 'node:crypto';
import type pg from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { serverError } from './errors.ts';
import { askProcess } from './session-settings.ts';

/** How long a pooler may take to give a second session. */
const SECOND_SESSION_MILLIS = 5_000;
/** Questions to two sessions in random order. */
const QUESTIONS = 20;

const DIRECT = 'Enter the address of the server itself';

/** How a pooler refuses `replication` as a startup parameter: protocol_violation, feature_not_supported. */
const REFUSALS = new Set(['08P01', '0A000']);

/** A login for replication that failed in the way of a pooler that knows none, as SERVER_SETTING; undefined else. */
export function replicationRefused(known: ConnectorError): ConnectorError | undefined {
  if (!REFUSALS.has(serverError(known.cause)?.code ?? '')) return undefined;
  const detail = `${known.detail} A connection pooler that lets no replication through stands in between. ${DIRECT}.`;
  return new ConnectorError('SERVER_SETTING', detail, { cause: known.cause });
}

/**
 * Behind a pooler: makes sure that a connection which was asked for as one for replication is one. Some poolers overlook the
 * parameter and give a session that others use too. Throws SERVER_SETTING.
 */
export async function mustReplicate(client: pg.Client, what: string): Promise<void> {
  try {
    await client.query('IDENTIFY_SYSTEM');
  } catch (error) {
    if (serverError(error)?.code !== '42601') throw error; // syntax_error: the server took it for SQL
    const detail = `${what}: a connection pooler that lets no replication through stands in between. ${DIRECT}.`;
    throw new ConnectorError('SERVER_SETTING', detail, { cause: error });
  }
}

function shared(what: string, mode: 'transaction' | 'statement'): ConnectorError {
  const detail = `${what}: a connection pooler in ${mode} mode stands in between (PgBouncer: pool_mode = ${mode}). The settings of our sessions would be found by other clients of the pool, and ours would lack them. ${DIRECT}, or of a pool in session mode.`;
  return new ConnectorError('SERVER_SETTING', detail);
}

/**
 * Behind a pooler, before anything is set: finds out whether each of our sessions has a server process of its own, until it ends.
 * Nothing is left behind. Throws SERVER_SETTING where it has not, or where the pool has no room for the two sessions that a read
 * needs. See docs/decisions/0021-poolers.md.
 *
 * `client` is logged in, and so is what `open` gives: another session of the same role in the same database.
 */
export async function mustBeOwn(client: pg.Client, open: () => Promise<pg.Client>, what: string): Promise<void> {
  if (!(await transactionsPass(client))) throw shared(what, 'statement');
  if (!(await statementsKeepTheirNames(client))) throw shared(what, 'transaction');
  const other = await open();
  try {
    if (!(await processesDiffer(client, other, what))) throw shared(what, 'transaction');
  } finally {
    // Not waited for, and not asked politely: it may wait in the pooler's queue.
    other.connection.stream.destroy();
  }
}

/** In statement mode a transaction may be no longer than a message. */
async function transactionsPass(client: pg.Client): Promise<boolean> {
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY');
    return true;
  } catch (error) {
    if (serverError(error)?.code === '08P01') return false;
    throw error;
  }
}

/**
 * A pooler that gives a session another process for each transaction has to carry prepared statements along, and names them anew
 * for that. Within the transaction that is open, so that the statement is gone when it ends.
 */
async function statementsKeepTheirNames(client: pg.Client): Promise<boolean> {
  const name = `tributary_${randomInt(2 ** 47).toString(36)}`;
  await client.query('SET LOCAL statement_timeout = 0');
  await client.query({ name, text: 'SELECT 1' });
  const sql = `SELECT FROM pg_catalog.pg_prepared_statements WHERE name OPERATOR(pg_catalog.=) '${name}'`;
  const { rowCount } = await client.query(sql);
  if (rowCount === 1) await client.query(`DEALLOCATE ${name}; COMMIT`);
  else await client.query('ROLLBACK');
  return rowCount === 1;
}

/**
 * Asks two sessions in random order for their processes. A pool that has no sessions of its clients' cannot know who will ask
 * next: it gives the right process to the right one by chance only, once in 2^20.
 */
async function processesDiffer(client: pg.Client, other: pg.Client, what: string): Promise<boolean> {
  const processes = [await askProcess(client), await askWithin(other, what)] as const;
  if (processes[0] === processes[1]) return false;
  for (let left = QUESTIONS; left > 0; left--) {
    const who = randomInt(2) === 0 ? 0 : 1;
    if ((await askProcess([client, other][who] as pg.Client)) !== processes[who]) return false;
  }
  return true;
}

async function askWithin(client: pg.Client, what: string): Promise<number> {
  let timer: NodeJS.Timeout | undefined;
  const asked = askProcess(client);
  asked.catch(() => {});
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const detail = `${what}: the connection pooler has a session for us, but no second one within ${SECOND_SESSION_MILLIS / 1000} seconds. Raise the size of its pool (PgBouncer: default_pool_size, pool_size), or enter the address of the server itself.`;
      reject(new ConnectorError('SERVER_SETTING', detail));
    }, SECOND_SESSION_MILLIS);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
