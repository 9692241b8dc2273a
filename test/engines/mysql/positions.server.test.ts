import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutStream } from '../../kit/catalog.ts';
import { exactRecords, rowsOf } from '../../kit/destination.ts';
import type { JsonObject } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, query, startMysql } from '../../kit/servers/mysql.ts';
import { createThing, failureOf, hang, inLab, type Lab, positionOf, purge, series, table, thing } from './lab.ts';

const late = table('late', { id: 'integer', text: 'text' });
const createLate = 'CREATE TABLE late (id bigint PRIMARY KEY, text longtext);';
const createGate = 'CREATE TABLE gate (id bigint PRIMARY KEY); INSERT INTO gate VALUES (1);';

describeMysql(flavor => {
  let server: OwnMysqlServer;
  beforeAll(async () => {
    server = await startMysql({ flavor });
  });
  afterAll(() => server?.stop());
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => server, body);
  const flush = 'FLUSH BINARY LOGS';
  const resetLog = flavor === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER';

  describe('a transaction that is in the log and that nobody sees', () => {
    it(
      'is not lost when the first read begins meanwhile',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(50)}`);
        const platform = await lab.connect();
        const held = await hang(lab, server, "INSERT INTO thing VALUES (1000, 'held', 1)");
        expect(await lab.sql('SELECT * FROM thing WHERE id = 1000')).toEqual([]);
        const run = await platform.run();
        expect(rowsOf(run, 'thing').some(row => row['text'] === 'held')).toBe(false);
        platform.store(run);
        await held.release();
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(51);
      }),
    );

    it(
      'is not lost when a table joins that others are followed with already',
      lab(async lab => {
        await lab.sql(`${createThing} ${createLate} INSERT INTO late SELECT i, 'old' FROM ${series(50)}`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await platform.reconfigure({ streams: ['thing', 'late'] });
        const held = await hang(
          lab,
          server,
          "BEGIN; INSERT INTO late VALUES (1000, 'held'); INSERT INTO thing VALUES (1000, 'held', 1); COMMIT",
        );
        platform.store(await platform.run());
        await held.release();
        await platform.sync();
        await platform.expectEqual([thing, late]);
        expect([platform.committed.rowCount('thing'), platform.committed.rowCount('late')]).toEqual([1, 51]);
      }),
    );

    it(
      'is newer than the snapshot of a table that begins behind it',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(50)}`);
        const platform = await lab.connect();
        await platform.sync();
        const held = await hang(
          lab,
          server,
          "BEGIN; UPDATE thing SET text = 'held' WHERE id < 10; DELETE FROM thing WHERE id = 20; COMMIT",
        );
        // The table is read anew, from a state that the held transaction is behind.
        platform.stored = withoutStream(platform.stored, 'thing');
        const running = platform.run();
        await new Promise(resolve => setTimeout(resolve, 1500));
        await held.release();
        platform.store(await running);
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(49);
      }),
    );

    it(
      'is not in a state, nor in the way of the next read, where it changes no table that is followed',
      lab(async lab => {
        await lab.sql(`${createThing} ${createLate} INSERT INTO thing VALUES (1, 'old', 1)`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql("INSERT INTO late VALUES (1, 'seen'); INSERT INTO late VALUES (2, 'seen')");
        const held = await hang(lab, server, "INSERT INTO late VALUES (3, 'held')");
        // More of it, so that a read that does not stop has something to go on to.
        const others = await Promise.all([4, 5].map(() => lab.client()));
        const more = others.map((client, at) => query(client, `INSERT INTO late VALUES (${at + 4}, 'held')`));
        for (let round = 0; round < 2; round++) expect((await platform.sync()).records).toEqual([]);
        await held.release();
        await Promise.all(more);
        await lab.sql('UPDATE thing SET n = 2');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'gives a value that is read again as it is after that transaction, not as it was before',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'before', 1)`);
        const platform = await lab.connect();
        await platform.sync();
        const held = await hang(
          lab,
          server,
          "SET binlog_row_image = 'MINIMAL'; BEGIN; UPDATE thing SET text = 'after'; UPDATE thing SET n = 2; COMMIT",
        );
        let over = false;
        const running = platform.run().then(run => {
          over = true;
          return run;
        });
        await new Promise(resolve => setTimeout(resolve, 1500));
        const early = over;
        await held.release();
        const run = await running;
        platform.store(run);
        if (early) await platform.sync();
        expect(exactRecords(run, 'thing').map(row => row['text'])).not.toContain('before');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });

  describe('the ordering key', () => {
    it(
      'never goes backwards for a row, across snapshot, log, a log with other file numbers, and a position lost',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(300)}`);
        const platform = await lab.connect({}, { invalid_position: 'resnapshot' });
        for (let round = 0; round < 3; round++) {
          await platform.sync();
          await lab.sql(`UPDATE thing SET n = n + 1 WHERE id <= 20; DELETE FROM thing WHERE id = ${100 + round}; ${flush}`);
          const before = positionOf(platform.stored).clock;
          await platform.sync();
          await platform.expectEqual([thing]);
          expect(positionOf(platform.stored).clock).toBeGreaterThan(before);
          await lab.sql(`${resetLog}; UPDATE thing SET n = n * 2 WHERE id = ${round + 1}`);
          const run = await platform.run();
          expect(run.logs.some(message => message.includes('read anew'))).toBe(true);
          expect(Math.min(...run.records.map(record => Number(record.data['_ab_cdc_cursor'])))).toBeGreaterThan(
            positionOf(platform.stored).clock,
          );
          platform.store(run);
        }
        expect((await platform.differences([thing])).filter(text => !text.includes('too many'))).toEqual([]);
      }),
    );

    it(
      'of a change is the same in every run from one state, whichever tables it reads',
      lab(async lab => {
        await lab.sql(`${createThing} ${createLate} INSERT INTO thing VALUES (1, 'old', 1)`);
        await lab.sql('CREATE TABLE other LIKE late');
        const platform = await lab.connect({ streams: ['thing', 'late'] });
        await platform.sync();
        const name = `'${lab.database.name}'`;
        await lab.sql(`BEGIN; INSERT INTO late SELECT i, 'x' FROM ${series(500)}; UPDATE late SET text = 'y'; DELETE FROM late WHERE id < 9;
          INSERT INTO other SELECT i, 'x' FROM ${series(7)}; UPDATE thing SET n = 2; COMMIT;
          XA START ${name}; DELETE FROM late; UPDATE thing SET n = 3; XA END ${name}; XA PREPARE ${name}; XA COMMIT ${name}`);
        const keys = async (): Promise<readonly unknown[]> => {
          const { records } = await platform.run();
          return records.filter(record => record.stream === 'thing').map(record => record.data['_ab_cdc_cursor']);
        };
        const both = await keys();
        await platform.reconfigure({ streams: ['thing'] });
        expect(both.length).toBe(2);
        expect(await keys()).toEqual(both);
      }),
    );

    it(
      'lets a snapshot win over what runs without a stored state have printed of the log',
      lab(async lab => {
        const tables = ['a', 'b', 'c'].map(name => table(name, { id: 'integer', n: 'integer' }));
        await lab.sql(createGate);
        for (const { name } of tables) {
          await lab.sql(`CREATE TABLE ${name} (id bigint PRIMARY KEY, n bigint); INSERT INTO ${name} VALUES (1, 1)`);
        }
        const gated = (...streams: string[]) => ({ streams: [...streams, 'gate'] });
        const platform = await lab.connect(gated('a'));
        await platform.sync();
        await lab.sql(`DROP TABLE gate; ${createGate}`);
        const other = await lab.connect(gated('a', 'b', 'c'));
        other.everything.apply(
          await lab.atGate(
            () => other.run(),
            () => lab.sql('UPDATE b SET n = 2'),
          ),
        );
        await lab.sql('UPDATE b SET n = 3');
        await other.sync();
        await other.expectEqual(tables);
      }),
    );
  });

  describe('a state', () => {
    it(
      'goes on over restarts and new files of the server',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(20)}`);
        const platform = await lab.connect();
        await platform.sync();
        for (const how of ['orderly', 'abrupt'] as const) {
          await lab.sql(`UPDATE thing SET n = n + 1; ${flush}; ${flush}`);
          await server.restart(how);
          await lab.sql('DELETE FROM thing WHERE id = (SELECT m FROM (SELECT MIN(id) m FROM thing) x)');
          await platform.sync();
          await platform.expectEqual([thing]);
        }
      }),
    );

    it(
      '#29 whose transactions the server has not, or has purged, is lost, and says so',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'a', 1)`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`UPDATE thing SET n = 2; ${flush}`);
        // A file is not purged while somebody reads it, nor before a checkpoint has passed it.
        await lab.database.disconnected();
        await purge(lab);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/config_error \/ POSITION_LOST/);
        const fresh = await lab.connect();
        await fresh.sync();
        await lab.sql(resetLog);
        expect(failureOf(await fresh.run({ mayFail: true }))).toMatch(/config_error \/ POSITION_LOST/);
      }),
    );

    if (flavor === 'mysql') {
      it(
        '#27 with a hole in its set gets the transaction of the hole when that comes',
        lab(async lab => {
          await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'a', 1)`);
          const platform = await lab.connect();
          await platform.sync();
          const client = await lab.client();
          const source = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
          const put = (gno: number): Promise<unknown> =>
            query(
              client,
              `SET gtid_next = '${source}:${gno}'; INSERT INTO thing VALUES (${100 + gno}, 'numbered', ${gno}); SET gtid_next = 'AUTOMATIC'`,
            );
          for (const gno of [1, 2, 3, 5, 6]) await put(gno);
          await platform.sync();
          expect(JSON.stringify(positionOf(platform.stored).position)).toContain(`${source}:1-3:5-6`);
          await put(4);
          const run = await platform.sync();
          expect(run.records.map(record => record.data['id'])).toEqual([104]);
          await platform.expectEqual([thing]);
        }),
      );
    }

    it(
      'is an empty transaction further on an idle server, and a run reads nothing twice',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(20)}`);
        const platform = await lab.connect();
        await platform.sync();
        const position = (): JsonObject => positionOf(platform.stored).position;
        const before = position();
        expect((await platform.sync()).records).toEqual([]);
        expect(position()).toEqual(before);
        // What is of no interest moves it nevertheless, or the log would be gone one day.
        await lab.sql('CREATE DATABASE IF NOT EXISTS elsewhere; DROP DATABASE elsewhere');
        expect((await platform.sync()).records).toEqual([]);
        expect(position()).not.toEqual(before);
      }),
    );
  });
});
