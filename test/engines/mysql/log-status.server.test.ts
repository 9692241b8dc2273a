import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeFlavor, mysqlLabel } from '../../kit/mysql-engines.ts';
import { runConnector } from '../../kit/run-connector.ts';
import { type OwnMysqlServer, query, startMysql } from '../../kit/servers/mysql.ts';
import { createThing, failureOf, hang, inLab, type Lab, series, thing } from './lab.ts';

const MONITOR = ['BACKUP_ADMIN ON *.*', 'SELECT ON performance_schema.log_status'];

// MariaDB has GTIDs always.
describeFlavor('mysql', mysqlLabel('mysql'), () => {
  let server: OwnMysqlServer;
  beforeAll(async () => {
    server = await startMysql({ flavor: 'mysql', settings: { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' } });
  });
  afterAll(() => server?.stop());

  /** A test whose account has these rights as well. */
  const lab = (rights: readonly string[], body: (lab: Lab) => Promise<void>): (() => Promise<void>) =>
    inLab(
      () => server,
      async lab => {
        for (const right of rights) await lab.sql(`GRANT ${right} TO '${lab.database.name}'@'%'`);
        await body(lab);
      },
    );
  const locks = async (): Promise<number> => {
    const [row] = await server.query(undefined, "SHOW GLOBAL STATUS LIKE 'Com_flush'");
    return Number(row?.['Value']);
  };

  describe.each([
    ['performance_schema.log_status', MONITOR],
    ['a lock', ['RELOAD ON *.*']],
  ])('without GTIDs, by %s', (way, rights) => {
    it(
      'a commit that is in the log and that nobody sees is waited for, and is not lost',
      lab(rights, async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(50)}`);
        const platform = await lab.connect();
        const { release } = await hang(lab, server, "INSERT INTO thing VALUES (1000, 'held', 1)");
        const running = platform.run();
        await lab.until(async () => {
          const rows = await server.query(undefined, 'SHOW FULL PROCESSLIST');
          return rows.some(row => /log_status|FLUSH TABLES/.test(String(row['Info'])));
        });
        await release();
        platform.store(await running);
        await platform.sync();
        await platform.expectEqual([thing]);
        expect(platform.committed.rowCount('thing')).toBe(51);
      }),
    );

    it(
      'a commit that does not end is said to be in the way, by check as well where it asks',
      lab(rights, async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'old', i FROM ${series(50)}`);
        const platform = await lab.connect();
        const { release } = await hang(lab, server, "INSERT INTO thing VALUES (1000, 'held', 1)");
        const config = lab.database.config();
        // Who asks first keeps the others from the end of the log; the read does not need it.
        const checking = runConnector({ command: 'check', config });
        if (way !== 'a lock') {
          await lab.until(async () => {
            const rows = await server.query(undefined, 'SHOW FULL PROCESSLIST');
            return rows.some(row => String(row['Info']).includes("'$.binary_log_file'"));
          });
        }
        const [run, checked] = await Promise.all([platform.run({ mayFail: true }), checking]);
        expect(failureOf(run)).toMatch(/transient_error \/ TRANSACTIONS_IN_PROGRESS: .*semi-synchronous replica/);
        const status = checked.lines.filter(line => line.includes('CONNECTION_STATUS')).join();
        expect(status).toContain(way === 'a lock' ? 'SUCCEEDED' : 'TRANSACTIONS_IN_PROGRESS');
        await release();
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'values that are read again cost no lock for each transaction',
      lab(rights, async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, 'kept', 0 FROM ${series(100)}`);
        const platform = await lab.connect();
        await platform.sync();
        const client = await lab.client();
        await query(client, "SET binlog_row_image = 'MINIMAL'");
        for (let id = 1; id <= 100; id++) await query(client, `UPDATE thing SET n = n + 1 WHERE id = ${id}`);
        const before = await locks();
        await platform.sync();
        await platform.expectEqual([thing]);
        expect((await locks()) - before).toBe(way === 'a lock' ? 1 : 0);
      }),
    );
  });

  it(
    'without the rights for either, the read says what to grant',
    lab([], async lab => {
      await lab.sql(createThing);
      const run = await (await lab.connect()).run({ mayFail: true });
      expect(failureOf(run)).toMatch(/config_error \/ PERMISSION_DENIED: .*GRANT BACKUP_ADMIN .*or GRANT RELOAD/);
    }),
  );
});
