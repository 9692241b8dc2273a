import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogChoices } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { isState } from '../../kit/messages.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { inLab, type Lab, lsn, positionOf, table } from './lab.ts';

const thing = table('thing', { id: 'integer', text: 'text', n: 'integer' });
const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text text, n bigint);';
const gated = (...streams: string[]): CatalogChoices => ({ streams: [...streams, 'gate'], modes: { gate: 'full_refresh' } });

describePostgres(major => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    // Only sessions that say so wait for the standby that is not there.
    server = await startPostgres({ major, settings: { synchronous_standby_names: 'absent', synchronous_commit: 'local' } });
  });
  afterAll(() => server.stop());
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(major, body, () => server);

  describe('the ordering key', () => {
    it(
      'never goes backwards for a row, across snapshot, log, restart, and a position lost with a fresh snapshot',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM generate_series(1, 300) i`);
        const platform = await lab.connect({}, { invalid_position: 'resnapshot' });
        for (let round = 0; round < 3; round++) {
          await platform.sync();
          await lab.sql(`UPDATE thing SET n = n + 1 WHERE id <= 20; DELETE FROM thing WHERE id = ${100 + round}`);
          const before = positionOf(platform.stored).clock;
          await platform.sync();
          expect(positionOf(platform.stored).clock).toBeGreaterThan(before);
          await lab.sql(
            `SELECT pg_drop_replication_slot('${lab.database.name}'); UPDATE thing SET n = n * 2 WHERE id = ${round + 1}`,
          );
          const run = await platform.run();
          expect(run.logs.some(message => message.includes('read anew'))).toBe(true);
          expect(Math.min(...run.records.map(record => Number(record.data['_ab_cdc_lsn'])))).toBeGreaterThan(
            positionOf(platform.stored).clock,
          );
          platform.store(run);
          expect(positionOf(platform.stored).clock).toBeGreaterThan(before);
        }
        // Deleted rows went without a record while the slot was gone; those that are there must be right.
        expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
      }),
    );

    it(
      'is larger after every fresh snapshot, also when the runs in between left no state',
      lab(async lab => {
        await lab.makeGate();
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'old', 1)`);
        const platform = await lab.connect(gated('thing'), { invalid_position: 'resnapshot' });
        const drop = `SELECT pg_drop_replication_slot('${lab.database.name}')`;
        await platform.sync();
        await lab.sql(drop);
        await platform.sync();
        // Lost again and again. What comes now is seen by the destination, but no state of it is ever stored.
        for (let round = 1; round <= 2; round++) {
          await lab.sql(drop);
          const update = `UPDATE thing SET n = ${round * 10}; UPDATE thing SET n = ${round * 10 + 1}`;
          platform.everything.apply(
            await lab.atGate(
              () => platform.run(),
              () => lab.sql(update),
            ),
          );
          await lab.sql(`UPDATE thing SET n = ${round * 10 + 2}`);
        }
        await lab.sql(drop);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'lets a snapshot win over what runs without a stored state have printed of the log',
      lab(async lab => {
        const tables = ['a', 'b', 'c', 'd'].map(name => table(name, { id: 'integer', n: 'integer' }));
        await lab.makeGate();
        for (const { name } of tables) {
          await lab.sql(`CREATE TABLE ${name} (id bigint PRIMARY KEY, n bigint); INSERT INTO ${name} VALUES (1, 1)`);
        }
        const platform = await lab.connect(gated('a'), { invalid_position: 'resnapshot' });
        await platform.sync();
        // From here on the clock is ahead of the server's own numbers.
        await lab.sql(`SELECT pg_drop_replication_slot('${lab.database.name}')`);
        await platform.sync();
        await platform.reconfigure(gated('b', 'c', 'd', 'a'));
        platform.everything.apply(
          await lab.atGate(
            () => platform.run(),
            () => lab.sql('UPDATE b SET n = 2'),
          ),
        );
        await lab.sql('UPDATE b SET n = 3');
        await platform.sync();
        await platform.expectEqual(tables);
      }),
    );

    it(
      'begins above what a first run printed of which nothing was stored, also when its publication is gone',
      lab(async lab => {
        await lab.makeGate();
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'old', 1)`);
        const platform = await lab.connect(gated('thing'));
        platform.everything.apply(
          await lab.atGate(
            () => platform.run(),
            () => lab.sql('UPDATE thing SET n = 2'),
          ),
        );
        await lab.sql(`UPDATE thing SET n = 3; DROP PUBLICATION "${lab.database.name}"`);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'is that of the commit, so that a long transaction does not hide behind short ones (#4, #2)',
      lab(async lab => {
        await lab.sql(createThing);
        const platform = await lab.connect();
        await platform.sync();
        const long = await lab.client();
        await long.query("BEGIN; INSERT INTO thing SELECT i, 'long', i FROM generate_series(1, 500) i");
        for (let i = 0; i < 5; i++)
          await lab.sql(`INSERT INTO thing SELECT 1000 * ${i + 1} + i, 'short', i FROM generate_series(1, 40) i`);
        const killed = await platform.run({ killAfter: { when: line => line.includes('"id":3010') }, mayFail: true });
        platform.store(killed);
        await long.query('COMMIT');
        await lab.sql("UPDATE thing SET text = 'after' WHERE id = 1 OR id = 1001");
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(700);
      }),
    );
  });

  it(
    '#8 #22 a snapshot in many transactions, killed between chunks and resumed gives every row, whatever moved them meanwhile',
    lab(async lab => {
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, repeat('x', 500), i FROM generate_series(1, 4000) i`);
      const platform = await lab.connect();
      const turns = [
        "UPDATE thing SET text = repeat('y', 700) WHERE id <= 2000",
        'VACUUM FULL thing',
        'DELETE FROM thing WHERE id % 7 = 0',
        'CLUSTER thing USING thing_pkey',
        'UPDATE thing SET id = id + 100000 WHERE id > 3900',
        'VACUUM thing',
      ];
      let inside = 0;
      for (const [turn, sql] of turns.entries()) {
        const run = await platform.run({
          killAfter: {
            when: (line, lines) => isState(line) && line.includes('"cursor"') && lines > 100 + turn * 150,
          },
          mayFail: true,
        });
        if (run.signal === 'SIGKILL') inside++;
        platform.store(run);
        await lab.sql(sql);
      }
      expect(inside).toBeGreaterThan(2);
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it(
    'the slot is never told to forget more than the state that came in (#1, #5)',
    lab(async lab => {
      await lab.sql(createThing);
      const platform = await lab.connect();
      await platform.sync();
      let stored = positionOf(platform.stored).lsn;
      for (let round = 0; round < 3; round++) {
        await lab.sql(`INSERT INTO thing SELECT 100 * ${round} + i, 'x', i FROM generate_series(1, 50) i`);
        const run = await platform.run();
        const slot = await lab.slot();
        expect(lsn(String(slot?.['confirmed_flush_lsn']))).toBeLessThanOrEqual(lsn(stored));
        // The first of each pair of runs dies with nothing stored; the second gets the same state again.
        if (round === 1) continue;
        platform.store(run);
        stored = positionOf(platform.stored).lsn;
      }
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );
});
