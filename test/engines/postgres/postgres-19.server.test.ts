import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresConfig } from '../../../src/engines/postgres/config.ts';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { createSlot } from '../../../src/engines/postgres/replication/slot.ts';
import { type Checked, checkOf, codes, text } from '../../kit/check.ts';
import { readTests } from '../../kit/conformance/reads.ts';
import { describePostgres19 } from '../../kit/postgres-19.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { postgresBackend } from './backend.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';
import { brief, createTwo, failureOf, inLab, type Lab, thing } from './lab.ts';
import { startStandby } from './standby.ts';

const check = (config: PostgresConfig): Promise<Checked> => checkOf(context => postgres.connect(config, context));

describePostgres19(() => {
  readTests(postgresBackend(19));

  describe('of a server with the settings that it comes with', () => {
    let server: OwnPostgresServer;
    beforeAll(async () => {
      server = await startPostgres({ major: 19, settings: { wal_level: 'replica' } });
    });
    afterAll(() => server?.stop());

    /** A test with a database of its own in this server. */
    const own = (body: (lab: Lab) => Promise<void>): (() => Promise<void>) => inLab(19, body, () => server);
    const level = async (): Promise<unknown> =>
      (await server.query('postgres', "SELECT current_setting('effective_wal_level') AS level"))[0]?.['level'];

    it(
      'check finds nothing wrong, and the log is read: the first slot raises the level',
      own(async lab => {
        await lab.sql(createTwo);
        expect(await level()).toBe('replica');
        expect(codes(await check(engineConfig(server, lab.database.name)))).toEqual([]);
        const platform = await lab.connect();
        await platform.sync();
        expect(await level()).toBe('logical');
        await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; DELETE FROM thing WHERE id = 2");
        const run = await platform.sync();
        expect(brief(run, 'thing', 'id', 'text')).toEqual(['1 "uno"', 'gone 2 null']);
        await platform.expectEqual([thing]);
      }),
    );

    it('check of a server whose level cannot rise names the setting', async () => {
      const minimal = await startPostgres({ major: 19, settings: { wal_level: 'minimal', max_wal_senders: '0' } });
      try {
        await minimal.query('postgres', 'CREATE TABLE t (id int PRIMARY KEY)');
        expect(text(await check(engineConfig(minimal, 'postgres')))).toContain(
          'wal_level is minimal, it must be logical. Run: ALTER SYSTEM SET wal_level = logical;',
        );
      } finally {
        await minimal.stop();
      }
    });

    it('a list of output plugins without ours is found by check, whatever the role may see, and by read', async () => {
      const database = await server.createDatabase();
      await server.query(
        database,
        `CREATE ROLE reader LOGIN REPLICATION PASSWORD 'reader'; CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO reader;
         CREATE PUBLICATION tributary FOR TABLE t`,
      );
      const set = (list: string): Promise<unknown> =>
        server.query('postgres', `ALTER ROLE ALL SET output_plugin_libraries = ${list}`);
      const reader = engineConfig(server, database, { username: 'reader', password: 'reader' });
      const slots = 'SELECT count(*)::int AS n FROM pg_replication_slots';
      try {
        const before = await server.query('postgres', slots);
        expect(codes(await check(reader))).toEqual([]);
        expect(await server.query('postgres', slots)).toEqual(before);
        await set('test_decoding');
        for (const config of [reader, engineConfig(server, database)]) {
          const found = await check(config);
          expect([codes(found), text(found)]).toEqual([
            ['SERVER_SETTING'],
            expect.stringContaining('ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding;'),
          ]);
        }
        await expect(withQuery(reader, query => createSlot(query, 'refused'), true)).rejects.toMatchObject({
          code: 'SERVER_SETTING',
          detail: expect.stringContaining('ALTER SYSTEM SET output_plugin_libraries = pgoutput, test_decoding;'),
        });
        await set('pgoutput, test_decoding');
        for (const config of [reader, engineConfig(server, database)]) expect(codes(await check(config))).toEqual([]);
      } finally {
        await server.query('postgres', 'ALTER ROLE ALL RESET output_plugin_libraries');
        await server.dropDatabase(database);
      }
    });

    it('check of a standby looks at the level of its primary', async () => {
      const { port, username, password } = server;
      await server.query('postgres', 'CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION tributary FOR TABLE t');
      const follow = `host=127.0.0.1 port=${port} user=${username} password=${password}`;
      const standby = await startStandby(server, { primary_conninfo: follow });
      try {
        const checked = await check(engineConfig(standby, 'postgres'));
        expect([codes(checked), text(checked)]).toEqual([
          ['SERVER_SETTING'],
          expect.stringContaining('Run on the primary: ALTER SYSTEM SET wal_level = logical;'),
        ]);
        await server.query('postgres', "SELECT pg_create_logical_replication_slot('raises', 'pgoutput')");
        let found: readonly string[] = ['not asked yet'];
        for (let asked = 0; found.length > 0 && asked < 100; asked++) {
          found = codes(await check(engineConfig(standby, 'postgres')));
        }
        expect(found).toEqual([]);
      } finally {
        await standby.stop();
        await server.query('postgres', "SELECT pg_drop_replication_slot('raises')");
      }
    });
  });

  describe('of a publication that leaves tables out', () => {
    it(
      'the SQL that is shown adds what is lacking, and keeps out the rest',
      inLab(19, async lab => {
        const { name } = lab.database;
        await lab.sql(`${createTwo} CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (base);
          CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE root (id int PRIMARY KEY) PARTITION BY RANGE (id);
          CREATE TABLE part PARTITION OF root FOR VALUES FROM (0) TO (100);
          CREATE PUBLICATION ${name} FOR ALL TABLES EXCEPT (TABLE thing, TABLE base, TABLE root)
            WITH (publish_via_partition_root = true)`);
        const platform = await lab.connect({ streams: ['thing', 'other'] });
        const refused = failureOf(await platform.run({ mayFail: true }));
        const wanted = `ALTER PUBLICATION "${name}" SET ALL TABLES EXCEPT (TABLE ONLY "public"."base", ONLY "public"."child", ONLY "public"."root");`;
        expect(refused).toContain(`PUBLICATION_UNUSABLE: The publication "${name}" lacks public.thing. Run: ${wanted}`);
        await lab.sql(wanted);
        await platform.sync();
        await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; INSERT INTO root VALUES (1); INSERT INTO other VALUES (1)");
        await platform.sync();
        await platform.expectEqual([thing]);

        const found = await check(engineConfig(lab.server, name, { publication: name, replication_slot: name }));
        const notice = found.lines.find(line => line.includes('lacks'));
        expect(notice).toContain('lacks public.base, public.child, public.root. To follow them let the owner run: ');
        const all = `ALTER PUBLICATION "${name}" SET ALL TABLES;`;
        expect(notice).toContain(all);
        await lab.sql(all);
        const whole = await check(engineConfig(lab.server, name, { publication: name, replication_slot: name }));
        expect([codes(whole), whole.lines.filter(line => line.includes('lacks'))]).toEqual([[], []]);
      }),
    );

    it(
      'a table that was left out for a while gets a new snapshot, and a warning says so; REPACK costs none',
      inLab(19, async lab => {
        const { name } = lab.database;
        await lab.sql(`${createTwo} CREATE PUBLICATION ${name} FOR ALL TABLES`);
        const platform = await lab.connect();
        await platform.sync();
        await lab.sql('REPACK thing');
        expect((await platform.sync()).records).toEqual([]);
        await lab.sql(`ALTER PUBLICATION ${name} SET ALL TABLES EXCEPT (TABLE thing)`);
        await lab.sql("UPDATE thing SET text = 'unseen' WHERE id = 1");
        await lab.sql(`ALTER PUBLICATION ${name} SET ALL TABLES`);
        const run = await platform.sync();
        await platform.expectEqual([thing]);
        expect(run.logs.filter(message => message.includes('EXCEPT'))).toHaveLength(1);
        expect((await platform.sync()).records).toEqual([]);
      }),
    );
  });
});
