import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Takes the bytes of a socket where they arrive. */
export interface Receiver {
  /** Where the system shall put the next bytes; not empty. Asked for right behind each `take`. */
  room(): Uint8Array;
  /** Bytes have come, into what `room` gave last. False: no more, until the socket's `resume`. */
  take(bytes: Uint8Array): boolean;
}

/** What the sockets share until they have a receiver: what comes is copied out of it at once. */
const entrance = Buffer.allocUnsafeSlow(64 * 1024);
/** Of each socket that `openSocket` opened. */
const entries = new WeakMap<Duplex, { receiver: Receiver | null }>();

/**
 * Begins to connect. The socket gives its bytes as 'data', like any other, until it has a receiver: from then on they are
 * put where that says. Without one Node allocates 64 KB for every read, which takes longer than reading them.
 */
export function openSocket(where: { readonly path: string } | { readonly host: string; readonly port: number }): Socket {
  const entry: { receiver: Receiver | null } = { receiver: null };
  const socket: Socket = connect({
    ...where,
    onread: {
      buffer: () => entry.receiver?.room() ?? entrance,
      callback: (count, buffer) => {
        const bytes = buffer.subarray(0, count);
        return entry.receiver === null ? socket.push(Buffer.from(bytes)) : entry.receiver.take(bytes);
      },
    },
  });
  entries.set(socket, entry);
  return socket;
}

/** From now on the bytes go to `receiver`, but for those that are on their way as 'data', and all those of other sockets (TLS). */
export function receive(socket: Duplex, receiver: Receiver): void {
  const entry = entries.get(socket);
  if (entry !== undefined) entry.receiver = receiver;
}
