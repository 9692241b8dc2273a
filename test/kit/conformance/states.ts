import { describe, expect, it } from 'vitest';
import type { TestBackend } from '../backend.ts';
import { fullState, streamStates } from '../catalog.ts';
import { linesUpToState } from '../destination.ts';
import { expectSound, secretsOf } from '../invariants.ts';
import { isRecord, isState, type JsonObject, type StateBody } from '../messages.ts';
import type { Platform } from '../platform.ts';
import { describeRun, runConnector } from '../run-connector.ts';
import { keyFor } from '../workload.ts';
import { account, document, event, type Scene, tables, useScene } from './scene.ts';

const noStates: readonly (readonly [string, string | undefined])[] = [
  ['no --state at all', undefined],
  ['an empty file', ''],
  ['{}', '{}'],
  ['[]', '[]'],
  ['null', 'null'],
];

/** Every text in the state that `change` wants otherwise. */
const altered = (stored: readonly StateBody[], change: (text: string) => string): string => {
  const text = JSON.stringify(stored);
  const next = change(text);
  if (next === text) throw new Error(`the state holds nothing to change: ${text.slice(0, 300)}`);
  return next;
};

/** Runs that died before any of their states was stored, while a stream's snapshot was under way. */
export const unstoredRuns = (scene: () => Scene): void => {
  it('deletes what runs without a stored state have printed of a stream that was cleared', async () => {
    await scene().create([account, event], 30);
    const platform = await scene().connect();
    await platform.sync();
    const session = await scene().database.session();
    platform.clear('event');
    // At once behind each snapshot: what a server says of the time of a commit may be no finer than a second.
    for (let n = 1; n <= 6; n++) {
      platform.store(await platform.run(), -1);
      await session.delete(event, keyFor(event, n));
      await session.update(event, keyFor(event, 10 + n), { payload: `at ${n}` });
    }
    await session.close();
    await platform.sync();
    await platform.expectEqual([account, event]);
  });
};

