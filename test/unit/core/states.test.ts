import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../src/contract/errors.ts';
import { parseState } from '../../../src/protocol/state.ts';
import { mergeStates } from '../../kit/catalog.ts';
import type { Message, StateBody } from '../../kit/messages.ts';
import { CURSOR_COLUMN, ToyServer } from './toy.ts';
import { statesOf, type ToyRun, toyRead } from './toy-read.ts';

type Modes = Readonly<Record<string, 'incremental' | 'full_refresh'>>;
const incremental: Modes = { red: 'incremental', blue: 'incremental' };
const tables = Object.keys(incremental);

/**
 * What a platform could pass back after so many states of a run: none of them, or at least the one of each stream with
 * which the run begins.
 */
function resumable(run: ToyRun, before: readonly StateBody[]): readonly { count: number; state: readonly StateBody[] }[] {
  const states = statesOf(run);
  const least = states[0]?.type === 'GLOBAL' ? 1 : tables.length;
  const counts = states.map((_, index) => index + 1).filter(count => count >= least);
  return [{ count: 0, state: before }, ...counts.map(count => ({ count, state: mergeStates(before, states.slice(0, count)) }))];
}

const lostOrFine = (run: ToyRun): void => {
  if (run.error instanceof ConnectorError && run.error.code === 'POSITION_LOST') return;
  expect(run.error).toBeUndefined();
};

const shardNames = fc.subarray(['main', 'a', 'b', 'renamed'], { minLength: 1 });
const mode = fc.constantFrom('incremental' as const, 'full_refresh' as const);
const stateType = fc.constantFrom('global' as const, 'per_stream' as const);
const change = fc.record({
  server: fc.nat(2),
  table: fc.constantFrom(...tables),
  id: fc.nat(6),
  text: fc.option(fc.constantFrom('x', 'y', 'z')),
});
const changes = fc.array(change, { maxLength: 12 });
/** Rows that come past the log, and what becomes of such rows in the log later. */
const attached = fc.array(fc.record({ server: fc.nat(2), table: fc.constantFrom(...tables) }), { maxLength: 4 });
const touched = fc.array(fc.record({ server: fc.nat(2), nth: fc.nat(), text: fc.option(fc.constantFrom('v', 'w')) }), {
  maxLength: 3,
});

/** Two servers under four names: `main` and `renamed` are the same one, `a` and `b` have one each. */
function world(): { servers: readonly ToyServer[]; byName: Readonly<Record<string, ToyServer>> } {
  let time = 0;
  const natural = (): number => ++time;
  const servers = ['one', 'two', 'three'].map(system => new ToyServer(system, tables, natural));
  const [one, two, three] = servers as [ToyServer, ToyServer, ToyServer];
  return { servers, byName: { main: one, renamed: one, a: two, b: three } };
}

const apply = (
  servers: readonly ToyServer[],
  made: readonly { server: number; table: string; id: number; text: string | null }[],
) => {
  for (const { server, table, id, text } of made) servers[server]?.set(table, 10 * server + id, text);
};

const pass = (servers: readonly ToyServer[], rows: readonly { server: number; table: string; id: number }[]): void => {
  for (const { server, table, id } of rows) servers[server]?.unseen(table, 10 * server + id, 'unseen');
};

/**
 * Each name of a shard has a clock of its own, and only the log orders a row between two of them. A change past the log is
 * found by a snapshot, so it has no order against rows that the same server gave under its other name.
 */
const hasOneName = ({ server }: { server: number }): boolean => server !== 0;

let attachedRows = 0;
const attach = (servers: readonly ToyServer[], rows: readonly { server: number; table: string }[]): void => {
  for (const { server, table } of rows) servers[server]?.attach(table, 1000 + ++attachedRows, 'attached');
};
const touch = (servers: readonly ToyServer[], rows: readonly { server: number; nth: number; text: string | null }[]): void => {
  for (const { server, nth, text } of rows) {
    const { attached: all = [] } = servers[server] ?? {};
    const row = all[nth % all.length];
    if (row !== undefined) servers[server]?.set(row.table, row.id, text);
  }
};

/** Changes of a table that the log does not have at the time. */
const unseen = fc.array(fc.record({ server: fc.nat(2), table: fc.constantFrom(...tables), id: fc.nat(6) }), { maxLength: 2 });

/** What a deduplicating destination holds. */
class Destination {
  readonly rows = new Map<string, { readonly key: number; readonly text: string | null }>();

  take(messages: readonly Message[]): void {
    for (const { record } of messages) {
      if (record === undefined) continue;
      const key = Number(record.data[CURSOR_COLUMN]);
      const name = `${record.stream} ${Number(record.data['id'])}`;
      const known = this.rows.get(name);
      if (known !== undefined && known.key > key) continue;
      this.rows.set(name, { key, text: (record.data['text'] as string | undefined) ?? null });
    }
  }

  /** As a full refresh leaves it that came to its end. */
  replace(stream: string, messages: readonly Message[]): void {
    for (const name of this.rows.keys()) if (name.startsWith(`${stream} `)) this.rows.delete(name);
    this.take(messages.filter(message => message.record?.stream === stream));
  }

