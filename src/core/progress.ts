import type { EpochMillis, TableId } from '../contract/ids.ts';
import { tableLabel } from '../contract/ids.ts';
import type { StreamCounter } from '../contract/record-writer.ts';

const REFRESH_MILLIS = 500;
const SHOWN_STREAMS = 3;

/** One line on a terminal that says how the read is going; rewritten in place, gone at the end but for a summary. */
export class Progress {
  readonly #write: (text: string) => void;
  readonly #counters: ReadonlyMap<TableId, StreamCounter>;
  readonly #now: () => EpochMillis;
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #lastAt: number;
  #lastRecords = 0;

  constructor(write: (text: string) => void, counters: ReadonlyMap<TableId, StreamCounter>, now: () => EpochMillis) {
    this.#write = write;
    this.#counters = counters;
    this.#now = now;
    this.#startedAt = now();
    this.#lastAt = this.#startedAt;
    this.#timer = setInterval(() => this.#show(), REFRESH_MILLIS);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
    const { records, bytes } = this.#total();
    const seconds = Math.max((this.#now() - this.#startedAt) / 1000, 0.001);
    this.#write(
      `\r\x1b[K${count(records)} records, ${megabytes(bytes)} in ${seconds.toFixed(1)} s (${count(records / seconds)}/s)\n`,
    );
  }

  #show(): void {
    const { records, bytes } = this.#total();
    const now = this.#now();
    const rate = ((records - this.#lastRecords) / Math.max(now - this.#lastAt, 1)) * 1000;
    this.#lastAt = now;
    this.#lastRecords = records;
    const busiest = [...this.#counters]
      .filter(([, counter]) => counter.records > 0)
      .sort(([, a], [, b]) => b.records - a.records);
    const shown = busiest.slice(0, SHOWN_STREAMS).map(([id, counter]) => `${tableLabel(id)} ${count(counter.records)}`);
    this.#write(`\r\x1b[K${count(records)} records, ${megabytes(bytes)}, ${count(rate)}/s  ${shown.join('  ')}`);
  }

  #total(): { records: number; bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const counter of this.#counters.values()) {
      records += counter.records;
      bytes += counter.bytes;
    }
    return { records, bytes };
  }
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
