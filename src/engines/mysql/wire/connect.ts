import type { Duplex } from 'node:stream';
import { type Connection, createConnection } from 'mysql2';
import type { EngineContext } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { withinTime } from '../../../net/deadline.ts';
import { errnoOf, messageOf } from '../../../net/failures.ts';
import { encrypt } from '../../../net/tls.ts';
import type { SslMode } from '../config.ts';
import type { MysqlTarget } from '../options.ts';
import { readServer, type ServerFacts } from '../server.ts';
import { queryOn } from '../sql.ts';
import { toConnectorError } from './errors.ts';
import type { LoggedIn } from './raw-connection.ts';

/** A connection that has logged in and been set up. */
export interface MysqlConnection {
  readonly driver: Connection;
  readonly server: ServerFacts;
}

export interface ConnectOptions {
  /** Shown in `performance_schema.session_connect_attrs`. */
  readonly applicationName: string;
}

/** How long the server waits for us while we wait for whoever reads our output. The default is a minute. */
const PATIENCE_SECONDS = 86_400;

/**
 * The same on every connection, so that a snapshot, the log and a row read again give the same bytes, whatever the account
 * or the server is set to. The numbers are the first versions that know a setting; 0: it is not known at all.
 */
const SETTINGS: readonly (readonly [name: string, value: string, mysql?: number, mariadb?: number])[] = [
  // Text comes in the column's own character set; the writers of values know them all.
  ['character_set_results', 'NULL'],
  ['time_zone', "'+00:00'"],
  ['sql_mode', "''"],
  ['autocommit', '1'],
  ['completion_type', "'NO_CHAIN'"],
  ['sql_select_limit', '18446744073709551615'],
  ['sql_big_selects', '1'],
  ['sql_quote_show_create', '1'], // SHOW CREATE TABLE is read by us
  ['net_write_timeout', `${PATIENCE_SECONDS}`],
  ['net_read_timeout', `${PATIENCE_SECONDS}`],
  // For an ALTER TABLE that holds a table; a server may be set to seconds.
  ['lock_wait_timeout', `${PATIENCE_SECONDS}`],
  ['wait_timeout', `${PATIENCE_SECONDS}`],
  ['max_execution_time', '0', 5_07_08, 0],
  ['show_gipk_in_create_table_and_information_schema', '1', 8_00_30, 0],
  ['max_statement_time', '0', 0, 10_01_01],
  ['idle_transaction_timeout', '0', 0, 10_03_00],
  ['idle_readonly_transaction_timeout', '0', 0, 10_03_00],
];

function sessionSettings({ flavor, version }: ServerFacts): readonly string[] {
  const known = SETTINGS.filter(([, , mysql = 1, mariadb = 1]) => {
    const since = flavor === 'mysql' ? mysql : mariadb;
    return since > 0 && version >= since;
  });
  return [
    'SET NAMES utf8mb4',
    `SET ${known.map(([name, value]) => `SESSION ${name} = ${value}`).join(', ')}`,
    'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
  ];
}

/** Of mysql2's connection, what is not in its types. Guarded by a test against real servers. */
interface Internals {
  stream: Duplex;
  readonly packetParser: { execute(bytes: Buffer): void };
  readonly config: { readonly clientFlags: number };
  readonly serverCapabilityFlags: number;
  readonly threadId: number;
  startTLS(onSecure: (error?: Error) => void): void;
  _handleNetworkError(error: Error): void;
}

const internalsOf = (driver: Connection): Internals => driver as unknown as Internals;

/** MySQL source documentation, "Capabilities Flags". */
const CLIENT_QUERY_ATTRIBUTES = 0x0800_0000;

/** What a raw connection needs of an idle one. mysql2 must not be asked anything from then on. */
export function rawConnection({ driver }: MysqlConnection): LoggedIn {
  const { stream, config, serverCapabilityFlags, threadId } = internalsOf(driver);
  const queryAttributes = (config.clientFlags & serverCapabilityFlags & CLIENT_QUERY_ATTRIBUTES) !== 0;
  return { stream, queryAttributes, threadId };
}

const VERIFY: Readonly<Record<SslMode['mode'], 'nothing' | 'authority' | 'name'>> = {
  disabled: 'nothing',
  preferred: 'nothing',
  required: 'nothing',
  verify_ca: 'authority',
  verify_identity: 'name',
};

/**
 * Puts our TLS in the place of mysql2's, which compares the certificate of a server given by address with the name
 * "localhost", and hides the code of an error. mysql2 has sent its SSLRequest when it calls this.
 */
function encryptOurselves(internals: Internals, target: MysqlTarget, onFailure: (error: unknown) => void): void {
  const { host, port, ssl } = target;
  const what = `TLS with ${host}:${port} (ssl_mode ${ssl.mode})`;
  const certificates = ssl.mode === 'disabled' || ssl.mode === 'preferred' ? {} : ssl;
  internals.startTLS = onSecure => {
    const plain = internals.stream;
    plain.removeAllListeners('data');
    encrypt(plain, { host, verify: VERIFY[ssl.mode], certificates, what }).then(
      secure => {
        secure.on('data', (bytes: Buffer) => internals.packetParser.execute(bytes));
        secure.on('error', error => internals._handleNetworkError(error));
        internals.stream = secure;
        onSecure();
      },
      (error: unknown) => {
        onFailure(error);
        onSecure(new Error('TLS failed'));
      },
    );
  };
}

