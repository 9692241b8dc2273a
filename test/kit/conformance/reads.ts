import { describe, expect, it } from 'vitest';
import type { TableSpec, TestBackend } from '../backend.ts';
import { fullState, mergeStates } from '../catalog.ts';
import { bagDifferences, exactRecords, linesUpToState, rowsOf } from '../destination.ts';
import { digits, isRecord, isState, type StateBody } from '../messages.ts';
import type { RunResult } from '../run-connector.ts';
import { summarise } from '../run-output.ts';
import { keyFor } from '../workload.ts';
import { account, document, event, other, tables, useScene } from './scene.ts';

export const readTests = (backend: TestBackend): void => {
  describe('reads', () => {
    const scene = useScene(backend);

    it('reads tables whole as full refresh, and again in the next job', async () => {
      await scene().create(tables, 700);
      const platform = await scene().connect({ modes: { '*': 'full_refresh' } });
      const [first, second] = [
        await platform.run({ env: { WORKER_JOB_ID: '1' } }),
        await platform.run({ env: { WORKER_JOB_ID: '2' } }),
      ];
      for (const run of [first, second]) {
        for (const table of tables) {
          expect(bagDifferences(rowsOf(run, table.name), await scene().database.rows(table))).toEqual([]);
        }
        expect(run.states.length).toBeGreaterThanOrEqual(tables.length);
      }
    });

    it('goes on with a full refresh that was killed, within its job, and does not repeat one that is done', async () => {
      await scene().create(tables, 700);
      const platform = await scene().connect({ modes: { '*': 'full_refresh' } });
      const env = { WORKER_JOB_ID: '1' };
      let states = 0;
      const when = (line: string): boolean => isState(line) && ++states === 4;
      const killed = await platform.run({ env, mayFail: true, killAfter: { when } });
      const state = fullState(killed.states);
      const rest = await platform.run({ env, state });
      expect(rest.records.length).toBeLessThan(700 * tables.length);
      const kept = { ...killed, ...summarise(killed.lines.slice(0, linesUpToState(killed, killed.states.length - 1))) };
      for (const table of tables) {
        const read = [...rowsOf(kept, table.name), ...rowsOf(rest, table.name)];
        expect(bagDifferences(read, await scene().database.rows(table))).toEqual([]);
      }
      const again = await platform.run({ env, state: mergeStates(state, rest.states) });
      expect(again.records).toEqual([]);
    });

    it('begins a full refresh anew that another job left unfinished, and goes on with one of a job that nobody named', async () => {
      await scene().create([account], 700);
      const platform = await scene().connect({ modes: { '*': 'full_refresh' } });
      const killedIn = async (env: Readonly<Record<string, string>>): Promise<StateBody[]> => {
        let states = 0;
        const when = (line: string): boolean => isState(line) && ++states === 3;
        return fullState((await platform.run({ env, mayFail: true, killAfter: { when } })).states.slice(0, 3));
      };
      const ofFirst = await killedIn({ WORKER_JOB_ID: '1' });
      const next = await platform.run({ env: { WORKER_JOB_ID: '2' }, state: ofFirst });
      expect(bagDifferences(rowsOf(next, 'account'), await scene().database.rows(account))).toEqual([]);
      const unnamed = await platform.run({ env: {}, state: ofFirst });
      expect(unnamed.records.length).toBe(400);
      expect((await platform.run({ env: { WORKER_JOB_ID: '2' }, state: await killedIn({}) })).records.length).toBe(400);
    });

    it('follows the log of the others while a full refresh goes on', async () => {
      const wide: TableSpec = { name: 'wide', columns: { id: 'integer', text: 'text' }, primaryKey: ['id'] };
      await scene().create([account], 10);
      await scene().database.createTable(wide);
      const session = await scene().database.session();
      for (let start = 0; start < 4000; start += 200) {
        const rows = Array.from({ length: 200 }, (_, index) => ({ id: start + index, text: 'x'.repeat(2000) }));
        await session.insert(wide, rows);
      }
      const platform = await scene().connect({ modes: { wide: 'full_refresh' } });
      await platform.sync();
      let change: Promise<void> | null = null;
      // Stdout is not read until the row is there: most of the table is still to come then, for no pipe holds so much.
      const run = await platform.run({
        onLine: (line, { child }) => {
          if (change !== null || !line.includes('"wide"') || !isRecord(line)) return;
          child.stdout?.pause();
          change = session.insert(account, [scene().row(account, 77)]).finally(() => child.stdout?.resume());
        },
      });
      await change;
      await session.close();
      const streams = run.records.map(record => record.stream);
      expect(streams.filter(stream => stream === 'wide').length).toBe(4000);
      expect(streams.filter(stream => stream === 'account').length).toBe(1);
      expect(streams.indexOf('account')).toBeLessThan(streams.lastIndexOf('wide'));
      platform.store(run);
      await platform.expectEqual([account]);
    });

    it('reads a snapshot, then the changes, and nothing twice', async () => {
      await scene().create(tables, 300);
      const platform = await scene().connect();
      const first = await platform.sync();
      expect(first.records.length).toBe(900);
      await platform.expectEqual(tables);
      for (const round of [1, 2]) {
        await scene().change(tables, 1000 * round);
        const next = await platform.sync();
        expect(next.records.length).toBeGreaterThanOrEqual(8 * tables.length);
        expect(next.records.length).toBeLessThan(20 * tables.length);
        await platform.expectEqual(tables);
      }
    });

    it('estimates what a snapshot or a full refresh will bring, and nothing for what the log brings', async () => {
      await scene().create([account, event], 50);
      const platform = await scene().connect({ modes: { event: 'full_refresh' } });
      const first = await platform.sync();
      const second = await platform.sync();
      const estimated = ({ traces }: RunResult): readonly unknown[] => traces.flatMap(({ estimate }) => estimate?.['name'] ?? []);
      expect(estimated(second)).not.toContain('account');
      expect(estimated(second)).toEqual(estimated(first).filter(name => name !== 'account'));
    });

    it('says deletes with the key, their time, and an ordering key above the insert', async () => {
      await scene().create([document], 0);
      const platform = await scene().connect();
      await platform.sync();
      const session = await scene().database.session();
      await session.insert(document, [scene().row(document, 7)]);
      await session.delete(document, keyFor(document, 7));
      await session.close();
      const records = exactRecords(await platform.sync(), 'document');
      expect(records.map(data => [data['part'], data['id']])).toEqual([
        ['p2', digits('7')],
        ['p2', digits('7')],
      ]);
      const [insert, gone] = records;
      expect(insert?.['_ab_cdc_deleted_at']).toBeNull();
      expect(gone?.['_ab_cdc_deleted_at']).toBe(gone?.['_ab_cdc_updated_at']);
      const order = (data: typeof insert): bigint => BigInt(String(data?.[backend.cursorColumn]).slice(1));
      expect(order(gone)).toBeGreaterThan(order(insert));
    });

    it.skipIf(backend.lacks.includes('key change'))(
      'says a key change as the delete of the old key and the new row',
      async () => {
        await scene().create([document], 10);
        const platform = await scene().connect();
        await platform.sync();
        const session = await scene().database.session();
        await session.update(document, keyFor(document, 3), keyFor(document, 23));
        await session.close();
        const records = exactRecords(await platform.sync(), 'document');
        expect(records.map(data => [data['id'], data['_ab_cdc_deleted_at'] === null])).toEqual([
          [digits('3'), false],
          [digits('23'), true],
        ]);
        await platform.expectEqual([document]);
      },
    );

    it('gives a state and no record, and ends, when nothing happened', async () => {
      await scene().create([account], 20);
      const platform = await scene().connect();
      await platform.sync();
      for (const _ of [1, 2]) {
        const idle = await platform.sync();
        expect(idle.records).toEqual([]);
        expect(idle.states.length).toBeGreaterThan(0);
      }
      await scene().change([account], 100);
      await platform.sync();
      await platform.expectEqual([account]);
    });

    it('moves on when only other tables change', async () => {
      await scene().create([account, other], 10);
      const platform = await scene().connect({ streams: ['account'] });
      await platform.sync();
      const before = JSON.stringify(platform.stored);
      const session = await scene().database.session();
      for (let n = 100; n < 400; n++) await session.insert(other, [{ id: n, text: 'x'.repeat(1000) }]);
      await session.close();
      const run = await platform.sync();
      expect(run.records).toEqual([]);
      expect(JSON.stringify(platform.stored)).not.toBe(before);
      await scene().change([account], 100);
      await platform.sync();
      await platform.expectEqual([account]);
    });

    it('follows a table that was empty', async () => {
      await scene().create([event], 0);
      const platform = await scene().connect();
      const first = await platform.sync();
      expect(first.records).toEqual([]);
      expect(first.states.length).toBeGreaterThan(0);
      const session = await scene().database.session();
      await session.insert(
        event,
        [1, 2, 3].map(n => scene().row(event, n)),
      );
      await session.close();
      expect((await platform.sync()).records.length).toBe(3);
      await platform.expectEqual([event]);
    });

    it.skipIf(backend.lacks.includes('table without key'))('reads a table without a key whole', async () => {
      const keyless: TableSpec = { name: 'keyless', columns: { a: 'integer', b: 'text' }, primaryKey: [] };
      await scene().database.createTable(keyless);
      const session = await scene().database.session();
      await session.insert(keyless, [
        { a: 1, b: 'x' },
        { a: 1, b: 'x' },
        { a: null, b: null },
        { a: 2, b: 'y' },
      ]);
      await session.close();
      const platform = await scene().connect({ modes: { '*': 'full_refresh' } });
      const run = await platform.run();
      expect(bagDifferences(rowsOf(run, 'keyless'), await scene().database.rows(keyless))).toEqual([]);
    });

    it('sends only the selected columns, from the snapshot and from the log', async () => {
      await scene().create([document], 30);
      const platform = await scene().connect({ columns: { document: ['part', 'id', 'meta'] } });
      await platform.sync();
      await scene().change([document], 100);
      await platform.sync();
      const columns = platform.catalog.streams[0]?.stream.json_schema.properties ?? {};
      expect(Object.keys(columns)).not.toContain('body');
      await platform.expectEqual([document]);
    });

    it('carries rows of five megabytes', async () => {
      await scene().create([document], 1);
      const big = (letter: string): string => `${letter}"\\\n€`.repeat(700_000).slice(0, 5_000_000);
      const session = await scene().database.session();
      await session.insert(document, [{ ...scene().row(document, 2), body: big('a') }]);
      const platform = await scene().connect();
      await platform.sync();
      await platform.expectEqual([document]);
      await session.insert(document, [{ ...scene().row(document, 3), body: big('b') }]);
      await session.update(document, keyFor(document, 2), { meta: '{"other":"column"}' });
      await session.update(document, keyFor(document, 1), { body: big('c') });
      await session.close();
      await platform.sync();
      await platform.expectEqual([document]);
    });

    it('reads a transaction of ten thousand rows whole, and none of one that was rolled back', async () => {
      await scene().create([account], 5);
      const platform = await scene().connect();
      await platform.sync();
      const session = await scene().database.session();
      for (const [outcome, from] of [['rollback', 20_000] as const, ['commit', 40_000] as const]) {
        await session.begin();
        for (let start = from; start < from + 10_000; start += 500) {
          await session.insert(
            account,
            Array.from({ length: 500 }, (_, index) => scene().row(account, start + index)),
          );
        }
        await session[outcome]();
      }
      await session.close();
      const run = await platform.sync();
      expect(run.records.length).toBe(10_000);
      expect(new Set(run.records.map(record => record.data['_ab_cdc_updated_at'])).size).toBe(1);
      await platform.expectEqual([account]);
    });

    it('keeps the order of transactions that overlap', async () => {
      await scene().create([account, event], 50);
      const platform = await scene().connect();
      await platform.sync();
      const [early, late] = [await scene().database.session(), await scene().database.session()];
      await early.begin();
      await early.update(account, keyFor(account, 1), { owner: 'early' });
      await late.begin();
      await late.update(account, keyFor(account, 2), { owner: 'late' });
      await late.update(event, keyFor(event, 1), { payload: 'late' });
      await late.commit();
      const between = await platform.sync();
      expect(between.records.length).toBe(2);
      await late.update(account, keyFor(account, 2), { owner: 'later' });
      await early.update(account, keyFor(account, 1), { owner: 'early again' });
      await early.commit();
      await late.update(account, keyFor(account, 1), { owner: 'last' });
      await platform.sync();
      await platform.expectEqual([account, event]);
      await Promise.all([early.close(), late.close()]);
    });
  });
};
