import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { Platform } from '../../kit/platform.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { caughtUp, committed, promote, replicate } from '../../kit/servers/mysql-replication.ts';
import { sleep } from '../../kit/servers/process.ts';
import { MysqlDatabase } from './backend.ts';
import { CURSOR, createThing, failureOf, Lab, positionOf, purge, series, thing } from './lab.ts';

describeMysql(flavor => {
  const servers: OwnMysqlServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
  const start = async (settings: Readonly<Record<string, string>> = {}): Promise<OwnMysqlServer> => {
    const server = await startMysql({ flavor, settings });
    servers.push(server);
    return server;
  };
  /** The connection goes on at another server: what is behind the name has changed. */
  const at = async (database: MysqlDatabase, server: OwnMysqlServer, was: Platform, more: JsonObject = {}): Promise<Platform> => {
    const config = database.config({ endpoint: { host: server.host, port: server.port }, more });
    const platform = await Platform.connect(database, CURSOR, { config });
    platform.stored = [...was.stored];
    platform.committed = was.committed.copy(platform.catalog);
    platform.everything = was.everything.copy(platform.catalog);
    return platform;
  };

  it('#29 goes on at a replica that took over, with other file numbers, and with a clock that is behind', async () => {
    const source = await start();
    const replica = await start();
    await replica.query(undefined, 'FLUSH BINARY LOGS; FLUSH BINARY LOGS; FLUSH BINARY LOGS');
    if (flavor === 'mysql') await replica.query(undefined, 'RESET BINARY LOGS AND GTIDS');
    await replicate(source, replica);
    const database = await MysqlDatabase.create(source);
    await database.query(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(100)}`);
    const platform = await Platform.connect(database, CURSOR);
    await platform.sync();
    await database.query('UPDATE thing SET n = n + 1 WHERE id <= 50; DELETE FROM thing WHERE id = 60');
    await platform.sync();
    const before = positionOf(platform.stored).clock;
    await database.query("UPDATE thing SET text = 'not read yet' WHERE id = 70");
    await caughtUp(source, replica);
    await promote(replica);
    await source.halt('abrupt');
    // The new server's clock is an hour behind: no transaction of it has a time that was not there already.
    const past = Math.floor(Date.now() / 1000) - 3600;
    await replica.query(
      database.name,
      `SET ${flavor === 'mysql' ? `original_commit_timestamp = ${past}000000` : `timestamp = ${past}`}; UPDATE thing SET n = n + 100 WHERE id <= 30; DELETE FROM thing WHERE id = 61; INSERT INTO thing VALUES (500, 'new', 1)`,
    );
    const moved = await at(database, replica, platform);
    const run = await moved.sync();
    const rows = new Map(
      (await replica.query(database.name, 'SELECT id, text, n FROM thing')).map(row => [Number(row['id']), row]),
    );
    expect(run.records.filter(record => !(Number(record.data[CURSOR]) > before))).toEqual([]);
    expect(moved.committed.rowCount('thing')).toBe(rows.size);
    expect(run.records.map(record => Number(record.data['id'])).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 30 }, (_, index) => index + 1),
      61,
      70,
      500,
    ]);
    expect(moved.committed.backwards).toEqual([]);
  });

  /** A server and its replica, with a table that was read from the server. */
  const replicated = async () => {
    const source = await start();
    const replica = await start();
    if (flavor === 'mysql') await replica.query(undefined, 'RESET BINARY LOGS AND GTIDS');
    await replicate(source, replica);
    const database = await MysqlDatabase.create(source);
    await database.query(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(10)}`);
    const platform = await Platform.connect(database, CURSOR);
    await platform.sync();
    return { source, replica, database, platform };
  };

  it('#29, #31 an XA transaction that was prepared is committed at a replica that took over', async () => {
    const { source, replica, database, platform } = await replicated();
    await source.query(
      database.name,
      "XA START 'x'; UPDATE thing SET n = 100 WHERE id = 1; INSERT INTO thing VALUES (50, 'xa', 1); XA END 'x'; XA PREPARE 'x'",
    );
    await database.query('UPDATE thing SET n = 3 WHERE id = 2');
    await platform.sync();
    expect(positionOf(platform.stored).position).toHaveProperty('prepared');
    await caughtUp(source, replica);
    await promote(replica);
    await source.halt('abrupt');
    await replica.query(database.name, "XA COMMIT 'x'; UPDATE thing SET n = 4 WHERE id = 2");
    const moved = await at(database, replica, platform);
    const run = await moved.sync();
    expect(run.records.map(record => [record.data['id'], record.data['n']])).toEqual([
      [1, 100],
      [50, 1],
      [2, 4],
    ]);
  });

  it('#29 another server behind the name is a position lost', async () => {
    const source = await start();
    const database = await MysqlDatabase.create(source);
    await database.query(`${createThing} INSERT INTO thing VALUES (1, 'a', 1)`);
    const platform = await Platform.connect(database, CURSOR);
    await platform.sync();
    const other = await start();
    await other.createDatabase(database.name);
    await other.createReader(database.name, [database.name]);
    await other.query(database.name, `${createThing} INSERT INTO thing VALUES (1, 'other', 1)`);
    const moved = await at(database, other, platform);
    const run = await moved.run({ mayFail: true });
    // MariaDB's GTIDs name the server only by its number; here there are fewer of them.
    expect(failureOf(run)).toMatch(/config_error \/ POSITION_LOST/);
  });

  it.each([
    ['stands still', 0],
    ['went on by itself past the state', 5],
  ])('#29 a replica that lacks the latest of the state and %s: a position lost, or read anew', async (_, more) => {
    const { source, replica, database, platform } = await replicated();
    await database.query('UPDATE thing SET n = 100 WHERE id = 1');
    await platform.sync();
    await caughtUp(source, replica);
    // Up to here the state can be read on at the replica: it is the same history.
    expect((await (await at(database, replica, platform)).run()).records).toEqual([]);
    await promote(replica);
    await database.query("UPDATE thing SET n = 200 WHERE id = 2; INSERT INTO thing VALUES (50, 'only there', 1)");
    expect((await platform.sync()).records.map(record => record.data['id'])).toEqual([2, 50]);
    await source.halt('abrupt');
    for (let time = 0; time < more; time++) await replica.query(database.name, 'UPDATE thing SET n = n + 1 WHERE id = 3');
    const moved = await at(database, replica, platform);
    const failed = await moved.run({ mayFail: true });
    expect(failureOf(failed)).toMatch(/config_error \/ POSITION_LOST/);
    expect(failed.records).toEqual([]);
    const anew = await at(database, replica, platform, { invalid_position: 'resnapshot' });
    const run = await anew.sync();
    expect(run.logs.join('\n')).toContain('All tables of shard main are read anew, as invalid_position says.');
    const rows = await replica.query(database.name, 'SELECT id, n FROM thing ORDER BY id');
    expect(rows).toHaveLength(10);
    expect(run.records.map(record => [record.data['id'], record.data['n']])).toEqual(
      rows.map(row => [Number(row['id']), Number(row['n'])]),
    );
    // What the lost log brought is older than what is read now.
    const before = positionOf(platform.stored).clock;
    expect(run.records.filter(record => !(Number(record.data[CURSOR]) > before))).toEqual([]);
    await replica.query(database.name, 'DELETE FROM thing WHERE id = 2');
    expect((await anew.sync()).records.map(record => record.data['id'])).toEqual([2]);
    expect(anew.committed.backwards).toEqual([]);
  });

  it.each(['what the server has executed', 'a file and a byte'])(
    'starting_gtids begins at a position, %s, without a snapshot; a state wins over it',
    async kind => {
      const server = await start();
      const database = await MysqlDatabase.create(server);
      const lab = new Lab(database);
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(10)}`);
      const { file, position } = await server.logEnd();
      const isFile = kind === 'a file and a byte';
      const from = isFile ? `${file}:${position}` : await committed(server);
      await lab.sql("INSERT INTO thing VALUES (100, 'new', 1); FLUSH BINARY LOGS; UPDATE thing SET n = 0 WHERE id = 3");
      const more: JsonObject = { starting_gtids: { [database.name]: { main: from } } };
      const platform = await lab.connect({}, more);
      const run = await platform.sync();
      expect(run.records.map(record => record.data['id'])).toEqual([100, 3]);
      await lab.sql('DELETE FROM thing WHERE id = 100');
      expect((await platform.sync()).records.map(record => record.data['id'])).toEqual([100]);
      const gtids = flavor === 'mysql' ? `${from.split(':')[0]}:1-99999999` : '0-1-99999999';
      const far = isFile ? from.replace(/\d+$/, '99999999') : gtids;
      const beyond = await lab.connect({}, { starting_gtids: { [database.name]: { main: far } } });
      expect(failureOf(await beyond.run({ mayFail: true }))).toMatch(/POSITION_LOST/);
    },
  );

  describe('a log that was begun anew', () => {
    const resetLog = flavor === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER';
    const last = async (server: OwnMysqlServer): Promise<number> => Number(/[0-9]+$/.exec(await committed(server))?.[0] ?? 0);

    /** A server whose table was followed from one state to the next. */
    const followed = async () => {
      const server = await start();
      const lab = new Lab(await MysqlDatabase.create(server));
      await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'a', 1)`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql('UPDATE thing SET n = 2');
      await platform.sync();
      return { server, lab, platform };
    };

    it.each([
      ['in the file of the state', ''],
      ['in a later file', 'FLUSH BINARY LOGS'],
    ])('is noticed where its numbers have come past those of the state %s', async (_, between) => {
      const { server, lab, platform } = await followed();
      const reached = await last(server);
      await sleep(1100); // files are told apart by seconds
      await lab.sql(resetLog);
      while ((await last(server)) < reached) await lab.sql('UPDATE thing SET n = n + 1');
      await lab.sql(`${between === '' ? '' : `${between};`} UPDATE thing SET n = n + 1; UPDATE thing SET n = n + 1`);
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/POSITION_LOST.*was reset/);
    });

    it('is not taken for one where files of the state were purged', async () => {
      const { lab, platform } = await followed();
      await lab.database.disconnected();
      await lab.sql('FLUSH BINARY LOGS');
      await purge(lab);
      await lab.sql('UPDATE thing SET n = 3');
      expect((await platform.sync()).records.map(record => record.data['n'])).toEqual([3]);
    });
  });

  if (flavor === 'mysql') {
    describe('without GTIDs', () => {
      it('positions are files; they outlive restarts and turning GTIDs on, and RESET is a position lost', async () => {
        const server = await start({ gtid_mode: 'OFF_PERMISSIVE', enforce_gtid_consistency: 'ON' });
        const database = await MysqlDatabase.create(server);
        const lab = new Lab(database);
        await lab.sql(
          `GRANT BACKUP_ADMIN ON *.* TO '${database.name}'@'%'; GRANT SELECT ON performance_schema.log_status TO '${database.name}'@'%'`,
        );
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(10)}`);
        const platform = await lab.connect();
        await platform.sync();
        expect(Object.keys(positionOf(platform.stored).position).sort()).toEqual(['file', 'pos', 'server']);
        await lab.sql('UPDATE thing SET n = n + 1; FLUSH BINARY LOGS; DELETE FROM thing WHERE id = 1');
        await platform.sync();
        await platform.expectEqual([thing]);
        await server.restart();
        await lab.sql('SET GLOBAL gtid_mode = ON_PERMISSIVE; UPDATE thing SET n = n + 1');
        await lab.sql('SET GLOBAL gtid_mode = ON; UPDATE thing SET n = n + 1 WHERE id > 5');
        await platform.sync();
        await platform.expectEqual([thing]);
        await lab.sql('INSERT INTO thing VALUES (50, "more", 1)');
        await platform.sync();
        await platform.expectEqual([thing]);
        // A fresh connection takes GTIDs now.
        const fresh = await lab.connect();
        fresh.everything = platform.everything.copy(fresh.catalog);
        await fresh.sync();
        await lab.sql('UPDATE thing SET n = n + 1 WHERE id < 8; DELETE FROM thing WHERE id = 9');
        await fresh.sync();
        await fresh.expectEqual([thing]);
        expect([...platform.everything.backwards, ...fresh.everything.backwards]).toEqual([]);
        expect(Object.keys(positionOf(fresh.stored).position)).toContain('gtid_set');
        await lab.sql('RESET BINARY LOGS AND GTIDS; UPDATE thing SET n = 0');
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/POSITION_LOST/);
      });

      it('#28 sets of several servers, and tagged transactions, are positions like others', async () => {
        const server = await start();
        const database = await MysqlDatabase.create(server);
        const lab = new Lab(database);
        await lab.sql(createThing);
        const platform = await lab.connect();
        await platform.sync();
        const other = '11111111-2222-3333-4444-555555555555';
        for (const gtid of [`${other}:5`, `${other}:1`, 'AUTOMATIC:blue', `${other}:red:9`, 'AUTOMATIC']) {
          await lab.sql(
            `SET gtid_next = '${gtid}'; INSERT INTO thing VALUES (${10 + gtid.length}, '${gtid}', 1) ON DUPLICATE KEY UPDATE n = n + 1`,
          );
          await platform.sync();
        }
        // The hole 2 to 4 is filled later, as a second source of a replica may do it.
        await lab.sql(`SET gtid_next = '${other}:3'; INSERT INTO thing VALUES (1000, 'late', 1)`);
        const run = await platform.sync();
        expect(run.records.map(record => record.data['id'])).toEqual([1000]);
        await platform.expectEqual([thing]);
      });
    });
  } else {
    it('#33 several replication domains side by side are positions like others', async () => {
      const server = await start();
      const database = await MysqlDatabase.create(server);
      const lab = new Lab(database);
      await lab.sql(createThing);
      const platform = await lab.connect();
      await platform.sync();
      for (let round = 0; round < 3; round++) {
        for (const domain of [7, 0, 3]) {
          await lab.sql(
            `SET SESSION gtid_domain_id = ${domain}; SET SESSION server_id = ${domain + 20}; INSERT INTO thing VALUES (${round * 100 + domain}, 'x', ${domain}); UPDATE thing SET n = n + 1`,
          );
        }
        await platform.sync();
        await platform.expectEqual([thing]);
      }
      expect(String(positionOf(platform.stored).position['gtid_list']).split(',').length).toBeGreaterThan(2);
    });
  }
});
