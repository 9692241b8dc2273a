import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConnectorError } from '../../../src/contract/errors.ts';
import { readSlot, whyNotStarted } from '../../../src/engines/postgres/replication/slot.ts';
import { queryOn } from '../../../src/engines/postgres/sql.ts';
import { configuredCatalog } from '../../kit/catalog.ts';
import { describeServer } from '../../kit/engines.ts';
import { untilTrue } from '../../kit/lab.ts';
import { discoverCatalog, runEither } from '../../kit/run-within.ts';
import { type OwnPostgresServer, postgresUnavailable, startPostgres } from '../../kit/servers/postgres.ts';
import { failureOf } from './lab.ts';
import { startStandby } from './standby.ts';

describeServer('PostgreSQL 18, slots of a standby', postgresUnavailable(18), () => {
  let primary: OwnPostgresServer;
  let standby: OwnPostgresServer;
  beforeAll(async () => {
    primary = await startPostgres({ major: 18 });
    await primary.query(
      'postgres',
      'CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1); CREATE PUBLICATION everything FOR TABLE thing',
    );
    await primary.createDatabase('elsewhere');
    const { host, port, username, password } = primary;
    standby = await startStandby(primary, {
      primary_conninfo: `host=${host} port=${port} user=${username} password=${password}`,
      hot_standby_feedback: 'off',
      max_standby_streaming_delay: '0',
    });
  });
  afterAll(() => Promise.all([primary?.stop(), standby?.stop()]));

  const config = (slot: string): never =>
    ({
      source: {
        ...{ engine: 'postgres', host: standby.host, port: standby.port, database: 'postgres' },
        ...{ username: standby.username, password: standby.password, replication_slot: slot, publication: 'everything' },
      },
      ssl_mode: { mode: 'disable' },
    }) as never;

  /** A slot on a standby waits for what the primary writes now and then. */
  const made = async <T>(making: Promise<T>): Promise<T> => {
    let done = false;
    const finish = (): void => {
      done = true;
    };
    making.then(finish, finish);
    await untilTrue(async () => {
      await primary.query('postgres', 'SELECT pg_log_standby_snapshot()');
      return done;
    }, 'the slot is there');
    return await making;
  };

  const losses: readonly (readonly [reason: string, advice: string, cause: () => Promise<unknown>])[] = [
    [
      'rows_removed',
      'hot_standby_feedback = on',
      // Not in one transaction: rows that nobody else ever saw are in nobody's way.
      async () => {
        for (const sql of ['CREATE TABLE brief ()', 'DROP TABLE brief', 'VACUUM pg_class']) await primary.query('postgres', sql);
      },
    ],
    [
      'wal_level_insufficient',
      'on a standby also on its primary',
      async () => {
        await primary.configure({ wal_level: 'replica' });
        await primary.halt();
        await primary.start();
      },
    ],
  ];

  it('what the server refuses to start at with the number of a lost slot, but that is none, is a slot to be changed', async () => {
    const asked = await standby.client('postgres');
    const walsender = await standby.client('postgres', { replication: 'database' } as never);
    await standby.query('postgres', "SELECT pg_create_physical_replication_slot('files')");
    await made(standby.query('elsewhere', "SELECT pg_create_logical_replication_slot('other', 'pgoutput')"));
    for (const [slot, words] of [
      ['files', 'is a physical one'],
      ['other', 'belongs to the database "elsewhere"'],
    ] as const) {
      const sql = `START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names 'everything')`;
      const refused: unknown = await walsender.query(sql).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: '55000' });
      const lost = new ConnectorError('POSITION_LOST', 'as it came', { cause: refused });
      const why = await whyNotStarted(lost, queryOn(asked), slot, 'postgres');
      expect(why).toMatchObject({ code: 'SLOT_UNUSABLE', detail: expect.stringContaining(words) });
    }
    await standby.query('elsewhere', "SELECT pg_drop_replication_slot('other')");
    await Promise.all([asked.end(), walsender.end()]);
  });

  it.each(losses)('a slot that is lost by %s: the error says what to change', async (reason, advice, cause) => {
    const catalog = configuredCatalog(await discoverCatalog(config(reason)));
    const first = await made(runEither({ command: 'read', config: config(reason), catalog }));
    expect(first.exitCode).toBe(0);
    await cause();
    const asked = await standby.client('postgres');
    await untilTrue(async () => (await readSlot(queryOn(asked), reason))?.invalidationReason === reason, reason);
    const run = await runEither({ command: 'read', config: config(reason), catalog, state: first.states.slice(-1) });
    expect(failureOf(run)).toMatch(/^config_error \/ POSITION_LOST: /);
    expect(failureOf(run)).toContain(`(${reason})`);
    expect(failureOf(run)).toContain(advice);
    await asked.end();
  });
});
