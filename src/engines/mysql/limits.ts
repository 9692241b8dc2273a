import { PATIENT_MILLIS } from '../../net/deadline.ts';

/** How long things are waited for, in milliseconds. */
export interface Limits {
  /** A lock on a table that is to be read. */
  readonly lockMillis: number;
  /** Silence in a snapshot, before the server is asked on another connection what it is doing. */
  readonly silenceMillis: number;
}

export const LIMITS: Limits = { lockMillis: PATIENT_MILLIS, silenceMillis: 5_000 };
