import type { EpochMillis } from '../contract/ids.ts';
import type { Sink } from '../core/output.ts';

/** What the process gives to the commands. Only main.ts touches `process`; tests make one of their own. */
export interface Host {
  /** The arguments after the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => EpochMillis;
  /** Writes to stdout, whole, before it returns. Throws StdoutClosed. */
  readonly print: (text: string) => void;
  /** Stdout for `read`: does not hold up timers while the reader is slow. Rejects with StdoutClosed. */
  readonly sink: Sink;
  /** Live progress for a person; null where stderr is not a terminal. */
  readonly terminal: ((text: string) => void) | null;
  /** The text of spec/spec.json. */
  readonly specification: () => string;
  /** Aborted by SIGTERM and SIGINT (reason: STOPPED), and by an error that nobody caught (reason: that error). */
  readonly signal: AbortSignal;
}

/** The reader of stdout went away: nobody to tell, nothing wrong. The code is the system's own. */
export class StdoutClosed extends Error {
  readonly code = 'EPIPE';

  constructor(cause?: unknown) {
    super('stdout is closed', { cause });
    this.name = 'StdoutClosed';
  }
}
