import { createConnection, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresConfig } from '../../../src/engines/postgres/config.ts';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { type Checked, checkOf, codes, text } from '../../kit/check.ts';
import { describePostgres } from '../../kit/engines.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { engineConfig, engineContext } from './engine-fixture.ts';
import { startStandby } from './standby.ts';

const check = (config: PostgresConfig): Promise<Checked> => checkOf(context => postgres.connect(config, context));

/** Rows of every catalog that a careless check might touch. */
const CATALOG = `SELECT (SELECT count(*) FROM pg_replication_slots) AS slots, (SELECT count(*) FROM pg_publication) AS publications,
  (SELECT count(*) FROM pg_publication_rel) AS members, (SELECT count(*) FROM pg_class) AS relations,
  (SELECT string_agg(r::text, '' ORDER BY rolname) FROM pg_roles r) AS roles,
  (SELECT string_agg(setconfig::text, '') FROM pg_db_role_setting) AS settings`;

describePostgres(major => {
  describe('check', () => {
    let server: OwnPostgresServer;
    let database: string;
    beforeAll(async () => {
      server = await startPostgres({ major, settings: { max_replication_slots: '2' } });
      database = await server.createDatabase();
      await server.query(
        database,
        `CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE keyless (v int); CREATE SCHEMA "Empty"; CREATE SCHEMA secret;
         CREATE TABLE secret.t (id int PRIMARY KEY);
         CREATE ROLE plain LOGIN PASSWORD 'plain'; CREATE ROLE "full" LOGIN REPLICATION PASSWORD 'full';
         CREATE ROLE reader LOGIN REPLICATION PASSWORD 'reader'; GRANT SELECT ON good TO reader;
         GRANT CREATE ON DATABASE ${database} TO "full"; CREATE TABLE owned (id int PRIMARY KEY); ALTER TABLE owned OWNER TO "full"`,
      );
    });
    afterAll(() => server.stop());

    const as = (username: string, source: Readonly<Record<string, unknown>> = {}): PostgresConfig =>
      engineConfig(server, database, { username, password: username, ...source });

    it('finds nothing wrong where nothing is, and changes nothing', async () => {
      const before = await server.query(database, CATALOG);
      const checked = await check(engineConfig(server, database));
      expect(checked.problems).toEqual([]);
      expect(checked.lines.filter(line => line.includes('keyless'))).toEqual([
        expect.stringContaining('ALTER TABLE "public"."keyless" REPLICA IDENTITY FULL;'),
      ]);
      expect(await server.query(database, CATALOG)).toEqual(before);
    });

    it('names every missing right at once, with the SQL', async () => {
      const checked = await check(as('plain'));
      expect(codes(checked)).toEqual(expect.arrayContaining(['PERMISSION_DENIED', 'PERMISSION_DENIED']));
      expect(text(checked)).toContain('ALTER ROLE "plain" REPLICATION;');
      expect(text(checked)).toContain('GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "plain";');
    });

    it('of a role that owns nothing wants the publication made for it, complete', async () => {
      const checked = await check(as('reader'));
      expect(codes(checked)).toEqual(['PUBLICATION_UNUSABLE']);
      expect(text(checked)).toContain('CREATE PUBLICATION "tributary" FOR TABLE ONLY "public"."good" WITH (publish = ');
      const sql = text(checked).slice(text(checked).indexOf('CREATE PUBLICATION'));
      await server.query(database, sql);
      try {
        expect((await check(as('reader'))).problems).toEqual([]);
      } finally {
        await server.query(database, 'DROP PUBLICATION tributary');
      }
    });

    it('of a role that owns some tables tells which it does not', async () => {
      await server.query(database, 'GRANT SELECT ON good TO "full"');
      const checked = await check(as('full'));
      expect(checked.problems).toEqual([]);
      expect(checked.lines.join('\n')).toContain('does not own public.good');
      await server.query(database, `REVOKE CREATE ON DATABASE ${database} FROM "full"`);
      const without = await check(as('full'));
      expect([codes(without), text(without)]).toEqual([
        ['PUBLICATION_UNUSABLE'],
        expect.stringContaining(`GRANT CREATE ON DATABASE "${database}" TO "full";`),
      ]);
      await server.query(database, `GRANT CREATE ON DATABASE ${database} TO "full"`);
    });

    it('of an existing publication tells what it lacks', async () => {
      await server.query(database, "CREATE PUBLICATION partial FOR TABLE good WITH (publish = 'insert')");
      const checked = await check(engineConfig(server, database, { publication: 'partial' }));
      expect([codes(checked), text(checked)]).toEqual([
        ['PUBLICATION_UNUSABLE'],
        expect.stringContaining('ALTER PUBLICATION "partial" SET (publish'),
      ]);
      expect(checked.lines.join('\n')).toContain('ALTER PUBLICATION "partial" ADD TABLE ONLY "public"."owned";');
    });

    it('of schemas tells each that is missing, empty, misspelt, closed or a system schema', async () => {
      const schemas = ['public', 'nowhere', 'empty', 'Empty', 'pg_catalog', 'secret'];
      const checked = await check(as('reader', { schemas }));
      expect(codes(checked).filter(code => code !== 'PUBLICATION_UNUSABLE')).toEqual([
        'SCHEMA_MISSING',
        'SCHEMA_MISSING',
        'SCHEMA_MISSING',
        'SCHEMA_MISSING',
        'PERMISSION_DENIED',
      ]);
      expect(text(checked)).toContain('"nowhere" does not exist');
      expect(text(checked)).toContain('There is "Empty"; upper and lower case matter.');
      expect(text(checked)).toContain('"Empty" has no tables');
      expect(text(checked)).toContain('"pg_catalog" is a system schema');
      expect(text(checked)).toContain('GRANT USAGE ON SCHEMA "secret" TO "reader";');
    });

    it('of tables none of which can be followed says so', async () => {
      await server.query(
        database,
        'CREATE SCHEMA keyless; CREATE TABLE keyless.a (v int); CREATE VIEW keyless.b AS SELECT 1 AS one',
      );
      const checked = await check(engineConfig(server, database, { schemas: ['keyless'] }));
      expect(codes(checked)).toEqual(['REPLICA_IDENTITY_MISSING']);
      expect(text(checked)).toContain('ALTER TABLE "keyless"."a" REPLICA IDENTITY FULL;');
    });

    it('of slots tells one that does not fit, and that there is no room for another', async () => {
      const other = await server.createDatabase();
      await server.query(other, "SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')");
      await server.query(database, "SELECT pg_create_logical_replication_slot('decoder', 'test_decoding')");
      const config = (replication_slot: string): PostgresConfig => engineConfig(server, database, { replication_slot });
      expect(text(await check(config('elsewhere')))).toContain(`belongs to the database "${other}"`);
      const plugin = await check(config('decoder'));
      expect([codes(plugin), text(plugin)]).toEqual([
        ['SLOT_UNUSABLE'],
        expect.stringContaining("pg_drop_replication_slot('decoder')"),
      ]);
      const full = await check(config('new'));
      expect([codes(full), text(full)]).toEqual([
        ['SERVER_SETTING'],
        expect.stringContaining('All 2 replication slots are taken'),
      ]);
      await server.query(database, "SELECT pg_drop_replication_slot('decoder'), pg_drop_replication_slot('elsewhere')");
    });

    it('#20 of a connection pooler that lets no replication through', async () => {
      const pooler = createServer(client => {
        client.once('data', startup => {
          if (startup.includes('replication')) {
            const fields = 'SFATAL\0C08P01\0Munsupported startup parameter: replication\0\0';
            const length = Buffer.from([0, 0, 0, fields.length + 4]);
            client.end(Buffer.concat([Buffer.from('E'), length, Buffer.from(fields)]));
            return;
          }
          const upstream = createConnection(server.port, server.host);
          upstream.write(startup);
          client.pipe(upstream).pipe(client);
        });
      });
      await new Promise<void>(resolve => pooler.listen(0, '127.0.0.1', resolve));
      const address = pooler.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const checked = await check(engineConfig(server, database, { port }));
      pooler.close();
      expect([codes(checked), text(checked)]).toEqual([
        ['SERVER_SETTING'],
        expect.stringContaining('A connection pooler that lets no replication through stands in between'),
      ]);
    });

    it.each([
      ['password', { password: 'wrong' }, 'AUTH_REJECTED'],
      ['user', { username: 'nobody' }, 'AUTH_REJECTED'],
      ['database', { database: 'nope' }, 'DATABASE_UNKNOWN'],
      ['host', { host: 'nope.invalid' }, 'HOST_UNKNOWN'],
      ['port', { port: 1 }, 'SERVER_UNREACHABLE'],
    ])('of a wrong %s', async (_, source, code) => {
      const checked = await check(engineConfig(server, database, source));
      expect(codes(checked)).toEqual([code]);
      expect(text(checked)).not.toContain('wrong');
    });

    it('of shards: each with its own, by name', async () => {
      const shards = [
        { name: 'eu', host: server.host },
        { name: 'us', host: server.host, database: 'nope' },
        { name: 'asia', host: server.host, port: 1 },
      ];
      const checked = await check(engineConfig(server, database, { shards }));
      expect(checked.problems.map(({ code, detail }) => [code, detail.slice(0, detail.indexOf(':'))])).toEqual([
        ['DATABASE_UNKNOWN', 'Shard "us"'],
        ['SERVER_UNREACHABLE', 'Shard "asia"'],
      ]);
    });

    it('of shards: discover offers what all have alike', async () => {
      const other = await server.createDatabase();
      await server.query(
        other,
        'CREATE TABLE good (id int PRIMARY KEY); CREATE TABLE keyless (v text); CREATE TABLE extra (id int PRIMARY KEY);',
      );
      const { context, lines } = engineContext();
      const shards = [
        { name: 'eu', host: server.host },
        { name: 'us', host: server.host, database: other },
      ];
      const session = await postgres.connect(engineConfig(server, database, { shards }), context);
      const asked = await session.discover(['good', 'nothing'].map(name => ({ namespace: 'public', name })));
      const told = lines.length;
      const { tables } = await session.discover();
      const ids = (await session.shards()).map(shard => shard.id);
      await session[Symbol.asyncDispose]();
      expect(asked.tables.map(table => table.id.name)).toEqual(['good']);
      expect(lines.slice(0, told), 'nothing of tables that were not asked for').toEqual([]);
      expect(tables.map(table => table.id.name)).toEqual(['good']);
      expect(ids).toEqual(['eu', 'us']);
      expect(lines.join('\n')).toMatch(
        /"us" has other columns in public\.keyless[\s\S]*"us" lacks public\.owned[\s\S]*"us" alone has public\.extra/,
      );
    });
  });

  it('check finds several server settings at once', async () => {
    const server = await startPostgres({
      major,
      settings: { wal_level: 'replica', max_replication_slots: '0', max_wal_senders: '0' },
    });
    try {
      await server.query('postgres', 'CREATE TABLE t (id int PRIMARY KEY)');
      const checked = await check(engineConfig(server, 'postgres'));
      expect(text(checked)).toContain('ALTER SYSTEM SET wal_level = logical;');
      expect(text(checked)).toContain('ALTER SYSTEM SET max_replication_slots = 5;');
      expect(text(checked)).toContain('ALTER SYSTEM SET max_wal_senders = 5;');
      expect(new Set(codes(checked))).toEqual(new Set(['SERVER_SETTING']));
    } finally {
      await server.stop();
    }
  });

  it('check of a standby: a version that can, and a publication that must be there already', async () => {
    const primary = await startPostgres({ major });
    let standby: OwnPostgresServer | undefined;
    try {
      await primary.query(
        'postgres',
        `CREATE TABLE t (id int PRIMARY KEY); ALTER DATABASE postgres SET default_transaction_isolation = serializable`,
      );
      standby = await startStandby(primary);
      const checked = await check(engineConfig(standby, 'postgres'));
      const publication = [
        'PUBLICATION_UNUSABLE',
        expect.stringContaining('Run on the primary: CREATE PUBLICATION "tributary" FOR TABLE ONLY "public"."t"'),
      ];
      const version = ['SERVER_VERSION', expect.stringContaining('Use the primary server.')];
      const expected = major >= 16 ? [publication] : [version, publication];
      expect(checked.problems.map(({ code, detail }) => [code, detail])).toEqual(expected);
    } finally {
      await Promise.all([primary.stop(), standby?.stop()]);
    }
  });
});
