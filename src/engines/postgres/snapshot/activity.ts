import type { Logger } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Query } from '../sql.ts';

interface ActivityRow {
  readonly waits_for: string | null;
  readonly blockers: readonly number[];
}

export interface ActivityOptions {
  /** The server process whose statement it is. */
  readonly pid: number;
  /** On another connection. */
  readonly query: Query;
  readonly log: Logger;
  /** The table, for people. */
  readonly label: string;
}

/** What the server does over a statement of ours. */
export class Activity {
  readonly #options: ActivityOptions;
  #toldOfLock = false;
  /** Processes that held the lock when it was last looked at. */
  blockers: readonly number[] = [];

  constructor(options: ActivityOptions) {
    this.#options = options;
  }

  /** Whether it waits for us. CONNECTION_LOST when the session is gone. */
  async look(): Promise<boolean> {
    const { pid, query, log, label } = this.#options;
    const [activity] = await query.rows<ActivityRow>(
      `SELECT wait_event_type AS waits_for, pg_blocking_pids(pid) AS blockers FROM pg_catalog.pg_stat_activity WHERE pid = ${pid}`,
    );
    if (activity === undefined)
      throw new ConnectorError('CONNECTION_LOST', `The server has ended the session that reads ${label}.`);
    if (activity.waits_for === 'Lock') {
      this.blockers = activity.blockers;
      if (!this.#toldOfLock) log.warn(`Waiting for a lock on ${label}, held by ${heldBy(this.blockers)}.`);
      this.#toldOfLock = true;
    }
    return activity.waits_for === 'Client';
  }
}

export const heldBy = (pids: readonly number[]): string =>
  pids.length === 0 ? 'another session' : `process ${pids.join(', ')} of the server`;