export const stateTests = (backend: TestBackend): void => {
  describe('states', () => {
    const scene = useScene(backend);

    it('can be resumed from every STATE of a snapshot and of the log', async () => {
      await scene().create(tables, 600);
      const platform = await scene().connect();
      const resumeFromEach = async (minimum: number): Promise<void> => {
        const run = await platform.run();
        expect(run.states.length).toBeGreaterThan(minimum);
        // In order: a state that came back lets the server forget what is older.
        const step = Math.max(1, Math.floor(run.states.length / 8));
        for (let ordinal = 0; ordinal < run.states.length; ordinal += step) {
          const fork = platform.fork();
          fork.store(run, ordinal);
          await fork.sync();
          await fork.expectEqual(tables);
        }
        platform.store(run);
      };
      await resumeFromEach(tables.length);
      for (const round of [1, 2, 3]) await scene().change(tables, 1000 * round);
      await resumeFromEach(10);
    });

    it.each(noStates)('starts from the beginning with %s', async (_, state) => {
      await scene().create([account], 20);
      const platform = await scene().connect();
      const run = await platform.run(state === undefined ? {} : { state });
      expect(run.records.length).toBe(20);
      platform.store(run);
      await scene().change([account], 100);
      await platform.sync();
      await platform.expectEqual([account]);
    });

    it('lets a table join later and leaves the others alone', async () => {
      await scene().create(tables, 100);
      const platform = await scene().connect({ streams: ['account'] });
      await platform.sync();
      await scene().change(tables, 1000);
      await platform.reconfigure({ streams: ['account', 'document'] });
      const joined = await platform.sync();
      expect(joined.records.filter(record => record.stream === 'account').length).toBeLessThan(20);
      expect(joined.records.filter(record => record.stream === 'document').length).toBeGreaterThanOrEqual(100);
      await platform.expectEqual([account, document]);
      await scene().change(tables, 2000);
      await platform.reconfigure({});
      await platform.sync();
      await scene().change(tables, 3000);
      await platform.sync();
      await platform.expectEqual(tables);
    });

    it('lets a table leave, and reads it anew when it comes back', async () => {
      await scene().create([account, document], 60);
      const platform = await scene().connect();
      await platform.sync();
      await platform.reconfigure({ streams: ['account'] });
      await scene().change([account, document], 1000);
      await platform.sync();
      await platform.expectEqual([account]);
      await scene().change([account, document], 2000);
      await platform.sync();
      expect([...streamStates(platform.stored).keys()]).toEqual(['account']);
      await platform.reconfigure({});
      await platform.sync();
      await scene().change([account, document], 3000);
      await platform.sync();
      await platform.expectEqual([account, document]);
    });

    it('reads a cleared stream anew, and only that', async () => {
      await scene().create([account, event], 100);
      const platform = await scene().connect();
      await platform.sync();
      await scene().change([account, event], 1000);
      platform.clear('event');
      const run = await platform.sync();
      expect(run.records.filter(record => record.stream === 'account').length).toBeLessThan(20);
      await platform.expectEqual([account, event]);
    });

    it('deletes what a very first read has printed of which no more was stored than the STATE before its records', async () => {
      await scene().create(tables, 30);
      const platform = await scene().connect();
      const first = await platform.run();
      expect(first.lines.slice(0, first.lines.findIndex(isRecord)).some(isState)).toBe(true);
      platform.store(first, 0);
      for (const round of [1, 2]) await scene().change(tables, 1000 * round);
      const session = await scene().database.session();
      for (const table of tables) await session.delete(table, keyFor(table, 20));
      await session.close();
      await platform.sync();
      await platform.expectEqual(tables);
    });

    unstoredRuns(scene);

    it('keeps one state a stream when asked to', async () => {
      await scene().create(tables, 80);
      const platform = await scene().connect({}, scene().database.config({ more: { state_type: 'per_stream' } }));
      const first = await platform.sync();
      expect(new Set(first.states.map(state => state.type))).toEqual(new Set(['STREAM']));
      expect(platform.stored.length).toBe(tables.length);
      await platform.expectEqual(tables);
      for (const round of [1, 2]) {
        await scene().change(tables, 1000 * round);
        const run = await platform.sync();
        expect(run.records.length).toBeLessThan(20 * tables.length);
        await platform.expectEqual(tables);
      }
    });

    it('goes on from either form of the state, whatever the setting', async () => {
      await scene().create([account, event], 80);
      const platform = await scene().connect();
      await platform.sync();
      for (const [round, form] of (['per_stream', 'global', 'per_stream', 'global'] as const).entries()) {
        await scene().change([account, event], 1000 * (round + 1));
        const run = await platform.run({ config: scene().database.config({ more: { state_type: form } }) });
        expect(new Set(run.states.map(state => state.type))).toEqual(new Set([form === 'global' ? 'GLOBAL' : 'STREAM']));
        expect(run.records.length).toBeLessThan(40);
        platform.stored = [];
        platform.store(run);
        expect(platform.stored).toEqual(fullState(run.states));
        await platform.expectEqual([account, event]);
      }
    });

    it('reads streams whose own states stand at different positions', async () => {
      await scene().create([account, event], 80);
      const config = scene().database.config({ more: { state_type: 'per_stream' } });
      const platform = await scene().connect({}, config);
      await platform.sync();
      const old = platform.stored.filter(state => state.stream?.stream_descriptor.name === 'event');
      await scene().change([account, event], 1000);
      const second = await platform.run();
      // The destination lost what it was given of `event`: its state is still the old one.
      const fork = platform.fork();
      fork.committed.apply(second, linesUpToState(second, second.states.length - 1));
      fork.everything.apply(second);
      fork.stored = [...fullState(second.states).filter(state => state.stream?.stream_descriptor.name === 'account'), ...old];
      await scene().change([account, event], 2000);
      await fork.sync();
      await fork.expectEqual([account, event]);
    });

    it.each(['global', 'per_stream'])('goes on with shards that were taken out, renamed, or are new (%s)', async stateType => {
      await scene().create([account], 3);
      const { database } = scene();
      const sharded = (...names: readonly string[]): JsonObject => {
        const config = database.config({ more: { state_type: stateType } });
        const shards = names.map(name => ({ name, ...database.endpoint }));
        return { ...config, source: { ...(config['source'] as JsonObject), shards } };
      };
      // Here all shards are one database: what the log needs there is made before they would all make it at once.
      await (await scene().connect()).sync();
      const platform = await scene().connect({}, sharded('one', 'two', 'three'));
      const insert = async (n: number): Promise<void> => {
        const session = await database.session();
        await session.insert(account, [scene().row(account, n)]);
        await session.close();
      };
      const rows = async (...names: readonly string[]): Promise<readonly string[]> => {
        const { records, logs } = await platform.sync({ config: sharded(...names) });
        for (const away of ['one', 'two', 'three', 'four']) {
          const gone = platform.stored.some(state => JSON.stringify(state).includes(`"${away}"`)) && !names.includes(away);
          expect(logs.some(line => line.includes('no longer has these shards') && line.includes(`"${away}"`))).toBe(gone);
        }
        return records.map(({ data }) => `${data['_ab_source_shard']} ${data['id']}`).sort();
      };
      expect((await rows('one', 'two', 'three')).length).toBe(9);
      await insert(11);
      expect(await rows('one', 'two')).toEqual(['one 11', 'two 11']);
      await insert(12);
      expect(await rows('one', 'four')).toEqual(['four 1', 'four 11', 'four 12', 'four 2', 'four 3', 'one 12']);
      await insert(13);
      expect(await rows('three', 'four')).toEqual(['four 13', 'three 11', 'three 12', 'three 13']);
      expect(await rows('one', 'two', 'three', 'four')).toEqual(['one 13', 'two 12', 'two 13']);
    });

    it.each(['global', 'per_stream'])('goes on when one server becomes several (%s)', async stateType => {
      await scene().create([account], 3);
      const { database } = scene();
      const config = database.config({ more: { state_type: stateType } });
      const shards = ['one', 'two'].map(name => ({ name, ...database.endpoint }));
      const sharded = { ...config, source: { ...(config['source'] as JsonObject), shards } };
      const [one, many] = [await scene().connect({}, config), await scene().connect({}, sharded)];
      const counts: number[] = [];
      let stored: StateBody[] = [];
      for (const platform of [one, many, many, one]) {
        platform.stored = stored;
        counts.push((await platform.sync()).records.length);
        stored = platform.stored;
      }
      expect(counts).toEqual([3, 6, 0, 0]);
    });

    it.each(['incremental', 'full_refresh'] as const)(
      'refuses a cursor that is damaged, by the name of the table (%s)',
      async mode => {
        await scene().create([account], 700);
        // Rows wide enough that a snapshot by pages has several chunks too.
        const session = await scene().database.session();
        for (let n = 1; n <= 700; n++) await session.update(account, keyFor(account, n), { owner: 'x'.repeat(1000) });
        await session.close();
        const platform = await scene().connect({ modes: { '*': mode } });
        const run = await platform.run();
        const state = run.states.find(each => JSON.stringify(each).includes('"cursor":{'));
        const text = altered(state === undefined ? [] : [state], whole =>
          whole.replace(/"cursor":\{[^}]*\}/, '"cursor":{"page":"0\\u0027"}'),
        );
        const next = await refused(platform, text);
        const error = next.traces.find(trace => trace.error !== undefined)?.error;
        expect(next.exitCode, describeRun(next)).toBe(1);
        expect(error?.failure_type).toBe('config_error');
        expect(error?.message).toMatch(/account is damaged/);
      },
    );

    it('refuses states that are not its own, or cut off, and says what is wrong', async () => {
      await scene().create([account], 10);
      const platform = await scene().connect();
      await platform.sync();
      const { stored } = platform;
      const cases: readonly (readonly [string, string])[] = [
        ['another engine', altered(stored, text => text.replaceAll(`"${backend.engine}"`, '"oracle"'))],
        ['a later version', altered(stored, text => text.replaceAll('"version":1', '"version":99'))],
        ['cut off', JSON.stringify(stored).slice(0, -20)],
        ['two GLOBAL states', JSON.stringify([...stored, ...stored])],
        ['a number', '42'],
        ['no state inside', '[{"type":"GLOBAL"}]'],
      ];
      for (const [label, state] of cases) {
        const run = await refused(platform, state);
        const error = run.traces.find(trace => trace.error !== undefined)?.error;
        expect(run.exitCode, `${label}\n${describeRun(run)}`).toBe(1);
        expect(error?.failure_type, label).toBe('config_error');
        expect(run.records, label).toEqual([]);
      }
      await scene().change([account], 100);
      await platform.sync();
      await platform.expectEqual([account]);
    });
  });
};

const refused = async (platform: Platform, state: string): ReturnType<typeof runConnector> => {
  const { catalog, config }: { catalog: Platform['catalog']; config: JsonObject } = platform;
  return expectSound(await runConnector({ command: 'read', config, catalog, state }), { catalog, secrets: secretsOf(config) });
};
