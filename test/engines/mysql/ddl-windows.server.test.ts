import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { failureOf, inLab, type Lab, series, table } from './lab.ts';

const thing = table('thing', { id: 'integer', a: 'integer', b: 'integer' });
const other = table('other', { id: 'integer', a: 'integer', b: 'integer' });

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it(
      '#41 two columns of one type that change places are told apart, also by a read that was killed in between',
      lab(async lab => {
        await lab.sql(
          `CREATE TABLE thing (id int PRIMARY KEY, a int, b int); INSERT INTO thing SELECT i, 1, 2 FROM ${series(400)}`,
        );
        const platform = await lab.connect();
        await platform.sync();
        for (let turn = 0; turn < 6; turn++) {
          const order = turn % 2 === 0 ? 'MODIFY a int AFTER b' : 'MODIFY a int FIRST';
          await lab.sql(
            `UPDATE thing SET a = a + 10 WHERE id % 2 = 0; ALTER TABLE thing ${order}; UPDATE thing SET b = b + 1000 WHERE id % 3 = 0`,
          );
        }
        for (const lines of [150, 500, 900]) platform.store(await platform.run({ killAfter: { lines }, mayFail: true }));
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      '#41 a table that is altered while it and others are read first is read as it was and as it is',
      lab(async lab => {
        await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, a int, b int); INSERT INTO thing SELECT i, 1, 2 FROM ${series(50)};
          CREATE TABLE gate (id bigint PRIMARY KEY); CREATE TABLE late (id int PRIMARY KEY, a int, b int); INSERT INTO late VALUES (1, 1, 2)`);
        const platform = await lab.connect({ streams: ['thing', 'gate', 'late'] });
        const run = await lab.atGate(
          () => platform.run({ mayFail: true }),
          () =>
            lab.sql(`UPDATE thing SET a = 5 WHERE id < 5; ALTER TABLE thing MODIFY a int AFTER b; UPDATE thing SET a = 6 WHERE id = 10;
              UPDATE late SET a = 5; ALTER TABLE late MODIFY a int AFTER b; INSERT INTO late (id, a, b) VALUES (2, 7, 8)`),
        );
        if (run.exitCode !== 0) expect(failureOf(run)).toMatch(/SCHEMA_CHANGED/);
        platform.store(run);
        await lab.sql('UPDATE thing SET b = 9 WHERE id = 11; UPDATE late SET b = 9 WHERE id = 1');
        await platform.sync();
        await platform.expectEqual([thing, table('late', { id: 'integer', a: 'integer', b: 'integer' })]);
      }),
    );

    it(
      '#41 two followed tables that change names are told apart',
      lab(async lab => {
        await lab.sql(
          `CREATE TABLE thing (id int PRIMARY KEY, a int, b int); CREATE TABLE other (b int, a int, id int PRIMARY KEY)`,
        );
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`INSERT INTO thing VALUES (1, 10, 100); DELETE FROM thing; RENAME TABLE thing TO swap, other TO thing, swap TO other;
          INSERT INTO thing (id, a, b) VALUES (2, 20, 200); INSERT INTO other (id, a, b) VALUES (3, 30, 300)`);
        await platform.sync();
        await lab.sql('UPDATE thing SET a = 21; UPDATE other SET b = 301');
        await platform.sync();
        await platform.expectEqual([thing, other]);
      }),
    );

    it(
      '#41 columns of one type that change places outside of the log (sql_log_bin = 0) are noticed',
      lab(async lab => {
        await lab.sql('CREATE TABLE thing (id int PRIMARY KEY, a int, b int)');
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`SET SESSION sql_log_bin = 0; ALTER TABLE thing MODIFY a int AFTER b; SET SESSION sql_log_bin = 1;
          INSERT INTO thing (id, a, b) VALUES (1, 10, 100)`);
        const run = await platform.run({ mayFail: metadata !== 'FULL' });
        if (metadata !== 'FULL') expect(failureOf(run)).toMatch(/SCHEMA_CHANGED.*sql_log_bin/);
        else {
          platform.store(run);
          await platform.expectEqual([thing]);
        }
      }),
    );

    it(
      '#41 an ALTER TABLE that is kept out of the log (sql_log_bin = 0) puts no value into another column without a word',
      lab(async lab => {
        await lab.sql('CREATE TABLE thing (id int PRIMARY KEY, a int, b int)');
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql('SET SESSION sql_log_bin = 0; ALTER TABLE thing ADD COLUMN x int FIRST');
        await lab.sql('INSERT INTO thing (id, a, b) VALUES (1, 10, 100)');
        const run = await platform.run({ mayFail: true });
        if (run.exitCode !== 0)
          expect([metadata, failureOf(run)]).toEqual([
            expect.not.stringMatching('FULL'),
            expect.stringContaining('SCHEMA_CHANGED'),
          ]);
        else {
          platform.store(run);
          await platform.expectEqual([thing]);
        }
      }),
    );
  });
});
