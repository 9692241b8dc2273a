import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { ConnectorError } from '../../../contract/errors.ts';
import type { SslMode } from '../config.ts';
import { toConnectorError } from './errors.ts';

/** SSLRequest: length 8, request code 80877103 (manual, "Message Formats"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const SUPPORTED = 0x53; // S
const UNSUPPORTED = 0x4e; // N

/** Waits for the server's one byte. More than one means that somebody in between speaks too early (CVE-2021-23222). */
function answerOf(socket: Duplex, where: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off('data', onData);
      socket.off('error', onError);
      socket.off('close', onClose);
      socket.pause();
    };
    const onData = (bytes: Uint8Array): void => {
      settle();
      if (bytes.length === 1) resolve(bytes[0] ?? 0);
      else if (bytes[0] === 0x45)
        reject(new ConnectorError('SERVER_UNREACHABLE', `${where} answered with an error before the login.`));
      else reject(new ConnectorError('TLS_REFUSED', `${where} sent unencrypted data where only an answer may stand.`));
    };
    const onError = (error: Error): void => {
      settle();
      reject(toConnectorError(error, `Asking ${where} for TLS`));
    };
    const onClose = (): void => {
      settle();
      reject(new ConnectorError('SERVER_UNREACHABLE', `${where} closed the connection at once. Is it a PostgreSQL server?`));
    };
    socket.on('data', onData);
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.write(SSL_REQUEST);
  });
}

function tlsOptions(ssl: SslMode, host: string): ConnectionOptions {
  const options: ConnectionOptions = { host, minVersion: 'TLSv1.2' };
  // RFC 6066: no address may stand in the server name indication.
  if (isIP(host) === 0) options.servername = host;
  if ('client_certificate' in ssl && ssl.client_certificate !== undefined) options.cert = ssl.client_certificate;
  if ('client_key' in ssl && ssl.client_key !== undefined) options.key = ssl.client_key;
  if ('client_key_password' in ssl && ssl.client_key_password !== undefined) options.passphrase = ssl.client_key_password;
  if (ssl.mode === 'verify_ca' || ssl.mode === 'verify_full') {
    options.ca = ssl.ca_certificate;
    options.rejectUnauthorized = true;
    // verify_full: Node's own check, names for names, IP entries for addresses.
    if (ssl.mode === 'verify_ca') options.checkServerIdentity = () => undefined;
  } else {
    options.rejectUnauthorized = false;
  }
  return options;
}

function handshake(socket: Duplex, ssl: SslMode, host: string, where: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const what = `TLS with ${where} (ssl_mode ${ssl.mode})`;
    let secure: TLSSocket;
    try {
      secure = connectTls({ ...tlsOptions(ssl, host), socket });
    } catch (error) {
      // A key or certificate that cannot be read: thrown at once, often without a code of its own.
      const known = toConnectorError(error, what);
      reject(known.code === 'INVARIANT' ? new ConnectorError('TLS_REFUSED', known.detail, { cause: error }) : known);
      return;
    }
    const settle = (): void => {
      secure.off('error', onError);
      secure.off('close', onClose);
    };
    const onError = (error: Error): void => {
      settle();
      secure.on('error', () => {});
      secure.destroy();
      reject(toConnectorError(error, what));
    };
    const onClose = (): void => {
      settle();
      reject(new ConnectorError('CONNECTION_LOST', `${what}: the server closed the connection during the handshake.`));
    };
    secure.once('error', onError);
    secure.once('close', onClose);
    secure.once('secureConnect', () => {
      settle();
      resolve(secure);
    });
  });
}

/**
 * Encrypts a fresh connection as `ssl` demands and gives the stream to log in on. With `prefer`, a server without TLS
 * gives the plain stream. A handshake that fails is an error in every mode: falling back then would invite tampering.
 */
export async function secured(socket: Duplex, ssl: SslMode, host: string, where: string): Promise<Duplex> {
  if (ssl.mode === 'disable') return socket;
  const answer = await answerOf(socket, where);
  if (answer === SUPPORTED) return handshake(socket, ssl, host, where);
  if (answer !== UNSUPPORTED) throw new ConnectorError('SERVER_UNREACHABLE', `${where} does not speak the PostgreSQL protocol.`);
  if (ssl.mode === 'prefer') return socket;
  throw new ConnectorError(
    'TLS_REFUSED',
    `${where} offers no TLS, but ssl_mode is ${ssl.mode}. Set ssl = on at the server, or choose prefer or disable.`,
  );
}
