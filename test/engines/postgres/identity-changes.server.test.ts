import { describe, expect, it } from 'vitest';
import { brief, describeMajor, failureOf, inLab, type Lab, largeText, literal, table } from './lab.ts';

const doc = table('doc', { id: 'integer', body: 'text', n: 'integer' });
const other = table('other', { id: 'integer', text: 'text' });
const createDoc = `CREATE TABLE doc (id bigint PRIMARY KEY, body text, n bigint NOT NULL); ALTER TABLE doc ALTER body SET STORAGE EXTERNAL;
  CREATE UNIQUE INDEX doc_n ON doc (n);`;
const fillDoc = async (lab: Lab, count: number): Promise<void> => {
  for (let id = 1; id <= count; id++) await lab.sql(`INSERT INTO doc VALUES (${id}, ${literal(largeText(id))}, ${id})`);
};

describeMajor(18, major => {
  describe('a replica identity that changed after the log was written', () => {
    it(
      'from DEFAULT to FULL and back: unchanged TOAST values stay what they are, also where the key changed',
      inLab(major, async lab => {
        await lab.sql(createDoc);
        await fillDoc(lab, 6);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(
          'UPDATE doc SET id = id + 100 WHERE id = 1; UPDATE doc SET n = -2 WHERE id = 2; DELETE FROM doc WHERE id = 3',
        );
        await lab.sql('ALTER TABLE doc REPLICA IDENTITY FULL');
        await lab.sql('UPDATE doc SET id = id + 100 WHERE id = 4; UPDATE doc SET n = -5 WHERE id = 5');
        const run = await platform.sync();
        await platform.expectEqual([doc]);
        expect(run.records.flatMap(record => record.meta?.changes ?? [])).toEqual([]);
        // Its delete has the old row's key alone: what the log lacks is left out, not made null.
        const gone = run.records.find(record => Number(record.data['id']) === 3);
        expect(Object.keys(gone?.data ?? {})).not.toContain('body');
        await lab.sql('UPDATE doc SET id = id + 100 WHERE id = 6; ALTER TABLE doc REPLICA IDENTITY DEFAULT');
        await lab.sql('UPDATE doc SET id = id + 1000; DELETE FROM doc WHERE n = -5');
        await platform.sync();
        await platform.expectEqual([doc]);
      }),
    );

    it(
      'of one partition, whose root was FULL all the time',
      inLab(major, async lab => {
        await lab.sql(`CREATE TABLE doc (id bigint PRIMARY KEY, body text, n bigint) PARTITION BY RANGE (id);
          CREATE TABLE doc_1 PARTITION OF doc FOR VALUES FROM (0) TO (1000); ALTER TABLE doc REPLICA IDENTITY FULL;
          ALTER TABLE doc_1 ALTER body SET STORAGE EXTERNAL`);
        await fillDoc(lab, 4);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql('UPDATE doc SET id = id + 100 WHERE id = 1; DELETE FROM doc WHERE id = 3');
        await lab.sql(
          'ALTER TABLE doc_1 REPLICA IDENTITY FULL; UPDATE doc SET id = id + 100 WHERE id = 2; DELETE FROM doc WHERE id = 4',
        );
        const run = await platform.sync();
        await platform.expectEqual([doc]);
        expect(brief(run, 'doc', 'id', 'n').filter(text => text.startsWith('gone'))).toEqual([
          'gone 1 null',
          'gone 3 null',
          'gone 2 2',
          'gone 4 4',
        ]);
        const gone = run.records.find(record => Number(record.data['id']) === 3);
        expect(Object.keys(gone?.data ?? {})).not.toContain('n');
      }),
    );
  });
});

/** What may happen to the key, and the columns of it afterwards. */
const turns: readonly (readonly [what: string, before: string, change: string, key: readonly string[], idColumn: string])[] = [
  ['DEFAULT to USING INDEX', 'DELETE FROM doc WHERE id = 2', 'ALTER TABLE doc REPLICA IDENTITY USING INDEX doc_n', ['n'], 'id'],
  // Without an old row in the log nothing says that what is the key now has changed.
  [
    'DEFAULT to USING INDEX',
    'UPDATE doc SET n = 200 WHERE id = 2',
    'ALTER TABLE doc REPLICA IDENTITY USING INDEX doc_n',
    ['n'],
    'id',
  ],
  [
    'one primary key to another',
    'UPDATE doc SET id = 200 WHERE id = 2',
    'ALTER TABLE doc DROP CONSTRAINT doc_pkey; ALTER TABLE doc ADD PRIMARY KEY (n)',
    ['n'],
    'id',
  ],
  [
    'one name to another',
    "INSERT INTO doc VALUES (200, 'x', 200); DELETE FROM doc WHERE id = 2",
    'ALTER TABLE doc RENAME id TO number',
    ['number'],
    'number',
  ],
];

describeMajor(14, major => {
  it.each(turns)('the key goes from %s behind "%s": said, never a null key; cleared, it goes on', (_, before, change, key, id) =>
    inLab(major, async lab => {
      await lab.sql(`${createDoc} CREATE TABLE other (id bigint PRIMARY KEY, text text); INSERT INTO other VALUES (1, 'one')`);
      await fillDoc(lab, 4);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql(`UPDATE other SET text = 'uno'; ${before}`);
      await lab.sql(change);
      await lab.sql(
        `UPDATE doc SET n = n + 1000 WHERE ${id} = 3; DELETE FROM doc WHERE ${id} = 4; UPDATE other SET text = 'due'`,
      );
      await platform.reconfigure({});
      for (let attempt = 0; attempt < 2; attempt++) {
        const run = await platform.run({ mayFail: true });
        expect(failureOf(run)).toMatch(/^config_error \/ SCHEMA_CHANGED: the key of public\.doc is .*clear the stream/);
        expect(run.records.filter(({ data }) => key.some(column => (data[column] ?? null) === null && column in data))).toEqual(
          [],
        );
        platform.store(run);
      }
      // The user refreshes the schema and clears the stream: its state and its rows at the destination are gone.
      platform.clear('doc');
      const now = table('doc', { [id]: 'integer', body: 'text', n: 'integer' }, key);
      await platform.sync();
      await platform.expectEqual([now, other]);
      await lab.sql(`UPDATE doc SET n = n + 1000; DELETE FROM doc WHERE ${id} = 1`);
      await platform.sync();
      await platform.expectEqual([now, other]);
    })(),
  );
});
