import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { describeMajor, failureOf, inLab, type Lab, table } from './lab.ts';

const doc = table('doc', { id: 'integer', region: 'text', text: 'text' });
const other = table('other', { id: 'integer', text: 'text' });
const createDoc = `CREATE TABLE doc (id bigint CONSTRAINT doc_pkey PRIMARY KEY, region text NOT NULL DEFAULT 'a', text text);
  CREATE TABLE other (id bigint PRIMARY KEY, text text); INSERT INTO other VALUES (1, 'one');
  INSERT INTO doc SELECT i, 'a', 'x' FROM generate_series(1, 4) i;`;
const longerKey = 'ALTER TABLE doc DROP CONSTRAINT doc_pkey, ADD CONSTRAINT doc_pkey PRIMARY KEY (id, region)';
const rekeyed = /^config_error \/ SCHEMA_CHANGED: the key of public\.doc is .*clear the stream/;

/** How updates and deletes name rows, set before and, where the old index is gone by then, after the key changed. */
const identities: readonly (readonly [name: string, before: string, after: string])[] = [
  ['DEFAULT', 'ALTER TABLE doc REPLICA IDENTITY DEFAULT', 'ALTER TABLE doc REPLICA IDENTITY DEFAULT'],
  ['FULL', 'ALTER TABLE doc REPLICA IDENTITY FULL', 'ALTER TABLE doc REPLICA IDENTITY FULL'],
  [
    'USING INDEX',
    'ALTER TABLE doc REPLICA IDENTITY USING INDEX doc_pkey',
    'ALTER TABLE doc REPLICA IDENTITY USING INDEX doc_pkey',
  ],
];

describePostgres(major => {
  describe('a key that tells rows apart which the catalog takes for one', () => {
    it.each(identities)('replica identity %s: said before anything is read, until the stream is cleared', (_, before, after) =>
      inLab(major, async lab => {
        await lab.sql(`${createDoc} ${before}`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`${longerKey}; ${after}`);
        await lab.sql(
          "INSERT INTO doc VALUES (1, 'b', 'a second row'); DELETE FROM doc WHERE id = 2; UPDATE other SET text = 'due'",
        );
        const stale = await platform.run({ mayFail: true });
        expect(failureOf(stale)).toMatch(rekeyed);
        expect(stale.records).toEqual([]);
        platform.store(stale);
        // The schema is refreshed, but what the destination has is still under the old key.
        await platform.reconfigure({});
        const refreshed = await platform.run({ mayFail: true });
        expect(failureOf(refreshed)).toMatch(rekeyed);
        expect(refreshed.records).toEqual([]);
        platform.store(refreshed);
        platform.clear('doc');
        await platform.sync();
        await platform.expectEqual([{ ...doc, primaryKey: ['id', 'region'] }, other]);
      })(),
    );
  });
});

/** A key that is another one for a while, within which two rows have what the key is before and afterwards. */
const away = async (lab: Lab): Promise<void> => {
  await lab.sql(longerKey);
  await lab.sql("INSERT INTO doc VALUES (1, 'b', 'stays')");
  await lab.sql("DELETE FROM doc WHERE id = 1 AND region = 'a'");
  await lab.sql('ALTER TABLE doc DROP CONSTRAINT doc_pkey, ADD CONSTRAINT doc_pkey PRIMARY KEY (id)');
};

describeMajor(14, major => {
  it(
    'the key was longer for a while: a delete by that one is not taken for a delete of what has the key now',
    inLab(major, async lab => {
      await lab.sql(createDoc);
      const platform = await lab.connect();
      await platform.sync();
      await away(lab);
      expect(failureOf(await platform.run({ mayFail: true }))).toMatch(rekeyed);
      platform.clear('doc');
      await platform.sync();
      await platform.expectEqual([doc, other]);
    }),
  );

  it(
    'a stream that was never read is refused alone; one of full refresh only where the destination goes by the key',
    inLab(major, async lab => {
      await lab.sql(createDoc);
      const incremental = await lab.connect();
      const refresh = await lab.connect({ modes: { doc: 'full_refresh' } });
      await lab.sql(`${longerKey}; INSERT INTO doc VALUES (1, 'b', 'a second row')`);
      const run = await incremental.run({ mayFail: true });
      expect(failureOf(run)).toMatch(rekeyed);
      expect(run.records.map(record => record.stream)).toEqual(['other']);

      expect((await refresh.sync()).records.filter(record => record.stream === 'doc')).toHaveLength(5);
      const [first, ...rest] = refresh.catalog.streams;
      if (first === undefined) throw new Error('no stream');
      refresh.catalog = { streams: [{ ...first, destination_sync_mode: 'overwrite_dedup' }, ...rest] };
      expect(failureOf(await refresh.run({ mayFail: true }))).toMatch(rekeyed);
    }),
  );

  it(
    'the same columns are the same key: another index, another order, another replica identity',
    inLab(major, async lab => {
      await lab.sql(`${createDoc} ${longerKey}; ALTER TABLE doc REPLICA IDENTITY FULL`);
      const platform = await lab.connect();
      await platform.sync();
      await lab.sql('CREATE UNIQUE INDEX again ON doc (region, id)');
      await lab.sql('ALTER TABLE doc DROP CONSTRAINT doc_pkey, ADD CONSTRAINT doc_pkey PRIMARY KEY USING INDEX again');
      await lab.sql(
        "ALTER TABLE doc REPLICA IDENTITY DEFAULT; UPDATE doc SET text = 'y' WHERE id = 1; DELETE FROM doc WHERE id = 2",
      );
      expect((await platform.sync()).records).toHaveLength(2);
      await platform.expectEqual([{ ...doc, primaryKey: ['id', 'region'] }, other]);
    }),
  );
});
