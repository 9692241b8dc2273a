import { createServer, type Server, Socket } from 'node:net';
import { sleep } from './servers/process.ts';

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * What the proxy does with what it gets:
 * - `forward`: passes it on;
 * - `stall`: keeps connections and takes bytes in, but passes nothing on (a firewall that forgot the connection);
 * - `freeze`: keeps connections and reads nothing, so the sender's buffers fill up (a half-open peer: no FIN, no RST);
 * - `refuse`: resets new connections at once; those that stand are not touched.
 */
export type ProxyMode = 'forward' | 'stall' | 'freeze' | 'refuse';

/**
 * RST at once. `resetAndDestroy` says FIN first, and a peer that sees the FIN takes it for an orderly end; the handle
 * under it has the call that does not.
 */
const reset = (socket: Socket): void => {
  const { _handle: handle } = socket as unknown as { _handle?: { reset?: (done: () => void) => number } | null };
  if (handle?.reset?.(() => {}) === 0) socket.destroy();
  else socket.resetAndDestroy();
};

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy on 127.0.0.1 whose behaviour can be changed while connections run through it. */
export class ChaosProxy {
  readonly host = '127.0.0.1';
  readonly port: number;
  /** Bytes passed on from server to client and from client to server, over all connections. */
  bytesDown = 0;
  bytesUp = 0;
  /** Connections that were made to the proxy. */
  connections = 0;
  /** Delay of each piece that is passed on. */
  delayMilliseconds = 0;
  /** Bytes each second and connection from server to client; null: no limit. */
  bandwidth: number | null = null;
  /** Resets all connections as soon as so many bytes went down; null: never. */
  cutAfterBytes: number | null = null;
  /** The piece from the server in which this text ends is never passed on, nor what comes behind it; null: no such text. */
  holdText: string | null = null;

  #mode: ProxyMode = 'forward';
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #waiting: (() => void)[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(target: ProxyTarget): Promise<ChaosProxy> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const proxy = new ChaosProxy(server, typeof address === 'object' && address !== null ? address.port : 0);
    server.on('connection', client => proxy.#accept(client, target));
    return proxy;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  setMode(mode: ProxyMode): void {
    this.#mode = mode;
    for (const { client, upstream } of this.#pairs) {
      for (const socket of [client, upstream]) {
        if (mode === 'freeze') socket.pause();
        else socket.resume();
      }
    }
    if (mode === 'forward') for (const go of this.#waiting.splice(0)) go();
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Breaks all connections: by RST as a crash does, or by FIN as an orderly end does. */
  cut(how: 'reset' | 'end' = 'reset'): void {
    for (const { client, upstream } of this.#pairs) {
      for (const socket of [client, upstream]) how === 'reset' ? reset(socket) : socket.destroySoon();
    }
    this.#pairs.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    for (const go of this.#waiting.splice(0)) go();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #accept(client: Socket, target: ProxyTarget): void {
    this.connections++;
    client.on('error', () => {});
    if (this.#mode === 'refuse') {
      reset(client);
      return;
    }
    const upstream = new Socket({ allowHalfOpen: true });
    const pair: Pair = { client, upstream };
    this.#pairs.add(pair);
    upstream.on('error', () => reset(client));
    client.on('close', () => {
      upstream.destroy();
      this.#pairs.delete(pair);
    });
    upstream.on('close', () => client.destroySoon());
    upstream.setNoDelay(true);
    client.setNoDelay(true);
    this.#pass(client, upstream, 'up');
    this.#pass(upstream, client, 'down');
    upstream.connect(target.port, target.host);
    if (this.#mode !== 'freeze') client.resume();
  }

  /** Pieces are passed on one after another, each when the one before is out: order holds whatever the delays. */
  #pass(from: Socket, to: Socket, direction: 'up' | 'down'): void {
    let last: Promise<void> = Promise.resolve();
    let queued = 0;
    let before = Buffer.alloc(0);
    const released = (): Promise<void> => new Promise(go => this.#waiting.push(go));
    const holds = (piece: Buffer): boolean => {
      if (direction === 'up' || this.holdText === null) return false;
      const joined = Buffer.concat([before, piece]);
      before = joined.subarray(-Buffer.byteLength(this.holdText));
      return joined.includes(this.holdText);
    };
    const forward = async (piece: Buffer): Promise<void> => {
      if (this.delayMilliseconds > 0) await sleep(this.delayMilliseconds);
      if (direction === 'down' && this.bandwidth !== null) await sleep((piece.length / this.bandwidth) * 1000);
      const held = holds(piece);
      while ((held || this.#mode === 'stall' || this.#mode === 'freeze') && !from.destroyed) await released();
      if (to.destroyed || held) return;
      if (direction === 'down') this.bytesDown += piece.length;
      else this.bytesUp += piece.length;
      const room = to.write(piece);
      if (this.cutAfterBytes !== null && this.bytesDown >= this.cutAfterBytes) {
        this.cutAfterBytes = null;
        this.cut();
        return;
      }
      if (!room) await new Promise<void>(go => to.once('drain', go).once('close', go));
    };
    from.on('data', (piece: Buffer) => {
      queued++;
      if (this.#mode !== 'stall') from.pause();
      last = last
        .then(() => forward(piece))
        .then(() => {
          queued--;
          if (queued === 0 && this.#mode !== 'freeze') from.resume();
        });
    });
    from.on('end', () => {
      void last.then(() => to.end());
    });
  }
}
