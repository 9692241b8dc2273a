import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { discoverTables, type PgTable } from '../../../src/engines/postgres/discovery.ts';
import { ensurePublication, readPublication } from '../../../src/engines/postgres/replication/publication.ts';
import { describePostgres } from '../../kit/engines.ts';
import type { PostgresServer } from '../../kit/servers/postgres.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { engineConfig, engineContext, withQuery } from './engine-fixture.ts';

describePostgres(major => {
  let server: PostgresServer;
  let database: string;
  let admin: pg.Client;
  const role = `reader_${process.pid}_${major}`;

  beforeAll(async () => {
    server = await acquirePostgres(major);
    database = await server.createDatabase();
    admin = await server.client(database);
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'reader'`);
  });
  afterAll(async () => {
    await admin.query(`DROP OWNED BY ${role}`);
    await admin.query(`DROP ROLE ${role}`);
    await admin.end();
    await server.dropDatabase(database);
  });

  interface Wish {
    readonly schemas?: readonly string[];
    readonly publication?: string;
    readonly nativeJson?: boolean;
    readonly asReader?: boolean;
    readonly lines?: string[];
  }
  const discover = (schema: string, wish: Wish = {}): Promise<readonly PgTable[]> => {
    const login = wish.asReader === true ? { username: role, password: 'reader' } : {};
    const { context, lines } = engineContext();
    return withQuery(engineConfig(server, database, login), async query => {
      const publication = await readPublication(query, wish.publication ?? 'none');
      const { nativeJson = false, schemas = [schema] } = wish;
      const tables = await discoverTables(query, { schemas, publication, nativeJson, log: context.log });
      wish.lines?.push(...lines);
      return tables;
    });
  };
  const byName = (tables: readonly PgTable[]): ReadonlyMap<string, PgTable> =>
    new Map(tables.map(table => [table.id.name, table]));
  const reasonOf = (table: PgTable | undefined): string => {
    if (table === undefined) return 'not offered';
    return table.follow === true ? '' : table.follow.reason;
  };
  let schemas = 0;
  /** Runs the statements in a schema of its own, which stays on the search path. */
  const inSchema = async (sql: string): Promise<string> => {
    const schema = `s${schemas++}`;
    await admin.query(`CREATE SCHEMA ${schema}; SET search_path = ${schema}, public; ${sql}`);
    return schema;
  };

  describe('what is offered', () => {
    it('every kind of relation, as far as the log can follow it', async () => {
      const schema = await inSchema(`
        CREATE TABLE keyed (id int PRIMARY KEY, v text);
        CREATE TABLE keyless (v text);
        CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
        CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
        CREATE VIEW a_view AS SELECT * FROM keyed;
        CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM keyed;
        CREATE TABLE no_columns ();
        CREATE SEQUENCE seq; CREATE TYPE composite AS (a int);
        CREATE TEMPORARY TABLE temporary_one (id int PRIMARY KEY);`);
      const tables = byName(await discover(schema, { schemas: [schema, 'pg_catalog', 'information_schema', 'pg_toast'] }));
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
      const schema = `s"chema. $1 ${schemas++} Ü😀`;
      const name = `ta"b'le.\\ SELECT $ 😀`;
      await admin.query(`CREATE SCHEMA ${admin.escapeIdentifier(schema)}`);
      const qualified = `${admin.escapeIdentifier(schema)}.${admin.escapeIdentifier(name)}`;
      await admin.query(`CREATE TABLE ${qualified} ("I""D" int PRIMARY KEY, "a.b" text, "\\" text, "ÜMLAUT" text)`);
      const [table] = await discover(schema);
      expect(table?.id).toEqual({ namespace: schema, name });
      expect(table?.columns.map(column => column.name)).toEqual(['I"D', 'a.b', '\\', 'ÜMLAUT']);
      expect(table?.primaryKey).toEqual(['I"D']);
      const added = await withQuery(engineConfig(server, database), query =>
        ensurePublication(query, `p"ub ${schema}`, [table as PgTable]),
      );
      expect(added).toEqual({ added: [{ namespace: schema, name }] });
      expect((await discover(schema, { publication: `p"ub ${schema}` }))[0]?.identity).toMatch(/^\d+\/\d+$/);
    });

    it('a partitioned table as one, with its leaves at every depth', async () => {
      const schema = await inSchema(`
        CREATE TABLE root (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE y20 PARTITION OF root FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
        CREATE TABLE y21 PARTITION OF root FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY HASH (id);
        CREATE TABLE y21_0 PARTITION OF y21 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE empty_root (id int PRIMARY KEY) PARTITION BY HASH (id);
        INSERT INTO root SELECT i, '2020-05-05' FROM generate_series(1, 500) i;
        INSERT INTO root SELECT i, '2021-05-05' FROM generate_series(1, 700) i;
        ANALYZE root, y20, y21_0;`);
      const tables = byName(await discover(schema));
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
      const schema = await inSchema(`
        CREATE TABLE root (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE TABLE middle PARTITION OF root FOR VALUES WITH (MODULUS 1, REMAINDER 0) PARTITION BY HASH (id);
        CREATE TABLE leaf PARTITION OF middle FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE PUBLICATION by_leaf FOR TABLE root WITH (publish_via_partition_root = false);`);
      const tables = byName(await discover(schema, { publication: 'by_leaf' }));
      expect([...tables.keys()]).toEqual(['leaf', 'root']);
      expect(tables.get('leaf')).toMatchObject({ follow: true, primaryKey: ['id'], isPartition: true });
      expect(reasonOf(tables.get('root'))).toContain('as tables of their own');
    });

    it('nothing that may not be read, and says so once', async () => {
      const schema = await inSchema(`
        CREATE TABLE open (id int PRIMARY KEY, v text);
        CREATE TABLE closed (id int PRIMARY KEY);
        CREATE TABLE partly (id int PRIMARY KEY, shown text, hidden text);
        CREATE TABLE keyless_for_reader (id int PRIMARY KEY, shown text);`);
      await admin.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT ON open TO ${role};
        GRANT SELECT (id, shown) ON partly TO ${role}; GRANT SELECT (shown) ON keyless_for_reader TO ${role}`);
      const lines: string[] = [];
      const tables = byName(await discover(schema, { asReader: true, lines }));
      expect([...tables.keys()]).toEqual(['keyless_for_reader', 'open', 'partly']);
      expect(tables.get('partly')?.columns.map(column => column.name)).toEqual(['id', 'shown']);
      expect(tables.get('partly')?.follow).toBe(true);
      expect(reasonOf(tables.get('keyless_for_reader'))).toContain('"id"');
      expect(tables.get('keyless_for_reader')).toMatchObject({ primaryKey: [], keyset: [], resumable: false });
      expect(lines).toEqual([
        `warn: Left out for want of SELECT (or USAGE on the schema): ${schema}.closed.`,
        expect.stringContaining('2 columns are left out'),
      ]);
      await admin.query(`REVOKE USAGE ON SCHEMA ${schema} FROM ${role}`);
      expect(await discover(schema, { asReader: true })).toEqual([]);
    });

    it('not while somebody rewrites a table: it waits for no lock', async () => {
      const schema = await inSchema('CREATE TABLE busy (id int PRIMARY KEY);');
      await admin.query(`BEGIN; LOCK TABLE ${schema}.busy IN ACCESS EXCLUSIVE MODE`);
      try {
        expect(await discover(schema)).toHaveLength(1);
      } finally {
        await admin.query('ROLLBACK');
      }
    });
  });

  describe('keys and replica identities', () => {
    it('says for each whether and by which key it can be followed', async () => {
      const schema = await inSchema(`
        CREATE TABLE pair (b int, a int, PRIMARY KEY (a, b) INCLUDE (c), c int);
        CREATE TABLE whole (v text); ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE TABLE whole_keyed (id int PRIMARY KEY, v text); ALTER TABLE whole_keyed REPLICA IDENTITY FULL;
        CREATE TABLE by_index (id int PRIMARY KEY, code text NOT NULL UNIQUE); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_code_key;
        CREATE TABLE index_gone (id int PRIMARY KEY, code text NOT NULL UNIQUE);
        ALTER TABLE index_gone REPLICA IDENTITY USING INDEX index_gone_code_key;
        ALTER TABLE index_gone DROP CONSTRAINT index_gone_code_key;
        CREATE TABLE none (id int PRIMARY KEY); ALTER TABLE none REPLICA IDENTITY NOTHING;
        CREATE TABLE late (id int PRIMARY KEY DEFERRABLE);
        CREATE TABLE late_whole (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED); ALTER TABLE late_whole REPLICA IDENTITY FULL;
        CREATE TABLE by_array (id int[] PRIMARY KEY);
        CREATE TABLE by_array_whole (id int[] PRIMARY KEY); ALTER TABLE by_array_whole REPLICA IDENTITY FULL;
        CREATE TABLE by_jsonb (id jsonb PRIMARY KEY);`);
      const tables = byName(await discover(schema));
      const summary = [...tables].map(([name, table]) => [
        name,
        table.follow === true,
        table.primaryKey,
        table.replicaIdentity?.kind,
      ]);
      expect(summary).toEqual([
        ['by_array', false, [], undefined],
        ['by_array_whole', true, [], 'full'],
        ['by_index', true, ['code'], 'key'],
        ['by_jsonb', false, [], undefined],
        ['index_gone', false, ['id'], undefined],
        ['late', false, ['id'], undefined],
        ['late_whole', true, [], 'full'],
        ['none', false, ['id'], undefined],
        ['pair', true, ['a', 'b'], 'key'],
        ['whole', true, [], 'full'],
        ['whole_keyed', true, ['id'], 'full'],
      ]);
      expect(tables.get('late_whole')).toMatchObject({ keyset: ['id'], resumable: true });
    });

    it('agrees with the server: updates of a followed table succeed once it is published, of the others they would not', async () => {
      const schema = await inSchema(`
        CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (v int); CREATE TABLE c (v int); ALTER TABLE c REPLICA IDENTITY FULL;
        CREATE TABLE d (id int PRIMARY KEY DEFERRABLE, v int); CREATE TABLE e (id int PRIMARY KEY, v int); ALTER TABLE e REPLICA IDENTITY NOTHING;
        CREATE TABLE g (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS (v + 1) STORED);
        CREATE TABLE h (v int, w int GENERATED ALWAYS AS (v + 1) STORED); ALTER TABLE h REPLICA IDENTITY FULL;
        ${major >= 18 ? 'CREATE TABLE i (v int, w int GENERATED ALWAYS AS (v + 1) VIRTUAL); ALTER TABLE i REPLICA IDENTITY FULL;' : ''}
        CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY HASH (id); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE q (id int PRIMARY KEY, v int) PARTITION BY HASH (id); CREATE TABLE q0 PARTITION OF q FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        ALTER TABLE q0 REPLICA IDENTITY NOTHING;`);
      const tables = await discover(schema);
      expect(tables.length).toBe(major >= 18 ? 10 : 9);
      for (const table of tables) {
        const name = `${schema}.${table.id.name}`;
        const generated = major >= 18 ? ', publish_generated_columns = stored' : '';
        await admin.query(
          `INSERT INTO ${name} ${table.id.name === 'b' || /^[chi]$/.test(table.id.name) ? '(v) VALUES (1)' : '(id, v) VALUES (1, 1)'}`,
        );
        await admin.query(`CREATE PUBLICATION probe FOR TABLE ${name} WITH (publish_via_partition_root = true${generated})`);
        const update = admin.query(`UPDATE ${name} SET v = 2`);
        const worked = await update.then(
          () => true,
          () => false,
        );
        await admin.query('DROP PUBLICATION probe');
        expect([table.id.name, table.follow === true]).toEqual([table.id.name, worked]);
      }
    });

    it('a leaf that differs from its root', async () => {
      const schema = await inSchema(`
        CREATE TABLE root (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
        CREATE TABLE leaf PARTITION OF root FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        ALTER TABLE leaf ALTER v SET NOT NULL; CREATE UNIQUE INDEX leaf_v ON leaf (v); ALTER TABLE leaf REPLICA IDENTITY USING INDEX leaf_v;
        CREATE TABLE mixed (id int PRIMARY KEY, v text) PARTITION BY HASH (id); ALTER TABLE mixed REPLICA IDENTITY FULL;
        CREATE TABLE mixed_0 PARTITION OF mixed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE unlogged_leaf (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE UNLOGGED TABLE unlogged_leaf_0 PARTITION OF unlogged_leaf FOR VALUES WITH (MODULUS 1, REMAINDER 0);`);
      const tables = byName(await discover(schema));
      expect(reasonOf(tables.get('root'))).toContain(`ALTER TABLE "${schema}"."leaf" REPLICA IDENTITY FULL;`);
      expect(tables.get('mixed')).toMatchObject({ follow: true, replicaIdentity: { kind: 'key', columns: ['id'] } });
      expect(reasonOf(tables.get('unlogged_leaf'))).toContain('unlogged');
    });

    it('row-level security hides rows from the snapshot, not from the log', async () => {
      const schema = await inSchema('CREATE TABLE secured (id int PRIMARY KEY); ALTER TABLE secured ENABLE ROW LEVEL SECURITY;');
      await admin.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT ON secured TO ${role}`);
      expect(reasonOf((await discover(schema, { asReader: true }))[0])).toContain('BYPASSRLS');
      expect((await discover(schema))[0]?.follow).toBe(true);
    });
  });

  describe('columns', () => {
    it('with types, nullability, generation and storage', async () => {
      const schema = await inSchema(`
        CREATE DOMAIN short AS varchar(5) NOT NULL; CREATE DOMAIN shorts AS short[]; CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, dropped text, d short, ds shorts, m mood[], n numeric(12,0), j jsonb,
          deep text[][][] COLLATE "C", vec int2vector, plain text, stored int GENERATED ALWAYS AS (1) STORED);
        ALTER TABLE t DROP COLUMN dropped;
        ${major >= 18 ? 'ALTER TABLE t ADD COLUMN virt int GENERATED ALWAYS AS (1) VIRTUAL, ADD COLUMN maybe int, ADD CONSTRAINT nn NOT NULL maybe NOT VALID;' : ''}`);
      await admin.query('ALTER TABLE t ALTER plain SET STORAGE PLAIN');
      const [table] = await discover(schema);
      const columns = new Map(table?.columns.map(column => [column.name, column]));
      expect(columns.has('dropped')).toBe(false);
      expect(columns.get('id')).toMatchObject({
        attnum: 1,
        type: { kind: 'integer' },
        nullable: false,
        identity: 'a',
        toastable: false,
      });
      expect(columns.get('d')).toMatchObject({
        attnum: 3,
        type: { kind: 'string' },
        typeSql: `${schema}.short`,
        toastable: true,
      });
      expect(columns.get('d')?.pgType).toMatchObject({ typtype: 'd', typmod: 9, base: { name: 'varchar' } });
      expect(columns.get('ds')?.pgType.base?.element).toMatchObject({ name: 'short', base: { name: 'varchar' } });
      expect(columns.get('ds')?.type).toEqual({ kind: 'array', items: { kind: 'string' } });
      expect(columns.get('m')).toMatchObject({ type: { kind: 'array', items: { kind: 'string' } }, typeSql: `${schema}.mood[]` });
      expect(columns.get('n')).toMatchObject({ type: { kind: 'integer' }, typeSql: 'numeric(12,0)' });
      expect(columns.get('j')?.type).toEqual({ kind: 'json' });
      expect(columns.get('deep')).toMatchObject({ ndims: 3, collation: 'C' });
      expect(columns.get('vec')?.type).toEqual({ kind: 'string' });
      expect(columns.get('vec')?.pgType.element).toBeUndefined();
      expect(columns.get('plain')?.toastable).toBe(false);
      expect(columns.get('stored')).toMatchObject({ generated: 's', published: major >= 18 });
      if (major >= 18) {
        expect(columns.get('virt')).toMatchObject({ generated: 'v', published: false });
        expect(columns.get('maybe')?.nullable).toBe(true);
      }
      expect((await discover(schema, { nativeJson: true }))[0]?.columns.find(column => column.name === 'j')?.type).toEqual({
        kind: 'object',
      });
    });

    if (major >= 15) {
      it('those that a column list of the publication leaves out, and its row filter', async () => {
        const schema = await inSchema(`CREATE TABLE t (id int PRIMARY KEY, a int, b int);
          CREATE PUBLICATION listed FOR TABLE t (id, a) WHERE (id > 10) WITH (publish_via_partition_root = true);`);
        const [table] = await discover(schema, { publication: 'listed' });
        expect(table?.columns.map(column => [column.name, column.published])).toEqual([
          ['id', true],
          ['a', true],
          ['b', false],
        ]);
        expect(table).toMatchObject({ follow: true, rowFilter: '(id > 10)' });
      });
    }
  });

  it('gives a table that is dropped and made again, or leaves and re-enters the publication, another identity', async () => {
    const schema = await inSchema('CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION entry FOR TABLE t;');
    const identities: (string | undefined)[] = [];
    const note = async (): Promise<void> => {
      identities.push((await discover(schema, { publication: 'entry' }))[0]?.identity);
    };
    await note();
    await note();
    expect(identities[1]).toBe(identities[0]);
    await admin.query(`ALTER PUBLICATION entry DROP TABLE ${schema}.t`);
    await note();
    await admin.query(`ALTER PUBLICATION entry ADD TABLE ${schema}.t`);
    await note();
    await admin.query(
      `DROP TABLE ${schema}.t; CREATE TABLE ${schema}.t (id int PRIMARY KEY); ALTER PUBLICATION entry ADD TABLE ${schema}.t`,
    );
    await note();
    expect(new Set(identities).size).toBe(4);
  });

  it('estimates rows where they were counted, and only there', async () => {
    const schema = await inSchema(
      'CREATE TABLE counted (id int); INSERT INTO counted SELECT generate_series(1, 1000); ANALYZE counted; CREATE TABLE fresh (id int);',
    );
    const tables = byName(await discover(schema));
    expect(tables.get('counted')?.estimatedRows).toBe(1000);
    expect(tables.get('counted')?.estimatedBytes).toBeGreaterThan(30_000);
    expect('estimatedRows' in (tables.get('fresh') as PgTable)).toBe(false);
  });
});
