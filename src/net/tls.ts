import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { ConnectorError } from '../contract/errors.ts';
import { connectionFailure, messageOf } from './failures.ts';

/** PEM texts, under the names that they have in a configuration. */
export interface Certificates {
  readonly ca_certificate?: string | undefined;
  readonly client_certificate?: string | undefined;
  readonly client_key?: string | undefined;
  readonly client_key_password?: string | undefined;
}

export interface TlsRequest {
  /** As the user wrote it: the certificate must name it where `verify` is `name`. */
  readonly host: string;
  /** Of the server's certificate: nothing, that the given authority signed it, or also that it names the host. */
  readonly verify: 'nothing' | 'authority' | 'name';
  readonly certificates: Certificates;
  /** Begins the sentence of an error: "TLS with db.example.com:5432 (ssl_mode require)". */
  readonly what: string;
}

function optionsOf({ host, verify, certificates }: TlsRequest): ConnectionOptions {
  const options: ConnectionOptions = { host, minVersion: 'TLSv1.2' };
  // RFC 6066: no address may stand in the server name indication.
  if (isIP(host) === 0) options.servername = host;
  if (certificates.client_certificate !== undefined) options.cert = certificates.client_certificate;
  if (certificates.client_key !== undefined) options.key = certificates.client_key;
  if (certificates.client_key_password !== undefined) options.passphrase = certificates.client_key_password;
  options.rejectUnauthorized = verify !== 'nothing';
  if (verify !== 'nothing' && certificates.ca_certificate !== undefined) options.ca = certificates.ca_certificate;
  // With `name`: Node's own check, names for names, IP entries for addresses.
  if (verify === 'authority') options.checkServerIdentity = () => undefined;
  return options;
}

/**
 * Encrypts a connection whose server waits for our side of the handshake. Throws TLS_REFUSED, CONNECTION_LOST; the socket
 * may be used no further then.
 */
export function encrypt(socket: Duplex, request: TlsRequest): Promise<TLSSocket> {
  const { what } = request;
  return new Promise((resolve, reject) => {
    let secure: TLSSocket;
    try {
      secure = connect({ ...optionsOf(request), socket });
    } catch (error) {
      // A key or certificate that cannot be read: thrown at once, often without a code of its own.
      const known = connectionFailure(error, what);
      reject(known ?? new ConnectorError('TLS_REFUSED', `${what}: ${messageOf(error)}`, { cause: error }));
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
      if (error instanceof ConnectorError) reject(error);
      else
        reject(connectionFailure(error, what) ?? new ConnectorError('INVARIANT', `${what}: ${error.message}`, { cause: error }));
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
