import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { repository } from '../../kit/paths.ts';
import { expectSuccess, runConnector } from '../../kit/run-connector.ts';
import { query, startMysql } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { brief, inLab, type Lab, series, table } from './lab.ts';

/** By known bug of other connectors: type, value, and what every record must say. */
const values: readonly (readonly [bug: string, type: string, value: string, said: string])[] = [
  ['#34', 'mediumint unsigned', '16777215', '16777215'],
  ['#34', 'bigint unsigned', '18446744073709551615', '18446744073709551615'],
  ['#34', 'bigint', '-9223372036854775808', '-9223372036854775808'],
  [
    '#35',
    'decimal(65,30)',
    '12345678901234567890123456789012345.000000000000000000000000000001',
    '12345678901234567890123456789012345.000000000000000000000000000001',
  ],
  ['#35', 'decimal(10,2)', '-0.10', '-0.10'],
  ['#36', 'timestamp(6)', "'2024-03-10 02:30:00.000001'", '"2024-03-10T02:30:00.000001Z"'],
  ['#36', 'datetime(6)', "'1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999"'],
  ['#37', 'date', "'0000-00-00'", 'null'],
  ['#37', 'date', "'2023-05-00'", 'null'],
  ['#37', 'year', '0', '0'],
  ['#37', 'time(6)', "'-838:59:58.000001'", '"-838:59:58.000001"'],
  ['#38', 'varchar(20) CHARACTER SET latin1', "_utf8mb4'œ€ü'", '"œ€ü"'],
  ['#38', 'varchar(20) CHARACTER SET ucs2', "_utf8mb4'ü明'", '"ü明"'],
  ['#38', 'varchar(20) CHARACTER SET utf8mb4', "_utf8mb4'𝄞'", '"𝄞"'],
  ['#38', 'binary(4)', "X'ff000000'", '"/wAAAA=="'],
  ['#39', "enum('a','b')", "''", '""'],
  ['#39', "set('a','b','c')", "'c,a'", '"a,c"'],
  [
    '#39',
    'bit(64)',
    "b'1000000000000000000000000000000000000000000000000000000000000001'",
    '"1000000000000000000000000000000000000000000000000000000000000001"',
  ],
  ['#39', 'tinyint(1)', '2', 'true'],
];

describeMysql(flavor => {
  const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor), body);

  it(
    '#34 to #39 values that others get wrong are the same by snapshot, log and old row',
    lab(async lab => {
      const columns = values.map(([, type], at) => `c${at} ${type} NULL`).join(', ');
      const list = values.map(([, , value]) => value).join(', ');
      const lax = "SET sql_mode = 'ALLOW_INVALID_DATES'; SET time_zone = '+00:00'; SET NAMES utf8mb4";
      await lab.sql(`${lax}; CREATE TABLE thing (id int PRIMARY KEY, ${columns}); INSERT INTO thing VALUES (1, ${list})`);
      const platform = await lab.connect();
      const names = values.map((_, at) => `c${at}`);
      const expected = values.map(([bug, type, , said]) => `${bug} ${type}: ${said}`);
      const said = (run: Parameters<typeof brief>[0], id: number): string[] =>
        values.map(([bug, type], at) => `${bug} ${type}: ${brief(run, 'thing', names[at] ?? '')[id]?.replace('gone ', '')}`);
      expect(said(await platform.sync(), 0)).toEqual(expected);
      await lab.sql(
        `${lax}; INSERT INTO thing VALUES (2, ${list}); UPDATE thing SET id = 3 WHERE id = 1; DELETE FROM thing WHERE id = 2`,
      );
      const run = await platform.sync();
      expect(brief(run, 'thing', 'id')).toEqual(['2', 'gone 1', '3', 'gone 2']);
      for (const at of [0, 1, 2, 3]) expect(said(run, at)).toEqual(expected);
    }),
  );

  it(
    '#40 invisible and generated columns, and keys that the server made, come by snapshot and log',
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, hidden int ${flavor === 'mysql' ? 'INVISIBLE' : 'INVISIBLE DEFAULT NULL'}, v int AS (id * 2) VIRTUAL, s int AS (id * 3) STORED, d varchar(36) DEFAULT (REPEAT('d', 3)));
        INSERT INTO thing (id, hidden) VALUES (1, 10)`);
      if (flavor === 'mysql') {
        await lab.sql('SET sql_generate_invisible_primary_key = ON; CREATE TABLE keyless (a int)');
        await lab.sql('INSERT INTO keyless VALUES (5)');
      }
      const platform = await lab.connect();
      expect(brief(await platform.sync(), 'thing', 'id', 'hidden', 'v', 's', 'd')).toEqual(['1 10 2 3 "ddd"']);
      await lab.sql('INSERT INTO thing (id, hidden) VALUES (2, 20)');
      if (flavor === 'mysql') await lab.sql('INSERT INTO keyless VALUES (6)');
      const run = await platform.sync();
      expect(brief(run, 'thing', 'id', 'hidden', 'v', 's', 'd')).toEqual(['2 20 4 6 "ddd"']);
      if (flavor === 'mysql') expect(brief(run, 'keyless', 'my_row_id', 'a')).toEqual(['2 6']);
    }),
  );

  it(
    '#43 no table is locked, and nobody is waited for: neither for who has written nor for who reads',
    lab(async lab => {
      await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing VALUES (1, 1), (2, 2)`);
      const writer = await lab.client();
      await query(writer, 'BEGIN; UPDATE thing SET n = 10 WHERE id = 1');
      const reader = await lab.client();
      await query(reader, 'BEGIN; SELECT * FROM thing');
      const platform = await lab.connect();
      await platform.sync({ timeoutMilliseconds: 15_000 });
      await query(writer, 'COMMIT');
      await platform.sync();
      await platform.expectEqual([table('thing', { id: 'integer', n: 'integer' })]);
    }),
  );

  it(
    '#62 a snapshot that is killed again and again gives every row, by keys of text, of several columns, of one value',
    lab(async lab => {
      await lab.sql(`CREATE TABLE words (w varchar(50) COLLATE utf8mb4_bin, n int, text longtext, PRIMARY KEY (w, n));
        INSERT INTO words SELECT CONCAT(CHAR(97 + i % 26), REPEAT('é', i % 4)), i, REPEAT('x', 200) FROM ${series(6000)};
        CREATE TABLE single (id bigint unsigned PRIMARY KEY, text longtext); INSERT INTO single VALUES (18446744073709551615, 'max'), (0, 'min')`);
      const platform = await lab.connect();
      let inside = 0;
      for (let turn = 0; turn < 4; turn++) {
        const run = await platform.run({
          killAfter: { when: (line, lines) => lines > 100 && line.includes('"after"') },
          mayFail: true,
        });
        if (run.signal === 'SIGKILL') inside++;
        platform.store(run);
        await lab.sql(
          `UPDATE words SET text = 'changed ${turn}' WHERE n % 5 = ${turn}; DELETE FROM words WHERE n % 50 = ${turn}; UPDATE words SET w = CONCAT('zz', n) WHERE n % 97 = ${turn}`,
        );
      }
      expect(inside).toBeGreaterThan(0);
      await platform.sync();
      await platform.expectEqual([
        table('words', { w: 'text', n: 'integer', text: 'text' }, ['w', 'n']),
        table('single', { id: 'integer', text: 'text' }),
      ]);
    }),
  );

  it('the document: its SQL gives an account and settings that check has nothing to say against', async () => {
    const page = readFileSync(join(repository, `docs/${flavor}.md`), 'utf8');
    const grants = [...page.matchAll(/^```sql\n(CREATE USER[\s\S]*?)^```$/gm)].map(match => match[1] ?? '');
    expect(grants).toHaveLength(1);
    const settings =
      flavor === 'mysql'
        ? {}
        : Object.fromEntries(
            [...(/^```ini\n\[mysqld\]\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '').matchAll(/^(\w+) = (\w+)$/gm)].map(match => [
              match[1] ?? '',
              match[2] ?? '',
            ]),
          );
    const server = await startMysql({
      flavor,
      settings: { binlog_row_metadata: flavor === 'mysql' ? 'MINIMAL' : 'NO_LOG', ...settings },
    });
    try {
      await server.createDatabase('shop');
      await server.query('shop', 'CREATE TABLE good (id int PRIMARY KEY)');
      for (const match of page.matchAll(/`(SET PERSIST [^`]*;)`/g)) await server.query(undefined, match[1] ?? '');
      await server.query(undefined, grants.join('\n'));
      const { host, port } = server;
      const config = { source: { engine: 'mysql', host, port, databases: ['shop'], username: 'reader', password: 'secret' } };
      const run = expectSuccess(await runConnector({ command: 'check', config }));
      expect(run.lines.filter(line => line.includes('CONNECTION_STATUS')).join()).toContain('SUCCEEDED');
      expect(run.logs.filter(message => /Run: /.test(message))).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
