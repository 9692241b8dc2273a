import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { EngineContext } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { withinTime } from '../../../net/deadline.ts';
import type { PgTarget } from '../options.ts';
import { serverError, toConnectorError } from './errors.ts';
import { mustBeOwn, mustReplicate, replicationRefused } from './pooler.ts';
import { useExactPassword } from './scram.ts';
import { type ServerStatus, setAll, setAllIfProcess } from './session-settings.ts';
import { secured } from './tls.ts';

export interface ConnectOptions {
  /** A walsender that also takes SQL (`replication=database`); it knows only the simple protocol. */
  readonly replication: boolean;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
}

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

/** A session of which nothing is set yet. */
interface Login {
  readonly client: pg.Client;
  readonly server: ServerStatus;
}

/** Logs in and hands over to `body`; where that fails, the connection is closed. */
async function loggedIn<T>(
  target: PgTarget,
  options: ConnectOptions,
  context: EngineContext,
  signal: AbortSignal,
  body: (login: Login) => Promise<T>,
): Promise<T> {
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
    return await body({ client, server: { version, encoding } });
  } catch (error) {
    socket.destroy();
    throw toConnectorError(error, what);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Addresses behind which a pooler gives sessions of our own: to be found out only once. */
const ownSessions = new WeakSet<PgTarget>();

/** Opens a session that is set up. `key`: the target as configured, of which `target` may be a variant. */
async function attempt(
  { target, key = target }: { readonly target: PgTarget; readonly key?: PgTarget },
  options: ConnectOptions,
  context: EngineContext,
  signal: AbortSignal,
): Promise<pg.Client> {
  const open = (): Promise<pg.Client> => loggedIn(target, options, context, signal, ({ client }) => Promise.resolve(client));
  return await loggedIn(target, options, context, signal, async ({ client, server }) => {
    const named = client as unknown as { processID: number };
    const pid = await setAllIfProcess(client, named.processID, server);
    if (pid === named.processID) return client;
    // Somebody in between has named another one, and nothing is set yet.
    const what = `Connecting to ${target.host}:${target.port}`;
    if (options.replication) await mustReplicate(client, what);
    else if (!ownSessions.has(key)) await mustBeOwn(client, open, what);
    if (!options.replication) ownSessions.add(key);
    await setAll(client, server);
    named.processID = pid;
    return client;
  });
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
  '57P03': ' It is starting up or shutting down.',
};

/** Which of the limits on connections: told by the function that looks at it, or by the name of the setting. */
function limitHint({ routine, message }: { readonly routine?: string | undefined; readonly message: string }): string {
  if (routine === 'InitializeSessionUserId')
    return ' End sessions of this role, or raise its limit: ALTER ROLE … CONNECTION LIMIT …;';
  if (routine === 'CheckMyDatabase')
    return ' End sessions in this database, or raise its limit: ALTER DATABASE … CONNECTION LIMIT …;';
  if (message.includes('max_wal_senders')) return ' Raise max_wal_senders, or end replication connections.';
  return ' Raise max_connections, or end idle connections.';
}

function explained(error: unknown, { replication }: ConnectOptions, what: string): ConnectorError {
  const known = toConnectorError(error, what);
  const refused = replication ? replicationRefused(known) : undefined;
  if (refused !== undefined) return refused;
  const server = serverError(known.cause);
  const certificate = server?.message.includes('client certificate')
    ? ' Set client_certificate and client_key in ssl_mode.'
    : undefined;
  const limit = server?.code === '53300' ? limitHint(server) : undefined;
  const hint = server === undefined ? undefined : (certificate ?? limit ?? HINTS[server.code]);
  return hint === undefined ? known : new ConnectorError(known.code, known.detail + hint, { cause: known.cause });
}

/**
 * Opens a connection, logs in and makes the session print values our way. Takes at most 15 seconds. `processID` of what it
 * gives is the server's own process, also where a pooler has named another.
 * Throws HOST_UNKNOWN, SERVER_UNREACHABLE, CONNECTION_LOST, TLS_REFUSED, AUTH_REJECTED, DATABASE_UNKNOWN,
 * PERMISSION_DENIED (no CONNECT, no REPLICATION), SERVER_SETTING (a pooler that will not do), SERVER_ERROR (too many
 * connections), STOPPED.
 *
 * `ssl_mode: prefer` means: TLS where the server offers it, without verification; plain where it does not, and where
 * pg_hba.conf turns the encrypted connection away. A TLS handshake that fails is an error, unlike in libpq.
 */
export async function connect(target: PgTarget, options: ConnectOptions, context: EngineContext): Promise<pg.Client> {
  const what = `Connecting to ${target.host}:${target.port}`;
  return await withinTime(what, context.signal, async signal => {
    try {
      return await attempt({ target }, options, context, signal);
    } catch (error) {
      if (!wantsPlain(error, target)) throw explained(error, options, what);
      context.log.debug(`${what}: pg_hba.conf refuses TLS for this user; trying without.`);
      try {
        const plain: PgTarget = { ...target, ssl: { mode: 'disable' } };
        return await attempt({ target: plain, key: target }, options, context, signal);
      } catch (second) {
        throw explained(second, options, what);
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
