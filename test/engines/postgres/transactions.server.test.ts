import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fullXid } from '../../../src/engines/postgres/replication/reread.ts';
import { exactRecords } from '../../kit/destination.ts';
import { describePostgres } from '../../kit/engines.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { brief, failureOf, inLab, type Lab, largeText, literal, table } from './lab.ts';
import { readWithin } from './limited.ts';

const thing = table('thing', { id: 'integer', text: 'text', n: 'integer' });
const late = table('late', { id: 'integer', text: 'text' });
const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text text, n bigint);';
const createLate = 'CREATE TABLE late (id bigint PRIMARY KEY, text text);';

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
  it(
    '#22 transaction ids of the log are told apart across the wraparound of their 32 bits',
    inLab(major, async lab => {
      const wrap = 2n ** 32n;
      const cases: readonly (readonly [top: bigint, full: bigint])[] = [
        [1000n, 999n],
        [5n * wrap + 10n, 5n * wrap + 9n],
        [5n * wrap + 10n, 5n * wrap - 3n], // behind the wraparound, from before it
        [5n * wrap - 3n, 5n * wrap + 2n], // the log is ahead of what snapshots know
        [5n * wrap + 2_000_000_000n, 5n * wrap + 3n],
        [5n * wrap + 3n, 5n * wrap - 2_000_000_000n],
      ];
      for (const [top, full] of cases) {
        const [row] = await lab.sql(`SELECT ${fullXid(`${top}::int8`, `${full % wrap}::int8`)}::text AS id`);
        expect([top, row?.['id']]).toEqual([top, String(full)]);
      }
    }),
  );

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
        await lab.sql("INSERT INTO thing VALUES (2, 'meanwhile', 2)");
        const run = await readWithin(platform, { limits: { originMillis: 100 } });
        expect(failureOf(run)).toMatch(/^transient_error \/ TRANSACTIONS_IN_PROGRESS: .*process \d+ .*since/);
        expect(run.logs.some(message => message.includes('The snapshot of public.late waits.'))).toBe(true);
        // The log of the others goes on all the same.
        expect(brief(run, 'thing', 'id')).toEqual(['2']);
        platform.store(run);
        await held.release();
        await platform.sync();
        await platform.expectEqual([thing, late]);
      }),
    );
  });

  describe('a transaction that stays open for too long', () => {
    it(
      'is named when the very first snapshot would wait for it, and no slot is left behind',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'old', 1)`);
        const platform = await lab.connect();
        const client = await lab.client();
        const [{ pid }] = (await client.query('SELECT pg_backend_pid() AS pid')).rows as [{ pid: number }];
        await client.query("BEGIN; INSERT INTO thing VALUES (2, 'open', 2)");
        await lab.sql("BEGIN; INSERT INTO thing VALUES (3, 'prepared', 3); PREPARE TRANSACTION 'forgotten'");
        const run = await readWithin(platform, { limits: { firstOriginMillis: 500 } });
        expect(failureOf(run)).toMatch(/^transient_error \/ TRANSACTIONS_IN_PROGRESS/);
        expect(failureOf(run)).toContain(`process ${pid} `);
        expect(failureOf(run)).toContain("prepared transaction 'forgotten'");
        expect([run.records, await lab.slot()]).toEqual([[], undefined]);
        await lab.sql("COMMIT PREPARED 'forgotten'");
        await client.query('COMMIT');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'is named when values cannot be read again before it shows',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, ${literal(largeText(1))}, 1)`);
        const platform = await lab.connect();
        await platform.sync();
        const held = await hang(lab, 'UPDATE thing SET n = 2 WHERE id = 1');
        const run = await readWithin(platform, { limits: { visibleMillis: 500 } });
        expect(failureOf(run)).toMatch(/^transient_error \/ TRANSACTIONS_IN_PROGRESS: .*synchronous standby/);
        expect(run.records).toEqual([]);
        platform.store(run);
        await held.release();
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });
});
