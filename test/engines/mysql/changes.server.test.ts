import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { query } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { brief, createThing, failureOf, inLab, type Lab, largeText, peakMegabytes, series, table, thing } from './lab.ts';

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);
  /** What MariaDB has no word for is no test there. */
  const itOnMysql = (name: string, body: () => Promise<void>): void => {
    if (flavor === 'mysql') it(name, body);
  };

  describe.each(['MINIMAL', 'NOBLOB'])('#26 binlog_row_image = %s in a session', image => {
    it(
      'gives what an update left alone as it is, whatever the key is of, and deletes by their key',
      lab(async lab => {
        const kinds = {
          'bigint unsigned': '18446744073709551615',
          'varchar(50)': "'it''s \\\\ ü'",
          'binary(4)': "X'00ff2700'",
          'datetime(6)': "'2024-02-29 12:34:56.000001'",
          // With a default, or older MariaDB sets it anew with every UPDATE.
          "timestamp(3) DEFAULT '2000-01-01'": "'2024-02-29 12:34:56.789'",
          'decimal(30,5)': '1234567890123456789012345.00001',
          double: '1e-3',
          'time(2)': "'-12:34:56.78'",
          "enum('a','b''c')": "'b''c'",
          'tinyint(1)': '-2',
          date: "'2024-02-29'",
          'bit(9)': "b'101000001'",
        };
        const names = Object.keys(kinds).map((_, at) => `k${at}`);
        for (const [at, type] of Object.keys(kinds).entries()) {
          await lab.sql(
            `CREATE TABLE k${at} (id ${type} NOT NULL PRIMARY KEY, text longtext, n int, v int AS (n + 1) VIRTUAL) CHARACTER SET ${at % 2 === 0 ? 'utf8mb4' : 'latin1'}`,
          );
          await lab.sql(`INSERT INTO k${at} (id, text, n) VALUES (${Object.values(kinds)[at]}, 'left alone', 1)`);
        }
        const platform = await lab.connect();
        const first = await platform.sync();
        const was = new Map(names.map(name => [name, brief(first, name, 'id', 'text', 'n', 'v')]));
        for (const name of names) await lab.sql(`SET binlog_row_image = '${image}'; UPDATE ${name} SET n = 2`);
        const second = await platform.sync();
        for (const name of names) {
          const [before = ''] = was.get(name) ?? [];
          expect([name, ...brief(second, name, 'id', 'text', 'n', 'v')]).toEqual([name, before.replace(/1 2$/, '2 3')]);
        }
        for (const name of names) await lab.sql(`SET binlog_row_image = '${image}'; DELETE FROM ${name}`);
        const third = await platform.sync();
        for (const name of names) {
          const [before = ''] = was.get(name) ?? [];
          expect([name, ...brief(third, name, 'id')]).toEqual([name, `gone ${before.replace(/ "left alone" 1 2$/, '')}`]);
        }
      }),
    );

    it(
      'does not print a delete without its key: of two unique ones the log may have the other',
      lab(async lab => {
        await lab.sql(`CREATE TABLE pairs (a int NOT NULL, b int NOT NULL, text text, UNIQUE zz (b), UNIQUE aa (a));
          INSERT INTO pairs VALUES (1, 10, 'x'), (2, 20, 'y')`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`SET binlog_row_image = '${image}'; DELETE FROM pairs WHERE a = 1`);
        const run = await platform.sync({ mayFail: true });
        if (image === 'NOBLOB') expect(brief(run, 'pairs', 'a')).toEqual(['gone 1']);
        else {
          expect(run.records).toEqual([]);
          expect(failureOf(run)).toMatch(/SCHEMA_CHANGED.*does not contain the full key/);
        }
      }),
    );

    it(
      'loses nothing where keys change, rows are gone by then, and values are NULL',
      lab(async lab => {
        await lab.sql(`${createThing} INSERT INTO thing SELECT i, CONCAT('text ', i), i FROM ${series(300)}`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`SET binlog_row_image = '${image}'; UPDATE thing SET n = n + 1; UPDATE thing SET text = NULL WHERE id < 20; UPDATE thing SET n = NULL WHERE id < 10;
          UPDATE thing SET id = id + 1000 WHERE id > 250; DELETE FROM thing WHERE id BETWEEN 30 AND 60; INSERT INTO thing (id) VALUES (9999)`);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  });

  it(
    'a row that stands several times in one event has its values read again each time',
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, text longtext, n int, v int AS (n * 2) VIRTUAL);
        CREATE TABLE words (w varchar(10) COLLATE utf8mb4_general_ci PRIMARY KEY, text longtext, n int);
        INSERT INTO thing (id, text, n) VALUES (1, 'kept', 1); INSERT INTO words VALUES ('a', 'kept', 1)`);
      const platform = await lab.connect();
      await platform.sync();
      const twice = (more: string): string =>
        `INSERT INTO thing (id, n) VALUES (1, 0), (1, 0) ON DUPLICATE KEY UPDATE n = thing.n + 1 ${more}`;
      await lab.sql(`SET SESSION binlog_row_image = 'MINIMAL'; ${twice('')}; ${twice(', id = thing.id')};
        INSERT INTO words (w) VALUES ('A'), ('a') ON DUPLICATE KEY UPDATE n = words.n + 1`);
      const lean = await platform.sync();
      expect(brief(lean, 'thing', 'text')).toEqual(['"kept"', '"kept"', '"kept"', '"kept"']);
      expect(new Set(brief(lean, 'words', 'text'))).toEqual(new Set(['"kept"']));
      await lab.sql(twice(''));
      const full = await platform.sync();
      expect(brief(full, 'thing', 'n', 'text')).toEqual(['6 "kept"', '7 "kept"']);
      expect([...lean.records, ...full.records].flatMap(record => record.meta?.changes ?? [])).toEqual([]);
      await platform.expectEqual([table('thing', { id: 'integer', text: 'text', n: 'integer', v: 'integer' })]);
    }),
  );

  it(
    'rows of megabytes that are read again are so in small batches',
    lab(async lab => {
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, REPEAT(CHAR(97 + i % 26), 5000000), i FROM ${series(40)}`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql("SET SESSION binlog_row_image = 'MINIMAL'; UPDATE thing SET n = n + 1");
      let most = 0;
      const run = await platform.sync({
        onLine: (_, running) => {
          most = Math.max(most, peakMegabytes(running));
        },
      });
      expect(run.records.map(record => String(record.data['text']).length)).toEqual(Array(40).fill(5_000_000));
      console.log(`${flavor}: ${Math.round(most)} MB at most`);
      expect(most).toBeGreaterThan(20);
      expect(most).toBeLessThanOrEqual(180);
    }),
  );

  itOnMysql(
    '#25 partial JSON is put together, with every row image',
    lab(async lab => {
      await lab.sql('CREATE TABLE thing (id bigint PRIMARY KEY, doc json, n int)');
      await lab.sql(
        `INSERT INTO thing SELECT i, JSON_OBJECT('a', i, 'list', JSON_ARRAY(1, 2, 3), 'pad', REPEAT('x', 300)), i FROM ${series(20)}`,
      );
      const platform = await lab.connect();
      await platform.sync();
      for (const image of ['FULL', 'MINIMAL', 'NOBLOB']) {
        await lab.sql(`SET binlog_row_value_options = 'PARTIAL_JSON'; SET binlog_row_image = '${image}';
          UPDATE thing SET doc = JSON_SET(doc, '$.a', id * 10, '$.list[1]', '${image}');
          UPDATE thing SET doc = JSON_REMOVE(doc, '$.list[0]') WHERE id % 2 = 0; UPDATE thing SET n = n + 1 WHERE id > 15;
          UPDATE thing SET doc = JSON_REPLACE(doc, '$.pad', 'short'), n = 0 WHERE id = 3; UPDATE thing SET doc = NULL WHERE id = 5`);
        await platform.sync();
        await platform.expectEqual([table('thing', { id: 'integer', doc: 'json', n: 'integer' })]);
      }
    }),
  );

  itOnMysql(
    '#24 transactions that a session compresses are read, among others that are not',
    lab(async lab => {
      await lab.sql(createThing);
      const platform = await lab.connect();
      await platform.sync();
      const client = await lab.client();
      await query(client, 'SET binlog_transaction_compression = ON');
      for (let round = 0; round < 3; round++) {
        await query(
          client,
          `BEGIN; INSERT INTO thing SELECT ${round * 1000} + i, REPEAT('z', 500), i FROM ${series(200)}; UPDATE thing SET n = n + 1 WHERE id % 7 = 0;
          DELETE FROM thing WHERE id % 11 = 0; COMMIT`,
        );
        await lab.sql(`INSERT INTO thing VALUES (${round} + 100000, 'plain', 1)`);
      }
      await platform.sync();
      await platform.expectEqual([thing]);
      await query(client, "XA START 'x'; UPDATE thing SET n = 77 WHERE id < 50; XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'");
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  if (flavor === 'mariadb') {
    it(
      '#33 events that the server compresses, and compressed columns, are read',
      lab(async lab => {
        const was = await lab.server.variable('log_bin_compress');
        await lab.sql('SET GLOBAL log_bin_compress = 1');
        lab.later(() => lab.server.query(undefined, `SET GLOBAL log_bin_compress = ${was}`));
        await lab.sql('CREATE TABLE thing (id bigint PRIMARY KEY, text longtext COMPRESSED, n bigint)');
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(
          `INSERT INTO thing SELECT i, REPEAT('z', 500), i FROM ${series(200)}; UPDATE thing SET text = '${largeText(3, 3000)}', n = n + 1 WHERE id % 7 = 0; DELETE FROM thing WHERE id % 11 = 0`,
        );
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );
  }

  it(
    '#11, #31 changed keys, savepoints, swapped keys and tables without transactions come as they must',
    lab(async lab => {
      await lab.sql(
        `${createThing} CREATE TABLE plain (id bigint PRIMARY KEY, text longtext) ENGINE = MyISAM; INSERT INTO thing VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)`,
      );
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(`INSERT INTO plain VALUES (1, 'x'), (2, 'y'); UPDATE plain SET text = 'z' WHERE id = 2;
        BEGIN; UPDATE thing SET n = 10 WHERE id = 1; SAVEPOINT s; UPDATE thing SET n = 11 WHERE id = 1; DELETE FROM thing WHERE id = 3; ROLLBACK TO s; INSERT INTO thing VALUES (4, 'd', 4); COMMIT;
        BEGIN; UPDATE thing SET id = 20 WHERE id = 2; UPDATE thing SET id = 2 WHERE id = 1; UPDATE thing SET id = 1 WHERE id = 20; COMMIT`);
      await platform.sync();
      await platform.expectEqual([thing, table('plain', { id: 'integer', text: 'text' })]);
      await lab.sql("BEGIN; INSERT INTO plain VALUES (3, 'stays'); INSERT INTO thing VALUES (50, 'goes', 1); ROLLBACK");
      const run = await platform.run({ mayFail: true });
      if (run.exitCode === 0) {
        platform.store(run);
        await platform.expectEqual([thing, table('plain', { id: 'integer', text: 'text' })]);
      } else expect(failureOf(run)).toMatch(/POSITION_LOST/);
    }),
  );
});
