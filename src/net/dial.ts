import type { Socket } from 'node:net';
import type { Dial } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import { openSocket } from './socket.ts';

const CONNECT_TIMEOUT_MILLIS = 15_000;
const KEEP_ALIVE_MILLIS = 30_000;

/** Names that cannot be resolved are the user's to correct; a resolver that is down is not. */
const UNKNOWN_NAME = new Set(['ENOTFOUND', 'EAI_NONAME', 'EINVAL']);

/** Opens a TCP connection; a path beginning with `/` is a Unix socket. */
export const dial: Dial = ({ host, port }, signal) =>
  new Promise<Socket>((resolve, reject) => {
    const where = host.startsWith('/') ? host : `${host}:${port}`;
    const socket = openSocket(host.startsWith('/') ? { path: host } : { host, port });
    const timer = setTimeout(() => {
      fail(new ConnectorError('SERVER_UNREACHABLE', `${where} did not answer within ${CONNECT_TIMEOUT_MILLIS / 1000} seconds.`));
    }, CONNECT_TIMEOUT_MILLIS);
    const settle = (): void => {
      clearTimeout(timer);
      socket.off('error', onError);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: ConnectorError): void => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const unknown = UNKNOWN_NAME.has(error.code ?? '');
      const detail = unknown
        ? `"${host}" is not known to the name service.`
        : `Connecting to ${where} failed: ${error.code ?? error.message}.`;
      fail(new ConnectorError(unknown ? 'HOST_UNKNOWN' : 'SERVER_UNREACHABLE', detail, { cause: error }));
    };
    const onAbort = (): void => fail(new ConnectorError('STOPPED', `Stopped while connecting to ${where}.`));
    socket.once('error', onError);
    socket.once('connect', () => {
      settle();
      socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MILLIS);
      resolve(socket);
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
