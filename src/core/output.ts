import { write } from 'node:fs';
import { JsonWriter } from '../bytes/json-writer.ts';
import type { AirbyteMessage } from '../protocol/messages.ts';
import { encodeMessage } from '../protocol/messages.ts';

/** Where finished bytes go. Resolves when they have been taken. */
export type Sink = (bytes: Buffer) => Promise<void>;

/**
 * Enough that a write, which wakes another thread, costs little beside what it carries; two such buffers are all that waits
 * for a slow reader.
 */
export const BUFFER_LIMIT = 1024 * 1024;
const CAPACITY = 2 * BUFFER_LIMIT;
/** A buffer that one huge row has grown beyond this is given back to the system. */
const KEEP_AT_MOST = 4 * BUFFER_LIMIT;

/**
 * Stdout: one buffer being filled, one being written. Records and messages go into the same buffer, so the order on
 * stdout is the order of calls; a STATE line can never overtake the records it covers.
 */
export class Output {
  readonly out = new JsonWriter(CAPACITY);
  readonly #sink: Sink;
  #spare: Buffer = Buffer.allocUnsafe(CAPACITY);
  #writing: Promise<void> | null = null;
  #failure: unknown = null;
  /** Bytes of the buffers that were handed over. */
  #handedOver = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get full(): boolean {
    return this.out.length >= BUFFER_LIMIT;
  }

  /** Bytes of records and messages so far. */
  get printed(): number {
    return this.#handedOver + this.out.length;
  }

  message(message: AirbyteMessage): void {
    this.out.dropOpenLine();
    this.out.raw(Buffer.from(encodeMessage(message)));
  }

  /**
   * Hands the filled buffer over and returns as soon as the other one is free: waiting here is the back-pressure.
   * Throws what the sink threw, EPIPE for a reader that went away.
   */
  async drain(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
    if (this.#failure !== null) throw this.#failure;
    this.out.dropOpenLine();
    const { length } = this.out;
    if (length === 0) return;
    const filled = this.out.swap(this.#spare);
    const bytes = filled.subarray(0, length);
    this.#handedOver += length;
    this.#writing = this.#sink(bytes).then(
      () => {
        this.#spare = filled.length > KEEP_AT_MOST ? Buffer.allocUnsafe(CAPACITY) : filled;
        this.#writing = null;
      },
      (error: unknown) => {
        this.#failure = error;
        this.#writing = null;
      },
    );
  }

  /** Everything so far has been taken when it resolves. */
  async flush(): Promise<void> {
    await this.drain();
    await this.drain();
  }
}

const RETRY_MILLIS = 5;

/**
 * Writes to a file descriptor through the thread pool, so that timers (a server's keep-alives) run while the reader is
 * slow. EAGAIN comes when whoever started us made the pipe non-blocking: then we wait a little and go on.
 */
export function descriptorSink(fd: number): Sink {
  return bytes =>
    new Promise((resolve, reject) => {
      let at = 0;
      const step = (): void => {
        write(fd, bytes, at, bytes.length - at, null, (error, written) => {
          if (error !== null && error.code === 'EAGAIN') {
            setTimeout(step, RETRY_MILLIS);
            return;
          }
          if (error !== null) {
            reject(error);
            return;
          }
          at += written;
          if (at < bytes.length) step();
          else resolve();
        });
      };
      step();
    });
}
