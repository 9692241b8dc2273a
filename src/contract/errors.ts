import { type TableId, tableLabel } from './ids.ts';

/** `config_error`: the user must act, no retry helps. `transient_error`: try again. `system_error`: our bug. */
export type FailureType = 'config_error' | 'transient_error' | 'system_error';

interface ErrorDefinition {
  readonly type: FailureType;
  /** What happened, in a sentence without a full stop. */
  readonly title: string;
  /** What to do about it. Also the text of docs/errors.md. */
  readonly remedy: string;
}

/** Every failure a user can see. The failure type is decided here, never where the error is thrown. */
export const ERRORS = {
  ARGUMENTS_INVALID: {
    type: 'config_error',
    title: 'The command line is not understood',
    remedy: 'Call spec, check --config FILE, discover --config FILE, or read --config FILE --catalog FILE [--state FILE].',
  },
  FILE_UNREADABLE: {
    type: 'config_error',
    title: 'A file given on the command line cannot be read',
    remedy: 'Check the path and that the file is readable and holds JSON in UTF-8.',
  },
  CONFIG_INVALID: {
    type: 'config_error',
    title: 'The configuration is not valid',
    remedy: 'Correct the field that the message names.',
  },
  CATALOG_INVALID: {
    type: 'config_error',
    title: 'The configured catalog is not valid',
    remedy: 'Correct the place that the message names, or run discover again and rebuild the catalog from it.',
  },
  STREAM_UNKNOWN: {
    type: 'config_error',
    title: 'The configured catalog names a stream that the database does not have',
    remedy: 'Refresh the source schema, then remove or rename the stream.',
  },
  STATE_INVALID: {
    type: 'config_error',
    title: 'The state cannot be used',
    remedy: 'Pass the state exactly as this connector printed it, for the same engine, or clear it to start over.',
  },
  HOST_UNKNOWN: {
    type: 'config_error',
    title: 'The host name does not exist',
    remedy: 'Correct the host; if it is a private name, make sure that it resolves where the connector runs.',
  },
  SERVER_UNREACHABLE: {
    type: 'transient_error',
    title: 'The server cannot be reached',
    remedy: 'Check host and port, that the server runs, and that firewalls and allow-lists let the connector in.',
  },
  CONNECTION_LOST: {
    type: 'transient_error',
    title: 'The connection to the server broke',
    remedy:
      'The next run goes on from the last state. If it happens again, look for restarts, proxies or time limits in between.',
  },
  TLS_REFUSED: {
    type: 'config_error',
    title: 'No encrypted connection as demanded by ssl_mode could be made',
    remedy: 'Turn TLS on at the server, correct the certificates, or choose another ssl_mode.',
  },
  AUTH_REJECTED: {
    type: 'config_error',
    title: 'The server refused the credentials',
    remedy: 'Correct username and password, and check that the user may log in from where the connector runs.',
  },
  DATABASE_UNKNOWN: {
    type: 'config_error',
    title: 'The database does not exist',
    remedy: 'Correct the database name.',
  },
  SCHEMA_MISSING: {
    type: 'config_error',
    title: 'A configured schema does not exist or shows no tables',
    remedy: 'Correct the list of schemas, or grant USAGE on the schema and SELECT on its tables.',
  },
  TABLE_MISSING: {
    type: 'config_error',
    title: 'A configured table is not there',
    remedy: 'Refresh the source schema; on a sharded source, every shard must have the table.',
  },
  PERMISSION_DENIED: {
    type: 'config_error',
    title: 'A right is missing',
    remedy: 'Grant the right that the message names.',
  },
  SERVER_SETTING: {
    type: 'config_error',
    title: 'A server setting stands in the way',
    remedy: 'Change the setting that the message names.',
  },
  SERVER_VERSION: {
    type: 'config_error',
    title: 'The server version is not supported',
    remedy: 'Use a supported version.',
  },
  REPLICA_IDENTITY_MISSING: {
    type: 'config_error',
    title: 'A table cannot be followed by its log',
    remedy: 'Do what the message says, or read the table as full refresh.',
  },
  PUBLICATION_UNUSABLE: {
    type: 'config_error',
    title: 'The publication does not cover what is to be read',
    remedy: 'Run the SQL that the message shows.',
  },
  SLOT_UNUSABLE: {
    type: 'config_error',
    title: 'The replication slot cannot be used',
    remedy: 'Name another slot, or drop this one so that the connector makes its own.',
  },
  SLOT_BUSY: {
    type: 'transient_error',
    title: 'The replication slot is in use',
    remedy: 'Give each connection a slot of its own; a slot held by a killed run is free again after wal_sender_timeout.',
  },
  CHANGE_UNSENDABLE: {
    type: 'config_error',
    title: 'The server cannot send a change of its log',
    remedy: 'Publish the table without the column that the message names, or read it as full refresh; then give up the slot.',
  },
  POSITION_LOST: {
    type: 'config_error',
    title: 'The log no longer holds the position of the state',
    remedy: 'Changes were lost on the server. Clear the streams to read them anew, or set invalid_position to resnapshot.',
  },
  TRANSACTIONS_IN_PROGRESS: {
    type: 'transient_error',
    title: 'A snapshot cannot begin while old transactions are open',
    remedy: 'End the transactions that the message names; the next run tries again.',
  },
  STREAM_FAILED: {
    type: 'config_error',
    title: 'A stream cannot be read',
    remedy:
      'Mend what the server reports of it, or remove the stream from the connection. All other streams and the log were read, and the state goes on from there.',
  },
  SCHEMA_CHANGED: {
    type: 'config_error',
    title: 'A table no longer has the types, or the key, that the catalog promises',
    remedy:
      'Refresh the source schema; the next run goes on from the state with the new types. Where the key has changed, clear the stream too.',
  },
  VALUE_UNREADABLE: {
    type: 'system_error',
    title: 'The server sent something that the connector does not know',
    remedy: 'Please report it with the message. No position was moved past it.',
  },
  SERVER_ERROR: {
    type: 'transient_error',
    title: 'The server reported an error',
    remedy: 'See the message of the server. The next run goes on from the last state.',
  },
  STOPPED: {
    type: 'transient_error',
    title: 'The read was asked to stop',
    remedy: 'The next run goes on from the last state.',
  },
  INVARIANT: {
    type: 'system_error',
    title: 'The connector found itself in a state that should not exist',
    remedy: 'This is a bug, or an error without a code of its own. Please report it with the log.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

/** The one error class that crosses module borders. `detail` is for the user: no secret, no stack, names and remedy. */
export class ConnectorError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly table: TableId | undefined;

  constructor(code: ErrorCode, detail: string, options: { readonly cause?: unknown; readonly table?: TableId | undefined } = {}) {
    super(`${ERRORS[code].title}: ${detail}`, { cause: options.cause });
    this.name = 'ConnectorError';
    this.code = code;
    this.detail = detail;
    this.table = options.table;
  }

  get failureType(): FailureType {
    return ERRORS[this.code].type;
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
}

/** STATE_INVALID: the snapshot cursor of a table is not as the engine writes it. `expected` says what must stand there. */
export function cursorDamaged(table: TableId, expected: string, found: unknown): ConnectorError {
  const detail = `the cursor of ${tableLabel(table)} is damaged: ${expected}, found ${JSON.stringify(found) ?? 'nothing'}.`;
  return new ConnectorError('STATE_INVALID', detail, { table });
}
