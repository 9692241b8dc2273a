import type { Table } from './table.ts';

/**
 * What the first chunk should hold, in bytes of the table: long enough that the server reads on while our code is still
 * being compiled, short enough for a slow line.
 */
const FIRST_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 8192;
/** Where the table's size is not known. */
const FIRST_ROWS = 20_000;
/** Statistics may be far off. */
const MOST_FIRST_ROWS = 500_000;

/** How much the next chunk of a snapshot reads, so that it takes about as long as it should. */
export class ChunkSize {
  readonly #least: number;
  readonly #most: number;
  readonly #targetMillis: number;
  current: number;

  private constructor(first: number, least: number, most: number, targetMillis: number) {
    this.#least = least;
    this.#most = most;
    this.#targetMillis = targetMillis;
    this.current = targetMillis === 0 ? least : first;
  }

  /** Pages of a heap, 8 kB each: at most 1 GB. A target of 0 means the smallest chunks. */
  static pages(targetMillis: number): ChunkSize {
    return new ChunkSize(FIRST_BYTES / PAGE_BYTES, 8, 131_072, targetMillis);
  }

  /** Rows of a table. */
  static rows(targetMillis: number, { estimatedRows = 0, estimatedBytes = 0 }: Table): ChunkSize {
    const least = 100;
    const known = estimatedRows > 0 && estimatedBytes > 0;
    const first = known ? Math.round((FIRST_BYTES / estimatedBytes) * estimatedRows) : FIRST_ROWS;
    return new ChunkSize(Math.min(Math.max(first, least), MOST_FIRST_ROWS), least, 5_000_000, targetMillis);
  }

  /** Grows while there is plenty of time, halves when it took too long. */
  took(millis: number): void {
    if (this.#targetMillis === 0) return;
    if (millis > this.#targetMillis) this.current = Math.max(Math.ceil(this.current / 2), this.#least);
    else if (millis < this.#targetMillis / 4) {
      const factor = millis < this.#targetMillis / 16 ? 4 : 2;
      this.current = Math.min(this.current * factor, this.#most);
    }
  }
}
