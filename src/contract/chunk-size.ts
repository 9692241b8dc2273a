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

  /** Pages of a heap, 8 kB each: begins with 16 MB, at most 1 GB. A target of 0 means the smallest chunks. */
  static pages(targetMillis: number): ChunkSize {
    return new ChunkSize(2048, 8, 131_072, targetMillis);
  }

  static rows(targetMillis: number): ChunkSize {
    return new ChunkSize(20_000, 100, 5_000_000, targetMillis);
  }

  /** Doubles while there is plenty of time, halves when it took too long. */
  took(millis: number): void {
    if (this.#targetMillis === 0) return;
    if (millis < this.#targetMillis / 4) this.current = Math.min(this.current * 2, this.#most);
    else if (millis > this.#targetMillis) this.current = Math.max(Math.ceil(this.current / 2), this.#least);
  }
}