/** Logs in on a connected socket. */
function login(socket: Duplex, target: MysqlTarget, options: ConnectOptions): Promise<Connection> {
  const { mode } = target.ssl;
  return new Promise((resolve, reject) => {
    const driver = createConnection({
      host: target.host,
      port: target.port,
      user: target.username,
      password: target.password,
      stream: socket,
      charset: 'UTF8MB4_GENERAL_CI',
      connectTimeout: 0, // ours covers all of it
      multipleStatements: false,
      flags: ['-LOCAL_FILES', '-IGNORE_SPACE'],
      // Any object asks for TLS; what it is to be like is in `encryptOurselves`.
      ...(mode === 'disabled' ? {} : { ssl: {} }),
      // The password itself only to a server that has shown who it is.
      enableCleartextPlugin: mode === 'verify_ca' || mode === 'verify_identity',
      connectAttributes: { program_name: options.applicationName },
    });
    let tlsError: unknown;
    encryptOurselves(internalsOf(driver), target, error => {
      tlsError = error;
    });
    // It stays: an error of an idle connection would end the process if nobody listened.
    driver.on('error', (error: unknown) => reject(tlsError ?? error));
    driver.once('connect', () => resolve(driver));
  });
}

async function attempt(
  target: MysqlTarget,
  options: ConnectOptions,
  context: EngineContext,
  signal: AbortSignal,
): Promise<MysqlConnection> {
  const where = `${target.host}:${target.port}`;
  const what = `Logging in to ${where} as "${target.username}"`;
  const socket = await context.dial({ host: target.host, port: target.port }, signal);
  // From here on somebody must always listen, or an error of an idle socket would end the process.
  socket.on('error', error => context.log.debug(`Connection to ${where}: ${error.message}`));
  const onAbort = (): void => {
    socket.destroy(new ConnectorError('STOPPED', what));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const driver = await login(socket, target, options).catch((error: unknown) => {
      throw offersNoTls(error) ? error : loginError(error, target, what);
    });
    const query = queryOn(driver);
    const server = await readServer(query);
    for (const sql of sessionSettings(server)) await query.rows(sql);
    return { driver, server };
  } catch (error) {
    socket.destroy();
    throw offersNoTls(error) ? error : toConnectorError(error, what);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function loginError(error: unknown, { ssl }: MysqlTarget, what: string): ConnectorError {
  const known = toConnectorError(error, what);
  if (known.code === 'AUTH_REJECTED' && ssl.mode === 'disabled') {
    const detail = `${known.detail} An account or server that demands TLS needs another ssl_mode than disabled.`;
    return new ConnectorError(known.code, detail, { cause: error });
  }
  // mysql2 reads the greeting without looking twice: what is none makes it stumble.
  if (known.code !== 'INVARIANT') return known;
  const detail = `${what}: what answers there does not speak the MySQL protocol (${messageOf(error)}).`;
  return new ConnectorError('SERVER_UNREACHABLE', detail, { cause: error });
}

const offersNoTls = (error: unknown): boolean => errnoOf(error) === 'HANDSHAKE_NO_SSL_SUPPORT';

async function preferring(
  target: MysqlTarget,
  options: ConnectOptions,
  context: EngineContext,
  signal: AbortSignal,
): Promise<MysqlConnection> {
  try {
    return await attempt(target, options, context, signal);
  } catch (error) {
    if (!offersNoTls(error)) throw error;
    const where = `${target.host}:${target.port}`;
    if (target.ssl.mode === 'preferred') {
      context.log.debug(`${where} offers no TLS; connecting without.`);
      return await attempt({ ...target, ssl: { mode: 'disabled' } }, options, context, signal);
    }
    const detail = `${where} offers no TLS, but ssl_mode is ${target.ssl.mode}. Give the server a certificate (ssl_cert, ssl_key), or choose preferred or disabled.`;
    throw new ConnectorError('TLS_REFUSED', detail, { cause: error });
  }
}

/**
 * Opens a connection, logs in and makes the session give values our way, changing nothing. Takes at most 15 seconds.
 * Throws HOST_UNKNOWN, SERVER_UNREACHABLE, CONNECTION_LOST, TLS_REFUSED, AUTH_REJECTED, SERVER_ERROR (too many connections),
 * STOPPED.
 *
 * `ssl_mode: preferred` means: TLS where the server offers it, without verification, and plain where it does not. A TLS
 * handshake that fails is an error in every mode: falling back then would invite tampering.
 */
export async function connect(target: MysqlTarget, options: ConnectOptions, context: EngineContext): Promise<MysqlConnection> {
  const what = `Connecting to ${target.host}:${target.port}`;
  return await withinTime(what, context.signal, signal => preferring(target, options, context, signal));
}

const GOODBYE_TIMEOUT_MILLIS = 1_000;

/** Ends a session, politely where the server still listens; never throws, never waits long. */
export function disconnect({ driver }: MysqlConnection): Promise<void> {
  const { stream } = internalsOf(driver);
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      stream.destroy();
      resolve();
    };
    const timer = setTimeout(done, GOODBYE_TIMEOUT_MILLIS);
    driver.end(done);
  });
}
