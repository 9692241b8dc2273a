import { describe, expect, it } from 'vitest';
import { dial } from '../../../src/net/dial.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import { query } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { createThing, failureOf, inLab, type Lab, series, thing } from './lab.ts';
import { readWithin } from './limited.ts';

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);
  const fill = `INSERT INTO thing SELECT i, REPEAT('x', 1000), i FROM ${series(12_000)}`;

  describe('#42 a snapshot that nothing comes of', () => {
    it(
      'since the line forgets this one connection: the server is asked on another, and says that it waits for us',
      lab(async lab => {
        await lab.sql(`${createThing} ${fill}`);
        const proxy = await ChaosProxy.start(lab.database.endpoint);
        lab.later(() => proxy.stop());
        const platform = await lab.connect();
        let dialed = 0;
        let records = 0;
        const run = await readWithin(platform, {
          limits: { silenceMillis: 100 },
          // Before it comes the one for questions.
          dial: (endpoint, signal) => dial(++dialed === 2 ? proxy : endpoint, signal),
          onLine: line => {
            if (line.includes('"RECORD"') && ++records === 500) proxy.setMode('stall');
          },
        });
        expect(failureOf(run)).toMatch(/^transient_error \/ CONNECTION_LOST: .*thing/);
        expect(proxy.connections).toBe(1);
        platform.store(run);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'since a statement takes its time, or stdout does: that is no reason to give up',
      lab(async lab => {
        await lab.sql(`${createThing} ${fill}; CREATE VIEW slow AS SELECT id, SLEEP(1.5) AS s FROM thing WHERE id < 3`);
        const platform = await lab.connect({ modes: { slow: 'full_refresh' } });
        const run = await readWithin(platform, { limits: { silenceMillis: 100 }, slowMilliseconds: 3000 });
        expect([run.exitCode, run.records.filter(({ stream }) => stream === 'slow').length]).toEqual([0, 2]);
        expect(run.milliseconds).toBeGreaterThan(6000);
        expect(run.records).toHaveLength(12_002);
      }),
    );

    it(
      'since somebody holds a lock: said while it is waited for; after a while transient, naming the table',
      lab(async lab => {
        await lab.sql(`${createThing} ${fill}`);
        const platform = await lab.connect();
        const keeper = await lab.client();
        await query(keeper, 'LOCK TABLES thing WRITE');
        const run = await readWithin(platform, { limits: { silenceMillis: 100, lockMillis: 2000 } });
        const name = `${lab.database.name}.thing`;
        expect(failureOf(run)).toMatch(
          `transient_error / SERVER_ERROR: ${name} was locked by another session for 2 seconds ("Waiting for`,
        );
        expect(run.logs.filter(message => message.includes(`Waiting for a lock on ${name} ("Waiting for`))).toHaveLength(1);
        platform.store(run);
        const running = readWithin(platform, { limits: { silenceMillis: 100 } });
        await new Promise(resolve => setTimeout(resolve, 3000));
        await query(keeper, 'UNLOCK TABLES');
        platform.store(await running);
        await platform.expectEqual([thing]);
      }),
    );
  });
});
