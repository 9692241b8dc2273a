import { expect, it } from 'vitest';
import { chaosTests, finish, withRows } from '../../kit/chaos.ts';
import { tables } from '../../kit/conformance/scene.ts';
import { describeMysql, flavorsHere, mysqlLabel, mysqlUnavailable } from '../../kit/mysql-engines.ts';
import { Platform } from '../../kit/platform.ts';
import { startMysql } from '../../kit/servers/mysql.ts';
import { sleep } from '../../kit/servers/process.ts';
import { MysqlDatabase, mysqlBackend } from './backend.ts';

const patienceSeconds = 2;
const cursorColumn = '_ab_cdc_cursor';

const touchAll = async (database: MysqlDatabase): Promise<void> => {
  await database.query(`UPDATE account SET balance = balance + 1; UPDATE event SET payload = CONCAT(payload, '!');
    UPDATE document SET edited = edited + INTERVAL 1 DAY; DELETE FROM account WHERE id % 7 = 0`);
};

for (const flavor of flavorsHere) {
  chaosTests<MysqlDatabase>({
    label: mysqlLabel(flavor),
    unavailable: mysqlUnavailable(flavor),
    waitsForReaders: false,
    cursorColumn,
    ways: ['killed', 'restarted'],
    patienceMilliseconds: patienceSeconds * 1000,
    create: async () => {
      const server = await startMysql({ flavor, settings: { net_write_timeout: String(patienceSeconds) } });
      const ofReader = (database: MysqlDatabase, command = ''): Promise<number[]> =>
        server.connections(connection => connection.user === database.name && connection.command.startsWith(command));
      return {
        start: () => server.start(),
        stop: () => server.stop(),
        ways: { killed: () => server.kill9(), restarted: () => server.halt('orderly') },
        open: () => MysqlDatabase.create(server),
        endConnections: async database => server.kill(await ofReader(database)),
        logIsRead: async database => (await ofReader(database, 'Binlog Dump')).length > 0,
      };
    },
    touchAll,
    writings: {
      'rows written anew': async database => {
        await database.query('INSERT INTO event SELECT id + 10000, payload, tags, at FROM event');
      },
      'rows changed in one transaction': async database => {
        await database.query('UPDATE document SET edited = edited + INTERVAL 1 DAY');
      },
    },
  });
}

describeMysql(flavor => {
  it('lets two syncs read one log at the same time', async () => {
    const database = await withRows(await mysqlBackend(flavor).open());
    const one = await Platform.connect(database, cursorColumn);
    await one.sync();
    const two = one.fork();
    await touchAll(database);
    // Each is held in the middle of the log until the other has got there as well.
    let inTheLog = 0;
    const both = await Promise.all(
      [one, two].map(platform =>
        platform.sync({
          onLine: (_, { lines, child }) => {
            if (lines.length !== 100) return;
            inTheLog++;
            child.stdout?.pause();
            void (async () => {
              while (inTheLog < 2) await sleep(10);
              child.stdout?.resume();
            })();
          },
        }),
      ),
    );
    expect(both.map(run => run.exitCode)).toEqual([0, 0]);
    await two.expectEqual(tables);
    await finish(one, database);
  });
});
