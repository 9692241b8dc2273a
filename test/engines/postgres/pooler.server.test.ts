import { type AddressInfo, createConnection, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { postgres } from '../../../src/engines/postgres/index.ts';
import type { Endpoint } from '../../kit/backend.ts';
import { checkOf, codes, text } from '../../kit/check.ts';
import { describeServer } from '../../kit/engines.ts';
import { expectSuccess } from '../../kit/run-connector.ts';
import { runEither } from '../../kit/run-within.ts';
import { type PgBouncer, type PgBouncerOptions, pgbouncerUnavailable, startPgBouncer } from '../../kit/servers/pgbouncer.ts';
import { PostgresServer, postgresUnavailable } from '../../kit/servers/postgres.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';
import { createTwo, describeMajor, failureOf, inLab, type Lab, thing } from './lab.ts';
import { readWithin } from './limited.ts';

const pooled = async (lab: Lab, options: Omit<PgBouncerOptions, 'server'>): Promise<PgBouncer> => {
  const pooler = await startPgBouncer({ server: lab.server, ...options });
  lab.later(() => pooler.stop());
  return pooler;
};

/** The server as an application sees it through the pool. */
const through = (lab: Lab, { host, port }: PgBouncer): PostgresServer => new PostgresServer({ ...lab.server, host, port });

const check = (lab: Lab, { host, port }: Endpoint): ReturnType<typeof checkOf> =>
  checkOf(context => postgres.connect(engineConfig(lab.server, lab.database.name, { host, port }), context));

/** What somebody has set in the session, and the statements that somebody prepared under a name of ours. */
const LEFT = `SELECT name FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')
  UNION ALL SELECT name FROM pg_prepared_statements WHERE name LIKE 'tributary%'`;

/** A pooler that takes a startup parameter which it does not know for one of the session's settings, and names processes its own way. */
const overlooking = async (lab: Lab): Promise<number> => {
  const pooler = createServer(client => {
    const upstream = createConnection(lab.server.port, lab.server.host);
    client.once('data', startup => {
      upstream.write(startup.toString('latin1').replace('replication', 'tributary.x'), 'latin1');
      client.pipe(upstream);
    });
    upstream.on('data', (bytes: Buffer) => {
      const at = bytes.indexOf(Buffer.from('K\0\0\0\f')); // BackendKeyData
      if (at >= 0) bytes.writeInt32BE(bytes.readInt32BE(at + 5) + 1_000_000, at + 5);
      client.write(bytes);
    });
    upstream.on('end', () => client.end());
    for (const socket of [client, upstream]) socket.on('error', () => {});
  });
  await new Promise<void>(resolve => pooler.listen(0, '127.0.0.1', resolve));
  lab.later(() => new Promise(resolve => pooler.close(resolve)));
  return (pooler.address() as AddressInfo).port;
};

const sharing: readonly (readonly [string, Omit<PgBouncerOptions, 'server'>])[] = [
  ['statement mode', { mode: 'statement' }],
  ['transaction mode', { mode: 'transaction' }],
  ['transaction mode', { mode: 'transaction', settings: { max_prepared_statements: '0' } }],
  ['transaction mode', { mode: 'transaction', settings: { max_prepared_statements: '0', server_round_robin: '1' } }],
];

describeServer('PostgreSQL 18 behind PgBouncer', postgresUnavailable(18) ?? (await pgbouncerUnavailable()), () => {
  it.each(sharing)('in %s (%j) is refused by name, and finds its sessions as they were', async (mode, options) => {
    await inLab(18, async lab => {
      await lab.sql(createTwo);
      const platform = await lab.connect();
      const pooler = await pooled(lab, options);
      // An application has used the pool, and left three sessions in it.
      const server = through(lab, pooler);
      const application = await Promise.all([1, 2, 3].map(() => server.client(lab.database.name)));
      await Promise.all(application.map(client => client.query('SELECT pg_sleep(0.2)')));
      const refused = expect.stringContaining(`a connection pooler in ${mode} stands in between`);
      const checked = await check(lab, pooler);
      expect([codes(checked), text(checked)]).toEqual([['SERVER_SETTING'], refused]);
      const run = await runEither({ ...platform.input(), command: 'read', config: lab.database.config({ endpoint: pooler }) });
      expect(failureOf(run)).toMatch(/^config_error \/ SERVER_SETTING: /);
      const left = await Promise.all(
        application.map(client => client.query(`${LEFT} UNION ALL SELECT pg_sleep(0.2)::text LIMIT 0`)),
      );
      for (const client of application) await client.end();
      expect(left.flatMap(({ rows }) => rows)).toEqual([]);
    })();
  });

  it(
    'in session mode is read; a statement that is silent for long is looked for by the right process',
    inLab(18, async lab => {
      await lab.sql(`${createTwo} CREATE VIEW slow AS SELECT id FROM thing, pg_sleep(0.5)`);
      const pooler = await pooled(lab, { mode: 'session' });
      expect((await check(lab, pooler)).problems).toEqual([]);
      const options = { config: lab.database.config({ endpoint: pooler }), limits: { silenceMillis: 100 } };
      const slow = await readWithin(await lab.connect({ streams: ['slow'], modes: { slow: 'full_refresh' } }), options);
      expectSuccess(slow);
      expect(slow.records).toHaveLength(2);
      const platform = await lab.connect({ streams: ['thing'] });
      platform.store(await readWithin(platform, options));
      await lab.sql("UPDATE thing SET text = 'uno' WHERE id = 1; DELETE FROM thing WHERE id = 2");
      platform.store(await readWithin(platform, options));
      await platform.expectEqual([thing]);
      const [left] = await through(lab, pooler).query(lab.database.name, LEFT);
      expect(left).toBeUndefined();
    }),
  );

  it(
    'in session mode with room for one session is refused, and says which setting',
    inLab(18, async lab => {
      await lab.sql(createTwo);
      const pooler = await pooled(lab, { mode: 'session', settings: { default_pool_size: '1' } });
      const checked = await check(lab, pooler);
      expect([codes(checked), text(checked)]).toEqual([['SERVER_SETTING'], expect.stringContaining('default_pool_size')]);
    }),
  );
});

describeMajor(18, major => {
  it(
    'a pooler that overlooks that a connection is for replication is refused, before anything is set in what it gives',
    inLab(major, async lab => {
      await lab.sql(createTwo);
      const { problems } = await check(lab, { host: lab.server.host, port: await overlooking(lab) });
      expect(problems).toEqual([
        { code: 'SERVER_SETTING', detail: expect.stringContaining('a connection pooler that lets no replication through') },
      ]);
    }),
  );

  it(
    'a role that may not call set_config has its sessions set nevertheless',
    inLab(major, async lab => {
      await lab.sql(`${createTwo} REVOKE EXECUTE ON FUNCTION pg_catalog.set_config FROM PUBLIC;
        CREATE ROLE ${lab.database.name} LOGIN PASSWORD 'x'; GRANT SELECT ON thing TO ${lab.database.name}`);
      lab.later(() => lab.sql(`DROP OWNED BY ${lab.database.name}; DROP ROLE ${lab.database.name}`));
      const config = engineConfig(lab.server, lab.database.name, { username: lab.database.name, password: 'x' });
      await withQuery(config, async query => {
        const [row] = await query.rows<{ style: string }>("SELECT current_setting('extra_float_digits') AS style");
        expect(row).toEqual({ style: '3' });
      });
    }),
  );
});
