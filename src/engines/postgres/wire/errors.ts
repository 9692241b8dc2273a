import { ConnectorError, type ErrorCode } from '../../../contract/errors.ts';

/** The fields of an ErrorResponse (manual, "Error and Notice Message Fields") that are told to the user. */
interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The error as the server sent it, or undefined when it is another one. */
export function serverError(error: unknown): ServerError | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('severity' in error)) return undefined;
  const code = text(error.code);
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return {
    code,
    message: ('message' in error ? text(error.message) : undefined) ?? 'no message',
    detail: 'detail' in error ? text(error.detail) : undefined,
    hint: 'hint' in error ? text(error.hint) : undefined,
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

const describe = (error: ServerError): string =>
  [error.message, error.detail, error.hint === undefined ? undefined : `Hint: ${error.hint}`]
    .filter(part => part !== undefined)
    .map(part => (/[.!?]$/.test(part) ? part : `${part}.`))
    .join(' ');

/** Codes of Node's sockets: the connection could not be made, or it broke. */
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL']);
const BROKEN = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Sentences for the codes of Node's certificate checks; the rest shows OpenSSL's own words. */
const CERTIFICATES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate of the server (or of its authority) has expired',
  CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet; compare the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server shows a self-signed certificate that is not the given ca_certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the server comes from an authority that is not in ca_certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate of the server comes from an authority that is not in ca_certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate of the server comes from an authority that is not in ca_certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of the server comes from an authority that is not in ca_certificate',
  CERT_SIGNATURE_FAILURE:
    'the signature of the certificate is wrong: ca_certificate has the name of the authority but another key',
  INVALID_CA: 'ca_certificate is not the certificate of an authority',
  CERT_REVOKED: 'the certificate of the server was revoked',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server demands a client certificate; set client_certificate and client_key',
  ERR_SSL_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server demands a client certificate; set client_certificate and client_key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the server does not know the authority of the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the server says that the client certificate has expired',
  ERR_SSL_KEY_VALUES_MISMATCH: 'client_key does not belong to client_certificate',
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'client_key does not belong to client_certificate',
  ERR_OSSL_BAD_DECRYPT: 'client_key is encrypted, and client_key_password is wrong or missing',
  ERR_MISSING_PASSPHRASE: 'client_key is encrypted, and client_key_password is wrong or missing',
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: 'client_key is encrypted, and client_key_password is wrong or missing',
};

const errnoOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What `tls.checkServerIdentity` adds to its error. */
interface NameError {
  readonly host?: string;
  readonly cert?: { readonly subjectaltname?: string; readonly subject?: { readonly CN?: string } };
}

function wrongName({ host, cert }: NameError): string {
  const named = cert?.subjectaltname ?? cert?.subject?.CN ?? 'nothing';
  return `the certificate of the server does not name the host "${host ?? ''}"; it names ${named}`;
}

/** A TLS failure in words, or undefined when the error has nothing to do with TLS. */
export function tlsFailure(error: unknown): string | undefined {
  const code = errnoOf(error);
  const known = CERTIFICATES[code];
  if (known !== undefined) return known;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(error as NameError);
  const isTls = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)/.test(code);
  return isTls ? `${messageOf(error)} (${code})` : undefined;
}

/**
 * Turns whatever `pg`, the socket or TLS threw into the error that the user sees. `what` says what was being done, as
 * the beginning of a sentence: "Reading the tables of shop". Never holds a password: servers do not repeat it.
 */
export function toConnectorError(error: unknown, what: string): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const server = serverError(error);
  if (server !== undefined) {
    const code = CODES[server.code] ?? CODES[server.code.slice(0, 2)] ?? 'SERVER_ERROR';
    return new ConnectorError(code, `${what}: ${describe(server)} (SQLSTATE ${server.code})`, { cause: error });
  }
  const tls = tlsFailure(error);
  if (tls !== undefined) return new ConnectorError('TLS_REFUSED', `${what}: ${tls}.`, { cause: error });
  const code = errnoOf(error);
  const message = messageOf(error);
  if (UNREACHABLE.has(code)) return new ConnectorError('SERVER_UNREACHABLE', `${what}: ${code}.`, { cause: error });
  if (BROKEN.has(code) || /^Connection terminated|^Query read timeout|not queryable|Client was closed/.test(message)) {
    return new ConnectorError('CONNECTION_LOST', `${what}: ${code === '' ? message : code}.`, {
      cause: error,
    });
  }
  if (/password must be a (non-empty )?string/.test(message)) {
    return new ConnectorError('AUTH_REJECTED', `${what}: the server asks for a password, and none is set.`, { cause: error });
  }
  if (/^SASL|password/i.test(message)) return new ConnectorError('AUTH_REJECTED', `${what}: ${message}.`, { cause: error });
  return new ConnectorError('INVARIANT', `${what}: ${message}`, { cause: error });
}