  get present(): Readonly<Record<string, string>> {
    const there = [...this.rows].flatMap(([name, { text }]) => (text === null ? [] : [[name, text] as const]));
    return Object.fromEntries(there.sort());
  }
}

const rowsOf = (servers: readonly ToyServer[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    servers
      .flatMap(server =>
        [...server.tables].flatMap(([table, rows]) => [...rows].map(([id, text]) => [`${table} ${id}`, text] as const)),
      )
      .sort(),
  );

const upTo = (run: ToyRun, states: number): readonly Message[] => {
  let left = states;
  const end = run.messages.findIndex(message => message.state !== undefined && --left === 0);
  return states === 0 ? [] : run.messages.slice(0, end);
};

describe('every STATE that is printed', () => {
  it('would be accepted, whatever became of shards, sync modes, form of the state and positions', async () => {
    const step = fc.record({
      changes,
      shards: shardNames,
      modes: fc.record({ red: mode, blue: mode }),
      stateType,
      invalidPosition: fc.constantFrom('fail' as const, 'resnapshot' as const),
      accident: fc.constantFrom('none', 'none', 'none', 'purge', 'replace'),
      victim: fc.nat(2),
      next: fc.nat(),
      job: fc.option(fc.constantFrom('1', '2')),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async steps => {
        const { servers, byName } = world();
        let state: readonly StateBody[] = [];
        for (const [ordinal, { shards, modes, accident, victim, next, ...rest }] of steps.entries()) {
          apply(servers, rest.changes);
          const server = servers[victim] as ToyServer;
          if (accident === 'purge') server.purged = server.log.length;
          if (accident === 'replace') server.system = `${server.system} ${ordinal}`;
          const { stateType, invalidPosition, job } = rest;
          const named = Object.fromEntries(shards.map(name => [name, byName[name] as ToyServer]));
          const run = await toyRead({ shards: named, modes, state, settings: { stateType, invalidPosition, job } });
          lostOrFine(run);
          const choices = resumable(run, state);
          for (const choice of choices) parseState(JSON.stringify(choice.state), 'toy');
          state = choices[next % choices.length]?.state ?? [];
        }
      }),
      { numRuns: 150 },
    );
  });

  it('goes on without loss, whatever became of shards, sync modes and form of the state', async () => {
    const step = fc.record({
      changes,
      shards: shardNames,
      modes: fc.record({ red: mode, blue: mode }),
      stateType,
      next: fc.nat(),
      attached,
      touched,
      unseen,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), changes, async (steps, last) => {
        const { servers, byName } = world();
        const destination = new Destination();
        let state: readonly StateBody[] = [];
        const all = { changes: last, shards: ['main', 'a', 'b'], modes: incremental, stateType: 'global' as const, next: 0 };
        const toTheEnd = { ...all, attached: [], touched: [], unseen: [] };
        for (const [ordinal, { shards, modes, stateType, next, changes: made, ...past }] of [...steps, toTheEnd].entries()) {
          apply(servers, made);
          attach(servers, past.attached);
          touch(servers, past.touched);
          pass(servers, past.unseen.filter(hasOneName));
          const named = Object.fromEntries(shards.map(name => [name, byName[name] as ToyServer]));
          const run = await toyRead({ shards: named, modes, state, settings: { stateType, job: `${ordinal}` } });
          expect(run.error).toBeUndefined();
          const choices = resumable(run, state);
          const chosen = ordinal === steps.length ? choices.length - 1 : next % choices.length;
          state = choices[chosen]?.state ?? [];
          destination.take(
            run.messages.filter(({ record }) => record !== undefined && modes[record.stream as 'red'] === 'incremental'),
          );
          if (chosen < choices.length - 1) continue;
          for (const name of tables) if (modes[name as 'red'] === 'full_refresh') destination.replace(name, run.messages);
        }
        expect(destination.present).toMatchObject(rowsOf(servers));
      }),
      { numRuns: 150 },
    );
  });

  it('brings the deletes too of shards that were away for a while', async () => {
    const shardsOfSome = fc.subarray(['main', 'a', 'b'], { minLength: 1 });
    const step = fc.record({ changes, shards: shardsOfSome, stateType, next: fc.nat(), attached, touched, unseen });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), changes, async (steps, last) => {
        const { servers, byName } = world();
        const destination = new Destination();
        let state: readonly StateBody[] = [];
        const all = {
          changes: last,
          shards: ['main', 'a', 'b'],
          stateType: 'global' as const,
          next: 0,
          attached: [],
          touched: [],
          unseen: [],
        };
        for (const [ordinal, { shards, stateType, next, changes: made, ...past }] of [...steps, all].entries()) {
          apply(servers, made);
          attach(servers, past.attached);
          touch(servers, past.touched);
          pass(servers, past.unseen);
          const named = Object.fromEntries(shards.map(name => [name, byName[name] as ToyServer]));
          const run = await toyRead({ shards: named, modes: incremental, state, settings: { stateType } });
          expect(run.error).toBeUndefined();
          const choices = resumable(run, state);
          const chosen = ordinal === steps.length ? choices.length - 1 : next % choices.length;
          state = choices[chosen]?.state ?? [];
          destination.take(upTo(run, choices[chosen]?.count ?? 0));
        }
        expect(destination.present).toEqual(rowsOf(servers));
      }),
      { numRuns: 150 },
    );
  });
});
