import { readFileSync } from 'node:fs';
import pg from 'pg';
import { it } from 'vitest';
import type { ColumnKind, TableSpec } from '../../kit/backend.ts';
import type { CatalogChoices } from '../../kit/catalog.ts';
import { exactRecords, type Row } from '../../kit/destination.ts';
import { describeServer } from '../../kit/engines.ts';
import type { JsonObject, StateBody } from '../../kit/messages.ts';
import { Platform } from '../../kit/platform.ts';
import { describeRun, type Running, type RunResult } from '../../kit/run-connector.ts';
import { type PostgresMajor, type PostgresServer, postgresUnavailable } from '../../kit/servers/postgres.ts';
import { freePort, sleep } from '../../kit/servers/process.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { PostgresDatabase } from './backend.ts';

/** The shape of a table that a test makes by SQL of its own; the key is `id` unless told. */
export const table = (
  name: string,
  columns: Readonly<Record<string, ColumnKind>>,
  primaryKey: readonly string[] = ['id'],
): TableSpec => ({
  name,
  columns,
  primaryKey,
});

/** A database of one test's own, a connection to sync it by, and everything that has to be undone at the end. */
export class Lab {
  readonly database: PostgresDatabase;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(database: PostgresDatabase) {
    this.database = database;
    this.#undo.push(() => database.drop());
  }

  get server(): PostgresServer {
    return this.database.server;
  }

  /** SQL as the superuser, several statements if there are no parameters. */
  sql(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    return this.database.query(sql, values);
  }

  /** A session of the superuser that lives until the end of the test. */
  async client(): Promise<pg.Client> {
    const client = await this.server.client(this.database.name);
    this.#undo.push(() => client.end().catch(() => {}));
    return client;
  }

  /** Runs `undo` at the end of the test, before everything that was made earlier is undone. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  connect(choices: CatalogChoices = {}, more: JsonObject = {}, source: JsonObject = {}): Promise<Platform> {
    return Platform.connect(this.database, '_ab_cdc_lsn', { choices, config: this.database.config({ more, source }) });
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
  async until(condition: string, within = 20_000): Promise<void> {
    for (let waited = 0; waited < within; waited += 25) {
      if ((await this.sql(`SELECT (${condition}) AS met`))[0]?.['met'] === true) return;
      await sleep(25);
    }
    throw new Error(`in ${within} ms it did not become true that ${condition}`);
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

/** The body of a test with a database of its own, in the server that the run shares or in one of the test file's own. */
export const inLab =
  (major: PostgresMajor, body: (lab: Lab) => Promise<void>, server?: () => PostgresServer): (() => Promise<void>) =>
  async () => {
    const where = server?.() ?? (await acquirePostgres(major));
    const lab = new Lab(new PostgresDatabase(where, await where.createDatabase(), await freePort()));
    try {
      await body(lab);
    } finally {
      await lab.close();
    }
  };

/** `failure type / CODE: detail` of a run's TRACE ERROR; throws, showing the run, when it has none. */
export const failureOf = (run: RunResult): string => {
  const error = run.traces.find(trace => trace.error !== undefined)?.error;
  if (run.exitCode !== 1 || error === undefined) throw new Error(`expected a failure\n${describeRun(run)}`);
  return `${error.failure_type} / ${error.internal_message ?? error.message}`;
};

/** Where the stored state stands: the position of the shard and the last ordering key. */
export const positionOf = (states: readonly StateBody[], shard = 'main'): { lsn: string; clock: number; timeline: number } => {
  const shared = states.at(-1)?.global?.shared_state as
    | { shards: Record<string, { position: { lsn: string; timeline: number }; clock: number }> }
    | undefined;
  const at = shared?.shards[shard];
  if (at === undefined) throw new Error(`no position of ${shard} in ${JSON.stringify(states.at(-1))}`);
  return { ...at.position, clock: at.clock };
};

/** LSNs compare as numbers, not as text. */
export const lsn = (text: string): bigint => {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
};

/** The records of a stream as `insert`, `delete`… of a test wants to see them: the given columns, and `deleted`. */
export const brief = (run: RunResult, stream: string, ...columns: string[]): string[] =>
  exactRecords(run, stream).map((row: Row) => {
    const shown = columns.map(column => {
      const value = row[column] ?? null;
      return typeof value === 'string' && value.startsWith('\0') ? value.slice(1) : JSON.stringify(value);
    });
    return `${(row['_ab_cdc_deleted_at'] ?? null) === null ? '' : 'gone '}${shown.join(' ')}`;
  });

/** Text that lies outside of its row even compressed: pseudo-random, `length` characters. */
export const largeText = (seed: number, length = 12_000): string => {
  let text = '';
  for (let value = seed * 7919 + 1; text.length < length; value = (value * 48_271) % 2_147_483_647) text += value.toString(36);
  return text.slice(0, length);
};

/** Largest resident set of a process so far, in MB (proc(5), VmHWM). */
export const peakMegabytes = (run: Running): number => {
  const status = readFileSync(`/proc/${run.child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
};

/** A group of tests for one of the two majors: most behave alike on both, and time is short. */
export const describeMajor = (major: PostgresMajor, body: (major: PostgresMajor) => void): void =>
  describeServer(`PostgreSQL ${major}`, postgresUnavailable(major), () => body(major));

/** A test that runs on one of the two majors, within a group for both. */
export const itOn = (wanted: PostgresMajor, major: PostgresMajor, name: string, body: () => Promise<void>): void => {
  if (wanted === major) it(name, body);
};

export const literal = (text: string): string => pg.escapeLiteral(text);
export const identifier = (name: string): string => pg.escapeIdentifier(name);
