import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { discoverTables } from '../../../src/engines/postgres/discovery.ts';
import { ensurePublication, type Publication, readPublication } from '../../../src/engines/postgres/replication/publication.ts';
import { createSlot, dropSlot, isLost, readSlot, slotLoss, slotMisfit } from '../../../src/engines/postgres/replication/slot.ts';
import type { Query } from '../../../src/engines/postgres/sql.ts';
import type { PgTable } from '../../../src/engines/postgres/table.ts';
import { describePostgres } from '../../kit/engines.ts';
import { type OwnPostgresServer, type PostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { sleep } from '../../kit/servers/process.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';

const tablesOf = async (query: Query, ...names: string[]): Promise<readonly PgTable[]> => {
  const publication = await readPublication(query, 'tributary');
  const tables = await discoverTables(query, { schemas: ['public'], publication, nativeJson: false });
  return names.map(name => {
    const table = tables.find(each => each.id.name === name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  });
};
const namesIn = (publication: Publication | undefined): readonly string[] =>
  [...(publication?.tables.values() ?? [])].map(table => table.id.name).sort();

describePostgres(major => {
  let server: PostgresServer;
  let database: string;
  let admin: pg.Client;
  const role = `publisher_${process.pid}_${major}`;

  beforeAll(async () => {
    server = await acquirePostgres(major);
    database = await server.createDatabase();
    admin = await server.client(database);
    await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'publisher'; GRANT CREATE ON DATABASE ${database} TO ${role}`);
    await admin.query(`
      CREATE TABLE "Ta""ble" (id int PRIMARY KEY); CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE keyless (v int);
      CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
      CREATE TABLE root (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE leaf PARTITION OF root FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      CREATE TABLE mine (id int PRIMARY KEY); ALTER TABLE mine OWNER TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
  });
  beforeEach(async () => {
    await admin.query('DROP PUBLICATION IF EXISTS tributary');
  });
  afterAll(async () => {
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await admin.end();
    await server.dropDatabase(database);
  });
  const asAdmin = <T>(body: (query: Query) => Promise<T>, replication = false): Promise<T> =>
    withQuery(engineConfig(server, database), body, replication);
  const asRole = <T>(body: (query: Query) => Promise<T>): Promise<T> =>
    withQuery(engineConfig(server, database, { username: role, password: 'publisher' }), body);

  describe('ensurePublication', () => {
    it('creates what is absent, marked as ours, publishing everything, roots for their partitions, parents alone', async () => {
      await asAdmin(async query => {
        const tables = await tablesOf(query, 'Ta"ble', 'parent', 'root');
        const { added } = await ensurePublication(query, 'tributary', tables);
        expect(added.map(id => id.name)).toEqual(['Ta"ble', 'parent', 'root']);
        const publication = await readPublication(query, 'tributary');
        expect(publication).toMatchObject({
          managed: true,
          owned: true,
          owner: 'postgres',
          allTables: false,
          schemas: [],
          inserts: true,
          updates: true,
          deletes: true,
          truncates: true,
          viaRoot: true,
          generatedColumns: major >= 18,
        });
        expect(namesIn(publication)).toEqual(['Ta"ble', 'parent', 'root']);
      });
      const view = await admin.query("SELECT tablename FROM pg_publication_tables WHERE pubname = 'tributary' ORDER BY 1");
      expect(view.rows.map(row => row.tablename)).toEqual(['Ta"ble', 'parent', 'root']);
    });

    it('adds to its own only what is lacking, on a replication connection too', async () => {
      await asAdmin(async query => ensurePublication(query, 'tributary', await tablesOf(query, 'other')), true);
      await asAdmin(async query => {
        const both = await tablesOf(query, 'other', 'parent');
        expect((await ensurePublication(query, 'tributary', both)).added.map(id => id.name)).toEqual(['parent']);
        expect(await ensurePublication(query, 'tributary', both)).toEqual({ added: [] });
        expect(namesIn(await readPublication(query, 'tributary'))).toEqual(['other', 'parent']);
      }, true);
    });

    it('may be empty', async () => {
      await asAdmin(async query => {
        expect(await ensurePublication(query, 'tributary', [])).toEqual({ added: [] });
        expect(await readPublication(query, 'tributary')).toMatchObject({ managed: true });
      });
    });

    it('uses the user’s own as it is, and shows the SQL for what it lacks', async () => {
      await admin.query('CREATE PUBLICATION tributary FOR TABLE other');
      await asAdmin(async query => {
        expect(await ensurePublication(query, 'tributary', await tablesOf(query, 'other'))).toEqual({ added: [] });
        const both = await tablesOf(query, 'other', 'Ta"ble');
        await expect(ensurePublication(query, 'tributary', both)).rejects.toMatchObject({
          code: 'PUBLICATION_UNUSABLE',
          detail: expect.stringContaining('ALTER PUBLICATION "tributary" ADD TABLE ONLY "public"."Ta""ble";'),
        });
        expect(namesIn(await readPublication(query, 'tributary'))).toEqual(['other']);
      });
    });

    it('covers everything by FOR ALL TABLES', async () => {
      await admin.query('CREATE PUBLICATION tributary FOR ALL TABLES');
      await asAdmin(async query => {
        expect(await ensurePublication(query, 'tributary', await tablesOf(query, 'other', 'Ta"ble'))).toEqual({ added: [] });
      });
    });

    if (major >= 15) {
      it('covers a schema by FOR TABLES IN SCHEMA, and reads filters and column lists', async () => {
        await admin.query('CREATE PUBLICATION tributary FOR TABLES IN SCHEMA public');
        await asAdmin(async query => {
          expect(await readPublication(query, 'tributary')).toMatchObject({ schemas: ['public'], managed: false });
          expect(await ensurePublication(query, 'tributary', await tablesOf(query, 'other'))).toEqual({ added: [] });
        });
        await admin.query('DROP PUBLICATION tributary; CREATE PUBLICATION tributary FOR TABLE other (id) WHERE (id > 1)');
        const publication = await asAdmin(query => readPublication(query, 'tributary'));
        expect([...(publication?.tables.values() ?? [])]).toEqual([
          { id: { namespace: 'public', name: 'other' }, columns: ['id'], rowFilter: '(id > 1)' },
        ]);
      });
    }

    it('complains of one that leaves out updates', async () => {
      await admin.query("CREATE PUBLICATION tributary FOR TABLE other WITH (publish = 'insert')");
      await asAdmin(async query => {
        await expect(ensurePublication(query, 'tributary', await tablesOf(query, 'other'))).rejects.toMatchObject({
          code: 'PUBLICATION_UNUSABLE',
          detail: expect.stringMatching(
            /does not publish updates and deletes\. Run: ALTER PUBLICATION "tributary" SET \(publish = /,
          ),
        });
      });
    });

    it('never publishes a table whose updates would then fail', async () => {
      await asAdmin(async query => {
        await expect(ensurePublication(query, 'tributary', await tablesOf(query, 'other', 'keyless'))).rejects.toMatchObject({
          code: 'REPLICA_IDENTITY_MISSING',
          table: { namespace: 'public', name: 'keyless' },
        });
        expect(await readPublication(query, 'tributary')).toBeUndefined();
      });
      await admin.query('INSERT INTO keyless VALUES (1); UPDATE keyless SET v = 2');
    });

    it('of a role that owns some tables: those it can, the others with the SQL for their owner, and nothing half done', async () => {
      await asRole(async query => {
        const sql = 'CREATE PUBLICATION "tributary" FOR TABLE ONLY "public"."mine", ONLY "public"."other" WITH (';
        await expect(ensurePublication(query, 'tributary', await tablesOf(query, 'mine', 'other'))).rejects.toMatchObject({
          code: 'PUBLICATION_UNUSABLE',
          detail: expect.stringContaining(sql),
        });
        expect(await readPublication(query, 'tributary')).toBeUndefined();
        await ensurePublication(query, 'tributary', await tablesOf(query, 'mine'));
        expect(await readPublication(query, 'tributary')).toMatchObject({ owned: true, managed: true, owner: role });
        await expect(ensurePublication(query, 'tributary', await tablesOf(query, 'mine', 'other'))).rejects.toMatchObject({
          code: 'PUBLICATION_UNUSABLE',
          detail: expect.stringContaining('ADD TABLE ONLY "public"."other";'),
        });
      });
    });

    it('does not wait for a standby that is away', async () => {
      const own = await startPostgres({ major, settings: { synchronous_standby_names: 'absent' } });
      try {
        await withQuery(engineConfig(own, 'postgres'), query => ensurePublication(query, 'tributary', []));
      } finally {
        await own.stop();
      }
    });
  });

  describe('slots', () => {
    const name = `slot_${process.pid}_${major}`;

    it('are created, read and dropped', async () => {
      const point = await asAdmin(query => createSlot(query, name), true);
      expect(point).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
      await asAdmin(async query => {
        const slot = await readSlot(query, name);
        expect(slot).toMatchObject({
          name,
          plugin: 'pgoutput',
          type: 'logical',
          database,
          temporary: false,
          active: false,
          activePid: null,
          confirmedFlushLsn: point,
          walStatus: 'reserved',
          invalidationReason: null,
        });
        if (slot === undefined) throw new Error('no slot');
        expect([isLost(slot), slotLoss(slot), slotMisfit(slot, database)]).toEqual([false, undefined, undefined]);
        expect(slotMisfit(slot, 'another')).toContain(`SELECT pg_drop_replication_slot('${name}');`);
        await dropSlot(query, name);
        await dropSlot(query, name);
        expect(await readSlot(query, name)).toBeUndefined();
      });
    });

    it('of one name exist once', async () => {
      await asAdmin(async query => {
        await createSlot(query, name);
        await expect(createSlot(query, name)).rejects.toMatchObject({ code: 'SLOT_UNUSABLE' });
        await dropSlot(query, name);
      }, true);
    });

    it('go with their connection when temporary', async () => {
      await asAdmin(async query => {
        await createSlot(query, name, { temporary: true });
        const slot = await readSlot(query, name);
        expect(slot).toMatchObject({ temporary: true, active: true });
      }, true);
      await asAdmin(async query => {
        for (let waited = 0; waited < 100 && (await readSlot(query, name)) !== undefined; waited++) await sleep(20);
        expect(await readSlot(query, name)).toBeUndefined();
      });
    });

    it('of another kind do not fit', async () => {
      await admin.query(`SELECT pg_create_physical_replication_slot('${name}_p')`);
      await asAdmin(async query => {
        const slot = await readSlot(query, `${name}_p`);
        if (slot === undefined) throw new Error('no slot');
        expect(slotMisfit(slot, database)).toContain('physical');
        await dropSlot(query, slot.name);
      });
    });

    it('that the server gave up are lost', async () => {
      const own: OwnPostgresServer = await startPostgres({
        major,
        settings: { max_slot_wal_keep_size: '1MB', min_wal_size: '32MB', max_wal_size: '32MB' },
      });
      try {
        const config = engineConfig(own, 'postgres');
        await withQuery(config, query => createSlot(query, name), true);
        const slot = await withQuery(config, async query => {
          await query.rows('CREATE TABLE public.filler (v text)');
          for (let round = 0; round < 50; round++) {
            await query.rows("INSERT INTO public.filler SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
            await query.rows('SELECT pg_switch_wal(); CHECKPOINT');
            const now = await readSlot(query, name);
            if (now !== undefined && isLost(now)) return now;
          }
          return undefined;
        });
        expect(slot).toMatchObject({ walStatus: 'lost' });
        expect(slot === undefined ? '' : slotLoss(slot)).toContain(`"${name}"`);
      } finally {
        await own.stop();
      }
    });

    it('need wal_level = logical and a free place', async () => {
      const own = await startPostgres({ major, settings: { wal_level: 'replica', max_replication_slots: '1' } });
      try {
        const config = engineConfig(own, 'postgres');
        const create = (): Promise<string> => withQuery(config, query => createSlot(query, name), true);
        await expect(create()).rejects.toMatchObject({ code: 'SERVER_SETTING', detail: expect.stringContaining('wal_level') });
        await own.configure({ wal_level: 'logical' });
        await own.restart();
        await create();
        const another = withQuery(config, query => createSlot(query, 'another'), true);
        await expect(another).rejects.toMatchObject({
          code: 'SERVER_SETTING',
          detail: expect.stringContaining('max_replication_slots'),
        });
      } finally {
        await own.stop();
      }
    });
  });
});
