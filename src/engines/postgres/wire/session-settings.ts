import type pg from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { serverError } from './errors.ts';

/** What the server has said of itself when it let us in. */
export interface ServerStatus {
  /** As of `server_version_num`, but of the major version alone. */
  readonly version: number;
  /** `server_encoding`. */
  readonly encoding: string;
}

/**
 * The same on every connection, so that a snapshot, the log and a row read again print the same bytes, whatever the
 * role, the database or the server is set to. The first number is the version that knows the setting.
 */
const SETTINGS: readonly (readonly [since: number, name: string, value: string])[] = [
  [0, 'datestyle', 'ISO, MDY'],
  [0, 'intervalstyle', 'postgres'],
  [0, 'timezone', 'UTC'],
  // All digits of a float come with 1 already; some types of extensions print more of them with 3.
  [0, 'extra_float_digits', '3'],
  [0, 'bytea_output', 'hex'],
  [0, 'lc_monetary', 'C'],
  [0, 'quote_all_identifiers', 'off'], // how regclass and its like are printed; search_path too
  [0, 'search_path', 'pg_catalog, pg_temp'],
  [0, 'standard_conforming_strings', 'on'],
  [0, 'statement_timeout', '0'],
  [0, 'lock_timeout', '0'],
  [0, 'idle_in_transaction_session_timeout', '0'],
  [14_00_00, 'idle_session_timeout', '0'],
  [17_00_00, 'transaction_timeout', '0'],
  // A publication is made by a transaction of ours; a standby knows no serializable transactions; a check asks for what may fail.
  [0, 'default_transaction_read_only', 'off'],
  [0, 'default_transaction_isolation', 'read committed'],
  [0, 'default_transaction_deferrable', 'off'],
  [0, 'exit_on_error', 'off'],
  // How our own literals of keys are read.
  [0, 'array_nulls', 'on'],
  // A full refresh gives the rows that the role sees; followed snapshots turn it off themselves.
  [0, 'row_security', 'on'],
  // What we commit ourselves (a publication) need not wait for a standby that may be away.
  [0, 'synchronous_commit', 'local'],
  [0, 'jit', 'off'],
];

/**
 * A database in SQL_ASCII holds bytes of no known encoding; asked for UTF8, the server refuses to send those that are
 * none, and the read could never pass them. As they are, the writers of values replace and report what is not UTF-8.
 */
const clientEncoding = (serverEncoding: string): string => (serverEncoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8');

const settingsOf = ({ version, encoding }: ServerStatus): readonly (readonly [name: string, value: string])[] => [
  ['client_encoding', clientEncoding(encoding)],
  ...SETTINGS.filter(([since]) => version >= since).map(([, name, value]) => [name, value] as const),
];

/** Sets everything. */
export async function setAll(client: pg.Client, server: ServerStatus): Promise<void> {
  const settings = settingsOf(server).map(([name, value]) => `SET ${name} = ${name === 'search_path' ? value : `'${value}'`}`);
  await client.query(settings.join('; '));
}

/**
 * A transaction in which nothing that a role or a database may be set to gets in the way (a hot standby refuses every query of
 * a serializable one), and which leaves nothing behind: SET LOCAL ends with it.
 */
const inPeace = (select: string): string =>
  `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = 0; ${select}; COMMIT`;

const PROCESS = 'pg_catalog.pg_backend_pid()';

/** Runs one of those, of which the query gives `pid`. */
async function processBy(client: pg.Client, sql: string): Promise<number> {
  const results = (await client.query(sql)) as unknown as readonly pg.QueryResult<{ readonly pid: number }>[];
  const pid = results.flatMap(({ rows }) => rows)[0]?.pid;
  if (pid === undefined) throw new ConnectorError('INVARIANT', 'The server gave no process id.');
  return pid;
}

/** The server process behind the connection, as the server itself says. */
export const askProcess = (client: pg.Client): Promise<number> => processBy(client, inPeace(`SELECT ${PROCESS} AS pid`));

/**
 * The same, and sets everything, but only where the process is the one that the login named. Where it is another one, a pooler
 * stands in between, and what we set could be found by its next client. Names are written out: search_path is not ours yet.
 */
export async function setAllIfProcess(client: pg.Client, processId: number, server: ServerStatus): Promise<number> {
  const values = settingsOf(server).map(([name, value]) => `('${name}', '${value}')`);
  const sql =
    `SELECT ${PROCESS} AS pid, (SELECT pg_catalog.count(pg_catalog.set_config(name, value, false)) ` +
    `FROM (VALUES ${values.join(', ')}) AS settings (name, value) WHERE ${PROCESS} OPERATOR(pg_catalog.=) ${processId}) AS set`;
  try {
    return await processBy(client, inPeace(sql));
  } catch (error) {
    // Some take the right to call set_config away; nobody can be kept from SET.
    if (serverError(error)?.code !== '42501') throw error;
    await client.query('ROLLBACK');
    const pid = await askProcess(client);
    if (pid === processId) await setAll(client, server);
    return pid;
  }
}
