import { describe, expect, it } from 'vitest';
import { describeMysql } from '../../kit/mysql-engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { inLab, type Lab, table } from './lab.ts';

const doc = table('doc', {
  id: 'integer',
  a: 'text',
  b: 'text',
  n: 'decimal',
  t: 'timestamp',
  e: 'text',
  s: 'text',
  m: 'integer',
  g: 'integer',
  c: 'text',
  y: 'bytes',
});
const create = `CREATE TABLE doc (id bigint PRIMARY KEY, a varchar(20), b varchar(20), n decimal(10,4), t timestamp(6) NULL, e enum('x','y','z'),
    s set('p','q','r'), m int, g int AS (m * 2) STORED, c varchar(20) CHARACTER SET latin1, y binary(4)) CHARACTER SET utf8mb4;
  INSERT INTO doc (id, a, b, n, t, e, s, m, c, y) VALUES (1, 'a', 'b', 1.2345, '2024-02-03 04:05:06.789012', 'x', 'p,r', 300, 'ñ', 'yyyy'),
    (2, 'aa', 'bb', 2.5, '2024-02-03 04:05:06', 'y', 'q', 1, 'ü', 'zz');`;

/** What a run said of changed values. */
const said = (run: RunResult): readonly string[] =>
  run.logs.flatMap(
    message => /DDL may have changed values of (.*) in rows that the log does not mention/.exec(message)?.[1] ?? [],
  );

/** Reads, lets the statements happen and one row be changed, and reads twice more. */
const between = async (lab: Lab, statements: readonly string[]): Promise<Awaited<ReturnType<Lab['connect']>>> => {
  const platform = await lab.connect({ streams: ['doc'] });
  await platform.sync();
  for (const statement of statements) await lab.sql(statement);
  await lab.sql("INSERT INTO doc (id, a) VALUES (3, 'l')");
  return platform;
};

const lenient = "SET SESSION sql_mode = '';";

/** Values that no log tells, by what is said of them. */
const silent: readonly (readonly [said: string, ...statements: readonly string[]])[] = [
  ['n (decimal(10,4) → decimal(10,1))', 'ALTER TABLE doc MODIFY n decimal(10,1)'],
  ['t (timestamp(6) → timestamp)', "ALTER TABLE doc CHANGE t t timestamp NULL COMMENT 'x' FIRST"],
  ['a (varchar(20) → varchar(1))', `${lenient} ALTER TABLE doc MODIFY a varchar(1)`],
  ["e (enum('x','y','z') → enum('X','y','z'))", "ALTER TABLE doc MODIFY e enum('X','y','z')"],
  ["e (enum('x','y','z') → enum('y','z'))", `${lenient} ALTER TABLE doc MODIFY e enum('y','z')`],
  ["s (set('p','q','r') → set('r','q','p'))", "ALTER TABLE doc MODIFY s set('r','q','p')"],
  ['y (binary(4) → binary(6))', 'ALTER TABLE doc MODIFY y binary(6)'],
  ['g (another expression)', 'ALTER TABLE doc MODIFY g int AS (m * 3) STORED'],
  [
    'a (the column that was b before), b (the column that was a before)',
    'ALTER TABLE doc CHANGE a b varchar(20), CHANGE b a varchar(20)',
  ],
  [
    'a (dropped and added anew), b (the column that was a before)',
    "ALTER TABLE doc DROP b, CHANGE a b varchar(20), ADD a varchar(20) DEFAULT 'new'",
  ],
  ['a (dropped and added anew)', 'ALTER TABLE doc DROP a', "ALTER TABLE doc ADD a varchar(20) DEFAULT 'new' AFTER id"],
  [
    'n (decimal(10,4) → decimal(12,2))',
    `CREATE TABLE _doc_gho LIKE doc; ALTER TABLE _doc_gho MODIFY n decimal(12,2), ADD extra int;
     INSERT INTO _doc_gho (id, a, b, n, t, e, s, m, c, y) SELECT id, a, b, n, t, e, s, m, c, y FROM doc; RENAME TABLE doc TO _doc_del, _doc_gho TO doc`,
  ],
];

/** As `silent`, in several statements of which each says something. */
const steps: readonly (readonly [said: readonly string[], statements: readonly string[]])[] = [
  [
    ['a (the column that was b before)', 'b (the column that was x before)'],
    [
      'ALTER TABLE doc CHANGE a x varchar(20)',
      'ALTER TABLE doc CHANGE b a varchar(20)',
      'ALTER TABLE doc CHANGE x b varchar(20)',
    ],
  ],
  [
    ['c (varchar(20) → varbinary(20))', 'c (varbinary(20) → varchar(20))'],
    ['ALTER TABLE doc MODIFY c varbinary(20)', 'ALTER TABLE doc MODIFY c varchar(20) CHARACTER SET latin2'],
  ],
];
const cases = [...silent.map(([one, ...statements]): (typeof steps)[number] => [[one], statements]), ...steps];

