import { expect, it } from 'vitest';
import type { Dial } from '../../src/contract/engine.ts';
import { dial } from '../../src/net/dial.ts';
import type { TableSpec } from './backend.ts';
import { failureOf, type SqlDatabase, type SqlLab } from './lab.ts';
import type { Platform } from './platform.ts';
import { ChaosProxy } from './proxy.ts';
import type { ReadOptions } from './read-within.ts';
import type { RunResult } from './run-connector.ts';

export interface PatientEngine<Lab extends SqlLab<SqlDatabase>> {
  readonly inLab: (body: (lab: Lab) => Promise<void>) => () => Promise<void>;
  /** The table `thing`, and the SQL that makes it with 12,000 rows of a kilobyte. */
  readonly thing: TableSpec;
  readonly fill: string;
  /** Makes a view `slow` of two rows that takes three seconds. */
  readonly slowView: string;
  /** The connection that rows are read by, in the order in which connections are opened. */
  readonly ordinal: number;
  /** Reads, and looks at the server after so much silence. */
  readonly read: (platform: Platform, silenceMillis: number, options: ReadOptions) => Promise<RunResult>;
}

/** A snapshot that nothing comes of, as every engine has to take it. To be called within a `describe`. */
export const patience = <Lab extends SqlLab<SqlDatabase>>(engine: PatientEngine<Lab>): void => {
  const { inLab, thing, fill, slowView, ordinal, read } = engine;

  it(
    'since the line forgets this one connection: the server is asked on another, and says that it waits for us',
    inLab(async lab => {
      await lab.sql(fill);
      const proxy = await ChaosProxy.start(lab.database.endpoint);
      lab.later(() => proxy.stop());
      const platform = await lab.connect();
      let dialed = 0;
      let records = 0;
      const throughProxy: Dial = (endpoint, signal) => dial(++dialed === ordinal ? proxy : endpoint, signal);
      const run = await read(platform, 100, {
        dial: throughProxy,
        onLine: line => {
          if (line.includes('"RECORD"') && ++records === 500) proxy.setMode('stall');
        },
      });
      expect(failureOf(run)).toMatch(new RegExp(`^transient_error / CONNECTION_LOST: .*${lab.database.namespace}\\.thing`));
      expect(proxy.connections).toBe(1);
      platform.store(run);
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it(
    'since a statement takes its time, or stdout does: that is no reason to give up',
    inLab(async lab => {
      await lab.sql(`${fill}; ${slowView}`);
      const platform = await lab.connect({ modes: { slow: 'full_refresh' } });
      const run = await read(platform, 100, { slowMilliseconds: 3000 });
      expect([run.exitCode, run.records.filter(({ stream }) => stream === 'slow').length]).toEqual([0, 2]);
      expect(run.milliseconds).toBeGreaterThan(6000);
      expect(run.records).toHaveLength(12_002);
    }),
  );
};
