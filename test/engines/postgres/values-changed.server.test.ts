import { expect, it } from 'vitest';
import type { RunResult } from '../../kit/run-connector.ts';
import { createThing, describeMajor, inLab, type Lab, thing } from './lab.ts';

/** What was said of changed values: the columns in brackets behind their table, or at its end for the log. */
const said = (run: RunResult): readonly string[] =>
  run.logs
    .filter(message => message.includes('The destination keeps the old values there'))
    .map(message => /\(([^)]*)\)/.exec(message)?.[1] ?? message);

const createDoc = `CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE pair AS (x int, y mood);
  CREATE TABLE doc (id bigint PRIMARY KEY, a text DEFAULT 'a', b text DEFAULT 'b', c text DEFAULT 'c', n numeric(10, 4) DEFAULT 1.2345,
    short varchar(20) DEFAULT 'short', m mood DEFAULT 'sad', p pair DEFAULT '(1,sad)', doubled int GENERATED ALWAYS AS (2) STORED);
  INSERT INTO doc (id) VALUES (1), (2), (3);`;

/** Reads, lets `statements` happen and one row change, reads on, and gives what the second and the third read said. */
const between = async (lab: Lab, statements: readonly string[]): Promise<readonly (readonly string[])[]> => {
  await lab.sql(createDoc);
  const platform = await lab.connect();
  await platform.sync();
  for (const statement of statements) await lab.sql(statement);
  const second = await platform.sync();
  return [said(second), said(await platform.sync())];
};

/** Changes of values that no log tells, and the columns. */
const silent: readonly (readonly [what: string, columns: string, ...statements: readonly string[]])[] = [
  ['a type with fewer digits', 'n', 'ALTER TABLE doc ALTER n TYPE numeric(10, 1)'],
  ['the same type with USING', 'b', 'ALTER TABLE doc ALTER b TYPE text USING upper(b)'],
  [
    'a type with USING and back',
    'n',
    'ALTER TABLE doc ALTER n TYPE int USING n * 10',
    'ALTER TABLE doc ALTER n TYPE numeric(10, 4)',
  ],
  [
    'two names swapped',
    'b, a',
    'ALTER TABLE doc RENAME a TO x',
    'ALTER TABLE doc RENAME b TO a',
    'ALTER TABLE doc RENAME x TO b',
  ],
  ['a name taken over', 'a', 'ALTER TABLE doc DROP a', 'ALTER TABLE doc RENAME b TO a'],
  ['dropped and added anew', 'a', 'ALTER TABLE doc DROP a', 'ALTER TABLE doc ADD a text'],
  ['a label of an enum renamed, in a composite too', 'm, p', "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'"],
  ['an attribute of a composite dropped', 'p', 'ALTER TYPE pair DROP ATTRIBUTE x'],
];

/** What leaves the values alone, all at once. */
const harmless = [
  'ALTER TABLE doc ALTER short TYPE varchar(40)',
  'ALTER TABLE doc ALTER short TYPE text',
  'ALTER TABLE doc ALTER n TYPE numeric(12, 4)',
  "ALTER TABLE doc ADD more text, ADD most text DEFAULT 'most'",
  "ALTER TABLE doc ALTER a SET NOT NULL, ALTER b SET DEFAULT 'x', ALTER a SET STATISTICS 1, ALTER b SET STORAGE EXTERNAL",
  'ALTER TABLE doc ALTER doubled DROP EXPRESSION',
  "ALTER TYPE mood ADD VALUE 'mad' BEFORE 'glad'",
  'VACUUM FULL doc',
  'GRANT SELECT (a) ON doc TO PUBLIC',
];

describeMajor(14, major => {
  it.each(silent)('values that DDL changed are named, once: %s', (_, columns, ...statements) =>
    inLab(major, async lab => {
      expect(await between(lab, statements)).toEqual([[columns], []]);
    })(),
  );

  it.each([
    ['of all kinds', harmless],
    ['columns that come and go', ['ALTER TABLE doc DROP c', "ALTER TABLE doc ADD d text DEFAULT 'd'", 'VACUUM FULL doc']],
  ])('what leaves values alone says nothing: %s', (_, statements) =>
    inLab(major, async lab => {
      expect(await between(lab, statements)).toEqual([[], []]);
    })(),
  );

  it(
    'a partition that is written anew is read anew, so that its values are those of the table',
    inLab(major, async lab => {
      await lab.sql(`CREATE TABLE thing (id bigint PRIMARY KEY, text text) PARTITION BY RANGE (id);
        CREATE TABLE thing_1 PARTITION OF thing FOR VALUES FROM (0) TO (10); INSERT INTO thing VALUES (1, 'one'), (2, 'two')`);
      const platform = await lab.connect({ streams: ['thing'] });
      await platform.sync();
      await lab.sql('ALTER TABLE thing ALTER text TYPE text USING upper(text)');
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );

  it(
    'a type that changes while a read goes on is said where it stands in the log',
    inLab(major, async lab => {
      await lab.sql(`${createThing} INSERT INTO thing VALUES (1, 'one'), (2, 'two')`);
      await lab.makeGate();
      const platform = await lab.connect({ streams: ['thing', 'gate'] });
      await platform.sync();
      const run = await lab.atGate(
        () => platform.run({ mayFail: true }),
        () => lab.sql("ALTER TABLE thing ALTER text TYPE inet USING '10.0.0.1'; UPDATE thing SET text = '10.0.0.2' WHERE id = 1"),
      );
      expect(run.logs.filter(message => message.includes('public.thing has other types in the log at '))).toHaveLength(1);
    }),
  );
});

describeMajor(18, major => {
  it.each([
    ['stored', 'doubled', 'ALTER TABLE doc ALTER doubled SET EXPRESSION AS (3)'],
    ['virtual', 'v', 'ALTER TABLE doc ALTER v SET EXPRESSION AS (5)'],
  ])('another expression of a %s column', (_, column, statement) =>
    inLab(major, async lab => {
      await lab.sql(createDoc.replace('STORED)', 'STORED, v int GENERATED ALWAYS AS (4) VIRTUAL)'));
      // Of a table that is listed by name the server refuses to change a virtual column.
      if (column === 'v') await lab.sql(`CREATE PUBLICATION "${lab.database.name}" FOR ALL TABLES`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(statement);
      expect(said(await platform.sync())).toEqual([column]);
      expect(said(await platform.sync())).toEqual([]);
    })(),
  );
});
