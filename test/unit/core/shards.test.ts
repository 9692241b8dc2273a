import { describe, expect, it } from 'vitest';
import type { ShardId } from '../../../src/contract/ids.ts';
import { parseState } from '../../../src/protocol/state.ts';
import { fullState } from '../../kit/catalog.ts';
import type { StateBody } from '../../kit/messages.ts';
import { CURSOR_COLUMN, ToyServer } from './toy.ts';
import { recordsOf, statesOf, stored, type ToyRun, toyRead } from './toy-read.ts';

const both = { red: 'incremental', blue: 'incremental' } as const;

function server(system: string, from: number): ToyServer {
  const made = new ToyServer(system, ['red', 'blue']);
  for (const table of ['red', 'blue']) for (const id of [1, 2, 3]) made.set(table, from + id, `${system} ${id}`);
  return made;
}

const said = (run: ToyRun): readonly string[] => recordsOf(run).map(({ stream, id, text }) => `${stream} ${id} ${text}`);

describe('a log that is new', () => {
  /** What a platform would have stored when the first record comes. */
  const beforeRecords = (run: ToyRun): StateBody[] => {
    const first = run.messages.findIndex(({ record }) => record !== undefined);
    expect(first).toBeGreaterThan(0);
    return fullState(statesOf({ ...run, messages: run.messages.slice(0, first) }));
  };

  it.each(['global', 'per_stream'] as const)('is in a STATE before any record of its shard (%s)', async stateType => {
    const [a, b] = [server('one', 10), server('two', 20)];
    // No other state than those that must be.
    const settings = { stateType, checkpointIntervalSeconds: 3600 };
    const first = await toyRead({ shards: { a }, modes: both, settings });
    const second = await toyRead({ shards: { a, b }, modes: both, state: stored(first), settings });
    for (const [run, shard] of [
      [first, 'a'],
      [second, 'b'],
    ] as const) {
      const checkpoint = parseState(JSON.stringify(beforeRecords(run)), 'toy');
      for (const table of checkpoint?.tables.values() ?? []) expect(table.shards.get(shard as ShardId)?.phase).toBe('snapshot');
      expect(checkpoint?.tables.size).toBe(2);
    }
    expect(statesOf(first).length).toBe(stateType === 'global' ? 2 : 4);
  });
});

describe('shards that come and go', () => {
  it('keeps the place of a shard that the configuration no longer has, says so, and goes on from there', async () => {
    const [a, b] = [server('one', 10), server('two', 20)];
    const first = await toyRead({ shards: { a, b }, modes: both });
    expect(first.logs).toEqual([]);
    b.set('red', 21, null);
    const alone = await toyRead({ shards: { a }, modes: both, state: stored(first) });
    expect(said(alone)).toEqual([]);
    expect(alone.logs.join()).toContain('The configuration no longer has these shards of the state: "b".');
    const again = await toyRead({ shards: { a, b }, modes: both, state: stored(first, alone) });
    expect(said(again)).toEqual(['red 21 null']);
    expect(again.logs).toEqual([]);
  });

  it('keeps it in either form of the state', async () => {
    const [a, b] = [server('one', 10), server('two', 20)];
    let state = stored(await toyRead({ shards: { a, b }, modes: both, settings: { stateType: 'per_stream' } }));
    for (const stateType of ['global', 'per_stream', 'global'] as const) {
      state = stored(await toyRead({ shards: { a }, modes: both, state, settings: { stateType } }));
      expect(parseState(JSON.stringify(state), 'toy')?.tables.size).toBe(2);
    }
    b.set('blue', 23, 'new');
    const again = await toyRead({ shards: { a, b }, modes: both, state });
    expect(said(again)).toEqual(['blue 23 new']);
  });

  it('drops it with the last stream that stands in its log', async () => {
    const [a, b] = [server('one', 10), server('two', 20)];
    const first = stored(await toyRead({ shards: { a, b }, modes: both }));
    const modes = { red: 'full_refresh', blue: 'incremental' } as const;
    const one = stored(await toyRead({ shards: { a }, modes, state: first }));
    expect(JSON.stringify(one)).toContain('"b"');
    const last = stored(await toyRead({ shards: { a }, modes: { red: 'incremental' }, state: one }));
    expect(JSON.stringify(last)).not.toContain('"b"');
  });

  it('hands out larger keys under a new name than it did under the old one', async () => {
    const a = server('one', 10);
    const state = stored(await toyRead({ shards: { main: a }, modes: both }));
    const [global] = JSON.parse(JSON.stringify(state)) as [{ global: { shared_state: { shards: { main: { clock: number } } } } }];
    global.global.shared_state.shards.main.clock = 5000;
    const renamed = await toyRead({ shards: { renamed: a }, modes: both, state: [global as unknown as StateBody] });
    const keys = renamed.messages.flatMap(({ record }) => (record === undefined ? [] : [Number(record.data[CURSOR_COLUMN])]));
    expect(keys.length).toBe(6);
    expect(Math.min(...keys)).toBeGreaterThanOrEqual(5000);
  });

  it('loses no change of a table that was not followed for a while, were it never read in that time', async () => {
    const a = server('one', 10);
    const first = await toyRead({ shards: { main: a }, modes: { blue: 'incremental' } });
    a.set('blue', 11, 'while it was not followed');
    // The log goes on to its head for `red`, before anything of `blue` is read.
    const modes = { red: 'incremental', blue: 'full_refresh' } as const;
    const between = await toyRead({ shards: { main: a }, modes, state: stored(first) });
    for (const state of statesOf(between)) {
      const back = await toyRead({ shards: { main: a }, modes: both, state: [state] });
      expect(said(back), JSON.stringify(state)).toContain('blue 11 while it was not followed');
    }
  });
});

