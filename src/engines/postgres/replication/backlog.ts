import type { Wanted } from './reread.ts';

const CAPACITY = 64 * 1024;
/** Bytes and messages that may wait at most; a single larger row waits alone. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_MESSAGES = 4096;

/**
 * Messages of the log that wait, copied, because one of them needs values that are read again from the table. Batches the
 * look-ups of many rows into one; bounded, whatever the transaction.
 */
export class Backlog {
  bytes: Buffer = Buffer.allocUnsafe(CAPACITY);
  /** What the waiting rows lack, in their order. */
  readonly wanted: Wanted[] = [];
  /** Transactions of which rows wait. */
  readonly xids = new Set<number>();
  /** Commit LSN of the last transaction that began among the waiting messages; null: none did. */
  commitLsn: number | null = null;

  readonly #ends: number[] = [];
  readonly #wantedBy: (Wanted | null)[] = [];
  #length = 0;

  get count(): number {
    return this.#ends.length;
  }
  get empty(): boolean {
    return this.#ends.length === 0;
  }
  /** Messages that may still be added; 0: what waits must be written first. */
  get room(): number {
    return this.#length >= MOST_BYTES ? 0 : MOST_MESSAGES - this.#ends.length;
  }

  /** A transaction begins among the waiting messages. */
  begin(commitLsn: number, xid: number): void {
    this.commitLsn = commitLsn;
    this.xids.add(xid);
  }

  add(source: Buffer, start: number, end: number, wanted: Wanted | null): void {
    const length = this.#length + end - start;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.bytes.length));
      this.bytes.copy(larger, 0, 0, this.#length);
      this.bytes = larger;
    }
    source.copy(this.bytes, this.#length, start, end);
    this.#length = length;
    this.#ends.push(length);
    this.#wantedBy.push(wanted);
    if (wanted !== null) this.wanted.push(wanted);
  }

  startOf(at: number): number {
    return at === 0 ? 0 : (this.#ends[at - 1] ?? 0);
  }
  endOf(at: number): number {
    return this.#ends[at] ?? 0;
  }
  wantedBy(at: number): Wanted | null {
    return this.#wantedBy[at] ?? null;
  }

  clear(): void {
    this.#length = 0;
    this.#ends.length = 0;
    this.#wantedBy.length = 0;
    this.wanted.length = 0;
    this.xids.clear();
    this.commitLsn = null;
    if (this.bytes.length > 2 * MOST_BYTES) this.bytes = Buffer.allocUnsafe(CAPACITY);
  }
}
