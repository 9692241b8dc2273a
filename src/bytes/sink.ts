import { copyBytes } from './copy.ts';

/** What JSON is written to: a JsonWriter, as the functions see it that do the writing for it. */
export interface Sink {
  bytes: Uint8Array;
  /** The same, for words that need not be aligned. */
  view: DataView;
  length: number;
  reserve(count: number): void;
}

/** Copies `source[start, end)` as it stands. */
export function append(out: Sink, source: Uint8Array, start: number, end: number): void {
  out.reserve(end - start);
  copyBytes(out.bytes, out.length, source, start, end);
  out.length += end - start;
}
