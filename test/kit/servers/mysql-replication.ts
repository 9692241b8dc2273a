import mysql from 'mysql2/promise';
import type { MysqlServer, OwnMysqlServer } from './mysql.ts';
import { sleep } from './process.ts';

/**
 * Makes `replica` follow `source` from the beginning of its log, by GTID. Both must be fresh servers of one flavor: what
 * the source made before its log began stands in the template that both come from. What the replica applies goes into its
 * own log, under the source's GTIDs.
 */
export const replicate = async (source: MysqlServer, replica: MysqlServer): Promise<void> => {
  const [host, port, user, password] = [
    mysql.escape(source.host),
    source.port,
    mysql.escape(source.username),
    mysql.escape(source.password),
  ];
  await replica.query(
    undefined,
    source.flavor === 'mysql'
      ? `CHANGE REPLICATION SOURCE TO SOURCE_HOST = ${host}, SOURCE_PORT = ${port}, SOURCE_USER = ${user}, SOURCE_PASSWORD = ${password},
          SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 1000; START REPLICA`
      : `CHANGE MASTER TO MASTER_HOST = ${host}, MASTER_PORT = ${port}, MASTER_USER = ${user}, MASTER_PASSWORD = ${password},
          MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1; START SLAVE`,
  );
};

/** Ends the replication and forgets the source: what stays is a server of its own, that may take the source's place. */
export const promote = async (replica: MysqlServer): Promise<void> => {
  await replica.query(undefined, replica.flavor === 'mysql' ? 'STOP REPLICA; RESET REPLICA ALL' : 'STOP SLAVE; RESET SLAVE ALL');
};

/** Everything that the server has committed: a GTID set of MySQL, a GTID list of MariaDB. */
export const committed = async (server: MysqlServer): Promise<string> =>
  (await server.variable(server.flavor === 'mysql' ? 'gtid_executed' : 'gtid_current_pos')).replaceAll('\n', '');

const patienceSeconds = 30;

/** Resolves once the replica has applied what the source has committed until now; throws when its replication has failed. */
export const caughtUp = async (source: MysqlServer, replica: MysqlServer): Promise<void> => {
  const position = await committed(source);
  const wait = source.flavor === 'mysql' ? 'WAIT_FOR_EXECUTED_GTID_SET(?, 1)' : 'MASTER_GTID_WAIT(?, 1)';
  for (let waited = 0; ; waited++) {
    const [row] = await replica.query(undefined, `SELECT ${wait} AS outcome`, [position]);
    if (row?.['outcome'] === 0) return;
    const [status] = await replica.query(undefined, replica.flavor === 'mysql' ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS');
    const error = status?.['Last_SQL_Error'];
    if (error || waited >= patienceSeconds) throw new Error(`the replica did not reach ${position}: ${String(error)}`);
  }
};

/** A commit that stands in the log and that nobody sees yet. */
export interface HeldCommits {
  /** Resolves when `n` sessions wait in their commit, behind what they wrote to the log. */
  waiting(n: number): Promise<void>;
  /** Lets them go on and ends the semi-synchronous replication. */
  release(): Promise<void>;
}

const longestWaitMilliseconds = 600_000;

/**
 * From now on every commit of this server hangs after it was written and flushed to the log and before the engine
 * commits: semi-synchronous replication (AFTER_SYNC) waits for a replica that is not there. Only for servers of one's own.
 */
export const holdCommits = async (server: OwnMysqlServer): Promise<HeldCommits> => {
  const role = server.flavor === 'mysql' ? 'source' : 'master';
  const name = (what: string): string => `rpl_semi_sync_${role}_${what}`;
  if (server.flavor === 'mysql') {
    // MariaDB has it built in; here it is a plugin, and stays one once it was loaded.
    const [loaded] = await server.query(
      undefined,
      "SELECT 1 AS yes FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'rpl_semi_sync_source'",
    );
    if (loaded === undefined) await server.query(undefined, "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'");
  }
  const waitFor = role === 'source' ? 'wait_no_replica' : 'wait_no_slave';
  await server.query(
    undefined,
    `SET GLOBAL ${name('timeout')} = ${longestWaitMilliseconds}; SET GLOBAL ${name(waitFor)} = ON;
      SET GLOBAL ${name('wait_point')} = 'AFTER_SYNC'; SET GLOBAL ${name('enabled')} = ON`,
  );
  const held = async (): Promise<number> => {
    const [row] = await server.query(undefined, `SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_${role}_wait_sessions'`);
    return Number(row?.['Value']);
  };
  return {
    waiting: async n => {
      for (let waited = 0; (await held()) < n; waited++) {
        if (waited > 500) throw new Error(`${await held()} commits wait, not ${n}`);
        await sleep(20);
      }
    },
    release: async () => {
      await server.query(undefined, `SET GLOBAL ${name('enabled')} = OFF`);
    },
  };
};
