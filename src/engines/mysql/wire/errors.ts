import { ConnectorError, type ErrorCode } from '../../../contract/errors.ts';
import type { TableId } from '../../../contract/ids.ts';
import { connectionFailure, errnoOf, messageOf } from '../../../net/failures.ts';

/** What an ERR packet says (MySQL source documentation, "ERR_Packet"). mysql2's errors carry the same fields. */
export interface ServerError {
  readonly errno: number;
  readonly sqlState: string;
  readonly sqlMessage: string;
}

/** The error as the server sent it, or undefined when it is another one. */
export function serverError(error: unknown): ServerError | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { errno, sqlState, sqlMessage } = error as Partial<Record<keyof ServerError, unknown>>;
  if (typeof errno !== 'number' || typeof sqlMessage !== 'string') return undefined;
  return { errno, sqlState: typeof sqlState === 'string' ? sqlState.replace(/^#/, '') : 'HY000', sqlMessage };
}

/** Error numbers of MySQL (manual, "Server Error Message Reference") and, from 1900 and 4000 on, of MariaDB. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1040: 'SERVER_ERROR', // ER_CON_COUNT_ERROR
  1042: 'SERVER_UNREACHABLE', // ER_BAD_HOST_ERROR
  1043: 'CONNECTION_LOST', // ER_HANDSHAKE_ERROR
  1044: 'PERMISSION_DENIED', // ER_DBACCESS_DENIED_ERROR
  1045: 'AUTH_REJECTED', // ER_ACCESS_DENIED_ERROR
  1049: 'DATABASE_UNKNOWN', // ER_BAD_DB_ERROR
  1053: 'CONNECTION_LOST', // ER_SERVER_SHUTDOWN
  1054: 'SCHEMA_CHANGED', // ER_BAD_FIELD_ERROR
  1064: 'INVARIANT', // ER_PARSE_ERROR
  1079: 'CONNECTION_LOST', // ER_SHUTDOWN_COMPLETE
  1129: 'SERVER_UNREACHABLE', // ER_HOST_IS_BLOCKED
  1130: 'AUTH_REJECTED', // ER_HOST_NOT_PRIVILEGED
  1142: 'PERMISSION_DENIED', // ER_TABLEACCESS_DENIED_ERROR
  1143: 'PERMISSION_DENIED', // ER_COLUMNACCESS_DENIED_ERROR
  1146: 'TABLE_MISSING', // ER_NO_SUCH_TABLE
  1152: 'CONNECTION_LOST', // ER_ABORTING_CONNECTION
  1153: 'SERVER_SETTING', // ER_NET_PACKET_TOO_LARGE
  1158: 'CONNECTION_LOST', // ER_NET_READ_ERROR
  1159: 'CONNECTION_LOST', // ER_NET_READ_INTERRUPTED
  1160: 'CONNECTION_LOST', // ER_NET_ERROR_ON_WRITE
  1161: 'CONNECTION_LOST', // ER_NET_WRITE_INTERRUPTED
  1193: 'INVARIANT', // ER_UNKNOWN_SYSTEM_VARIABLE
  1227: 'PERMISSION_DENIED', // ER_SPECIFIC_ACCESS_DENIED_ERROR
  1251: 'AUTH_REJECTED', // ER_NOT_SUPPORTED_AUTH_MODE
  1290: 'SERVER_SETTING', // ER_OPTION_PREVENTS_STATEMENT
  1356: 'TABLE_MISSING', // ER_VIEW_INVALID
  1370: 'PERMISSION_DENIED', // ER_PROCACCESS_DENIED_ERROR
  1381: 'SERVER_SETTING', // ER_NO_BINARY_LOGGING
  1449: 'PERMISSION_DENIED', // ER_NO_SUCH_USER: the definer of a view
  1524: 'AUTH_REJECTED', // ER_PLUGIN_IS_NOT_LOADED
  1698: 'AUTH_REJECTED', // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
  1789: 'POSITION_LOST', // ER_SOURCE_HAS_PURGED_REQUIRED_GTIDS
  1820: 'AUTH_REJECTED', // ER_MUST_CHANGE_PASSWORD
  1862: 'AUTH_REJECTED', // ER_MUST_CHANGE_PASSWORD_LOGIN
  1927: 'CONNECTION_LOST', // MariaDB: ER_CONNECTION_KILLED
  1945: 'POSITION_LOST', // MariaDB: ER_GTID_POSITION_NOT_FOUND_IN_BINLOG
  1955: 'POSITION_LOST', // MariaDB: ER_GTID_POSITION_NOT_FOUND_IN_BINLOG2
  3118: 'AUTH_REJECTED', // ER_ACCOUNT_HAS_BEEN_LOCKED
  3159: 'TLS_REFUSED', // ER_SECURE_TRANSPORT_REQUIRED
  3169: 'CONNECTION_LOST', // ER_SESSION_WAS_KILLED
  3955: 'AUTH_REJECTED', // ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK
  4031: 'CONNECTION_LOST', // ER_CLIENT_INTERACTION_TIMEOUT
  4151: 'AUTH_REJECTED', // MariaDB: ER_ACCOUNT_HAS_BEEN_LOCKED
};

/** What a statement over one table may end with that is the table's own fault: its file, its index, its values. */
const OF_ANY_TABLE = new Set([1030, 1034, 1194, 1195, 126, 127, 145, 1712, 1264, 1292, 1365, 1366, 1411, 1427, 1690, 1877, 3141]);
/** The same where the server evaluates the definition of a view. 1045: a definer that does not exist, to who may not know. */
const OF_VIEWS = new Set([
  ...[1045, 1054, 1109, 1142, 1143, 1146, 1227, 1242, 1305, 1318, 1356, 1370, 1372, 1429, 1430, 1449, 1462, 1630, 1644, 4078],
]);

/**
 * The error of a statement that reads one table, as that of its stream alone where it is: the session is well, and others can
 * be read.
 */
export function asStreamError(error: unknown, table: TableId, isView: boolean): unknown {
  if (!(error instanceof ConnectorError) || error.code === 'STATE_INVALID') return error;
  const server = serverError(error.cause);
  if (server === undefined || !(OF_ANY_TABLE.has(server.errno) || (isView && OF_VIEWS.has(server.errno)))) return error;
  const detail =
    isView && server.errno === 1045
      ? `${error.detail.replace(` ${HINTS[1045]}`, '')} Most likely the definer of the view does not exist any more.`
      : error.detail;
  return new ConnectorError('STREAM_FAILED', detail, { cause: error.cause, table });
}

const HINTS: Readonly<Record<number, string>> = {
  1040: 'Raise max_connections or end idle connections.',
  1045: 'Check username and password, and that the account may log in from here.',
  1129: 'Let an administrator run: FLUSH HOSTS; (MySQL 8.4 and later: TRUNCATE TABLE performance_schema.host_cache;)',
  1130: 'Create the account for the address that the connector comes from, or for any: %.',
  1153: 'Raise max_allowed_packet at the server.',
  1203: 'Raise max_user_connections.',
  1226: 'Raise the limit of the account.',
  1251: 'Let the account use caching_sha2_password (MySQL) or mysql_native_password (MariaDB).',
  1356: 'Correct the view, or remove its stream.',
  1449: 'Correct the definer of the view, or remove its stream.',
  1820: 'Give the account a new password.',
  1862: 'Give the account a new password.',
  3159: 'Set ssl_mode to preferred, required, verify_ca or verify_identity.',
};

/**
 * ER_SOURCE_FATAL_ERROR_READING_BINLOG is one number for everything that ends a dump; only the text tells. The sentences of
 * sql/rpl_binlog_sender.cc (MySQL) and sql/sql_repl.cc (MariaDB).
 */
const DUMP_ENDED = 1236;
const LOST =
  /purged|not find (?:first )?(?:binary )?log|could not open log|impossible position|position > file size|older than|diverged|more GTIDs|not in the (?:master|source)'s binlog|missing the GTID|GTID .* is not|errant/i;

function codeOf({ errno, sqlState, sqlMessage }: ServerError): ErrorCode {
  const known = CODES[errno];
  if (known !== undefined) return known;
  if (errno === DUMP_ENDED) return LOST.test(sqlMessage) ? 'POSITION_LOST' : 'SERVER_ERROR';
  if (sqlState.startsWith('08')) return 'CONNECTION_LOST';
  return sqlState.startsWith('28') ? 'AUTH_REJECTED' : 'SERVER_ERROR';
}

/** In the words of mysql2: it has neither MariaDB's ed25519 and PARSEC nor what needs libraries of its own (LDAP, Kerberos, WebAuthn). */
const UNSUPPORTED_PLUGIN = /authentication using unknown plugin (\S+)\. /;
const CLEAR_PASSWORD = /mysql_clear_password/;

function loginFailure(message: string): string {
  const plugin = UNSUPPORTED_PLUGIN.exec(message)?.[1];
  if (plugin !== undefined) {
    return `the account logs in by ${plugin}, which this connector does not have. Give it another way: ALTER USER … IDENTIFIED WITH caching_sha2_password BY '…'; (MariaDB: IDENTIFIED VIA mysql_native_password USING PASSWORD('…');)`;
  }
  if (CLEAR_PASSWORD.test(message)) {
    return 'the server asks for the password as it is. It is given only to a server that was verified: set ssl_mode to verify_ca or verify_identity.';
  }
  return message;
}

const sentence = (text: string): string => (/[.!?;)]$/.test(text) ? text : `${text}.`);

