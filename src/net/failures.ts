import { ConnectorError } from '../contract/errors.ts';

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
  // What a wrong passphrase decrypts to now and then looks like a key at its end, and like none as a whole.
  ERR_OSSL_UNSUPPORTED:
    'client_key is no private key that can be read, or it is encrypted, and client_key_password is wrong or missing',
  ERR_OSSL_BAD_DECRYPT: 'client_key is encrypted, and client_key_password is wrong or missing',
  ERR_MISSING_PASSPHRASE: 'client_key is encrypted, and client_key_password is wrong or missing',
  ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED: 'client_key is encrypted, and client_key_password is wrong or missing',
};

/** `code` of an error of Node or of a driver; empty where it has none. */
export const errnoOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
function tlsFailure(error: unknown): string | undefined {
  const code = errnoOf(error);
  const known = CERTIFICATES[code];
  if (known !== undefined) return known;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongName(error as NameError);
  const isTls = /^(ERR_SSL_|ERR_OSSL_|ERR_TLS_|CERT_|CRL_|UNABLE_TO_|HOSTNAME_MISMATCH|PATH_LENGTH_EXCEEDED)/.test(code);
  return isTls ? `${messageOf(error)} (${code})` : undefined;
}

/**
 * What a socket or TLS threw as the error that the user sees: TLS_REFUSED, SERVER_UNREACHABLE or CONNECTION_LOST; undefined
 * for any other error. `what` says what was being done, as the beginning of a sentence.
 */
export function connectionFailure(error: unknown, what: string): ConnectorError | undefined {
  const tls = tlsFailure(error);
  if (tls !== undefined) return new ConnectorError('TLS_REFUSED', `${what}: ${tls}.`, { cause: error });
  const code = errnoOf(error);
  if (UNREACHABLE.has(code)) return new ConnectorError('SERVER_UNREACHABLE', `${what}: ${code}.`, { cause: error });
  if (BROKEN.has(code)) return new ConnectorError('CONNECTION_LOST', `${what}: ${code}.`, { cause: error });
  return undefined;
}
