import type { Logger } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Query } from '../sql.ts';
import type { RawConnection } from '../wire/raw-connection.ts';

/** Looks in a row that find the server waiting for us, before the line between is given up. */
const IDLE_LOOKS = 12;

interface Activity {
  readonly waits_for: string | null;
  readonly blockers: readonly number[];
}

export interface SilenceWatchOptions {
  readonly connection: RawConnection;
  /** On another connection. */
  readonly query: Query;
  readonly log: Logger;
  /** The table, for people. */
  readonly label: string;
  readonly everyMillis: number;
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
  #toldOfLock = false;
  /** Processes that held the lock when it was last looked at. */
  blockers: readonly number[] = [];

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
    if (!this.#silent) {
      this.#received = this.#options.connection.received;
      this.#idle = 0;
      return;
    }
    this.#looking = true;
    try {
      await this.#look();
    } catch (error) {
      this.#options.connection.fail(error as Error);
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    const { connection, query, log, label, everyMillis } = this.#options;
    const [activity] = await query.rows<Activity>(
      `SELECT wait_event_type AS waits_for, pg_blocking_pids(pid) AS blockers FROM pg_catalog.pg_stat_activity WHERE pid = ${connection.pid}`,
    );
    if (!this.#silent) return;
    if (activity === undefined)
      throw new ConnectorError('CONNECTION_LOST', `The server has ended the session that reads ${label}.`);
    if (activity.waits_for === 'Lock') {
      this.blockers = activity.blockers;
      if (!this.#toldOfLock) log.warn(`Waiting for a lock on ${label}, held by ${heldBy(this.blockers)}.`);
      this.#toldOfLock = true;
    }
    // It has answered, or waits until we take what it sends; but nothing of it comes through.
    this.#idle = activity.waits_for === 'Client' ? this.#idle + 1 : 0;
    if (this.#idle < IDLE_LOOKS) return;
    const seconds = Math.round((IDLE_LOOKS * everyMillis) / 1000);
    const detail = `The server waits for us, and nothing of what it sent about ${label} has come through for ${seconds} seconds.`;
    throw new ConnectorError('CONNECTION_LOST', detail);
  }
}

export const heldBy = (pids: readonly number[]): string =>
  pids.length === 0 ? 'another session' : `process ${pids.join(', ')} of the server`;
