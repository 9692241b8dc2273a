import { afterAll, describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, query, startMysql } from '../../kit/servers/mysql.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { sleep } from '../../kit/servers/process.ts';
import { createThing, failureOf, inLab, type Lab, positionOf, purge, series, table, thing } from './lab.ts';

const pair = table('pair', { id: 'integer', a: 'integer', b: 'integer' });
const createPair = 'CREATE TABLE pair (id int PRIMARY KEY, a int, b int);';
const MEGABYTE = 1_000_000;

/** `what` as the name of an XA transaction: they are the whole server's. */
const named = (lab: Lab, what: string): string => `'${lab.database.name}${what}'`;

/** Prepares a transaction, in a session that ends: before it is gone for the server too, nobody else can end the transaction. */
const prepare = async (lab: Lab, what: string, sql: string): Promise<void> => {
  const client = await lab.client();
  const { threadId } = client;
  lab.later(() => lab.sql(`XA ROLLBACK ${named(lab, what)}`).catch(() => {}));
  await query(client, `XA START ${named(lab, what)}; ${sql}; XA END ${named(lab, what)}; XA PREPARE ${named(lab, what)}`);
  await client.end();
  await lab.until(async () => (await lab.server.connections(({ id }) => id === threadId)).length === 0);
};

/** Another table is altered, with changes on both sides of it, while a transaction is prepared over several reads. */
const overAlterations = async (lab: Lab): Promise<void> => {
  await lab.sql(`${createThing} ${createPair} INSERT INTO thing VALUES (1, 'old', 0); INSERT INTO pair VALUES (0, 1, 2)`);
  const platform = await lab.connect();
  await platform.sync();
  await prepare(lab, 'x', "UPDATE thing SET text = 'xa', n = 7; INSERT INTO thing VALUES (2, 'xa', 8)");
  await lab.sql('INSERT INTO pair (id, a, b) VALUES (1, 10, 20)');
  await lab.sql('ALTER TABLE pair MODIFY a int AFTER b; INSERT INTO pair (id, a, b) VALUES (2, 10, 20)');
  await platform.sync();
  await platform.expectEqual([thing, pair]);
  expect(positionOf(platform.stored).position).toHaveProperty('prepared');
  // What stands between XA PREPARE and here is not read once more.
  expect((await platform.sync()).records).toEqual([]);
  await lab.sql('FLUSH BINARY LOGS; UPDATE pair SET b = 21 WHERE id = 1; ALTER TABLE pair MODIFY a int FIRST');
  await platform.sync();
  await platform.expectEqual([thing, pair]);
  await lab.sql(`XA COMMIT ${named(lab, 'x')}; UPDATE pair SET a = 11 WHERE id = 2; UPDATE thing SET n = 9 WHERE id = 2`);
  const run = await platform.sync();
  expect(run.records.map(record => [record.data['id'], record.data['n']])).toEqual(
    expect.arrayContaining([
      [1, 7],
      [2, 8],
      [2, 9],
    ]),
  );
  await platform.expectEqual([thing, pair]);
  expect(positionOf(platform.stored).position).not.toHaveProperty('prepared');
};