/**
 * Turns whatever mysql2, the socket, TLS or an ERR packet brought into the error that the user sees. `what` says what was
 * being done, as the beginning of a sentence: "Reading the tables of shop". Never holds a password: servers do not repeat it.
 */
export function toConnectorError(error: unknown, what: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const server = serverError(error);
  if (server !== undefined) {
    const { errno, sqlState, sqlMessage } = server;
    const hint = HINTS[errno] === undefined ? '' : ` ${HINTS[errno]}`;
    const detail = `${what}: ${sentence(sqlMessage)} (${errno}, SQLSTATE ${sqlState})${hint}`;
    return new ConnectorError(codeOf(server), detail, { cause: error });
  }
  const known = connectionFailure(error, what);
  if (known !== undefined) return known;
  const code = errnoOf(error);
  const message = messageOf(error);
  const as = (which: ErrorCode, detail: string): ConnectorError =>
    new ConnectorError(which, `${what}: ${sentence(detail)}`, { cause: error });
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return as('TLS_REFUSED', 'the server offers no TLS');
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR' || code === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED')
    return as('AUTH_REJECTED', loginFailure(message));
  if (code === 'PROTOCOL_CONNECTION_LOST' || /closed state|Connection lost/.test(message)) {
    return as('CONNECTION_LOST', 'the server closed the connection');
  }
  if (code.startsWith('PROTOCOL_') || code === 'HANDSHAKE_UNKNOWN_ERROR') {
    return as('SERVER_UNREACHABLE', 'what answers there does not speak the MySQL protocol');
  }
  return as('INVARIANT', message);
}
