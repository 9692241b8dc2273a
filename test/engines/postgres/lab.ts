import pg from 'pg';
import { it } from 'vitest';
import { describeServer } from '../../kit/engines.ts';
import { briefly, labTest, SqlLab, shardState, table, untilTrue } from '../../kit/lab.ts';
import type { JsonObject, StateBody } from '../../kit/messages.ts';
import type { Platform } from '../../kit/platform.ts';
import { type PostgresMajor, type PostgresServer, postgresUnavailable } from '../../kit/servers/postgres.ts';
import { freePort } from '../../kit/servers/process.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { PostgresDatabase } from './backend.ts';

export { failureOf, largeText, peakMegabytes, table } from '../../kit/lab.ts';

/** The lab of a PostgreSQL database. */
export class Lab extends SqlLab<PostgresDatabase> {
  constructor(database: PostgresDatabase) {
    super(database, '_ab_cdc_lsn');
  }

  /** A session of the superuser that lives until the end of the test. */
  async client(): Promise<pg.Client> {
    const client = await this.server.client(this.database.name);
    this.later(() => client.end().catch(() => {}));
    return client;
  }

  /** The replication slot of this database's connection, as `pg_replication_slots` has it. */
  async slot(): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.sql(`SELECT * FROM pg_replication_slots WHERE slot_name = '${this.database.name}'`);
    return row;
  }

  /** Slot and publication made by hand, and where a read without a snapshot begins: see `starting_gtids`. */
  async seeded(tables: string): Promise<JsonObject> {
    const { name } = this.database;
    await this.sql(`CREATE PUBLICATION ${name} FOR TABLE ${tables}`);
    await this.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    const [at] = await this.sql('SELECT pg_current_wal_flush_lsn()::text AS lsn');
    return { starting_gtids: { [name]: { main: String(at?.['lsn']) } } };
  }

  /** Makes a view without rows, `gate`, at which a read that comes to it can be made to wait: see `atGate`. */
  async makeGate(): Promise<void> {
    await this.sql(`CREATE FUNCTION wait_at_gate() RETURNS bigint LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_advisory_lock_shared(4711); PERFORM pg_advisory_unlock_shared(4711); RETURN 1; END';
      CREATE VIEW gate AS SELECT id FROM (SELECT wait_at_gate() AS id OFFSET 0) w WHERE id = 0`);
  }

  /**
   * Lets something happen at a known moment of a read: when it has come to the stream `gate`, behind the snapshots of the
   * streams that stand before it in the catalog. The keeper holds an advisory lock, since one on a table would have a
   * transaction id, which slots wait for.
   */
  async atGate<T>(read: () => Promise<T>, action: () => Promise<unknown>): Promise<T> {
    const keeper = await this.client();
    await keeper.query('SELECT pg_advisory_lock(4711)');
    const running = read();
    await this.until(
      "EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    await action();
    await keeper.end();
    return await running;
  }

  /** Resolves as soon as the condition, a SQL expression, is true. */
  until(condition: string, within?: number): Promise<void> {
    const met = async (): Promise<boolean> => (await this.sql(`SELECT (${condition}) AS met`))[0]?.['met'] === true;
    return untilTrue(met, condition, within);
  }
}

/** The table of most tests, without rows, with one and with two. */
export const thing = table('thing', { id: 'integer', text: 'text' });
export const createThing = 'CREATE TABLE thing (id bigint PRIMARY KEY, text text);';
export const createOne = `${createThing} INSERT INTO thing VALUES (1, 'one');`;
export const createTwo = `${createThing} INSERT INTO thing VALUES (1, 'one'), (2, 'two');`;

/** The table `thing` was read once and has changed since. */
export const begun = async (lab: Lab): Promise<Platform> => {
  await lab.sql(createOne);
  const platform = await lab.connect();
  await platform.sync();
  await lab.sql("INSERT INTO thing VALUES (2, 'two'); UPDATE thing SET text = 'uno' WHERE id = 1");
  return platform;
};

/** What a run fails with (`failureOf`) whose position is not in the log any more. */
export const lost = /^config_error \/ POSITION_LOST: /;

/** The body of a test with a database of its own, in the server that the run shares or in one of the test file's own. */
export const inLab = (
  major: PostgresMajor,
  body: (lab: Lab) => Promise<void>,
  server?: () => PostgresServer,
): (() => Promise<void>) =>
  labTest(async () => {
    const where = server?.() ?? (await acquirePostgres(major));
    return new Lab(new PostgresDatabase(where, await where.createDatabase(), await freePort()));
  }, body);

/** Where the stored state stands: the position of the shard and the last ordering key. */
export const positionOf = (states: readonly StateBody[], shard?: string): { lsn: string; clock: number; timeline: number } => {
  const { position, clock } = shardState<{ lsn: string; timeline: number }>(states, shard);
  return { ...position, clock };
};

/** LSNs compare as numbers, not as text. */
export const lsn = (text: string): bigint => {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

/** The records of a stream as a test wants to see them. */
export const brief = briefly('null');

/** A group of tests for one of the two majors: most behave alike on both, and time is short. */
export const describeMajor = (major: PostgresMajor, body: (major: PostgresMajor) => void): void =>
  describeServer(`PostgreSQL ${major}`, postgresUnavailable(major), () => body(major));

/** A test that runs on one of the two majors, within a group for both. */
export const itOn = (wanted: PostgresMajor, major: PostgresMajor, name: string, body: () => Promise<void>): void => {
  if (wanted === major) it(name, body);
};

export const literal = (text: string): string => pg.escapeLiteral(text);
export const identifier = (name: string): string => pg.escapeIdentifier(name);
