import type { Duplex } from 'node:stream';
import { ConnectorError } from '../contract/errors.ts';

const CAPACITY = 256 * 1024;
/** Bytes that may wait here to be pulled: so many that not every piece needs a turn of the event loop. */
const AHEAD = 512 * 1024;
/** A buffer that one huge message has grown beyond this is given back. */
const KEEP_AT_MOST = 4 * 1024 * 1024;

/**
 * Bytes of a socket, pulled when they are wanted: what is not asked for stays with the server, but for half a megabyte; that
 * is the whole of the back-pressure. A reader of a protocol looks at `bytes[at, limit)`, moves `at` over what it has taken, and calls `fill` when it needs more. Each byte is copied
 * at most once, into one buffer that is kept.
 */
export class ByteSource {
  bytes: Buffer;
  at = 0;
  limit = 0;
  /** Bytes that have come so far. */
  received = 0;

  readonly #socket: Duplex;
  readonly #signal: AbortSignal;
  #own: Buffer;
  /** What has come and was not pulled yet. */
  readonly #queue: Buffer[] = [];
  #waiting = 0;
  #paused = false;
  #failure: Error | null = null;
  #ended = false;
  #wake: (() => void) | null = null;

  /** The socket belongs to the source from now on: nobody else may listen for its data. Aborting ends every wait with STOPPED. */
  constructor(socket: Duplex, signal: AbortSignal) {
    socket.removeAllListeners('data');
    this.#socket = socket;
    this.#signal = signal;
    this.#own = Buffer.allocUnsafe(CAPACITY);
    this.bytes = this.#own;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
    socket.resume();
  }

  /** True when bytes wait, so that `fill` would not have to. */
  get readable(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Reads until at least `need` bytes lie behind `at`, and at least one more than there are. Throws CONNECTION_LOST when
   * the socket ends, or after `quietMillis` without a byte (0: waits for ever). What was borrowed from `bytes` is void.
   */
  async fill(need: number, quietMillis: number): Promise<void> {
    let chunk = await this.#pull(quietMillis);
    const rest = this.limit - this.at;
    if (rest === 0 && chunk.length >= need) {
      this.bytes = chunk;
      this.at = 0;
      this.limit = chunk.length;
      return;
    }
    this.#moveToOwn(rest, Math.max(rest + chunk.length, need));
    for (;;) {
      if (this.limit + chunk.length > this.bytes.length) {
        const larger = Buffer.allocUnsafe(this.limit + chunk.length + CAPACITY);
        this.bytes.copy(larger, 0, 0, this.limit);
        this.bytes = larger;
        this.#own = larger;
      }
      chunk.copy(this.bytes, this.limit);
      this.limit += chunk.length;
      if (this.limit >= need) return;
      chunk = await this.#pull(quietMillis);
    }
  }

  /** Lets go of the socket; a wait under way ends with STOPPED. */
  close(): void {
    this.#socket.off('data', this.#onData);
    this.#socket.resume(); // to its end, or it would never be closed
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#failure ??= new ConnectorError('STOPPED', 'The connection was closed by us.');
    this.#onReadable();
  }

  /** Brings the bytes not yet taken to the front of our own buffer, which has room for `size` then. */
  #moveToOwn(rest: number, size: number): void {
    let own = this.#own;
    if (size > own.length) own = Buffer.allocUnsafe(size + CAPACITY);
    else if (own.length > KEEP_AT_MOST && size <= CAPACITY) own = Buffer.allocUnsafe(CAPACITY);
    if (this.bytes === own) own.copyWithin(0, this.at, this.limit);
    else this.bytes.copy(own, 0, this.at, this.limit);
    this.bytes = own;
    this.#own = own;
    this.at = 0;
    this.limit = rest;
  }

  async #pull(quietMillis: number): Promise<Buffer> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.received += chunk.length;
        this.#waiting -= chunk.length;
        if (this.#paused && this.#waiting === 0) {
          this.#paused = false;
          this.#socket.resume();
        }
        return chunk;
      }
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) throw new ConnectorError('CONNECTION_LOST', 'The server closed the connection.');
      await this.#untilReadable(quietMillis);
    }
  }

  #untilReadable(quietMillis: number): Promise<void> {
    return new Promise(resolve => {
      const timer = quietMillis === 0 ? null : setTimeout(() => this.#onQuiet(quietMillis), quietMillis);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      if (this.readable || this.#failure !== null || this.#ended) this.#wake();
    });
  }

  #onQuiet(millis: number): void {
    this.#failure = new ConnectorError(
      'CONNECTION_LOST',
      `Nothing came from the server for ${Math.round(millis / 1000)} seconds.`,
    );
    this.#socket.destroy();
    this.#onReadable();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#queue.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting >= AHEAD && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#wake?.();
  };
  readonly #onReadable = (): void => {
    this.#wake?.();
  };
  readonly #onAbort = (): void => {
    this.#failure ??= new ConnectorError('STOPPED', 'A signal asked for it.');
    this.#onReadable();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#onReadable();
  };
  readonly #onError = (error: Error): void => {
    this.#failure ??=
      error instanceof ConnectorError
        ? error
        : new ConnectorError('CONNECTION_LOST', `The connection broke: ${error.message}.`, { cause: error });
    this.#onReadable();
  };
}
