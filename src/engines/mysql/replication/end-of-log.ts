import { ConnectorError } from '../../../contract/errors.ts';
import type { Position } from '../../../contract/ids.ts';
import type { Dump } from './dump.ts';
import type { LogPlace } from './log-place.ts';

/** The server has said so often in a row that there is nothing more, while there should be. */
const VAIN_HEARTBEATS = 3;
/** Who waited that long had read everything. What came at once may have been in the socket for longer, with more behind it. */
const WAITED_MILLIS = 500;

/**
 * Who pulls at the end of the log waits for something. It is lost when the server has it and does not send it: then the log
 * would be waited for without end.
 */
export class EndOfLog {
  #hasWaited = false;
  #vain = 0;
  /** What the server had already when the log was at its end. */
  #missing: Position | null = null;

  /** Waits for bytes. */
  async wait(dump: Dump): Promise<void> {
    const from = performance.now();
    await dump.fill();
    this.#hasWaited = performance.now() - from >= WAITED_MILLIS;
  }

  /** A transaction has come. */
  goesOn(): void {
    this.#vain = 0;
  }

  /** The server says that there is nothing more, while somebody waits. Throws POSITION_LOST where there is. */
  async heartbeat(place: LogPlace, visible: () => Promise<Position>): Promise<void> {
    this.#vain = this.#hasWaited ? this.#vain + 1 : 0;
    this.#hasWaited = false;
    if (this.#vain < VAIN_HEARTBEATS) return;
    this.#vain = 0;
    // What the server has now may have been committed since the heartbeat, and is on its way.
    if (this.#missing === null) this.#missing = await visible();
    else if (!place.covers(this.#missing)) {
      const detail = `the server has transactions that its log does not: the log ends at ${JSON.stringify(place.position())}, the server is at ${JSON.stringify(this.#missing)}.`;
      throw new ConnectorError('POSITION_LOST', detail);
    }
    if (place.covers(this.#missing)) this.#missing = null;
  }
}
