import { ConnectorError } from '../contract/errors.ts';

/** Looks in a row that find the server waiting for us, before the line between is given up. */
const IDLE_LOOKS = 12;

/** The connection that a statement was sent on. */
export interface WatchedConnection {
  /** Bytes are awaited right now. */
  readonly waiting: boolean;
  /** Bytes that have come so far. */
  readonly received: number;
  /** Ends every wait, now and later, with this error. */
  fail(error: Error): void;
}

export interface SilenceWatchOptions {
  readonly connection: WatchedConnection;
  /** What is read, for people. */
  readonly label: string;
  readonly everyMillis: number;
  /**
   * Asks the server, on another connection, what it does for us. True: it has answered, or waits until we take what it
   * sends. What it throws ends the wait.
   */
  readonly look: () => Promise<boolean>;
}

/**
 * A statement may take its time, so silence by itself says nothing: a view that sorts, a table that somebody has locked.
 * A line that lost us looks the same. So when we have waited for a while and not a byte came, the server is asked on
 * another connection what it does for us. While nobody waits here, since stdout is slow, nothing is silent.
 */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #received = -1;
  #looking = false;
  #idle = 0;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#tick(), options.everyMillis);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get #silent(): boolean {
    const { connection } = this.#options;
    return connection.waiting && connection.received === this.#received;
  }

  async #tick(): Promise<void> {
    if (this.#looking) return;
    const { connection, look } = this.#options;
    if (!this.#silent) {
      this.#received = connection.received;
      this.#idle = 0;
      return;
    }
    this.#looking = true;
    try {
      const waitsForUs = await look();
      if (this.#silent) this.#note(waitsForUs);
    } catch (error) {
      // Where something came meanwhile, whatever is wrong will show by itself.
      if (this.#silent) connection.fail(error as Error);
    } finally {
      this.#looking = false;
    }
  }

  #note(waitsForUs: boolean): void {
    const { label, everyMillis } = this.#options;
    this.#idle = waitsForUs ? this.#idle + 1 : 0;
    if (this.#idle < IDLE_LOOKS) return;
    const seconds = Math.round((IDLE_LOOKS * everyMillis) / 1000);
    const detail = `The server waits for us, and nothing of what it sent about ${label} has come through for ${seconds} seconds.`;
    throw new ConnectorError('CONNECTION_LOST', detail);
  }
}
