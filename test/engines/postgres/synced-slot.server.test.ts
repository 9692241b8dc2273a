import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { configuredCatalog } from '../../kit/catalog.ts';
import { checkOf } from '../../kit/check.ts';
import { describeServer } from '../../kit/engines.ts';
import { discoverCatalog, runEither } from '../../kit/run-within.ts';
import { type OwnPostgresServer, postgresUnavailable, startPostgres } from '../../kit/servers/postgres.ts';
import { engineConfig } from './engine-fixture.ts';
import { failureOf } from './lab.ts';
import { startStandby } from './standby.ts';

const SLOT = 'tributary';

describeServer('PostgreSQL 18, a standby to which slots are copied', postgresUnavailable(18), () => {
  let primary: OwnPostgresServer;
  let standby: OwnPostgresServer;
  beforeAll(async () => {
    primary = await startPostgres({ major: 18 });
    await primary.query(
      'postgres',
      `CREATE TABLE thing (id int PRIMARY KEY, text text); INSERT INTO thing VALUES (1, 'one'); CREATE PUBLICATION ${SLOT} FOR TABLE thing`,
    );
    await primary.query('postgres', `SELECT pg_create_physical_replication_slot('copies')`);
    const { host, port, username, password } = primary;
    standby = await startStandby(primary, {
      primary_conninfo: `host=${host} port=${port} user=${username} password=${password} dbname=postgres`,
      primary_slot_name: 'copies',
      hot_standby_feedback: 'on',
    });
    // Not before: the copy of the primary's files would have it as a slot of the standby's own.
    await primary.query('postgres', `SELECT pg_create_logical_replication_slot('${SLOT}', 'pgoutput', false, false, true)`);
    for (let left = 100; ; left--) {
      await primary.query('postgres', 'SELECT pg_log_standby_snapshot()');
      const synced = await standby
        .query('postgres', 'SELECT pg_sync_replication_slots()')
        .then(() => standby.query('postgres', `SELECT FROM pg_replication_slots WHERE slot_name = '${SLOT}' AND NOT temporary`))
        .catch(() => []);
      if (synced.length > 0) break;
      if (left === 0) throw new Error('the slot is not copied');
    }
  });
  afterAll(() => Promise.all([primary?.stop(), standby?.stop()]));

  it('a copied slot of our name is one that cannot be used there, for check and read, and is never given up', async () => {
    const { problems } = await checkOf(context =>
      postgres.connect(engineConfig(standby, 'postgres', { replication_slot: SLOT }), context),
    );
    expect(problems.map(({ code }) => code)).toEqual(['SLOT_UNUSABLE']);
    expect(problems[0]?.detail).toContain("this standby's copy of a slot of its primary");

    const source = (server: OwnPostgresServer): object => ({
      ...{ engine: 'postgres', host: server.host, port: server.port, database: 'postgres' },
      ...{ username: server.username, password: server.password, replication_slot: SLOT, publication: SLOT },
    });
    const config = (server: OwnPostgresServer, more: object = {}): never =>
      ({ source: source(server), ssl_mode: { mode: 'disable' }, ...more }) as never;
    const catalog = configuredCatalog(await discoverCatalog(config(primary)));
    const first = await runEither({ command: 'read', config: config(primary), catalog });
    expect(first.exitCode).toBe(0);
    for (const more of [{}, { invalid_position: 'resnapshot' }]) {
      for (const state of [undefined, first.states.slice(-1)]) {
        const run = await runEither({ command: 'read', config: config(standby, more), catalog, ...(state && { state }) });
        expect(failureOf(run)).toMatch(/^config_error \/ SLOT_UNUSABLE: /);
        expect(run.logs.join('\n')).not.toContain('Dropping');
      }
    }
  });
});