/** What leaves the values alone. */
const harmless = [
  'ALTER TABLE doc ADD d varchar(10) DEFAULT "d", ADD f int FIRST',
  'ALTER TABLE doc MODIFY a varchar(300), MODIFY n decimal(20,4) NOT NULL, MODIFY m bigint',
  "ALTER TABLE doc MODIFY b varchar(20) DEFAULT 'x' COMMENT 'y' AFTER id, ALTER a SET DEFAULT 'z'",
  "ALTER TABLE doc MODIFY e enum('z','x','w','y'), MODIFY s set('p','n','q','r')",
  'ALTER TABLE doc MODIFY g int AS (m * 2) STORED, MODIFY y binary(4) NOT NULL',
  'ALTER TABLE doc CONVERT TO CHARACTER SET utf8mb4, ADD INDEX (m)',
  'ALTER TABLE doc CHANGE a x varchar(300)',
  'ALTER TABLE doc CHANGE x a varchar(300), RENAME TO away',
  'RENAME TABLE away TO doc',
  'ALTER TABLE doc MODIFY a text, MODIFY b varchar(20) COLLATE utf8mb4_bin, DROP d, ADD h int DEFAULT 5',
  `CREATE TABLE _new LIKE doc; ALTER TABLE _new ADD k int; INSERT INTO _new (id, a, b, n, t, e, s, m, c, y) SELECT id, a, b, n, t, e, s, m, c, y FROM doc;
   RENAME TABLE doc TO _old, _new TO doc; DROP TABLE _old`,
];

describeMysql(flavor => {
  describe.each(rowMetadataOf(flavor))('binlog_row_metadata %s', metadata => {
    const lab = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(() => acquireMysql(flavor, metadata), body);

    it.each(cases)('%j are said, once', (expected, statements) =>
      lab(async lab => {
        await lab.sql(create);
        const platform = await between(lab, statements);
        expect(said(await platform.sync())).toEqual(expected);
        expect((await platform.differences([doc])).length).toBeGreaterThan(0);
        expect(said(await platform.sync())).toEqual([]);
        platform.clear('doc');
        await platform.sync();
        await platform.expectEqual([doc]);
      })(),
    );

    it(
      'what leaves values alone says nothing',
      lab(async lab => {
        await lab.sql(create);
        const platform = await lab.connect({ streams: ['doc'] });
        await platform.sync();
        for (const [round, statement] of harmless.entries()) {
          await lab.sql(statement);
          if (round === 6 || round === 7) continue;
          await lab.sql(`INSERT INTO doc (id, a, n, y) VALUES (${round + 10}, 'late', 1, 'yyyy')`);
          expect(said(await platform.sync())).toEqual([]);
        }
        await platform.expectEqual([doc]);
      }),
    );

    it(
      'columns that change while the table is read are said',
      lab(async lab => {
        await lab.sql(`CREATE TABLE gate (id int PRIMARY KEY); ${create}`);
        const platform = await lab.connect({ streams: ['doc', 'gate'] });
        const run = await lab.atGate(
          () => platform.sync(),
          () => lab.sql('ALTER TABLE doc MODIFY n decimal(10,1); ALTER TABLE doc MODIFY g int AS (m * 3) STORED'),
        );
        expect(said(run)).toEqual(['n (decimal(10,4) → decimal(10,1))']);
        // The log does not tell expressions as the catalog does, and an idle one is not looked into.
        await lab.sql('INSERT INTO gate VALUES (1)');
        expect(said(await platform.sync())).toEqual(['g (another expression)']);
        expect(said(await platform.sync())).toEqual([]);
      }),
    );

    if (metadata === 'FULL') {
      it(
        'what a session altered past the log is said where rows come or the log ends',
        lab(async lab => {
          await lab.sql(create);
          const platform = await lab.connect({ streams: ['doc'] });
          await platform.sync();
          await lab.sql(
            'SET SESSION sql_log_bin = 0; ALTER TABLE doc MODIFY n decimal(10,1); SET SESSION sql_log_bin = 1; CREATE TABLE other (id int)',
          );
          expect(said(await platform.sync())).toEqual(['n (decimal(10,4) → decimal(10,1))']);
          await lab.sql('SET SESSION sql_log_bin = 0; ALTER TABLE doc MODIFY y binary(6)');
          await lab.sql('INSERT INTO doc (id) VALUES (3)');
          expect(said(await platform.sync())).toEqual(['y (binary(4) → binary(6))']);
          expect(said(await platform.sync())).toEqual([]);
        }),
      );
    }
  });
});
