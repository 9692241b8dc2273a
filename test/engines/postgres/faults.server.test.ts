import { describe, expect, it } from 'vitest';
import { fullState } from '../../kit/catalog.ts';
import { describeServer } from '../../kit/engines.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import { expectSuccess, runConnector } from '../../kit/run-connector.ts';
import { postgresUnavailable } from '../../kit/servers/postgres.ts';
import { createThing, describeMajor, failureOf, inLab, type Lab, peakMegabytes, thing } from './lab.ts';

const insert = (from: number, to: number, bytes: number): string =>
  `INSERT INTO thing SELECT i, repeat('x', ${bytes}) FROM generate_series(${from}, ${to}) i`;

/** Settings of the database under test, for everybody who connects to it. */
const setAll = async (lab: Lab, settings: Readonly<Record<string, string>>): Promise<void> => {
  for (const [name, value] of Object.entries(settings))
    await lab.sql(`ALTER DATABASE ${lab.database.name} SET ${name} = '${value}'`);
};

describeMajor(18, major => {
  describe('#20 time limits and broken lines', () => {
    it(
      'time limits that the role or the database sets do not end a snapshot whose reader is slow',
      inLab(major, async lab => {
        await lab.sql(`${createThing} ${insert(1, 12_000, 1000)}`);
        const limits = ['statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout'];
        if (major >= 17) limits.push('transaction_timeout');
        await setAll(lab, Object.fromEntries(limits.map(name => [name, '700ms'])));
        const platform = await lab.connect({}, { checkpoint_interval_seconds: 60 });
        const run = await platform.sync({ slowReader: { afterLines: 100, milliseconds: 2500 } });
        expect(run.milliseconds).toBeGreaterThan(2500);
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'the server hears from us while stdout is blocked for longer than wal_sender_timeout',
      inLab(major, async lab => {
        await lab.sql(createThing);
        await setAll(lab, { wal_sender_timeout: '3s' });
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(insert(1, 12_000, 2000));
        const run = await platform.sync({ slowReader: { afterLines: 100, milliseconds: 8000 } });
        expect(run.milliseconds).toBeGreaterThan(8000);
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'wal_sender_timeout = 0 is no reason to fall silent or to give up',
      inLab(major, async lab => {
        await lab.sql(createThing);
        await setAll(lab, { wal_sender_timeout: '0' });
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(insert(1, 100, 10));
        await platform.sync();
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });
});

describeMajor(14, major => {
  describe('#20 time limits and broken lines', () => {
    it.each(['snapshot', 'log'] as const)('a line that is cut in the %s: transient, and the next read goes on', phase =>
      inLab(major, async lab => {
        await lab.sql(createThing);
        const proxy = await ChaosProxy.start(lab.server);
        lab.later(() => proxy.stop());
        const platform = await lab.connect();
        if (phase === 'log') await platform.sync();
        await lab.sql(insert(1, 6000, 1000));
        for (const bytes of [400_000, 2_500_000, 5_000_000]) {
          proxy.bytesDown = 0;
          proxy.cutAfterBytes = bytes;
          const run = await platform.run({ config: lab.database.config({ endpoint: proxy }), mayFail: true });
          if (run.exitCode !== 0) expect(failureOf(run)).toMatch(/^transient_error \/ (CONNECTION_LOST|SERVER_UNREACHABLE)/);
          platform.store(run);
        }
        await lab.sql("UPDATE thing SET text = 'later' WHERE id % 100 = 0");
        await platform.sync();
        await platform.expectEqual([thing]);
      })(),
    );

    it.each(['stall', 'freeze'] as const)('a line that forgets us in the log (%s): noticed, transient, resumable', mode =>
      inLab(major, async lab => {
        await lab.sql(createThing);
        await setAll(lab, { wal_sender_timeout: '2s' });
        const proxy = await ChaosProxy.start(lab.server);
        lab.later(() => proxy.stop());
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(insert(1, 12_000, 1000));
        // The log does not get to our side whole, however late the line goes silent.
        proxy.holdText = 'the end of the log';
        await lab.sql(`INSERT INTO thing VALUES (20000, '${proxy.holdText}')`);
        const run = await platform.run({
          config: lab.database.config({ endpoint: proxy }),
          mayFail: true,
          onLine: (_, { lines }) => {
            if (lines.length === 500) proxy.setMode(mode);
          },
        });
        expect(failureOf(run)).toMatch(/^transient_error \/ CONNECTION_LOST/);
        expect(proxy.mode).toBe(mode);
        platform.store(run);
        await platform.sync();
        await platform.expectEqual([thing]);
      })(),
    );
  });
});

describeServer('PostgreSQL 18, large things', postgresUnavailable(18), () => {
  it(
    '#23 one transaction of two million rows: flat memory, a kill in the middle loses nothing',
    inLab(18, async lab => {
      const rows = 2_000_000;
      await lab.sql(createThing);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(insert(1, rows, 20));
      const killed = await platform.run({ killAfter: { lines: rows / 2 }, keepRecords: false, mayFail: true });
      expect(killed.signal).toBe('SIGKILL');
      platform.store(killed);
      const seen = new Set<number>();
      let peak = 0;
      let latest = '';
      let rising = 0;
      const run = await runConnector({
        command: 'read',
        config: platform.config,
        catalog: platform.catalog,
        state: platform.stored,
        keepRecords: false,
        timeoutMilliseconds: 180_000,
        onLine: (line, running) => {
          const [, id, lsn = ''] = /"id":([0-9]+),.*"_ab_cdc_lsn":"?([0-9A-F/]+)/.exec(line) ?? [];
          if (id === undefined) return;
          seen.add(Number(id));
          if (lsn !== latest) rising++;
          latest = lsn;
          if (seen.size % 100_000 === 0) peak = Math.max(peak, peakMegabytes(running));
        },
      });
      expectSuccess(run);
      expect(run.states.reduce((sum, state) => sum + (state.sourceStats?.recordCount ?? 0), 0)).toBe(rows);
      expect(seen.size).toBe(rows);
      expect(rising).toBe(rows);
      expect(peak).toBeGreaterThan(20);
      expect(peak).toBeLessThanOrEqual(150);
    }),
    300_000,
  );

  it(
    '#16 one row of 100 MB, in snapshot and in log',
    inLab(18, async lab => {
      await lab.sql(`${createThing} INSERT INTO thing VALUES (1, repeat('0123456789', 10000000))`);
      const platform = await lab.connect();
      const first = await platform.run({ timeoutMilliseconds: 120_000 });
      expect(first.records.map(record => String(record.data['text']).length)).toEqual([100_000_000]);
      platform.stored = fullState(first.states);
      await lab.sql("UPDATE thing SET text = repeat('\\\"é', 25000000), id = 2");
      const second = await platform.run({ timeoutMilliseconds: 120_000 });
      expect(second.records.map(record => String(record.data['text'] ?? '').length)).toEqual([0, 75_000_000]);
    }),
    300_000,
  );
});
