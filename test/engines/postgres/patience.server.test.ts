import { describe, expect, it } from 'vitest';
import type { Limits } from '../../../src/engines/postgres/limits.ts';
import { patience } from '../../kit/patience.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { createThing, describeMajor, failureOf, inLab, thing } from './lab.ts';
import { readWithin } from './limited.ts';

const insert = (from: number, to: number, bytes: number): string =>
  `INSERT INTO thing SELECT i, repeat('x', ${bytes}) FROM generate_series(${from}, ${to}) i`;

describeMajor(18, major => {
  describe('#20 a snapshot that nothing comes of', () => {
    it.each(['stall', 'freeze'] as const)(
      'since the line forgets all connections (%s): transient, and the next read goes on',
      mode =>
        inLab(major, async lab => {
          await lab.sql(`${createThing} ${insert(1, 12_000, 1000)}`);
          const proxy = await ChaosProxy.start(lab.server);
          lab.later(() => proxy.stop());
          const platform = await lab.connect();
          let records = 0;
          const run = await readWithin(platform, {
            limits: { silenceMillis: 200, answerMillis: 1500 },
            config: lab.database.config({ endpoint: proxy }),
            onLine: line => {
              if (line.includes('"RECORD"') && ++records === 500) proxy.setMode(mode);
            },
          });
          expect(failureOf(run)).toMatch(/^transient_error \/ CONNECTION_LOST/);
          platform.store(run);
          proxy.setMode('forward');
          await platform.sync();
          await platform.expectEqual([thing]);
        })(),
    );

    patience({
      inLab: body => inLab(major, body),
      thing,
      fill: `${createThing} ${insert(1, 12_000, 1000)}`,
      slowView: 'CREATE VIEW slow AS SELECT id FROM thing, pg_sleep(3) WHERE id < 3',
      ordinal: 3, // behind those for questions and for replication
      read: (platform, silenceMillis, options) => readWithin(platform, { limits: { silenceMillis }, ...options }),
    });

    it(
      'since somebody holds a lock: said while it is waited for; after a while transient, naming table and holder',
      inLab(major, async lab => {
        await lab.makeGate();
        await lab.sql(`${createThing} ${insert(1, 100, 10)}`);
        await lab.sql('CREATE TABLE bare (id bigint PRIMARY KEY); INSERT INTO bare VALUES (1)');
        const modes = { gate: 'full_refresh', bare: 'full_refresh' } as const;
        const platform = await lab.connect({ streams: ['gate', 'thing', 'bare'], modes });
        const keeper = await lab.client();
        const [{ pid }] = (await keeper.query('SELECT pg_backend_pid() AS pid')).rows as [{ pid: number }];
        // Locked once the slot is there, since that waits for whoever holds such a lock.
        const readLocked = (name: string, limits: Partial<Limits>): Promise<RunResult> =>
          lab.atGate(
            () => readWithin(platform, { limits: { silenceMillis: 200, ...limits } }),
            () => keeper.query(`BEGIN; LOCK TABLE ${name}`),
          );
        for (const name of ['thing', 'bare']) {
          const run = await readLocked(name, { lockMillis: 2000 });
          expect(failureOf(run)).toMatch(
            new RegExp(
              `^transient_error / SERVER_ERROR: public\\.${name} was locked by process ${pid} of the server for 2 seconds`,
            ),
          );
          const waiting = `Waiting for a lock on public.${name}, held by process ${pid} of the server.`;
          expect(run.logs.filter(message => message.includes(waiting))).toHaveLength(1);
          platform.store(run);
          await keeper.query('COMMIT');
        }
        platform.stored = [];
        const running = readLocked('thing', {});
        await lab.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'thing'::regclass)");
        await keeper.query('COMMIT');
        platform.store(await running);
        await platform.expectEqual([thing]);
      }),
    );
  });
});
