import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { Random, seedOfRun } from '../../kit/random.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { MysqlDatabase } from './backend.ts';
import { brief, failureOf, inLab, type Lab, positionOf, table } from './lab.ts';

const thing = table('thing', { id: 'integer', a: 'integer', b: 'text' });
const create = 'CREATE TABLE thing (id bigint PRIMARY KEY, a bigint, b longtext);';

/** Statements that change what stands where, while `id`, `a` and `b` keep their meaning. */
const shuffles = [
  'ALTER TABLE thing ADD COLUMN x# int DEFAULT 7 FIRST',
  "ALTER TABLE thing ADD COLUMN y# varchar(20) NOT NULL DEFAULT 'y' AFTER a",
  "ALTER TABLE thing ADD COLUMN (v# enum('p','q'), w# datetime(3) NULL)",
  'ALTER TABLE thing MODIFY a bigint FIRST',
  'ALTER TABLE thing MODIFY b longtext AFTER id',
  'ALTER TABLE thing CHANGE a a bigint NULL AFTER b',
  'ALTER TABLE thing ADD COLUMN flag# boolean DEFAULT true, ADD INDEX i# (a)',
  'ALTER TABLE thing RENAME COLUMN a TO spare#, ADD COLUMN a bigint AFTER id; UPDATE thing SET a = spare#',
  'CREATE TABLE copy# LIKE thing; INSERT INTO copy# SELECT * FROM thing; DROP TABLE thing; RENAME TABLE copy# TO thing',
  'CREATE TABLE new# LIKE thing; ALTER TABLE new# ADD COLUMN z# int FIRST; DROP TABLE new#',
];

/** A table that nobody follows, from its beginning to its end. */
const lifeOfAnother = [
  'CREATE TABLE another (id int PRIMARY KEY, v int); INSERT INTO another VALUES (1, 2)',
  'ALTER TABLE another ADD COLUMN w text FIRST; RENAME TABLE another TO other; CREATE VIEW sight AS SELECT * FROM other',
  'TRUNCATE other; DROP VIEW sight; DROP TABLE other',
];

