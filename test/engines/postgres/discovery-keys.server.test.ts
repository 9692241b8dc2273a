import { describe, expect, it } from 'vitest';
import { describePostgres } from '../../kit/engines.ts';
import { byName, DiscoveryFixture, reasonOf } from './discovery-fixture.ts';

describePostgres(major => {
  const fixture = new DiscoveryFixture(major, 'key_reader');

  describe('keys and replica identities', () => {
    it('says for each whether and by which key it can be followed', async () => {
      const schema = await fixture.inSchema(`
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
      const tables = byName(await fixture.discover(schema));
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
      const schema = await fixture.inSchema(`
        CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (v int); CREATE TABLE c (v int); ALTER TABLE c REPLICA IDENTITY FULL;
        CREATE TABLE d (id int PRIMARY KEY DEFERRABLE, v int); CREATE TABLE e (id int PRIMARY KEY, v int); ALTER TABLE e REPLICA IDENTITY NOTHING;
        CREATE TABLE g (id int PRIMARY KEY, v int, w int GENERATED ALWAYS AS (v + 1) STORED);
        CREATE TABLE h (v int, w int GENERATED ALWAYS AS (v + 1) STORED); ALTER TABLE h REPLICA IDENTITY FULL;
        ${major >= 18 ? 'CREATE TABLE i (v int, w int GENERATED ALWAYS AS (v + 1) VIRTUAL); ALTER TABLE i REPLICA IDENTITY FULL;' : ''}
        CREATE TABLE p (id int PRIMARY KEY, v int) PARTITION BY HASH (id); CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE q (id int PRIMARY KEY, v int) PARTITION BY HASH (id); CREATE TABLE q0 PARTITION OF q FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        ALTER TABLE q0 REPLICA IDENTITY NOTHING;`);
      const tables = await fixture.discover(schema);
      expect(tables.length).toBe(major >= 18 ? 10 : 9);
      for (const table of tables) {
        const name = `${schema}.${table.id.name}`;
        const generated = major >= 18 ? ', publish_generated_columns = stored' : '';
        await fixture.sql(
          `INSERT INTO ${name} ${table.id.name === 'b' || /^[chi]$/.test(table.id.name) ? '(v) VALUES (1)' : '(id, v) VALUES (1, 1)'}`,
        );
        await fixture.sql(`CREATE PUBLICATION probe FOR TABLE ${name} WITH (publish_via_partition_root = true${generated})`);
        const update = fixture.sql(`UPDATE ${name} SET v = 2`);
        const worked = await update.then(
          () => true,
          () => false,
        );
        await fixture.sql('DROP PUBLICATION probe');
        expect([table.id.name, table.follow === true]).toEqual([table.id.name, worked]);
      }
    });

    it('a leaf that differs from its root', async () => {
      const schema = await fixture.inSchema(`
        CREATE TABLE root (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
        CREATE TABLE leaf PARTITION OF root FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        ALTER TABLE leaf ALTER v SET NOT NULL; CREATE UNIQUE INDEX leaf_v ON leaf (v); ALTER TABLE leaf REPLICA IDENTITY USING INDEX leaf_v;
        CREATE TABLE mixed (id int PRIMARY KEY, v text) PARTITION BY HASH (id); ALTER TABLE mixed REPLICA IDENTITY FULL;
        CREATE TABLE mixed_0 PARTITION OF mixed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE unlogged_leaf (id int PRIMARY KEY) PARTITION BY HASH (id);
        CREATE UNLOGGED TABLE unlogged_leaf_0 PARTITION OF unlogged_leaf FOR VALUES WITH (MODULUS 1, REMAINDER 0);`);
      const tables = byName(await fixture.discover(schema));
      expect(reasonOf(tables.get('root'))).toContain(`ALTER TABLE "${schema}"."leaf" REPLICA IDENTITY FULL;`);
      expect(tables.get('mixed')).toMatchObject({ follow: true, replicaIdentity: { kind: 'key', columns: ['id'] } });
      expect(reasonOf(tables.get('unlogged_leaf'))).toContain('unlogged');
    });

    it('one round of what the reasons say makes every table followable: root, partitions, one reason or several', async () => {
      const parts = (root: string, count: number): string =>
        Array.from(
          { length: count },
          (_, at) => `CREATE TABLE ${root}_${at} PARTITION OF ${root} FOR VALUES WITH (MODULUS ${count}, REMAINDER ${at});`,
        ).join(' ');
      const schema = await fixture.inSchema(`
        CREATE TABLE keyless (v int) PARTITION BY HASH (v); ${parts('keyless', 8)} ALTER TABLE keyless_1 REPLICA IDENTITY FULL;
        ALTER TABLE keyless_2 REPLICA IDENTITY NOTHING; ALTER TABLE keyless_3 SET UNLOGGED;
        CREATE TABLE many (v int) PARTITION BY HASH (v); ${parts('many', 25)}
        CREATE TABLE mute (id int PRIMARY KEY) PARTITION BY HASH (id); ${parts('mute', 22)}
        DO $$ BEGIN FOR at IN 0..21 LOOP EXECUTE format('ALTER TABLE mute_%s REPLICA IDENTITY NOTHING', at); END LOOP; END $$;
        ALTER TABLE mute REPLICA IDENTITY NOTHING;
        CREATE TABLE own_keys (id int, v int) PARTITION BY HASH (v); ${parts('own_keys', 2)}
        ALTER TABLE own_keys_0 ADD PRIMARY KEY (id); ALTER TABLE own_keys_1 ADD PRIMARY KEY (id, v);
        CREATE UNLOGGED TABLE plain (v int);
        CREATE TABLE arrays (k int[] PRIMARY KEY) PARTITION BY HASH (k); ${parts('arrays', 2)}`);
      const hindered = (await fixture.discover(schema)).map(table => [table.id.name, reasonOf(table)] as const);
      expect(hindered.map(([name]) => name)).toEqual(['arrays', 'keyless', 'many', 'mute', 'own_keys', 'plain']);
      for (const [, reason] of hindered) {
        const sql = [...reason.matchAll(/[Rr]un: ((?:ALTER TABLE [^;]+; ?)+|DO \$do\$.*?\$do\$;)/g)].map(([, each]) => each);
        await fixture.sql(sql.join(' '));
      }
      expect((await fixture.discover(schema)).map(table => table.follow)).toEqual(hindered.map(() => true));
    });

    it('#19 row-level security hides rows from the snapshot, not from the log', async () => {
      const schema = await fixture.inSchema(
        'CREATE TABLE secured (id int PRIMARY KEY); ALTER TABLE secured ENABLE ROW LEVEL SECURITY;',
      );
      await fixture.sql(`GRANT USAGE ON SCHEMA ${schema} TO ${fixture.role}; GRANT SELECT ON secured TO ${fixture.role}`);
      expect(reasonOf((await fixture.discover(schema, { asReader: true }))[0])).toContain('BYPASSRLS');
      expect((await fixture.discover(schema))[0]?.follow).toBe(true);
    });
  });

  describe('columns', () => {
    it('with types, nullability, generation and storage', async () => {
      const schema = await fixture.inSchema(`
        CREATE DOMAIN short AS varchar(5) NOT NULL; CREATE DOMAIN shorts AS short[]; CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, dropped text, d short, ds shorts, m mood[], n numeric(12,0), j jsonb,
          deep text[][][] COLLATE "C", vec int2vector, plain text, stored int GENERATED ALWAYS AS (1) STORED);
        ALTER TABLE t DROP COLUMN dropped;
        ${major >= 18 ? 'ALTER TABLE t ADD COLUMN virt int GENERATED ALWAYS AS (1) VIRTUAL, ADD COLUMN maybe int, ADD CONSTRAINT nn NOT NULL maybe NOT VALID;' : ''}`);
      await fixture.sql('ALTER TABLE t ALTER plain SET STORAGE PLAIN');
      const [table] = await fixture.discover(schema);
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
      expect(
        (await fixture.discover(schema, { nativeJson: true }))[0]?.columns.find(column => column.name === 'j')?.type,
      ).toEqual({
        kind: 'object',
      });
    });

    if (major >= 15) {
      it('those that a column list of the publication leaves out, and its row filter', async () => {
        const schema = await fixture.inSchema(`CREATE TABLE t (id int PRIMARY KEY, a int, b int);
          CREATE PUBLICATION listed FOR TABLE t (id, a) WHERE (id > 10) WITH (publish_via_partition_root = true);`);
        const [table] = await fixture.discover(schema, { publication: 'listed' });
        expect(table?.columns.map(column => [column.name, column.published])).toEqual([
          ['id', true],
          ['a', true],
          ['b', false],
        ]);
        expect(table).toMatchObject({ follow: true, rowFilter: '(id > 10)' });
      });
    }
  });
});
