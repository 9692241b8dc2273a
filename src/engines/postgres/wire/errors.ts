import { ConnectorError, type ErrorCode } from '../../../contract/errors.ts';
import type { TableId } from '../../../contract/ids.ts';
import { connectionFailure, messageOf } from '../../../net/failures.ts';

/** The fields of an ErrorResponse (manual, "Error and Notice Message Fields") that are told to the user. */
interface ServerError {
  /** `ERROR` ends the statement, `FATAL` and `PANIC` the session. */
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** The function of the server that has found the error: its name is in no language. */
  readonly routine?: string | undefined;
  /** The context: what the server was doing. Not told to the user. */
  readonly where?: string | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The error as the server sent it, or undefined when it is another one. */
export function serverError(error: unknown): ServerError | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('severity' in error)) return undefined;
  const code = text(error.code);
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return {
    severity: text(error.severity) ?? '',
    code,
    message: ('message' in error ? text(error.message) : undefined) ?? 'no message',
    detail: 'detail' in error ? text(error.detail) : undefined,
    hint: 'hint' in error ? text(error.hint) : undefined,
    routine: 'routine' in error ? text(error.routine) : undefined,
    where: 'where' in error ? text(error.where) : undefined,
  };
}

/** SQLSTATE (manual, appendix A) to our code; two characters stand for a class. Anything else is SERVER_ERROR. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  '08': 'CONNECTION_LOST',
  '28': 'AUTH_REJECTED',
  '3D000': 'DATABASE_UNKNOWN',
  '3F000': 'SCHEMA_MISSING',
  '25006': 'PERMISSION_DENIED', // read_only_sql_transaction
  '42501': 'PERMISSION_DENIED', // insufficient_privilege
  '42P01': 'TABLE_MISSING', // undefined_table
  '53400': 'SERVER_SETTING', // configuration_limit_exceeded: slots, senders
  '55006': 'SLOT_BUSY', // object_in_use
  '57P01': 'CONNECTION_LOST', // admin_shutdown
  '57P02': 'CONNECTION_LOST', // crash_shutdown
  '57P03': 'SERVER_UNREACHABLE', // cannot_connect_now: starting up, shutting down, in recovery
  '57P05': 'CONNECTION_LOST', // idle_session_timeout
};

/** What a statement over one relation may end with that is its own fault (manual, appendix A), two characters for a class. */
const OF_ANY_RELATION = ['22', '21', 'P0', '58P01', 'XX001', 'XX002'];
/** The same where the relation is a definition that the server evaluates: a view, a materialized view, a foreign table. */
const OF_DEFINITIONS = ['08', '0A', '2F', '38', '39', '42', '44', '54', '55000', 'F0', 'HV', 'XX000'];

/**
 * The error of a statement that reads one relation, as that of its stream alone where it is: the session is well, and others
 * can be read. `evaluated`: the server evaluates a definition.
 */
export function asStreamError(error: unknown, table: TableId, evaluated: boolean): unknown {
  if (!(error instanceof ConnectorError) || error.code === 'STATE_INVALID') return error;
  const server = serverError(error.cause);
  if (server === undefined || server.severity !== 'ERROR') return error;
  const known = evaluated ? [...OF_ANY_RELATION, ...OF_DEFINITIONS] : OF_ANY_RELATION;
  if (!known.some(code => server.code === code || server.code.slice(0, 2) === code)) return error;
  return new ConnectorError('STREAM_FAILED', error.detail, { cause: error.cause, table });
}

/** The setting that says which output plugins slots may use. */
export const OUTPUT_PLUGINS = 'output_plugin_libraries';
export const outputPluginRemedy = `Add it to what the list has, for example: ALTER SYSTEM SET ${OUTPUT_PLUGINS} = pgoutput, test_decoding; SELECT pg_reload_conf();`;

/** The words are in the server's language, but it names the setting. */
const refusesPlugin = (error: ServerError): boolean =>
  error.code === '42501' && [error.message, error.detail, error.hint].some(part => part?.includes(OUTPUT_PLUGINS) === true);

const describe = (error: ServerError): string =>
  [error.message, error.detail, error.hint === undefined ? undefined : `Hint: ${error.hint}`]
    .filter(part => part !== undefined)
    .map(part => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(' ');

/**
 * Turns whatever `pg`, the socket or TLS threw into the error that the user sees. `what` says what was being done, as
 * the beginning of a sentence: "Reading the tables of shop". Never holds a password: servers do not repeat it.
 */
export function toConnectorError(error: unknown, what: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const server = serverError(error);
  if (server !== undefined && refusesPlugin(server)) {
    const detail = `${what}: ${describe(server)} (SQLSTATE ${server.code}) ${outputPluginRemedy}`;
    return new ConnectorError('SERVER_SETTING', detail, { cause: error });
  }
  if (server !== undefined) {
    const code = CODES[server.code] ?? CODES[server.code.slice(0, 2)] ?? 'SERVER_ERROR';
    return new ConnectorError(code, `${what}: ${describe(server)} (SQLSTATE ${server.code})`, { cause: error });
  }
  const known = connectionFailure(error, what);
  if (known !== undefined) return known;
  const message = messageOf(error);
  if (/^Connection terminated|^Query read timeout|not queryable|Client was closed/.test(message)) {
    return new ConnectorError('CONNECTION_LOST', `${what}: ${message}.`, { cause: error });
  }
  if (/password must be a (non-empty )?string/.test(message)) {
    return new ConnectorError('AUTH_REJECTED', `${what}: the server asks for a password, and none is set.`, { cause: error });
  }
  if (/^SASL|password/i.test(message)) return new ConnectorError('AUTH_REJECTED', `${what}: ${message}.`, { cause: error });
  return new ConnectorError('INVARIANT', `${what}: ${message}`, { cause: error });
}