/** The columns that `shuffles` may have left behind are dropped, one of them. */
const dropOne = async (lab: Lab): Promise<string | null> => {
  const [row] = await lab.sql(
    "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'thing' AND COLUMN_NAME NOT IN ('id', 'a', 'b') ORDER BY RAND() LIMIT 1",
  );
  return row === undefined ? null : `ALTER TABLE thing DROP COLUMN ${String(row['name'])}`;
};

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it(
      '#41 many statements at random between the position and the head put no value into another column',
      lab(async lab => {
        const seed = seedOfRun();
        const random = new Random(seed);
        await lab.sql(create);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        let next = 1;
        for (let round = 0; round < 2; round++) {
          for (let step = 0; step < 14; step++) {
            const pick = random.between(0, shuffles.length);
            const sql = pick === shuffles.length ? await dropOne(lab) : shuffles[pick]?.replaceAll('#', String(next));
            if (sql) await lab.sql(sql);
            const id = next++;
            await lab.sql(`INSERT INTO thing (id, a, b) VALUES (${id}, ${id * 1000}, 'b${id}');
              UPDATE thing SET a = a + 1, b = CONCAT(b, '!') WHERE id % 3 = ${step % 3}; DELETE FROM thing WHERE id = ${id - 9}`);
          }
          await platform.sync();
          await platform.expectEqual([thing]);
        }
      }),
    );

    it(
      '#41 a table that is swapped for a changed copy is followed on, as gh-ost and pt-online-schema-change do it',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one'), (2, 20, 'two')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`CREATE TABLE _thing_gho LIKE thing; ALTER TABLE _thing_gho ADD COLUMN note varchar(10) AFTER id;
          INSERT INTO _thing_gho (id, a, b) SELECT id, a, b FROM thing; UPDATE thing SET a = 11 WHERE id = 1;
          REPLACE INTO _thing_gho (id, a, b) SELECT id, a, b FROM thing WHERE id = 1;
          RENAME TABLE thing TO _thing_del, _thing_gho TO thing; INSERT INTO thing (id, a, b) VALUES (3, 30, 'three');
          UPDATE thing SET b = 'zwei' WHERE id = 2; DROP TABLE _thing_del`);
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'a', 'b')).toEqual(['1 11 "one"', '3 30 "three"', '2 20 "zwei"']);
        await platform.expectEqual([thing]);
        // Where only the second half stands between position and head.
        await lab.sql('CREATE TABLE _thing_new LIKE thing; ALTER TABLE _thing_new MODIFY b longtext FIRST');
        await platform.sync();
        await lab.sql(`INSERT INTO _thing_new (id, a, b) SELECT id, a, b FROM thing; RENAME TABLE thing TO _thing_old, _thing_new TO thing;
          DELETE FROM thing WHERE id = 1; UPDATE thing SET a = 31 WHERE id = 3`);
        await platform.sync();
        await platform.expectEqual([thing]);
      }),
    );

    it(
      '#41 a column whose type no longer keeps the promise stops the read, and a refreshed schema lets it go on',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql("ALTER TABLE thing MODIFY a varchar(20); UPDATE thing SET a = 'ten'");
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/SCHEMA_CHANGED/);
        await platform.reconfigure({ streams: ['thing'] });
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'a')).toEqual(['1 "ten"']);
      }),
    );

    it(
      '#41 a column that was widened, and one that is new or gone, are read as the catalog has them',
      lab(async lab => {
        await lab.sql(
          "CREATE TABLE thing (id int PRIMARY KEY, a smallint, b varchar(10)); INSERT INTO thing VALUES (1, 10, 'one')",
        );
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(`UPDATE thing SET a = 11; ALTER TABLE thing MODIFY a bigint unsigned, MODIFY b varchar(300) CHARACTER SET latin1, MODIFY id bigint unsigned;
          INSERT INTO thing VALUES (2, 18446744073709551615, REPEAT('ü', 300)); ALTER TABLE thing ADD c int FIRST; UPDATE thing SET c = 1;
          ALTER TABLE thing DROP COLUMN c`);
        await platform.sync();
        await platform.expectEqual([table('thing', { id: 'integer', a: 'integer', b: 'text' })]);
      }),
    );

    it(
      'a partition is exchanged for a table with rows: what came and what went is said, and the log goes on',
      lab(async lab => {
        const parts = 'PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN MAXVALUE)';
        await lab.sql(
          `CREATE TABLE thing (id bigint PRIMARY KEY, a bigint, b longtext) ${parts}; INSERT INTO thing VALUES (1, 10, 'one')`,
        );
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql(
          "CREATE TABLE swapped (id bigint PRIMARY KEY, a bigint, b longtext); INSERT INTO swapped VALUES (2, 20, 'two')",
        );
        await lab.sql("ALTER TABLE thing EXCHANGE PARTITION low WITH TABLE swapped; INSERT INTO thing VALUES (3, 30, 'three')");
        const run = await platform.sync();
        expect(run.logs.join('\n')).toMatch(
          /EXCHANGE PARTITION of \S+\.thing: no delete records .* not in the log\. Clear the stream/,
        );
        expect(brief(run, 'thing', 'id', 'a', 'b')).toEqual(['3 30 "three"']);
      }),
    );

    it(
      'a table that is dropped and made anew, truncated, or made by SELECT says so and is read with its new columns',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql('TRUNCATE TABLE thing');
        expect((await platform.sync()).logs.join()).toMatch(/TRUNCATE.*no delete records/s);
        await lab.sql(
          `DROP TABLE thing; CREATE TABLE thing (b longtext, a bigint, id bigint PRIMARY KEY); INSERT INTO thing VALUES ('two', 20, 2)`,
        );
        const run = await platform.sync();
        expect(run.logs.join()).toMatch(/created anew/);
        expect(brief(run, 'thing', 'id', 'a', 'b')).toEqual(['2 20 "two"']);
        await lab.sql(
          `DROP TABLE thing; CREATE TABLE thing (PRIMARY KEY (id)) AS SELECT 'x' AS extra, CAST('three' AS CHAR(20)) AS b, CAST(30 AS SIGNED) AS a, CAST(3 AS SIGNED) AS id`,
        );
        const made = await platform.run({ mayFail: true });
        // Without names in the log nobody can tell the types that a SELECT makes.
        if (made.exitCode === 0) expect(brief(made, 'thing', 'id', 'a', 'b')).toEqual(['3 30 "three"']);
        else
          expect([metadata, failureOf(made)]).toEqual([
            expect.not.stringMatching('FULL'),
            expect.stringContaining('SCHEMA_CHANGED'),
          ]);
      }),
    );

    it(
      'a table whose name another takes says so: what it had before is read, and the other is followed on',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one'), (2, 20, 'two')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        const { name } = lab.database;
        await lab.sql(`UPDATE thing SET a = 11 WHERE id = 1; CREATE TABLE next (b longtext, id bigint PRIMARY KEY, a bigint);
          INSERT INTO next VALUES ('nine', 9, 90); RENAME TABLE thing TO away; DELETE FROM away WHERE id = 2; RENAME TABLE next TO thing;
          INSERT INTO thing (id, a, b) VALUES (3, 30, 'three'); UPDATE away SET a = 12`);
        const run = await platform.sync();
        const logs = run.logs.join('\n');
        expect(logs).toContain(`${name}.thing was renamed to ${name}.away; what happens to it there is not followed.`);
        expect(logs).toContain(`${name}.next took the name ${name}.thing; its changes are followed.`);
        expect(brief(run, 'thing', 'id', 'a', 'b')).toEqual(['1 11 "one"', '3 30 "three"']);
        await lab.sql('DELETE FROM thing WHERE id = 9; UPDATE away SET a = 13');
        expect(brief(await platform.sync(), 'thing', 'id')).toEqual(['gone 9']);
      }),
    );

    it(
      'a table that is dropped says so, also where another is made much later, and what it had before is read',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one'), (2, 20, 'two')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql('UPDATE thing SET a = 11 WHERE id = 1; DELETE FROM thing WHERE id = 2; DROP TABLE thing');
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/config_error \/ STREAM_UNKNOWN: .*thing/);
        await lab.sql(
          `CREATE TABLE thing (a bigint, b longtext, id bigint PRIMARY KEY); INSERT INTO thing VALUES (30, 'three', 3)`,
        );
        const run = await platform.sync();
        const stay = 'The rows stay at the destination: no delete records exist for them.';
        const label = `${lab.database.name}.thing`;
        expect(run.logs.filter(message => message.includes(stay))).toEqual([
          expect.stringContaining(`${label} was dropped. ${stay}`),
          expect.stringContaining(`${label} was created anew. ${stay}`),
        ]);
        expect(brief(run, 'thing', 'id', 'a')).toEqual(['1 11', expect.stringMatching(/^gone 2 /), '3 30']);
      }),
    );

    it.each([
      ['is dropped', 'DROP TABLE thing', 'was dropped. The rows stay at the destination: no delete records exist for them.'],
      ['is renamed away', 'RENAME TABLE thing TO away', 'was renamed to NAME.away; what happens to it there is not followed.'],
    ])('a table that %s for good says so, and what it had before is read', (_, statement, said) =>
      lab(async lab => {
        const { name } = lab.database;
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one'), (2, 20, 'two');
          CREATE TABLE gate (id int PRIMARY KEY); INSERT INTO gate VALUES (1)`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        // While it is still on offer: a read that does not find it has no stream for it.
        await platform.reconfigure({ streams: ['thing', 'gate'] });
        const run = await lab.atGate(
          () => platform.sync(),
          () => lab.sql(`UPDATE thing SET a = 11 WHERE id = 1; DELETE FROM thing WHERE id = 2; ${statement}`),
        );
        expect(run.logs.join('\n')).toContain(`${name}.thing ${said.replace('NAME', name)}`);
        expect(brief(run, 'thing', 'id', 'a')).toEqual(['1 11', expect.stringMatching(/^gone 2 /)]);
        expect(brief(run, 'gate', 'id')).toEqual(['1']);
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(/STREAM_UNKNOWN: .*thing/);
        await platform.reconfigure({ streams: ['gate'] });
        await lab.sql('INSERT INTO gate VALUES (2)');
        expect(brief(await platform.sync(), 'gate', 'id')).toEqual(['2']);
      })(),
    );

    it(
      'statements on tables that are not ours cost nothing: no question to the server, no word, no byte of state',
      lab(async lab => {
        const elsewhere = await MysqlDatabase.create(lab.server);
        lab.later(() => elsewhere.drop());
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 0, 'b')`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        const questions = async (): Promise<number> =>
          Number((await lab.sql("SHOW GLOBAL STATUS LIKE 'Questions'"))[0]?.['Value']);
        let n = 0;
        /** What a read of one change costs whose log has `between` in front of it and behind it. */
        const cost = async (between: () => Promise<unknown>): Promise<unknown> => {
          await between();
          await lab.sql(`UPDATE thing SET a = ${++n}`);
          await between();
          const before = await questions();
          const run = await platform.sync();
          const asked = (await questions()) - before;
          expect(brief(run, 'thing', 'id', 'a')).toEqual([`1 ${n}`]);
          const { tables, ...position } = positionOf(platform.stored).position;
          return { asked, said: run.logs.map(text => text.replace(/[0-9]+/g, '')), tables, position: Object.keys(position) };
        };
        const plain = await cost(async () => {});
        const foreign = await cost(async () => {
          for (const database of [lab.database, elsewhere]) {
            for (let life = 0; life < 5; life++) for (const sql of lifeOfAnother) await database.query(sql);
          }
          // Called like ours, and another's.
          await elsewhere.query(`${create} ALTER TABLE thing DROP COLUMN b; INSERT INTO thing VALUES (1, 2); DROP TABLE thing`);
        });
        expect(foreign).toEqual(plain);
      }),
    );

    it(
      'a statement that changes the rows of a followed table as such stops the read; others pass',
      lab(async lab => {
        await lab.sql(`${create} INSERT INTO thing VALUES (1, 10, 'one'); CREATE TABLE other (id int PRIMARY KEY)`);
        const platform = await lab.connect({ streams: ['thing'] });
        await platform.sync();
        await lab.sql("SET SESSION binlog_format = 'STATEMENT'; INSERT INTO other VALUES (1)");
        expect((await platform.sync()).records).toEqual([]);
        await lab.sql("SET SESSION binlog_format = 'STATEMENT'; UPDATE thing SET a = 11");
        expect(failureOf(await platform.run({ mayFail: true }))).toMatch(
          /POSITION_LOST: .*Let every session write with binlog_format = ROW/,
        );
      }),
    );
  });

  it(
    'names in the log that are turned off and on between two reads, and within the log, leave no column unknown',
    inLab(
      () => acquireMysql(flavor),
      async lab => {
        const was = await lab.server.variable('binlog_row_metadata');
        lab.later(() => lab.sql(`SET GLOBAL binlog_row_metadata = '${was}'`));
        const turn = (metadata: string): Promise<unknown> => lab.sql(`SET GLOBAL binlog_row_metadata = '${metadata}'`);
        const change = async (id: number, ...statements: readonly string[]): Promise<void> => {
          for (const statement of statements) await lab.sql(statement);
          await lab.sql(`INSERT INTO thing (id, a, b) VALUES (${id}, ${id * 10}, 'b${id}'); UPDATE thing SET a = a + 1`);
        };
        await turn('FULL');
        await lab.sql(create);
        const platform = await lab.connect({ streams: ['thing'] });
        await change(1);
        await platform.sync();
        await change(2, 'ALTER TABLE thing ADD x bigint FIRST');
        await turn('MINIMAL');
        await change(3, 'ALTER TABLE thing MODIFY a bigint FIRST, ADD y longtext AFTER id');
        await platform.sync();
        await change(4, 'ALTER TABLE thing MODIFY b longtext FIRST');
        await turn('FULL');
        await change(5, 'ALTER TABLE thing DROP x, MODIFY y longtext AFTER b');
        await turn('MINIMAL');
        await change(6, 'ALTER TABLE thing MODIFY a bigint AFTER y');
        await platform.sync();
        await platform.expectEqual([thing]);
      },
    ),
  );
});