describeMysql(flavor => {
  const servers: OwnMysqlServer[] = [];
  afterAll(async () => {
    for (const server of servers) await server.stop();
  });
  const start = async (settings: Readonly<Record<string, string>>): Promise<OwnMysqlServer> => {
    const server = await startMysql({ flavor, settings });
    servers.push(server);
    return server;
  };

  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s: #31 an XA transaction', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it(
      'counts from its commit on, over reads in between, and not at all when it is rolled back',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', 0 FROM ${series(30)}`);
        const platform = await lab.connect();
        await platform.sync();
        const name = (what: string): string => named(lab, what);
        await prepare(lab, 'a', 'UPDATE thing SET n = 1 WHERE id <= 5; INSERT INTO thing VALUES (100, "xa", 1)');
        await prepare(lab, 'b', 'DELETE FROM thing WHERE id BETWEEN 10 AND 15');
        await prepare(lab, 'c', 'UPDATE thing SET text = "never" WHERE id = 20');
        await lab.sql('UPDATE thing SET n = 2 WHERE id = 7');
        for (let round = 0; round < 2; round++) {
          await platform.sync();
          await platform.expectEqual([thing]);
          await lab.sql(`UPDATE thing SET n = n + 1 WHERE id = 8; FLUSH BINARY LOGS`);
        }
        await lab.sql(`XA ROLLBACK ${name('c')}; XA COMMIT ${name('b')}`);
        await platform.sync();
        await platform.expectEqual([thing]);
        await lab.sql(`UPDATE thing SET n = 3 WHERE id = 9; XA COMMIT ${name('a')}; UPDATE thing SET n = 5 WHERE id = 1`);
        await platform.sync();
        await platform.expectEqual([thing]);
        await lab.sql(
          `XA START ${name('d')}; UPDATE thing SET n = 9 WHERE id = 2; XA END ${name('d')}; XA COMMIT ${name('d')} ONE PHASE`,
        );
        await platform.sync();
        await platform.expectEqual([thing]);
        expect((await platform.sync()).records).toEqual([]);
      }),
    );

    it('does not hold up what is read behind it, nor have it read again with later columns', lab(overAlterations));
  });

  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);

  describe('#31 an XA transaction that was prepared before the first read', () => {
    it(
      'is waited for, and is in the snapshot',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', 0 FROM ${series(5)}`);
        if (flavor === 'mysql') await lab.sql(`GRANT XA_RECOVER_ADMIN ON *.* TO '${lab.database.name}'@'%'`);
        await prepare(lab, 'early', 'UPDATE thing SET n = 1 WHERE id = 1; DELETE FROM thing WHERE id = 2');
        const platform = await lab.connect({}, { checkpoint_interval_seconds: 1 });
        let isOver = false;
        const running = platform.sync().finally(() => {
          isOver = true;
        });
        await lab.until(async () =>
          (await lab.server.query(undefined, 'SHOW PROCESSLIST')).some(row => row['User'] === lab.database.name),
        );
        await sleep(1500);
        await prepare(lab, 'later', 'UPDATE thing SET n = 2 WHERE id = 3');
        expect(isOver).toBe(false);
        await lab.sql(`XA COMMIT ${named(lab, 'early')}`);
        await running;
        await platform.expectEqual([thing]);
        await lab.sql(`XA COMMIT ${named(lab, 'later')}`);
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(4);
      }),
    );

    it(
      'is never lost without a word where nobody may know of it',
      lab(async lab => {
        if (flavor === 'mariadb') return; // everybody may
        await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'old', 0)`);
        await prepare(lab, '', 'UPDATE thing SET n = 1');
        const platform = await lab.connect({}, { invalid_position: 'resnapshot' });
        await platform.sync();
        await lab.sql(`XA COMMIT ${named(lab, '')}`);
        const run = await platform.sync();
        expect(run.logs.some(message => message.includes('read anew'))).toBe(true);
        await platform.expectEqual([thing]);
      }),
    );
  });

  it(
    '#31 an XA transaction may be larger than memory has room for, prepared or not',
    lab(async lab => {
      await lab.sql(`${createThing}`);
      const platform = await lab.connect();
      await platform.sync();
      const rows = (from: number): string =>
        `INSERT INTO thing SELECT ${from} + i, REPEAT(CHAR(64 + i), ${10 * MEGABYTE}), i FROM ${series(7)}; UPDATE thing SET n = -1 WHERE id = ${from + 7}`;
      await prepare(lab, 'large', rows(10));
      await lab.sql(`XA COMMIT ${named(lab, 'large')}`);
      await platform.sync();
      await platform.expectEqual([thing]);
      await lab.sql('DELETE FROM thing');
      await platform.sync();
      const name = named(lab, 'once');
      await lab.sql(`XA START ${name}; ${rows(100)}; XA END ${name}; XA COMMIT ${name} ONE PHASE; UPDATE thing SET n = 50`);
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it('#31 whose changes the log does not have any more is a position lost, and is named', async () => {
    const server = await start({});
    await inLab(
      () => server,
      async lab => {
        await lab.sql(`${createThing} ${createPair} INSERT INTO thing VALUES (1, 'old', 0)`);
        const platform = await lab.connect();
        await platform.sync();
        await prepare(lab, 'purged', 'UPDATE thing SET n = 1 WHERE id = 1');
        await lab.sql('FLUSH BINARY LOGS; INSERT INTO pair VALUES (1, 1, 1)');
        await platform.sync();
        await lab.database.disconnected();
        await purge(lab);
        await platform.sync();
        await platform.expectEqual([thing, pair]);
        await lab.sql(`XA COMMIT ${named(lab, 'purged')}`);
        const name = Buffer.from(`${lab.database.name}purged`).toString('hex');
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(new RegExp(`POSITION_LOST.*X'${name}'`));
      },
    )();
  });

  if (flavor === 'mysql') {
    it('#31 is found again by file and byte where there are no GTIDs', async () => {
      const server = await start({ gtid_mode: 'OFF', binlog_row_metadata: 'MINIMAL' });
      await inLab(
        () => server,
        async lab => {
          await lab.sql(`GRANT BACKUP_ADMIN ON *.* TO '${lab.database.name}'@'%'`);
          await lab.sql(`GRANT SELECT ON performance_schema.log_status TO '${lab.database.name}'@'%'`);
          await overAlterations(lab);
        },
      )();
    });
  }
});
