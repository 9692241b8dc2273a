import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { ensurePublication } from '../../../src/engines/postgres/replication/publication.ts';
import type { PgTable } from '../../../src/engines/postgres/table.ts';
import { describePostgres } from '../../kit/engines.ts';
import { byName, DiscoveryFixture, reasonOf } from './discovery-fixture.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';

describePostgres(major => {
  const fixture = new DiscoveryFixture(major, 'reader');

  describe('what is offered', () => {
    it('every kind of relation, as far as the log can follow it', async () => {
      const schema = await fixture.inSchema(`
        CREATE TABLE keyed (id int PRIMARY KEY, v text);
        CREATE TABLE keyless (v text);
        CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
        CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
        CREATE VIEW a_view AS SELECT * FROM keyed;
        CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM keyed;
        CREATE TABLE no_columns ();
        CREATE SEQUENCE seq; CREATE TYPE composite AS (a int);
        CREATE TEMPORARY TABLE temporary_one (id int PRIMARY KEY);`);
      const tables = byName(
        await fixture.discover(schema, { schemas: [schema, 'pg_catalog', 'information_schema', 'pg_toast'] }),
      );
      expect([...tables.keys()]).toEqual([
        'a_matview',
        'a_view',
        'child',
        'keyed',
        'keyless',
        'no_columns',
        'parent',
        'unlogged',
      ]);
      const followed = [...tables.values()].filter(table => table.follow === true).map(table => table.id.name);
      expect(followed).toEqual(['child', 'keyed', 'parent']);
      expect(reasonOf(tables.get('keyless'))).toContain(`ALTER TABLE "${schema}"."keyless" REPLICA IDENTITY FULL;`);
      expect(reasonOf(tables.get('unlogged'))).toContain('SET LOGGED');
      expect(reasonOf(tables.get('a_view'))).toContain('is a view');
      expect(reasonOf(tables.get('a_matview'))).toContain('is a materialized view');
      expect(tables.get('no_columns')?.columns).toEqual([]);
      expect([tables.get('keyed')?.resumable, tables.get('keyless')?.resumable]).toEqual([true, false]);
      expect([tables.get('keyed')?.heap, tables.get('a_view')?.heap]).toEqual([true, false]);
    });

    it('odd names, word for word', async () => {
      const name = `ta"b'le.\\ SELECT $ 😀`;
      const schema = await fixture.inSchema(
        `CREATE TABLE ${pg.escapeIdentifier(name)} ("I""D" int PRIMARY KEY, "a.b" text, "\\" text, "ÜMLAUT" text)`,
        's"chema. $1 Ü😀',
      );
      const [table] = await fixture.discover(schema);
      expect(table?.id).toEqual({ namespace: schema, name });
      expect(table?.columns.map(column => column.name)).toEqual(['I"D', 'a.b', '\\', 'ÜMLAUT']);
      expect(table?.primaryKey).toEqual(['I"D']);
      const added = await withQuery(engineConfig(fixture.server, fixture.database), query =>
        ensurePublication(query, `p"ub ${schema}`, [table as PgTable]),
      );
      expect(added).toEqual({ added: [{ namespace: schema, name }] });
      expect((await fixture.discover(schema, { publication: `p"ub ${schema}` }))[0]?.identity).toMatch(/^\d+\/\d+$/);
    });

    it('a partitioned table as one, with its leaves at every depth', async () => {
      const schema = await fixture.inSchema(`
        CREATE TABLE root (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE y20 PARTITION OF root FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE y21 PARTITION OF root FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY HASH (id);
        CREATE TABLE y21_0 PARTITION OF y21 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE empty_root (id int PRIMARY KEY) PARTITION BY HASH (id);
        INSERT INTO root SELECT i, '2020-05-05' FROM generate_series(1, 500) i;
        INSERT INTO root SELECT i, '2021-05-05' FROM generate_series(1, 700) i;
        ANALYZE root, y20, y21_0;`);
      const tables = byName(await fixture.discover(schema));
      expect([...tables.keys()]).toEqual(['empty_root', 'root']);
      const root = tables.get('root');
      expect(root?.leaves.map(leaf => leaf.id.name).sort()).toEqual(['y20', 'y21_0']);
      expect(root?.follow).toBe(true);
      expect(root?.primaryKey).toEqual(['id', 'day']);
      expect(root?.estimatedRows).toBe(1200);
      expect(root?.estimatedBytes).toBeGreaterThan(0);
      expect(root?.heap).toBe(true);
      expect(tables.get('empty_root')?.leaves).toEqual([]);
    });

    it('partitions as tables of their own where the publication speaks of partitions', async () => {
      const schema = await fixture.inSchema(`
        CREATE TABLE root (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE TABLE middle PARTITION OF root FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY HASH (id);
        CREATE TABLE leaf PARTITION OF middle FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE PUBLICATION by_leaf FOR TABLE root WITH (publish_via_partition_root = false);`);
      const tables = byName(await fixture.discover(schema, { publication: 'by_leaf' }));
      expect([...tables.keys()]).toEqual(['leaf', 'root']);
      expect(tables.get('leaf')).toMatchObject({ follow: true, primaryKey: ['id'], isPartition: true });
      expect(reasonOf(tables.get('root'))).toContain('as tables of their own');
    });

    it('nothing that may not be read, and says so once', async () => {
      const schema = await fixture.inSchema(`
        CREATE TABLE open (id int PRIMARY KEY, v text);
        CREATE TABLE closed (id int PRIMARY KEY);
        CREATE TABLE partly (id int PRIMARY KEY, shown text, hidden text);
        CREATE TABLE keyless_for_reader (id int PRIMARY KEY, shown text);`);
      await fixture.sql(`GRANT USAGE ON SCHEMA ${schema} TO ${fixture.role}; GRANT SELECT ON open TO ${fixture.role};
        GRANT SELECT (id, shown) ON partly TO ${fixture.role}; GRANT SELECT (shown) ON keyless_for_reader TO ${fixture.role}`);
      const lines: string[] = [];
      const tables = byName(await fixture.discover(schema, { asReader: true, lines }));
      expect([...tables.keys()]).toEqual(['keyless_for_reader', 'open', 'partly']);
      expect(tables.get('partly')?.columns.map(column => column.name)).toEqual(['id', 'shown']);
      expect(tables.get('partly')?.follow).toBe(true);
      expect(reasonOf(tables.get('keyless_for_reader'))).toContain('"id"');
      expect(tables.get('keyless_for_reader')).toMatchObject({ primaryKey: [], keyset: [], resumable: false });
      expect(lines).toEqual([
        `warn: Left out for want of SELECT (or USAGE on the schema): ${schema}.closed.`,
        expect.stringContaining('2 columns are left out'),
      ]);
      await fixture.sql(`REVOKE USAGE ON SCHEMA ${schema} FROM ${fixture.role}`);
      expect(await fixture.discover(schema, { asReader: true })).toEqual([]);
    });

    it('not while somebody rewrites a table: it waits for no lock', async () => {
      const schema = await fixture.inSchema('CREATE TABLE busy (id int PRIMARY KEY);');
      await fixture.sql(`BEGIN; LOCK TABLE ${schema}.busy IN ACCESS EXCLUSIVE MODE`);
      try {
        expect(await fixture.discover(schema)).toHaveLength(1);
      } finally {
        await fixture.sql('ROLLBACK');
      }
    });
  });

  it('gives a table that is dropped and made again, or leaves and re-enters the publication, another identity', async () => {
    const schema = await fixture.inSchema('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION entry FOR TABLE t;');
    const identities: (string | undefined)[] = [];
    const note = async (): Promise<void> => {
      identities.push((await fixture.discover(schema, { publication: 'entry' }))[0]?.identity);
    };
    await note();
    await note();
    expect(identities[1]).toBe(identities[0]);
    await fixture.sql(`ALTER PUBLICATION entry DROP TABLE ${schema}.t`);
    await note();
    await fixture.sql(`ALTER PUBLICATION entry ADD TABLE ${schema}.t`);
    await note();
    await fixture.sql(
      `DROP TABLE ${schema}.t; CREATE TABLE ${schema}.t (id int PRIMARY KEY); ALTER PUBLICATION entry ADD TABLE ${schema}.t`,
    );
    await note();
    expect(new Set(identities).size).toBe(4);
  });

  it('estimates rows where they were counted, and only there', async () => {
    const schema = await fixture.inSchema(
      'CREATE TABLE counted (id int); INSERT INTO counted SELECT generate_series(1, 1000); ANALYZE counted; CREATE TABLE fresh (id int);',
    );
    const tables = byName(await fixture.discover(schema));
    expect(tables.get('counted')?.estimatedRows).toBe(1000);
    expect(tables.get('counted')?.estimatedBytes).toBeGreaterThan(30_000);
    expect('estimatedRows' in (tables.get('fresh') as PgTable)).toBe(false);
  });
});
