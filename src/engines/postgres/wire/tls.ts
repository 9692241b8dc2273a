import type { Duplex } from 'node:stream';
import { ConnectorError } from '../../../contract/errors.ts';
import { encrypt } from '../../../net/tls.ts';
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

const VERIFY = { require: 'nothing', verify_ca: 'authority', verify_full: 'name' } as const;

function handshake(socket: Duplex, ssl: SslMode, host: string, where: string): Promise<Duplex> {
  const what = `TLS with ${where} (ssl_mode ${ssl.mode})`;
  if (ssl.mode === 'disable' || ssl.mode === 'prefer') {
    return encrypt(socket, { host, verify: 'nothing', certificates: {}, what });
  }
  return encrypt(socket, { host, verify: VERIFY[ssl.mode], certificates: ssl, what });
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
