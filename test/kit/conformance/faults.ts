import { describe, expect, it } from 'vitest';
import type { TestBackend } from '../backend.ts';
import { killRun } from '../kill.ts';
import type { Platform } from '../platform.ts';
import { ChaosProxy } from '../proxy.ts';
import { seedOfRun } from '../random.ts';
import { describeRun, type RunResult } from '../run-connector.ts';
import { account, document, event, tables, useScene } from './scene.ts';

/** The record or state that came last decides whether a destination has all that was printed. */
const lastOf = (run: RunResult): string | undefined =>
  run.messages.findLast(message => message?.type === 'RECORD' || message?.type === 'STATE')?.type;

const finish = async (platform: Platform): Promise<void> => {
  await platform.sync();
  await platform.expectEqual(tables);
};

export const faultTests = (backend: TestBackend): void => {
  describe('faults', () => {
    const scene = useScene(backend);

    it('survives being killed, in snapshot and in log', async () => {
      const report = await killRun({ backend, kills: 6, seed: seedOfRun(), rows: 500 });
      expect(report.kills).toBe(6);
    });

    it.each(['SIGTERM', 'SIGINT'] as const)('ends on %s as that signal, after a STATE behind its last record', async signal => {
      await scene().create(tables, 1200);
      const platform = await scene().connect();
      const run = await platform.run({
        // No STATE before that one: behind it, there might be nothing new to say of a chunk that was cut off.
        config: scene().database.config({ more: { checkpoint_interval_seconds: 3600 } }),
        // Stdout is not read for a while, so that the run is still busy when the signal comes.
        killAfter: { lines: 30, signal },
        slowReader: { afterLines: 30, milliseconds: 400 },
        mayFail: true,
      });
      expect([run.signal, run.exitCode], describeRun(run)).toEqual([signal, null]);
      expect(run.records.length).toBeLessThan(3600);
      expect(run.records.length).toBeGreaterThan(0);
      expect(lastOf(run)).toBe('STATE');
      platform.store(run);
      await finish(platform);
    });

    it('#61 ends quietly when stdout is closed', async () => {
      await scene().create(tables, 1200);
      const platform = await scene().connect();
      const run = await platform.run({ closeStdoutAfterLines: 10, mayFail: true });
      expect([run.exitCode, run.signal, run.stderr]).toEqual([0, null, '']);
      await finish(platform);
    });

    it('waits for a reader that is slow', async () => {
      await scene().create(tables, 1200);
      const platform = await scene().connect();
      const run = await platform.sync({ slowReader: { afterLines: 200, milliseconds: 3000 } });
      expect(run.milliseconds).toBeGreaterThan(3000);
      await platform.expectEqual(tables);
      await scene().change(tables, 5000);
      await finish(platform);
    });

    it('says that the connection broke, keeps what it has, and goes on the next time', async () => {
      await scene().create(tables, 1200);
      const platform = await scene().connect();
      const proxy = await ChaosProxy.start(scene().database.endpoint);
      try {
        const config = scene().database.config({ endpoint: proxy });
        const probe = await platform.fork().run({ config });
        const whole = proxy.bytesDown;
        expect(probe.exitCode).toBe(0);
        let broken = 0;
        for (const share of [0.02, 0.3, 0.6, 0.9]) {
          proxy.bytesDown = 0;
          proxy.cutAfterBytes = Math.ceil(whole * share);
          const run = await platform.run({ config, mayFail: true });
          platform.store(run);
          proxy.cutAfterBytes = null;
          if (run.exitCode === 0) continue;
          broken++;
          const error = run.traces.find(trace => trace.error !== undefined)?.error;
          expect([run.exitCode, error?.failure_type], describeRun(run)).toEqual([1, 'transient_error']);
        }
        expect(broken).toBeGreaterThan(0);
      } finally {
        await proxy.stop();
      }
      await scene().change(tables, 5000);
      await finish(platform);
    });

    it('prints no state that it would refuse, however early the connection breaks', async () => {
      await scene().create(tables, 100);
      const platform = await scene().connect();
      await platform.sync();
      const proxy = await ChaosProxy.start(scene().database.endpoint);
      try {
        const config = scene().database.config({ endpoint: proxy });
        await platform.fork().run({ config });
        const whole = proxy.bytesDown;
        for (let part = 1; part <= 12; part++) {
          await scene().change(tables, 1000 * part);
          proxy.bytesDown = 0;
          proxy.cutAfterBytes = Math.ceil((whole * part) / 13);
          platform.store(await platform.run({ config, mayFail: true }));
          const next = await platform.fork().run({ mayFail: true });
          expect(next.exitCode, `cut after ${part}/13\n${describeRun(next)}`).toBe(0);
        }
      } finally {
        await proxy.stop();
      }
      await finish(platform);
    });

    it('reads through a line that is slow and hands out little at a time', async () => {
      await scene().create([account, document, event], 100);
      const proxy = await ChaosProxy.start(scene().database.endpoint);
      try {
        proxy.delayMilliseconds = 3;
        proxy.bandwidth = 2_000_000;
        const platform = await scene().connect({}, scene().database.config({ endpoint: proxy }));
        await platform.sync();
        await scene().change(tables, 5000);
        await finish(platform);
      } finally {
        await proxy.stop();
      }
    });
  });
};
