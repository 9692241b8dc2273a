/**
 * What an engine may take to be stable and is not: that a table has its rows, its key and its place in the log, from one look
 * at it to the next, and that every stream can be read.
 */
import { describe, expect, it } from 'vitest';
import type { TableSpec, TestBackend } from '../backend.ts';
import { rowsOf } from '../destination.ts';
import { failureOf, untilTrue } from '../lab.ts';
import type { RunResult } from '../run-connector.ts';
import { account, tables, useScene } from './scene.ts';

const pair: TableSpec = { name: 'pair', columns: { id: 'integer', number: 'integer', text: 'text' }, primaryKey: ['id'] };

const statusOf = (run: RunResult, stream: string): unknown =>
  run.traces.findLast(trace => trace.stream_status?.stream_descriptor.name === stream)?.stream_status?.status;

export const identityTests = (backend: TestBackend): void => {
  describe('what is not stable', () => {
    const scene = useScene(backend);

    it('a full refresh of a table whose rows are written anew in an open transaction has them all', async () => {
      await scene().create([account], 600);
      const platform = await scene().connect({ modes: { '*': 'full_refresh' } });
      const reload = await scene().database.reload(account);
      const running = platform.run();
      let isOver = false;
      const over = running.finally(() => {
        isOver = true;
      });
      // Until the read waits, or, where readers do not wait for writers, is over.
      const began = Date.now();
      await untilTrue(() => Promise.resolve(isOver || Date.now() - began > 1500), 'the read waits or is over');
      await reload.commit();
      const run = await over;
      expect(rowsOf(run, account.name)).toHaveLength(600);
    });

    it('a followed table whose key becomes another stops the read', async () => {
      await scene().create([pair], 0);
      const session = await scene().database.session();
      await session.insert(pair, [{ id: 1, number: 1, text: 'a' }]);
      const platform = await scene().connect();
      await platform.sync();
      await scene().database.rekey(pair, ['number']);
      await session.insert(pair, [{ id: 1, number: 2, text: 'the same old key' }]);
      await session.close();
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/SCHEMA_CHANGED: /);
    });

    if (backend.noticesGaps)
      it('a table that was out of the log for a while is read anew', async () => {
        await scene().create([account], 20);
        const platform = await scene().connect();
        await platform.sync();
        const { database } = scene();
        await database.outsideOfLog?.(account, () => scene().change([account], 100));
        await platform.sync();
        await platform.expectEqual([account]);
      });

    it('one stream that the server refuses ends INCOMPLETE alone: all others and the log are read', async () => {
      await scene().create(tables, 20);
      await scene().database.createFailingView('broken');
      const streams = ['broken', ...tables.map(({ name }) => name)];
      const platform = await scene().connect({ streams });
      for (const fresh of [100, 200]) {
        const run = await platform.run({ mayFail: true });
        platform.store(run);
        expect(failureOf(run)).toMatch(/^config_error \/ STREAM_FAILED: /);
        expect(streams.map(stream => statusOf(run, stream))).toEqual(['INCOMPLETE', ...tables.map(() => 'COMPLETE')]);
        await scene().change(tables, fresh);
      }
      platform.store(await platform.run({ mayFail: true }));
      const kept = platform.catalog.streams.filter(({ stream }) => stream.name !== 'broken');
      platform.catalog = { ...platform.catalog, streams: kept };
      await platform.expectEqual(tables);
    });
  });
};
