import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogChoices } from '../../kit/catalog.ts';
import { exactRecords } from '../../kit/destination.ts';
import { describePostgres } from '../../kit/engines.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { inLab, type Lab, largeText, literal, lsn, positionOf, table } from './lab.ts';

const thing = table('thing', { id: 'integer', text: 'text', n: 'integer' });
const late = table('late', { id: 'integer', text: 'text' });
const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text text, n bigint);';
const createLate = 'CREATE TABLE late (id bigint PRIMARY KEY, text text);';
const gated = (...streams: string[]): CatalogChoices => ({ streams: [...streams, 'gate'], modes: { gate: 'full_refresh' } });

/**
 * Commits `sql` in a session that then hangs, since the synchronous standby it waits for is absent: the transaction is
 * in the log, complete, and no snapshot shows it. `release` lets it go; it stays committed.
 */
const hang = async (lab: Lab, sql: string): Promise<{ release: () => Promise<void> }> => {
  const client = await lab.client();
  const [{ pid }] = (await client.query('SELECT pg_backend_pid() AS pid')).rows as [{ pid: number }];
  await client.query('SET synchronous_commit = on');
  const done = client.query(sql);
  await lab.until(`EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${pid} AND wait_event = 'SyncRep')`);
  const release = async (): Promise<void> => {
    await lab.sql(`SELECT pg_cancel_backend(${pid})`);
    await done;
  };
  return { release };
};

/** Whether the connector waits: for a slot to be made, or for a transaction to become visible. */
const waits = async (lab: Lab, application: string): Promise<void> =>
  lab.until(`EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${application}'
    AND query LIKE 'CREATE_REPLICATION_SLOT%' AND state = 'active')`);

describePostgres(major => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    // Only sessions that say so wait for the standby that is not there.
    server = await startPostgres({ major, settings: { synchronous_standby_names: 'absent', synchronous_commit: 'local' } });
  });
  afterAll(() => server.stop());
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(major, body, () => server);

  describe('a transaction that is in the log and that no snapshot shows', () => {
    it(
      '#7 is not lost when the first read begins meanwhile',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM generate_series(1, 50) i`);
        const platform = await lab.connect();
        const held = await hang(lab, "INSERT INTO thing VALUES (1000, 'held', 1)");
        expect(await lab.sql('SELECT * FROM thing WHERE id = 1000')).toEqual([]);
        const running = platform.run();
        await waits(lab, 'source-tributary');
        await held.release();
        platform.store(await running);
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(51);
      }),
    );

    it(
      'is not lost when a table joins that others are followed with already',
      lab(async lab => {
        await lab.sql(`${createThing} ${createLate} INSERT INTO late SELECT i, 'old' FROM generate_series(1, 50) i`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await platform.reconfigure({ streams: ['thing', 'late'] });
        const held = await hang(lab, "INSERT INTO late VALUES (1000, 'held'); INSERT INTO thing VALUES (1000, 'held', 1)");
        const running = platform.run();
        await waits(lab, 'source-tributary origin');
        await held.release();
        platform.store(await running);
        await platform.expectEqual([thing, late]);
        expect([platform.committed.rowCount('thing'), platform.committed.rowCount('late')]).toEqual([1, 51]);
      }),
    );

    it(
      'gives an unchanged TOAST value as it is after that transaction, not as it was before',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, ${literal(largeText(1))}, 1)`);
        const platform = await lab.connect();
        await platform.sync();
        // The second statement leaves the new text alone: the log has it once, in the first.
        const held = await hang(
          lab,
          `BEGIN; UPDATE thing SET text = ${literal(largeText(2))} WHERE id = 1; UPDATE thing SET n = 2 WHERE id = 1; COMMIT`,
        );
        let over = false;
        const running = platform.run().then(run => {
          over = true;
          return run;
        });
        await lab.until(
          "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%pg_visible_in_snapshot%' AND pid <> pg_backend_pid())",
        );
        expect(over).toBe(false);
        await held.release();
        const run = await running;
        platform.store(run);
        expect(exactRecords(run, 'thing').map(row => row['text'])).toEqual([largeText(2), largeText(2)]);
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'ends the read as transient when a table that joins would have to wait too long, and nothing is lost',
      lab(async lab => {
        await lab.sql(`${createThing} ${createLate} INSERT INTO late SELECT i, 'old' FROM generate_series(1, 50) i`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await platform.reconfigure({ streams: ['thing', 'late'] });
        const held = await hang(lab, "INSERT INTO late VALUES (1000, 'held')");
        const killed = await platform.run({ killAfter: { milliseconds: 3000 }, mayFail: true });
        platform.store(killed);
        await held.release();
        await platform.sync();
        await platform.expectEqual([thing, late]);
      }),
    );
  });

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
    '#22 a snapshot killed between chunks and resumed gives every row, whatever moved them meanwhile',
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
            when: (line, lines) => line.startsWith('{"type":"STATE"') && line.includes('"cursor"') && lines > 100 + turn * 150,
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
