import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { EngineContext } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { withinTime } from '../../../net/deadline.ts';
import type { PgTarget } from '../options.ts';
import { serverError, toConnectorError } from './errors.ts';
import { useExactPassword } from './scram.ts';
import { secured } from './tls.ts';

export interface ConnectOptions {
  /** A walsender that also takes SQL (`replication=database`); it knows only the simple protocol. */
  readonly replication: boolean;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
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
  // What we commit ourselves (a publication) need not wait for a standby that may be away.
  [0, 'synchronous_commit', 'local'],
  [0, 'jit', 'off'],
];

/**
 * A database in SQL_ASCII holds bytes of no known encoding; asked for UTF8, the server refuses to send those that are
 * none, and the read could never pass them. As they are, the writers of values replace and report what is not UTF-8.
 */
const clientEncoding = (serverEncoding: string): string => (serverEncoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8');

const sessionSettings = (version: number, serverEncoding: string): string =>
  [[0, 'client_encoding', clientEncoding(serverEncoding)] as const, ...SETTINGS]
    .filter(([since]) => version >= since)
    .map(([, name, value]) => `SET ${name} = ${name === 'search_path' ? value : `'${value}'`}`)
    .join('; ');

/** `pg` is handed a stream that is connected already; it only needs to be told so. */
function asPgStream(stream: Duplex): Duplex {
  const nothing = (): Duplex => stream;
  return Object.assign(stream, {
    connect: (): Duplex => {
      queueMicrotask(() => {
        stream.emit('connect');
        stream.resume(); // it was paused after the answer about TLS
      });
      return stream;
    },
    setNoDelay: 'setNoDelay' in stream ? stream.setNoDelay : nothing,
    setKeepAlive: 'setKeepAlive' in stream ? stream.setKeepAlive : nothing,
  });
}

/** What `pg` takes from the environment when the config is silent (PGOPTIONS, PGREPLICATION): it must not. */
interface Startup {
  connectionParameters: { options: string; replication: string; client_encoding: string };
}

function newClient(target: PgTarget, options: ConnectOptions, stream: Duplex): pg.Client {
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.username,
    // A function: the property form replaces an empty password by PGPASSWORD or the user's password file.
    password: () => target.password,
    ssl: false, // the stream is encrypted already
    sslnegotiation: 'postgres',
    application_name: options.applicationName,
    stream: () => asPgStream(stream),
  });
  useExactPassword(client, target.password);
  const startup = (client as unknown as Startup).connectionParameters;
  startup.options = '';
  startup.replication = options.replication ? 'database' : '';
  return client;
}

/** `15.4 (Debian …)`, `18beta1` → 150000, 180000: enough to know which settings exist. */
const majorVersion = (text: string): number => Number.parseInt(text, 10) * 10_000;

async function attempt(
  target: PgTarget,
  options: ConnectOptions,
  context: EngineContext,
  signal: AbortSignal,
): Promise<pg.Client> {
  const where = `${target.host}:${target.port}`;
  const what = `Logging in to "${target.database}" on ${where} as "${target.username}"`;
  const socket = await context.dial({ host: target.host, port: target.port }, signal);
  // From here on somebody must always listen, or an error of an idle socket would end the process.
  socket.on('error', error => context.log.debug(`Connection to ${where}: ${error.message}`));
  const onAbort = (): void => {
    socket.destroy(new ConnectorError('STOPPED', what));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const stream = await secured(socket, target.ssl, target.host, where);
    const client = newClient(target, options, stream);
    let version = 0;
    let encoding = '';
    client.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
      if (status.parameterName === 'server_encoding') encoding = status.parameterValue;
      if (status.parameterName === 'server_version') version = majorVersion(status.parameterValue);
    });
    client.on('error', error => context.log.debug(`Connection to ${where}: ${error.message}`));
    await client.connect();
    await client.query(sessionSettings(version, encoding));
    return client;
  } catch (error) {
    socket.destroy();
    throw toConnectorError(error, what);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** pg_hba.conf refused an encrypted connection before asking for the password: libpq then tries a plain one, so do we. */
function wantsPlain(error: unknown, target: PgTarget): boolean {
  if (target.ssl.mode !== 'prefer' || !(error instanceof ConnectorError)) return false;
  const server = serverError(error.cause);
  return server?.code === '28000' && server.message.includes('pg_hba.conf');
}

const HINTS: Readonly<Record<string, string>> = {
  '28P01': ' Check username and password.',
  '28000': ' A line of pg_hba.conf must let this user in from here, or the role needs LOGIN.',
  '53300': ' Raise max_connections or end idle connections.',
  '57P03': ' It is starting up or shutting down.',
};

function explained(error: unknown, what: string): ConnectorError {
  const known = toConnectorError(error, what);
  const server = serverError(known.cause);
  const certificate = server?.message.includes('client certificate')
    ? ' Set client_certificate and client_key in ssl_mode.'
    : undefined;
  const hint = server === undefined ? undefined : (certificate ?? HINTS[server.code]);
  return hint === undefined ? known : new ConnectorError(known.code, known.detail + hint, { cause: known.cause });
}

/**
 * Opens a connection, logs in and makes the session print values our way. Takes at most 15 seconds.
 * Throws HOST_UNKNOWN, SERVER_UNREACHABLE, CONNECTION_LOST, TLS_REFUSED, AUTH_REJECTED, DATABASE_UNKNOWN,
 * PERMISSION_DENIED (no CONNECT, no REPLICATION), SERVER_ERROR (too many connections), STOPPED.
 *
 * `ssl_mode: prefer` means: TLS where the server offers it, without verification; plain where it does not, and where
 * pg_hba.conf turns the encrypted connection away. A TLS handshake that fails is an error, unlike in libpq.
 */
export async function connect(target: PgTarget, options: ConnectOptions, context: EngineContext): Promise<pg.Client> {
  const what = `Connecting to ${target.host}:${target.port}`;
  return await withinTime(what, context.signal, async signal => {
    try {
      return await attempt(target, options, context, signal);
    } catch (error) {
      if (!wantsPlain(error, target)) throw explained(error, what);
      context.log.debug(`${what}: pg_hba.conf refuses TLS for this user; trying without.`);
      try {
        return await attempt({ ...target, ssl: { mode: 'disable' } }, options, context, signal);
      } catch (second) {
        throw explained(second, what);
      }
    }
  });
}

const GOODBYE_TIMEOUT_MILLIS = 1_000;

/** Ends a session, politely where the server still listens; never throws, never waits long. */
export async function disconnect(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), GOODBYE_TIMEOUT_MILLIS);
  await client.end().catch(() => {});
  clearTimeout(timer);
}