describe('the state of one stream', () => {
  it('is not said twice, though records have come: a stream that was cleared, and changes from before its snapshot', async () => {
    const a = server('one', 10);
    const settings = { stateType: 'per_stream' } as const;
    const first = stored(await toyRead({ shards: { main: a }, modes: both, settings }));
    const cleared = first.filter(({ stream }) => stream?.stream_descriptor.name === 'red');
    for (const text of ['a', 'b', 'c']) a.set('blue', 11, text);
    const run = await toyRead({ shards: { main: a }, modes: both, settings, state: cleared });
    expect(run.error).toBeUndefined();
    const blue = statesOf(run).filter(({ stream }) => stream?.stream_descriptor.name === 'blue');
    const contents = blue.map(({ stream }) => JSON.stringify(stream));
    expect(new Set(contents).size).toBe(contents.length);
    const counted = blue.reduce((sum, { sourceStats }) => sum + (sourceStats?.recordCount ?? 0), 0);
    expect(counted).toBe(recordsOf(run).filter(({ stream }) => stream === 'blue').length);
  });
});

describe('a full refresh', () => {
  it.each([null, '2'])('has a STATE behind its records, though another job has read the table before (job %s)', async job => {
    const a = server('one', 10);
    const modes = { red: 'full_refresh', blue: 'full_refresh' } as const;
    const first = stored(await toyRead({ shards: { main: a }, modes, settings: { job: job === null ? null : '1' } }));
    const run = await toyRead({ shards: { main: a }, modes, settings: { job }, state: first });
    expect(recordsOf(run).length).toBe(6);
    const counted = statesOf(run).reduce((sum, { sourceStats }) => sum + (sourceStats?.recordCount ?? 0), 0);
    expect(counted).toBe(6);
  });
});

describe('positions of two logs in one state', () => {
  /** `red` stands in the log of a server that was replaced, `blue` in that of its successor. */
  async function torn(): Promise<{ readonly successor: ToyServer; readonly state: StateBody[] }> {
    const perStream = { stateType: 'per_stream' } as const;
    const old = stored(await toyRead({ shards: { main: server('one', 10) }, modes: both, settings: perStream }));
    const successor = server('two', 10);
    const fresh = stored(await toyRead({ shards: { main: successor }, modes: both, settings: perStream }));
    const named = (states: readonly StateBody[], name: string): StateBody[] =>
      states.filter(({ stream }) => stream?.stream_descriptor.name === name);
    successor.set('blue', 12, 'changed');
    return { successor, state: [...named(old, 'red'), ...named(fresh, 'blue')] };
  }

  it.each(['global', 'per_stream'] as const)('are a lost position, and stay in the state (%s)', async stateType => {
    const { successor, state } = await torn();
    const run = await toyRead({ shards: { main: successor }, modes: both, state, settings: { stateType } });
    expect(run.error).toMatchObject({ code: 'POSITION_LOST' });
    const after = parseState(JSON.stringify(stored(run)), 'toy');
    expect(after).toEqual(parseState(JSON.stringify(state), 'toy'));
  });

  it('let only the tables be read anew that do not stand in the log of the server, where the user allows it', async () => {
    const { successor, state } = await torn();
    const settings = { invalidPosition: 'resnapshot' } as const;
    const run = await toyRead({ shards: { main: successor }, modes: both, state, settings });
    expect(run.error).toBeUndefined();
    expect([...said(run)].sort()).toEqual(['blue 12 changed', 'red 11 two 1', 'red 12 two 2', 'red 13 two 3']);
    expect(said(await toyRead({ shards: { main: successor }, modes: both, state: stored(run) }))).toEqual([]);
  });

  it('let all be read anew when none stands in the log of the server', async () => {
    const { state } = await torn();
    const settings = { invalidPosition: 'resnapshot' } as const;
    const run = await toyRead({ shards: { main: server('three', 10) }, modes: both, state, settings });
    expect(run.error).toBeUndefined();
    expect(said(run).length).toBe(6);
  });
});

