import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EpochMillis, ShardId, TableId } from '../../../src/contract/ids.ts';
import { StreamCounter } from '../../../src/contract/record-template.ts';
import { LogProgress, Progress } from '../../../src/core/progress.ts';
import { ToyServer } from './toy.ts';
import { toyRead } from './toy-read.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A progress line over one table for each of `tables` and one log for each of `shards`; what the terminal shows. */
function watched(tables: readonly string[], shards: readonly string[]) {
  const shown: string[] = [];
  const counters = new Map(tables.map(name => [{ namespace: 'public', name } satisfies TableId, new StreamCounter()]));
  const logs = new Map(shards.map(name => [name as ShardId, new LogProgress()]));
  const write = (text: string): void => {
    shown.push(text);
  };
  const progress = new Progress(write, { counters, logs }, () => Date.now() as EpochMillis);
  const [counted, read] = [[...counters.values()], [...logs.values()]];
  const last = (): string => (shown.at(-1) ?? '').replace('\r\x1b[K', '');
  return { progress, shown, counters: counted, logs: read, last };
}

describe('Progress', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 100 * HOUR });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('rewrites one line twice a second, with totals, the rate, and the busiest tables', () => {
    const { counters, last, shown } = watched(['a', 'b', 'c', 'd'], ['main']);
    for (const [at, counter] of counters.entries()) {
      counter.records = 1000 * (at + 1);
      counter.bytes = 1_000_000;
    }
    vi.advanceTimersByTime(500);
    expect(shown).toEqual(['\r\x1b[K10,000 records, 4.0 MB, 20,000/s  public.d 4,000  public.c 3,000  public.b 2,000']);
    vi.advanceTimersByTime(500);
    expect(last()).toMatch(/^10,000 records, 4.0 MB, 0\/s {2}/);
  });

  it('says how far the log is behind, once it is open', () => {
    const { logs, last } = watched([], ['main']);
    const [log] = logs as [LogProgress];
    vi.advanceTimersByTime(500);
    expect(last()).toBe('0 records, 0.0 MB, 0/s');
    for (const [behind, says] of [
      [90 * SECOND, '90 s'],
      [150 * SECOND, '2 min'],
      [5 * HOUR, '5 h'],
      [50 * HOUR, '2 d'],
      // The clock of the server may be ahead of ours.
      [-5 * SECOND, '0 s'],
    ] as const) {
      log.upTo = Date.now() + 500 - behind;
      vi.advanceTimersByTime(500);
      expect(last()).toBe(`0 records, 0.0 MB, 0/s  lag ${says}`);
    }
  });

  it('names the shards where there are several, the worst first', () => {
    const { logs, last } = watched([], ['eu', 'us', 'asia', 'africa', 'closed']);
    for (const [at, hours] of [3, 7, 5, 2].entries()) (logs[at] as LogProgress).upTo = Date.now() - hours * HOUR;
    vi.advanceTimersByTime(500);
    expect(last()).toBe('0 records, 0.0 MB, 0/s  lag us 7 h, asia 5 h, eu 3 h');
  });

  it('ends with a summary, and shows nothing more', () => {
    const { progress, counters, last, shown } = watched(['a'], ['main']);
    (counters[0] as StreamCounter).records = 3000;
    vi.advanceTimersByTime(2000);
    progress.end();
    expect(last()).toBe('3,000 records, 0.0 MB in 2.0 s (1,500/s)\n');
    const { length } = shown;
    vi.advanceTimersByTime(5000);
    expect(shown.length).toBe(length);
  });

  it('is told by a read how far the log is', async () => {
    const server = new ToyServer('one', ['red']);
    for (let id = 0; id < 5; id++) server.set('red', id, 'x');
    server.onChunk = () => {
      vi.advanceTimersByTime(500);
    };
    const shown: string[] = [];
    const terminal = (text: string): void => {
      shown.push(text.replace('\r\x1b[K', ''));
    };
    const run = await toyRead({ shards: { main: server }, modes: { red: 'incremental' }, terminal });
    expect(run.error).toBeUndefined();
    // Between the chunks the log was followed to its head.
    expect(shown.map(line => line.replace(/^.*\/s {2}/, ''))).toEqual([
      '0 records, 0.0 MB, 0/s',
      'red 2  lag 0 s',
      'red 4  lag 0 s',
      expect.stringMatching(/^5 records, .* in 1\.5 s/),
    ]);
  });
});
