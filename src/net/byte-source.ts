import type { Duplex } from 'node:stream';
import { ConnectorError } from '../contract/errors.ts';
import { type Receiver, receive } from './socket.ts';

/** So much may wait here to be pulled; what does not fit waits with the server. */
const CAPACITY = 512 * 1024;
/** Below that nothing is read: a read of a few bytes costs as much as a large one. */
const LEAST_ROOM = 64 * 1024;
/** A buffer that one huge message has grown beyond this is given back. */
const KEEP_AT_MOST = 4 * 1024 * 1024;
/** A buffer that has to grow gets at most so much more than it needs. The system gives memory for what is written only. */
const MOST_SPARE = 256 * 1024 * 1024;
/** For what comes where there is no room left. */
const aside = Buffer.allocUnsafeSlow(LEAST_ROOM);

/**
 * Bytes of a socket, pulled when they are wanted: what is not asked for stays with the server, but for half a megabyte; that
 * is the whole of the back-pressure. A reader of a protocol looks at `bytes[at, limit)`, moves `at` over what it has taken,
 * and calls `fill` when it needs more. The system puts the bytes of a plain connection where they are read; those of an
 * encrypted one are copied once.
 */
export class ByteSource implements Receiver {
  bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  at = 0;
  limit = 0;
  /** Bytes that were pulled so far. */
  received = 0;

  readonly #socket: Duplex;
  readonly #signal: AbortSignal;
  /** Behind what has come; from `limit` on nobody has pulled it yet. */
  #arrived = 0;
  /** Up to here in the buffer bytes may come. */
  #most = CAPACITY;
  #paused = false;
  #failure: Error | null = null;
  #ended = false;
  #closed = false;
  #wake: (() => void) | null = null;

  /** The socket belongs to the source from now on: nobody else may listen for its data. Aborting ends every wait with STOPPED. */
  constructor(socket: Duplex, signal: AbortSignal) {
    socket.removeAllListeners('data');
    this.#socket = socket;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    receive(socket, this);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
    socket.resume();
  }

  /** Bytes are awaited right now. */
  get waiting(): boolean {
    return this.#wake !== null;
  }

  /** True when bytes wait, so that `fill` would not have to. */
  get readable(): boolean {
    return this.#arrived > this.limit;
  }

  /**
   * Reads until at least `need` bytes lie behind `at`, and at least one more than there are. Throws CONNECTION_LOST when
   * the socket ends, or after `quietMillis` without a byte (0: waits for ever). What was borrowed from `bytes` is void.
   */
  async fill(need: number, quietMillis: number): Promise<void> {
    const enough = Math.max(need, this.limit - this.at + 1);
    for (;;) {
      this.received += this.#arrived - this.limit;
      this.limit = this.#arrived;
      if (this.limit - this.at >= enough) return;
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) throw new ConnectorError('CONNECTION_LOST', 'The server closed the connection.');
      this.#makeRoom(enough);
      await this.#untilReadable(quietMillis);
    }
  }

  room(): Uint8Array {
    return this.#hasRoom && !this.#closed ? this.bytes.subarray(this.#arrived, this.#most) : aside;
  }

  take(bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    const own = this.bytes;
    const isInPlace = bytes.buffer === own.buffer && bytes.byteOffset === own.byteOffset + this.#arrived;
    if (!isInPlace) this.#append(bytes);
    this.#arrived += bytes.length;
    if (!this.#hasRoom) this.#paused = true;
    this.#wake?.();
    return !this.#paused;
  }

  get #hasRoom(): boolean {
    return this.#most - this.#arrived >= LEAST_ROOM;
  }

  /** Lets go of the socket; a wait under way ends with STOPPED. */
  close(): void {
    this.#closed = true;
    this.#socket.resume(); // to its end, or it would never be closed
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#failure ??= new ConnectorError('STOPPED', 'The connection was closed by us.');
    this.#onReadable();
  }

  /** Everything stays where it is in the buffer, for whoever has borrowed of it. */
  #append(bytes: Uint8Array): void {
    if (bytes.length > this.bytes.length - this.#arrived) {
      const larger = Buffer.allocUnsafeSlow(this.#arrived + bytes.length + CAPACITY);
      this.bytes.copy(larger, 0, 0, this.#arrived);
      this.bytes = larger;
    }
    this.bytes.set(bytes, this.#arrived);
  }

  /** Brings the bytes not yet taken to the front where there would be no room for `size` of them, and lets more come. */
  #makeRoom(size: number): void {
    const { bytes, at, limit } = this;
    const needed = size + LEAST_ROOM;
    if (at + needed > bytes.length) {
      const isOutgrown = bytes.length > KEEP_AT_MOST && needed * 4 < bytes.length;
      if (isOutgrown || needed > bytes.length) {
        // A message whose length shows bit by bit (MySQL's packets of 16 MB) would be copied with each of them.
        const spare = isOutgrown ? CAPACITY : Math.max(CAPACITY, Math.min(bytes.length, MOST_SPARE));
        this.bytes = Buffer.allocUnsafeSlow(needed <= CAPACITY ? CAPACITY : size + spare);
        bytes.copy(this.bytes, 0, at, limit);
      } else bytes.copyWithin(0, at, limit);
      this.at = 0;
      this.limit = limit - at;
      this.#arrived = this.limit;
    }
    // Not all of a buffer that was made for a larger message.
    this.#most = Math.min(this.bytes.length, this.at + Math.max(needed, CAPACITY));
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
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
    if (!this.take(chunk)) this.#socket.pause();
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
