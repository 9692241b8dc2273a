import type mysql from 'mysql2/promise';
import { briefly, labTest, SqlLab, shardState, table, untilTrue } from '../../kit/lab.ts';
import type { JsonObject } from '../../kit/messages.ts';
import { type MysqlServer, type OwnMysqlServer, query } from '../../kit/servers/mysql.ts';
import { holdCommits } from '../../kit/servers/mysql-replication.ts';
import { MysqlDatabase } from './backend.ts';

export { failureOf, largeText, peakMegabytes, table } from '../../kit/lab.ts';

export const CURSOR = '_ab_cdc_cursor';

/** The lab of a database of MySQL or MariaDB. */
export class Lab extends SqlLab<MysqlDatabase> {
  constructor(database: MysqlDatabase) {
    super(database, CURSOR);
  }

  /** A session of the superuser that lives until the end of the test. */
  async client(): Promise<mysql.Connection> {
    const client = await this.server.client(this.database.name);
    this.later(() => client.end().catch(() => client.destroy()));
    return client;
  }

  /**
   * Lets something happen while a read is under way, behind the snapshot of `stream`, which stands before `gate` in the
   * catalog: the table `gate` is locked until then. The read must have `gate` as its last stream.
   */
  async atGate<T>(read: () => Promise<T>, action: () => Promise<unknown>): Promise<T> {
    const keeper = await this.client();
    await keeper.query('LOCK TABLES gate WRITE');
    const running = read();
    try {
      await this.until(async () => {
        const rows = await this.server.query(undefined, 'SHOW FULL PROCESSLIST');
        return rows.some(
          row => row['User'] === this.database.name && /lock/i.test(String(row['State'])) && /gate/.test(String(row['Info'])),
        );
      });
      await action();
    } finally {
      await keeper.query('UNLOCK TABLES');
    }
    return await running;
  }

  /** Resolves as soon as the condition holds. */
  until(condition: () => Promise<boolean>, within?: number): Promise<void> {
    return untilTrue(condition, String(condition), within);
  }
}

/** The table of most tests. */
export const thing = table('thing', { id: 'integer', text: 'text', n: 'integer' });
export const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text longtext, n bigint);';

/** Commits `sql` in `server`, which then stands in the log and which nobody sees until `release`. */
export const hang = async (lab: Lab, server: OwnMysqlServer, sql: string): Promise<{ release: () => Promise<void> }> => {
  const client = await lab.client();
  const held = await holdCommits(server);
  // Also where the test fails: what hangs would keep everything else from ending.
  lab.later(() => held.release());
  const done = query(client, sql);
  await held.waiting(1);
  const release = async (): Promise<void> => {
    await held.release();
    await done;
  };
  return { release };
};

/** Leaves nothing in the server's log but its newest file. */
export const purge = (lab: Lab): Promise<void> =>
  lab.until(async () => {
    const [{ Log_name: newest }] = (await lab.sql('SHOW BINARY LOGS')).slice(-1) as [{ Log_name: string }];
    await lab.sql(`PURGE BINARY LOGS TO '${newest}'`);
    return (await lab.sql('SHOW BINARY LOGS')).length === 1;
  });

/** The body of a test with a database of its own in this server. */
export const inLab = (
  server: () => MysqlServer | Promise<MysqlServer>,
  body: (lab: Lab) => Promise<void>,
): (() => Promise<void>) => labTest(async () => new Lab(await MysqlDatabase.create(await server())), body);

/** Where the stored state stands: the position of the shard and the last ordering key. */
export const positionOf = shardState<JsonObject>;

/** The records of a stream as a test wants to see them: `-` for a column that is left out. */
export const brief = briefly('-');

/** Numbers 1 to `to` (at most 100,000), as a table `i` of one column `i`. */
export const series = (to: number): string => {
  const digit =
    '(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';
  return `(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM ${digit} a, ${digit} b, ${digit} c, ${digit} e, ${digit} f
    HAVING i <= ${to}) series`;
};
