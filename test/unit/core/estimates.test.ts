import { describe, expect, it } from 'vitest';
import { ToyServer } from './toy.ts';
import { stored, type ToyRun, toyRead } from './toy-read.ts';

function server(system: string, rows: number): ToyServer {
  const made = new ToyServer(system, ['red', 'blue']);
  for (const table of ['red', 'blue']) for (let id = 1; id <= rows; id++) made.set(table, id, system);
  return made;
}

const estimates = ({ messages }: ToyRun): readonly string[] =>
  messages.flatMap(({ trace }) =>
    trace?.estimate === undefined ? [] : [`${String(trace.estimate['name'])} ${String(trace.estimate['row_estimate'])}`],
  );

describe('estimates', () => {
  const both = { red: 'incremental', blue: 'incremental' } as const;

  it('are given for snapshots and full refreshes only', async () => {
    const main = server('one', 5);
    const first = await toyRead({ shards: { main }, modes: { red: 'incremental' } });
    expect(estimates(first)).toEqual(['red 5']);
    const joined = await toyRead({ shards: { main }, modes: both, state: stored(first) });
    expect(estimates(joined)).toEqual(['blue 5']);
    const idle = await toyRead({ shards: { main }, modes: both, state: stored(joined) });
    expect(estimates(idle)).toEqual([]);
    const modes = { red: 'incremental', blue: 'full_refresh' } as const;
    const settings = { job: '7' };
    const refreshed = await toyRead({ shards: { main }, modes, state: stored(idle), settings });
    expect(estimates(refreshed)).toEqual(['blue 5']);
    expect(estimates(await toyRead({ shards: { main }, modes, state: stored(refreshed), settings }))).toEqual([]);
  });

  it('grow with the shards whose snapshots begin', async () => {
    const run = await toyRead({ shards: { a: server('one', 5), b: server('two', 3) }, modes: { red: 'incremental' } });
    expect(estimates(run).at(-1)).toBe('red 8');
  });
});