describe('an incremental stream whose table cannot be followed', () => {
  const statuses = (run: ToyRun): Readonly<Record<string, string | undefined>> =>
    Object.fromEntries(
      run.messages.flatMap(({ trace }) => {
        const status = trace?.stream_status;
        return status === undefined ? [] : [[status.stream_descriptor.name, status.status]];
      }),
    );

  it.each(['global', 'per_stream'] as const)(
    'stops its shard where it was followed, and no change is lost (%s)',
    async stateType => {
      const a = server('one', 10);
      const settings = { stateType };
      const first = await toyRead({ shards: { a }, modes: both, settings });
      a.unfollowable.add('red');
      a.set('red', 11, null);
      a.set('blue', 11, 'new');
      const stopped = await toyRead({ shards: { a }, modes: both, state: stored(first), settings });
      expect(stopped.error).toMatchObject({ code: 'REPLICA_IDENTITY_MISSING', detail: expect.stringContaining('red cannot') });
      expect(said(stopped)).toEqual([]);
      expect(statuses(stopped)).toEqual({ red: 'INCOMPLETE', blue: 'INCOMPLETE' });
      a.unfollowable.clear();
      const again = await toyRead({ shards: { a }, modes: both, state: stored(first, stopped), settings });
      expect(said(again)).toEqual(['red 11 null', 'blue 11 new']);
    },
  );

  it('stops no other shard, and fails by itself where it was never followed', async () => {
    const [a, b] = [server('one', 10), server('two', 20)];
    const first = await toyRead({ shards: { a }, modes: both });
    a.unfollowable.add('red');
    const run = await toyRead({ shards: { a, b }, modes: both, state: stored(first) });
    expect(run.error).toMatchObject({ code: 'REPLICA_IDENTITY_MISSING' });
    expect(said(run)).toEqual(['blue 21 two 1', 'blue 22 two 2', 'blue 23 two 3']);
    const alone = await toyRead({ shards: { a }, modes: both });
    expect(alone.error).toMatchObject({ code: 'REPLICA_IDENTITY_MISSING' });
    expect(statuses(alone)).toEqual({ red: 'INCOMPLETE', blue: 'COMPLETE' });
    expect(said(alone)).toEqual(['blue 11 one 1', 'blue 12 one 2', 'blue 13 one 3']);
  });

  it('is read where the user chose full refresh instead', async () => {
    const a = server('one', 10);
    const first = await toyRead({ shards: { a }, modes: both });
    a.unfollowable.add('red');
    const run = await toyRead({ shards: { a }, modes: { ...both, red: 'full_refresh' }, state: stored(first) });
    expect(run.error).toBeUndefined();
    expect(said(run)).toEqual(['red 11 one 1', 'red 12 one 2', 'red 13 one 3']);
  });
});

describe('a stream that cannot be read by itself', () => {
  const statuses = (run: ToyRun, stream: string): readonly unknown[] =>
    run.messages.flatMap(message => {
      const status = message.trace?.stream_status;
      return status?.stream_descriptor.name === stream ? [status.status] : [];
    });

  it.each(['incremental', 'full_refresh'] as const)('is INCOMPLETE alone; the others and the log go on (%s)', async mode => {
    const a = server('one', 10);
    a.broken.set('red', 13);
    const modes = { red: mode, blue: 'incremental' } as const;
    const first = await toyRead({ shards: { a }, modes });
    expect(first.error).toMatchObject({ code: 'STREAM_FAILED', detail: 'division by zero in red.' });
    expect(statuses(first, 'red').at(-1)).toBe('INCOMPLETE');
    expect(statuses(first, 'blue').at(-1)).toBe('COMPLETE');
    expect(said(first)).toContain('blue 13 one 3');

    a.set('blue', 14, 'later');
    a.set('red', 11, null);
    const second = await toyRead({ shards: { a }, modes, state: stored(first) });
    expect(second.error).toMatchObject({ code: 'STREAM_FAILED' });
    expect(said(second)).toContain('blue 14 later');

    a.broken.clear();
    const third = await toyRead({ shards: { a }, modes, state: stored(first, second) });
    expect(third.error).toBeUndefined();
    expect(statuses(third, 'red').at(-1)).toBe('COMPLETE');
    expect(said(third)).toContain('red 13 one 3');
    // What was read of it is not read again, and what was deleted meanwhile has been said.
    expect(said(third)).not.toContain('red 12 one 2');
    if (mode === 'incremental') expect(said(second)).toContain('red 11 null');
  });

  it('is said with all others of its kind, and does not hide what befell a whole shard', async () => {
    const [a, b] = [server('one', 10), server('two', 20)];
    a.broken.set('red', 11);
    b.broken.set('blue', 21);
    const modes = { red: 'full_refresh', blue: 'full_refresh' } as const;
    const run = await toyRead({ shards: { a, b }, modes });
    expect(run.error).toMatchObject({ detail: 'division by zero in red. division by zero in blue.' });
    const state = stored(await toyRead({ shards: { a: server('one', 10), b }, modes: { red: 'incremental' } }));
    b.system = 'another';
    const lost = await toyRead({ shards: { a, b }, modes: { red: 'incremental', blue: 'full_refresh' }, state });
    expect(lost.error).toMatchObject({ code: 'POSITION_LOST' });
  });
});
