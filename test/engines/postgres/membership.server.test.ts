import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import type { RunResult } from '../../kit/run-connector.ts';
import { createThing, describeMajor, failureOf, identifier, inLab, type Lab, table, thing } from './lab.ts';

const anew = (run: RunResult): readonly string[] => run.logs.filter(message => message.includes('new snapshot'));
const createOther = 'CREATE TABLE other (id bigint PRIMARY KEY, text text);';
const other = table('other', { id: 'integer', text: 'text' });
const part = table('part', { id: 'integer', region: 'text', text: 'text' }, ['id', 'region']);
const createPart = `CREATE TABLE part (id bigint, region text, text text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
  CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a'); CREATE TABLE part_b PARTITION OF part FOR VALUES IN ('b');
  INSERT INTO part SELECT i, chr(97 + i % 2), 'x' FROM generate_series(1, 20) i;`;
const fill = "INSERT INTO thing SELECT i, 'x' FROM generate_series(1, 20) i;";
/** What the log does not have, if nothing publishes the table meanwhile. */
const unseen = "UPDATE thing SET text = 'unseen' WHERE id = 1; INSERT INTO thing VALUES (100, 'unseen')";

/** A table `thing` that leaves the log for a while between two reads, another one that does not, and one read after it. */
const goneAndBack = async (lab: Lab, publication: string, statements: readonly string[], gone = ['thing']): Promise<void> => {
  await lab.sql(`${createThing} ${fill} ${createOther} INSERT INTO other VALUES (1, 'one')`);
  if (publication !== '') await lab.sql(`CREATE PUBLICATION ${identifier(lab.database.name)} ${publication}`);
  const platform = await lab.connect({ streams: ['thing', 'other'] });
  await platform.sync();
  for (const statement of statements) await lab.sql(statement);
  await lab.sql("UPDATE other SET text = 'uno'; UPDATE thing SET text = 'seen' WHERE id = 2");
  const run = await platform.sync();
  await platform.expectEqual([thing, other]);
  expect(anew(run).flatMap(message => [...message.matchAll(/public\.(\w+)/g)].map(found => found[1]))).toEqual(gone);
  const next = await platform.sync();
  expect([next.records, anew(next)]).toEqual([[], []]);
};

describePostgres(major => {
  describe('a table that leaves the log and comes back between two reads gets a new snapshot', () => {
    it(
      'made unlogged and logged again, in a publication of all tables',
      inLab(major, lab =>
        goneAndBack(lab, 'FOR ALL TABLES', ['ALTER TABLE thing SET UNLOGGED', unseen, 'ALTER TABLE thing SET LOGGED']),
      ),
    );

    it(
      'and rewritten once more afterwards',
      inLab(major, lab =>
        goneAndBack(lab, 'FOR ALL TABLES', [
          'ALTER TABLE thing SET UNLOGGED',
          unseen,
          'ALTER TABLE thing SET LOGGED',
          'VACUUM FULL thing',
        ]),
      ),
    );

    it(
      'the publication published less for a while: all of its tables, also where it is ours',
      inLab(major, lab => {
        const name = identifier(lab.database.name);
        const narrowed = [`ALTER PUBLICATION ${name} SET (publish = 'delete')`, unseen];
        const widened = `ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate')`;
        return goneAndBack(lab, '', [...narrowed, widened], ['thing', 'other']);
      }),
    );

    it(
      'a partition made unlogged and logged again, by a publication that lists its root: that partition alone',
      inLab(major, async lab => {
        await lab.sql(createPart);
        const platform = await lab.connect({ streams: ['part'] });
        await platform.sync();
        await lab.sql('ALTER TABLE part_a SET UNLOGGED');
        await lab.sql("UPDATE part_a SET text = 'unseen' WHERE id = 2; INSERT INTO part VALUES (100, 'a', 'unseen')");
        await lab.sql('ALTER TABLE part_a SET LOGGED');
        const run = await platform.sync();
        await platform.expectEqual([part]);
        expect(run.records).toHaveLength(11);
        expect((await platform.sync()).records).toEqual([]);
      }),
    );

    it(
      'a partition that is a stream of its own, detached and attached again',
      inLab(major, async lab => {
        const leaf = table('part_a', { id: 'integer', region: 'text', text: 'text' }, ['id', 'region']);
        await lab.sql(createPart);
        await lab.sql(
          `CREATE PUBLICATION ${identifier(lab.database.name)} FOR TABLE part WITH (publish_via_partition_root = false)`,
        );
        const platform = await lab.connect({ streams: ['part_a', 'part_b'] });
        await platform.sync();
        await lab.sql("ALTER TABLE part DETACH PARTITION part_a; UPDATE part_a SET text = 'unseen' WHERE id = 2");
        await lab.sql("ALTER TABLE part ATTACH PARTITION part_a FOR VALUES IN ('a')");
        const run = await platform.sync();
        await platform.expectEqual([leaf]);
        expect(anew(run)).toHaveLength(1);
      }),
    );
  });

  it(
    'what leaves the log alone brings no snapshot: rewrites, reloads, rights, other tables of the publication',
    inLab(major, async lab => {
      const name = identifier(lab.database.name);
      await lab.sql(
        `${createThing} ${fill} ${createPart} CREATE PUBLICATION ${name} FOR ALL TABLES WITH (publish_via_partition_root = true)`,
      );
      const platform = await lab.connect({ streams: ['thing', 'part'] });
      await platform.sync();
      for (const statement of [
        'VACUUM FULL thing',
        'VACUUM FULL part_a',
        'CLUSTER thing USING thing_pkey',
        'REINDEX TABLE thing',
        `COMMENT ON PUBLICATION ${name} IS 'mine'`,
        'GRANT SELECT ON thing TO PUBLIC; CREATE INDEX ON thing (text); ANALYZE thing; ALTER TABLE thing ADD extra int DEFAULT 1',
        'VACUUM FREEZE pg_publication',
        'VACUUM FULL pg_publication_rel',
      ])
        await lab.sql(statement);
      const quiet = await platform.sync();
      expect([quiet.records, anew(quiet)]).toEqual([[], []]);
      await lab.sql(
        "TRUNCATE thing; INSERT INTO thing VALUES (1, 'reloaded'); TRUNCATE part_a; INSERT INTO part VALUES (2, 'a', 'y')",
      );
      const run = await platform.sync();
      expect([run.records.length, anew(run)]).toEqual([2, []]);
    }),
  );
});

