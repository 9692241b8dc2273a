import { describe, expect, it } from 'vitest';
import { describeFlavor, mysqlLabel } from '../../kit/mysql-engines.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { brief, createThing, failureOf, inLab, type Lab, table, thing } from './lab.ts';

const rows = "INSERT INTO thing VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3);";
const begin = `${createThing} ${rows}`;
const onUniqueKey = `CREATE TABLE thing (id bigint NOT NULL, text longtext, n bigint, UNIQUE (id)); ${rows}`;

/** While the table is versioned. Its log has a version of before as an insert, and the delete as an update. */
const changes = 'UPDATE thing SET n = 20 WHERE id = 2; DELETE FROM thing WHERE id = 3;';
const columns = (type: string): string =>
  `ADD began ${type} GENERATED ALWAYS AS ROW START, ADD ended ${type} GENERATED ALWAYS AS ROW END,
   ADD PERIOD FOR SYSTEM_TIME (began, ended), ADD SYSTEM VERSIONING`;
const withoutColumns =
  "SET system_versioning_alter_history = 'KEEP'; ALTER TABLE thing DROP COLUMN began, DROP COLUMN ended, DROP SYSTEM VERSIONING;";
const inLog = (sql: string): string => `SET sql_log_bin = 0; ${sql}; SET sql_log_bin = 1;`;

/** A table that is versioned for a while, and is not when the next read begins. */
const whiles: Readonly<Record<string, readonly [create: string, turn: string]>> = {
  'by ALTER TABLE': [begin, `ALTER TABLE thing ADD SYSTEM VERSIONING; ${changes} ALTER TABLE thing DROP SYSTEM VERSIONING`],
  'with columns of its own': [begin, `ALTER TABLE thing ${columns('timestamp(6)')}; ${changes} ${withoutColumns}`],
  'by transactions': [begin, `ALTER TABLE thing ${columns('bigint unsigned')}; ${withoutColumns}`],
  'with history apart': [
    begin,
    `ALTER TABLE thing ADD SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION h HISTORY, PARTITION c CURRENT); ${changes}
     ALTER TABLE thing REMOVE PARTITIONING; ALTER TABLE thing DROP SYSTEM VERSIONING`,
  ],
  'as a new table': [
    begin,
    `CREATE OR REPLACE TABLE thing (id bigint PRIMARY KEY, text longtext, n bigint) WITH SYSTEM VERSIONING; ${rows} ${changes}
     ALTER TABLE thing DROP SYSTEM VERSIONING`,
  ],
  'by one of its columns': [
    begin,
    `CREATE OR REPLACE TABLE thing (id bigint PRIMARY KEY, text longtext, n bigint WITH SYSTEM VERSIONING); ${rows} ${changes}
     ALTER TABLE thing DROP SYSTEM VERSIONING`,
  ],
  'beside a period of its own': [
    begin,
    `CREATE OR REPLACE TABLE thing (id bigint PRIMARY KEY, text longtext, n bigint, a date NOT NULL DEFAULT '2000-01-01', b date NOT NULL DEFAULT '2000-01-02',
       PERIOD FOR valid (a, b)) WITH SYSTEM VERSIONING;
     INSERT INTO thing (id, text, n) VALUES (2, 'two', 2), (3, 'three', 3); ${changes}
     ALTER TABLE thing DROP SYSTEM VERSIONING, DROP PERIOD FOR valid; ALTER TABLE thing DROP a, DROP b`,
  ],
  'like another table': [
    begin,
    `CREATE TABLE other (id bigint PRIMARY KEY, text longtext, n bigint) WITH SYSTEM VERSIONING; CREATE OR REPLACE TABLE thing LIKE other;
     ${rows} ${changes} ALTER TABLE thing DROP SYSTEM VERSIONING`,
  ],
  'under a name that another table took': [
    begin,
    `CREATE TABLE other (id bigint PRIMARY KEY, text longtext, n bigint) WITH SYSTEM VERSIONING; DROP TABLE thing; RENAME TABLE other TO thing;
     ${rows} ${changes} ALTER TABLE thing DROP SYSTEM VERSIONING`,
  ],
  'by statements that the log lacks': [
    begin,
    `${inLog('ALTER TABLE thing ADD SYSTEM VERSIONING')} ${changes} ${inLog('ALTER TABLE thing DROP SYSTEM VERSIONING')}`,
  ],
  'by statements that the log lacks, with a unique key': [
    onUniqueKey,
    `${inLog('ALTER TABLE thing ADD SYSTEM VERSIONING')} ${changes} ${inLog('ALTER TABLE thing DROP SYSTEM VERSIONING')}`,
  ],
};

describeFlavor('mariadb', mysqlLabel('mariadb'), () => {
  describe.each(rowMetadataOf('mariadb'))('binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) =>
      inLab(() => acquireMysql('mariadb', metadata), body);

    it.each(Object.entries(whiles))(
      'a table that is versioned for a while, %s: no old version is read as a row',
      (_, [create, turn]) =>
        lab(async lab => {
          await lab.sql(create);
          const platform = await lab.connect({ streams: ['thing'] });
          await platform.sync();
          const client = await lab.client();
          await client.query(turn);
          const run = await platform.run({ mayFail: true });
          expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: .*\.thing/);
          expect(run.records).toEqual([]);
          platform.clear('thing');
          await platform.sync();
          await lab.sql("UPDATE thing SET text = 'zwei' WHERE id = 2");
          await platform.sync();
          await platform.expectEqual([thing]);
        })(),
    );

    it(
      'versioning that is added while the table is read stops the read in front of the first old version',
      lab(async lab => {
        await lab.sql(`CREATE TABLE gate (id int PRIMARY KEY); ${begin}`);
        const platform = await lab.connect({ streams: ['thing', 'gate'] });
        const run = await lab.atGate(
          () => platform.run({ mayFail: true }),
          () => lab.sql(`UPDATE thing SET n = 10 WHERE id = 1; ALTER TABLE thing ADD SYSTEM VERSIONING; ${changes}`),
        );
        expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: .*\.thing .*system versioning/);
        expect(brief(run, 'thing', 'id', 'n')).toEqual(['1 1', '2 2', '3 3', '1 10']);
      }),
    );

    it(
      'a stream that was cleared is read past a time in which its table was versioned',
      lab(async lab => {
        await lab.sql(`CREATE TABLE other (id bigint PRIMARY KEY, n bigint); INSERT INTO other VALUES (1, 1); ${begin}`);
        const platform = await lab.connect({ streams: ['thing', 'other'] });
        await platform.sync();
        await lab.sql(
          `ALTER TABLE thing ADD SYSTEM VERSIONING; ${changes} ALTER TABLE thing DROP SYSTEM VERSIONING; UPDATE other SET n = 2`,
        );
        platform.clear('thing');
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      'a table is followed whose own columns have the names, also past CREATE TABLE IF NOT EXISTS',
      lab(async lab => {
        await lab.sql(`CREATE TABLE thing (id bigint PRIMARY KEY, n bigint, row_start bigint unsigned NOT NULL, row_end bigint unsigned NOT NULL);
          INSERT INTO thing VALUES (1, 1, 0, 0)`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`CREATE TABLE IF NOT EXISTS thing (id bigint PRIMARY KEY) WITH SYSTEM VERSIONING;
          UPDATE thing SET n = 2; INSERT INTO thing VALUES (2, 2, 2, 2)`);
        await platform.sync();
        await platform.expectEqual([table('thing', { id: 'integer', n: 'integer', row_start: 'integer', row_end: 'integer' })]);
      }),
    );
  });
});
