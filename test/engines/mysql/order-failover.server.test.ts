import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { Platform } from '../../kit/platform.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { caughtUp, promote, replicate } from '../../kit/servers/mysql-replication.ts';
import { MysqlDatabase } from './backend.ts';
import { CURSOR, failureOf } from './lab.ts';

const rowsOfB = (run: RunResult): readonly number[] =>
  run.records.filter(({ stream }) => stream === 'b').map(({ data }) => Number(data['id']));

describeMysql(flavor => {
  // A GTID set names every transaction.
  if (flavor === 'mysql') return;

  describe('another server, where numbers do not tell the order of the log', () => {
    const servers: OwnMysqlServer[] = [];
    afterEach(async () => {
      for (const server of servers.splice(0)) await server.stop();
    });

    /** A server and its replica, and how to connect to either. */
    const replicated = async (more: JsonObject = {}) => {
      for (const id of [2, 22]) {
        servers.push(await startMysql({ flavor, settings: { server_id: String(id), gtid_strict_mode: 'OFF' } }));
      }
      const [primary, replica] = servers as [OwnMysqlServer, OwnMysqlServer];
      await replicate(primary, replica);
      const database = await MysqlDatabase.create(primary);
      await database.query('CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)');
      await caughtUp(primary, replica);
      const connect = async (server: OwnMysqlServer, was: Platform | null = null): Promise<Platform> => {
        const config = database.config({ endpoint: { host: server.host, port: server.port }, more });
        const platform = await Platform.connect(database, CURSOR, { config });
        if (was !== null) platform.stored = [...was.stored];
        return platform;
      };
      return { primary, replica, database, connect };
    };
    /** Statements of the server's own, that its log has. */
    const writeLocally = async (server: OwnMysqlServer): Promise<void> => {
      for (const user of ['x', 'y', 'z']) await server.query(undefined, `CREATE USER ${user}`);
    };

    it('a stream whose place is behind statements of the replica alone: the position is lost, and no row passed over', async () => {
      const { primary, replica, database, connect } = await replicated({ state_type: 'per_stream' });
      const platform = await connect(replica);
      await platform.sync();
      const [a] = platform.stored.filter(({ stream }) => stream?.stream_descriptor.name === 'a');
      await writeLocally(replica);
      await platform.sync();
      platform.stored = platform.stored.map(state =>
        state.stream?.stream_descriptor.name === 'a' && a !== undefined ? a : state,
      );
      for (const id of [10, 11, 12, 13, 14, 15]) await database.query(`INSERT INTO b VALUES (${id})`);
      const run = await (await connect(primary, platform)).run({ mayFail: true });
      expect(failureOf(run)).toMatch(/config_error \/ POSITION_LOST/);
      expect(rowsOfB(run)).toEqual([]);
    });

    it('a transaction of the state that the other log lacks, between others that it has: the position is lost', async () => {
      const { primary, replica, database, connect } = await replicated();
      const platform = await connect(replica);
      await platform.sync();
      await writeLocally(replica);
      const next = Number((await replica.variable('gtid_binlog_pos')).split('-')[2]) + 1;
      await platform.sync();
      await database.query('INSERT INTO b VALUES (10)');
      await primary.query(database.name, `SET server_id = 22, gtid_seq_no = ${next}; INSERT INTO a VALUES (1)`);
      await database.query('INSERT INTO b VALUES (11)');
      const run = await (await connect(primary, platform)).run({ mayFail: true });
      expect(failureOf(run)).toMatch(/config_error \/ POSITION_LOST/);
      expect(run.records).toEqual([]);
    });

    it('a log that has the transaction of the state, and ends with a smaller number, is read', async () => {
      const { primary, replica, database, connect } = await replicated();
      const platform = await connect(primary);
      await platform.sync();
      await caughtUp(primary, replica);
      await promote(replica);
      await replica.query(database.name, 'SET gtid_seq_no = 1; INSERT INTO b VALUES (20)');
      const moved = await connect(replica, platform);
      expect(rowsOfB(await moved.sync())).toEqual([20]);
      await replica.query(database.name, 'SET gtid_seq_no = 2; INSERT INTO b VALUES (21)');
      expect(rowsOfB(await moved.sync())).toEqual([21]);
    });

    it('a state of an earlier version, without a place in the files, is read on from at the same server', async () => {
      const { primary, database, connect } = await replicated();
      const platform = await connect(primary);
      await platform.sync();
      const text = JSON.stringify(platform.stored);
      const earlier = text.replaceAll(/,"at":\{"file":"[^"]*","pos":\d+,"server":"[^"]*"\}/g, '');
      expect(earlier).not.toBe(text);
      platform.stored = JSON.parse(earlier) as typeof platform.stored;
      await primary.query(database.name, 'SET server_id = 7, gtid_seq_no = 1; INSERT INTO b VALUES (30)');
      expect(rowsOfB(await platform.sync())).toEqual([30]);
    });
  });
});
