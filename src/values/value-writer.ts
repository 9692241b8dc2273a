import type { JsonWriter } from '../bytes/json-writer.ts';

/** How a value was written; anything but SAID becomes an entry of the record's `meta.changes`. */
export const SAID = 0;
/** The value cannot be said in its type: `null` was written. */
export const NULLED = 1;
/** Parts of the value cannot be said: they were replaced by U+FFFD. */
export const REPAIRED = 2;
export type Verdict = 0 | 1 | 2;

/**
 * Moves one value's bytes `source[start, end)` into `out` as JSON. The bytes are borrowed: they are gone after the next
 * await. Writes exactly one JSON value, whatever it returns. Never throws on bad input: NULLED says it.
 */
export type ValueWriter = (out: JsonWriter, source: Uint8Array, start: number, end: number) => Verdict;
