import type { EpochMillis, ShardId, TableId } from '../contract/ids.ts';
import { tableLabel } from '../contract/ids.ts';
import type { StreamCounter } from '../contract/record-template.ts';

const REFRESH_MILLIS = 500;
const SHOWN_STREAMS = 3;
const SHOWN_SHARDS = 3;

/** How far a shard's log has been read, in time. A plain field: it is set at every commit. */
export class LogProgress {
  /** When what was read last was committed, or when the log was at its head; null: it is not open. Milliseconds since 1970. */
  upTo: number | null = null;
}

/** What there is to be shown; read whenever it is shown. */
export interface Shown {
  readonly counters: ReadonlyMap<TableId, StreamCounter>;
  readonly logs: ReadonlyMap<ShardId, LogProgress>;
}

/** One line on a terminal that says how the read is going; rewritten in place, gone at the end but for a summary. */
export class Progress {
  readonly #write: (text: string) => void;
  readonly #shown: Shown;
  readonly #now: () => EpochMillis;
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #lastAt: number;
  #lastRecords = 0;

  constructor(write: (text: string) => void, shown: Shown, now: () => EpochMillis) {
    this.#write = write;
    this.#shown = shown;
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
    const busiest = [...this.#shown.counters]
      .filter(([, counter]) => counter.records > 0)
      .sort(([, a], [, b]) => b.records - a.records);
    const shown = busiest.slice(0, SHOWN_STREAMS).map(([id, counter]) => `${tableLabel(id)} ${count(counter.records)}`);
    const parts = [`${count(records)} records, ${megabytes(bytes)}, ${count(rate)}/s`, ...shown, ...this.#lag(now)];
    this.#write(`\r\x1b[K${parts.join('  ')}`);
  }

  /** How far the logs are behind, the worst first, by the names of the shards where there are several. */
  #lag(now: number): readonly string[] {
    const { logs } = this.#shown;
    const lags = [...logs].flatMap(([shard, { upTo }]) => (upTo === null ? [] : [{ shard, millis: Math.max(now - upTo, 0) }]));
    if (lags.length === 0) return [];
    const worst = lags.sort((a, b) => b.millis - a.millis).slice(0, SHOWN_SHARDS);
    const named = worst.map(({ shard, millis }) => (logs.size === 1 ? duration(millis) : `${shard} ${duration(millis)}`));
    return [`lag ${named.join(', ')}`];
  }

  #total(): { records: number; bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const counter of this.#shown.counters.values()) {
      records += counter.records;
      bytes += counter.bytes;
    }
    return { records, bytes };
  }
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** In the largest unit of which there are at least two. */
function duration(millis: number): string {
  const seconds = Math.floor(millis / 1000);
  for (const [unit, length] of [['d', 86_400] as const, ['h', 3600] as const, ['min', 60] as const]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${seconds} s`;
}
