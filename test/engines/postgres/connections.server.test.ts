import { expect, it } from 'vitest';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { checkOf, codes, text } from '../../kit/check.ts';
import { expectSuccess, type RunResult } from '../../kit/run-connector.ts';
import { startPostgres } from '../../kit/servers/postgres.ts';
import { engineConfig } from './engine-fixture.ts';
import { createThing, describeMajor, failureOf, inLab, type Lab, largeText, table, thing } from './lab.ts';
import { readWithin } from './limited.ts';

const later = table('later', { id: 'integer', text: 'text' });

/** A role that owns both tables, and may have so many sessions. */
const limited = async (lab: Lab, sessions: number): Promise<{ username: string; password: string }> => {
  const { name } = lab.database;
  await lab.sql(`CREATE ROLE ${name} LOGIN REPLICATION PASSWORD 'x' CONNECTION LIMIT ${sessions};
    GRANT CREATE ON DATABASE ${name} TO ${name}; ALTER TABLE thing OWNER TO ${name}; ALTER TABLE later OWNER TO ${name}`);
  lab.later(() => lab.sql(`DROP OWNED BY ${name}; DROP ROLE ${name}`));
  return { username: name, password: 'x' };
};

const createBoth = `${createThing} CREATE TABLE later (id bigint PRIMARY KEY, text text);
  ALTER TABLE thing ALTER text SET STORAGE EXTERNAL;`;

describeMajor(18, major => {
  it(
    'a role with two sessions can be read where values are read again, before a snapshot and between its chunks',
    inLab(major, async lab => {
      await lab.sql(`${createBoth} INSERT INTO later SELECT i, repeat('x', 500) FROM generate_series(1, 6000) i`);
      await lab.sql('INSERT INTO thing VALUES (1, $1), (1001, $1)', [largeText(5000)]);
      const source = await limited(lab, 2);
      expect(
        (await checkOf(context => postgres.connect(engineConfig(lab.server, lab.database.name, source), context))).problems,
      ).toEqual([]);
      const platform = await lab.connect({ streams: ['thing', 'later'] }, {}, source);
      await platform.reconfigure({ streams: ['thing'] });
      await platform.sync();
      // The large value is not in the log of such an update.
      await lab.sql('UPDATE thing SET id = id + 1');
      await platform.reconfigure({ streams: ['thing', 'later'] });
      let records = 0;
      let updates: Promise<unknown> = Promise.resolve();
      const run = await readWithin(platform, {
        limits: {},
        config: lab.database.config({ source, more: { checkpoint_interval_seconds: 0 } }),
        onLine: line => {
          if (line.includes('"later"') && line.includes('"RECORD"') && ++records === 100)
            updates = lab.sql('UPDATE thing SET id = id + 1');
        },
      });
      await updates;
      expectSuccess(run);
      expect(records).toBe(6000);
      platform.store(run);
      await platform.sync();
      await platform.expectEqual([thing, later]);
    }),
  );

  it(
    'a limit of a role or of a database that is too low for any read is named, and no error to be tried again',
    inLab(major, async lab => {
      await lab.sql(createBoth);
      const source = await limited(lab, 1);
      const { name } = lab.database;
      const platform = await lab.connect({}, {}, source);
      const check = async (): Promise<string> => {
        const checked = await checkOf(context => postgres.connect(engineConfig(lab.server, name, source), context));
        return `${codes(checked).join()} ${text(checked)}`;
      };
      const read = (): Promise<RunResult> => readWithin(platform, { limits: {}, config: lab.database.config({ source }) });
      expect(await check()).toMatch(/^SERVER_SETTING The role .* ALTER ROLE "\w+" CONNECTION LIMIT 3;$/);
      expect(failureOf(await read())).toMatch(/^config_error \/ SERVER_SETTING: .*ALTER ROLE/);
      await lab.sql(`ALTER ROLE ${name} CONNECTION LIMIT -1`);
      await lab.server.query('postgres', `ALTER DATABASE ${name} CONNECTION LIMIT 1`);
      expect(await check()).toMatch(/^SERVER_SETTING The database .* ALTER DATABASE "\w+" CONNECTION LIMIT 3;$/);
      expect(failureOf(await read())).toMatch(/^config_error \/ SERVER_SETTING: .*ALTER DATABASE/);
      // Enough, but for others' sessions: that may be over by the next read.
      await lab.server.query('postgres', `ALTER DATABASE ${name} CONNECTION LIMIT 2`);
      const other = await lab.client();
      expect(failureOf(await read())).toMatch(/^transient_error \/ SERVER_ERROR: .*ALTER DATABASE … CONNECTION LIMIT/);
      await other.end();
    }),
  );

  it('max_connections and max_wal_senders that are too low for a read are named by check', async () => {
    const server = await startPostgres({
      major,
      settings: { max_connections: '5', reserved_connections: '1', max_wal_senders: '1' },
    });
    try {
      await server.query(
        'postgres',
        "CREATE TABLE t (id int PRIMARY KEY); CREATE ROLE r LOGIN REPLICATION PASSWORD 'r'; ALTER TABLE t OWNER TO r; GRANT CREATE ON DATABASE postgres TO r",
      );
      const config = engineConfig(server, 'postgres', { username: 'r', password: 'r' });
      const checked = await checkOf(context => postgres.connect(config, context));
      expect(codes(checked)).toEqual(['SERVER_SETTING', 'SERVER_SETTING']);
      expect(text(checked)).toContain('ALTER SYSTEM SET max_connections = ');
      expect(text(checked)).toContain('ALTER SYSTEM SET max_wal_senders = 5;');
    } finally {
      await server.stop();
    }
  });
});
