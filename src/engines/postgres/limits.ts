import { ANSWER_MILLIS } from '../../net/deadline.ts';

/** How long things are waited for, in milliseconds. */
export interface Limits {
  /** Old transactions, before the snapshot of a table that joins: the log is followed meanwhile and it is tried again. */
  readonly originMillis: number;
  /** The same for the very first snapshot: there is no log to go on with meanwhile. */
  readonly firstOriginMillis: number;
  /** Transactions of the log that no snapshot shows yet, before rows are read again. */
  readonly visibleMillis: number;
  /** The answer to a question that the server answers at once. */
  readonly answerMillis: number;
  /** A lock on a table that is to be read. */
  readonly lockMillis: number;
  /** Silence in a snapshot, before the server is asked on another connection what it is doing. */
  readonly silenceMillis: number;
}

export const LIMITS: Limits = {
  originMillis: 30_000,
  firstOriginMillis: 10 * 60_000,
  visibleMillis: 60_000,
  answerMillis: ANSWER_MILLIS,
  lockMillis: 10 * 60_000,
  silenceMillis: 5_000,
};
