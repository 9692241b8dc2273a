import type { Logger } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { PATIENT_MILLIS } from '../../../net/deadline.ts';
import type { Limits } from '../limits.ts';
import type { Query } from '../sql.ts';

/** Manual, "General Thread States": `Waiting for table metadata lock`, `Waiting for table flush` and their like. */
const LOCKED = /^Waiting for .*(?:lock|flush)/i;
/** It has answered; or it writes, which takes no time where somebody reads. */
const SENDING = /^(?:Sending to client|Writing to net)/i;

export interface ActivityOptions {
  /** Number of the connection whose statement it is. */
  readonly threadId: number;
  /** On another connection of the same account. */
  readonly query: Query;
  readonly log: Logger;
  /** The table, for people. */
  readonly label: string;
  readonly limits: Limits;
}

/** What the server does over a statement of ours, as its list of sessions has it: an account sees its own there without a right. */
export class Activity {
  readonly #options: ActivityOptions;
  #seen = false;
  #toldOfLock = false;
  /** Looks in a row, and what they found. */
  #locked = 0;
  #unseen = 0;

  constructor(options: ActivityOptions) {
    this.#options = options;
  }

  /** Whether it waits for us. CONNECTION_LOST when the session is gone, SERVER_ERROR when a lock does not come. */
  async look(): Promise<boolean> {
    const { threadId, query, label, limits } = this.#options;
    const sessions = await query.rows<{ Id: number; Command: string; State: string | null }>('SHOW PROCESSLIST');
    const session = sessions.find(({ Id }) => Number(Id) === threadId);
    if (session === undefined) {
      // A proxy in between has numbers of its own.
      this.#unseen += 1;
      if (this.#seen || this.#unseen * limits.silenceMillis >= PATIENT_MILLIS) {
        throw new ConnectorError('CONNECTION_LOST', `The server has ended the session that reads ${label}.`);
      }
      return false;
    }
    this.#seen = true;
    this.#lock(session.State ?? '');
    return session.Command === 'Sleep' || SENDING.test(session.State ?? '');
  }

  #lock(state: string): void {
    const { log, label, limits } = this.#options;
    if (!LOCKED.test(state)) {
      this.#locked = 0;
      return;
    }
    if (!this.#toldOfLock) log.warn(`Waiting for a lock on ${label} ("${state}"); SHOW PROCESSLIST tells who may hold it.`);
    this.#toldOfLock = true;
    this.#locked += 1;
    if (this.#locked * limits.silenceMillis < limits.lockMillis) return;
    const seconds = Math.round(limits.lockMillis / 1000);
    throw new ConnectorError('SERVER_ERROR', `${label} was locked by another session for ${seconds} seconds ("${state}").`);
  }
}