describeMajor(18, major => {
  describe('a table that leaves the log and comes back between two reads gets a new snapshot', () => {
    it(
      'moved to another schema and back, in a publication of its schema',
      inLab(major, async lab => {
        await lab.sql('CREATE SCHEMA elsewhere');
        await goneAndBack(lab, 'FOR TABLES IN SCHEMA public', [
          'ALTER TABLE thing SET SCHEMA elsewhere',
          unseen.replaceAll('thing', 'elsewhere.thing'),
          'ALTER TABLE elsewhere.thing SET SCHEMA public',
        ]);
      }),
    );

    it(
      'made unlogged and logged again, in a publication of its schema',
      inLab(major, lab =>
        goneAndBack(lab, 'FOR TABLES IN SCHEMA public', [
          'ALTER TABLE thing SET UNLOGGED',
          unseen,
          'ALTER TABLE thing SET LOGGED',
        ]),
      ),
    );

    it(
      'the publication had another name for a while: the server passes over what it does not find',
      inLab(major, lab => {
        const name = identifier(lab.database.name);
        return goneAndBack(
          lab,
          '',
          [`ALTER PUBLICATION ${name} RENAME TO away`, unseen, `ALTER PUBLICATION away RENAME TO ${name}`],
          ['thing', 'other'],
        );
      }),
    );

    it(
      'a read in between refuses, and the next one, when all is as before, takes the snapshot',
      inLab(major, async lab => {
        const name = identifier(lab.database.name);
        await lab.sql(`${createThing} ${fill}`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql(`ALTER PUBLICATION ${name} SET (publish = 'insert')`);
        await lab.sql(unseen);
        const refused = await platform.run({ mayFail: true });
        expect(failureOf(refused)).toMatch(/^config_error \/ PUBLICATION_UNUSABLE: /);
        platform.store(refused);
        await lab.sql(`ALTER PUBLICATION ${name} SET (publish = 'insert, update, delete, truncate')`);
        expect(anew(await platform.sync())).toHaveLength(1);
        await platform.expectEqual([thing]);
      }),
    );
  });

  it(
    'a table that joins our publication leaves the others alone',
    inLab(major, async lab => {
      await lab.sql(`${createThing} ${fill} ${createOther} INSERT INTO other VALUES (1, 'one')`);
      const platform = await lab.connect({ streams: ['thing'] });
      await platform.sync();
      await platform.reconfigure({ streams: ['thing', 'other'] });
      const run = await platform.sync();
      expect(run.records.map(record => record.stream)).toEqual(['other']);
      expect((await platform.sync()).records).toEqual([]);
    }),
  );

  it(
    'a snapshot that was under way when its table left the log begins anew, with rows that win over what was printed',
    inLab(major, async lab => {
      await lab.sql(`${createThing} INSERT INTO thing SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i`);
      await lab.sql(`CREATE PUBLICATION ${identifier(lab.database.name)} FOR ALL TABLES`);
      const platform = await lab.connect({}, { checkpoint_interval_seconds: 0 });
      const died = await platform.run({ killAfter: { when: line => line.includes('"cursor"') }, mayFail: true });
      expect(died.signal).toBe('SIGKILL');
      platform.store(died);
      // In the log with a key that is larger than that of the snapshot's rows; what comes then is not.
      await lab.sql("UPDATE thing SET text = 'seen' WHERE id < 10");
      await lab.sql('ALTER TABLE thing SET UNLOGGED');
      await lab.sql("UPDATE thing SET text = 'unseen' WHERE id < 10");
      await lab.sql('ALTER TABLE thing SET LOGGED');
      await platform.sync();
      await platform.expectEqual([thing]);
    }),
  );
});
