import type { Duplex } from 'node:stream';
import { ConnectorError } from '../../../contract/errors.ts';

const HEADER = 5; // type byte, then the length of what follows it, itself included
const CAPACITY = 256 * 1024;
const KEEP_AT_MOST = 4 * 1024 * 1024;
/** No message of the protocol may be longer: a field is at most 1 GiB. A larger length means that we lost the framing. */
const LONGEST = 0x7fff_ffff;

/**
 * Cuts a byte stream into the messages of the PostgreSQL protocol ("Message Formats": one type byte, four bytes of
 * length in network order). Pulls from a paused socket; copies each byte at most once, into one buffer that it keeps.
 */
export class FrameReader {
  bytes: Buffer;
  /** The current frame: its type, and where its body lies in `bytes`. */
  type = 0;
  start = 0;
  end = 0;

  readonly #socket: Duplex;
  #at = 0;
  #limit = 0;
  #need = HEADER;
  #own: Buffer;
  #failure: Error | null = null;
  #ended = false;
  #wake: (() => void) | null = null;
  readonly #signal: AbortSignal;

  constructor(socket: Duplex, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#own = Buffer.allocUnsafe(CAPACITY);
    this.bytes = this.#own;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  get readable(): boolean {
    return this.#socket.readableLength > 0;
  }

  /** Moves to the next frame if all of it has arrived. */
  next(): boolean {
    const at = this.#at;
    const have = this.#limit - at;
    if (have < HEADER) {
      this.#need = HEADER;
      return false;
    }
    const bytes = this.bytes;
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    if (length < 4 || length > LONGEST) {
      throw new ConnectorError('VALUE_UNREADABLE', `a message of type ${bytes[at]} claims a length of ${length} bytes.`);
    }
    if (have <= length) {
      this.#need = length + 1;
      return false;
    }
    this.type = bytes[at]!;
    this.start = at + HEADER;
    this.end = at + 1 + length;
    this.#at = this.end;
    return true;
  }

  /** Reads on until the frame that `next` could not deliver is whole, or at least some more has come. */
  async fill(quietMillis: number): Promise<void> {
    let chunk = await this.#pull(quietMillis);
    const rest = this.#limit - this.#at;
    if (rest === 0) {
      this.bytes = chunk;
      this.#at = 0;
      this.#limit = chunk.length;
      return;
    }
    const own = this.#room(Math.max(rest + chunk.length, this.#need));
    if (this.bytes === own) own.copyWithin(0, this.#at, this.#limit);
    else this.bytes.copy(own, 0, this.#at, this.#limit);
    this.bytes = own;
    this.#own = own;
    this.#at = 0;
    this.#limit = rest;
    for (;;) {
      if (this.#limit + chunk.length > this.bytes.length) {
        const larger = Buffer.allocUnsafe(this.#limit + chunk.length + CAPACITY);
        this.bytes.copy(larger, 0, 0, this.#limit);
        this.bytes = larger;
        this.#own = larger;
      }
      chunk.copy(this.bytes, this.#limit);
      this.#limit += chunk.length;
      if (this.#limit >= this.#need) return;
      chunk = await this.#pull(quietMillis);
    }
  }

  close(): void {
    this.#socket.off('readable', this.#onReadable);
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#failure ??= new ConnectorError('STOPPED', 'The connection was closed by us.');
    this.#onReadable();
  }

  /** Our buffer, large enough; one that a huge row needed is given back afterwards. */
  #room(size: number): Buffer {
    const own = this.#own;
    if (size > own.length) return Buffer.allocUnsafe(size + CAPACITY);
    if (own.length > KEEP_AT_MOST && size <= CAPACITY) return Buffer.allocUnsafe(CAPACITY);
    return own;
  }

  async #pull(quietMillis: number): Promise<Buffer> {
    for (;;) {
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#failure !== null) throw this.#failure;
      if (this.#ended) throw new ConnectorError('CONNECTION_LOST', 'The server closed the connection.');
      await this.#readable(quietMillis);
    }
  }

  #readable(quietMillis: number): Promise<void> {
    return new Promise(resolve => {
      const timer =
        quietMillis === 0
          ? null
          : setTimeout(() => {
              const seconds = Math.round(quietMillis / 1000);
              this.#failure = new ConnectorError('CONNECTION_LOST', `Nothing came from the server for ${seconds} seconds.`);
              this.#socket.destroy();
              this.#onReadable();
            }, quietMillis);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      if (this.#socket.readableLength > 0 || this.#failure !== null || this.#ended) this.#wake();
    });
  }

  readonly #onReadable = (): void => {
    this.#wake?.();
  };
  readonly #onAbort = (): void => {
    this.#failure ??= new ConnectorError('STOPPED', 'A signal asked for it.');
    this.#onReadable();
  };
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };
  readonly #onError = (error: Error): void => {
    this.#failure ??= new ConnectorError('CONNECTION_LOST', `The connection broke: ${error.message}.`, { cause: error });
    this.#wake?.();
  };
}
