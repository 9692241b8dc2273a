import { readFileSync } from 'node:fs';
import type mysql from 'mysql2/promise';
import type { ColumnKind, TableSpec } from '../../kit/backend.ts';
import type { CatalogChoices } from '../../kit/catalog.ts';
import { exactRecords, type Row } from '../../kit/destination.ts';
import type { Json, JsonObject, StateBody } from '../../kit/messages.ts';
import { Platform } from '../../kit/platform.ts';
import { describeRun, type RunResult } from '../../kit/run-connector.ts';
import type { MysqlServer, Rows } from '../../kit/servers/mysql.ts';
import { sleep } from '../../kit/servers/process.ts';
import { MysqlDatabase } from './backend.ts';

export const CURSOR = '_ab_cdc_cursor';

/** The shape of a table that a test makes by SQL of its own; the key is `id` unless told. */
export const table = (
  name: string,
  columns: Readonly<Record<string, ColumnKind>>,
  primaryKey: readonly string[] = ['id'],
): TableSpec => ({ name, columns, primaryKey });

/** A database of one test's own, a connection to sync it by, and everything that has to be undone at the end. */
export class Lab {
  readonly database: MysqlDatabase;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(database: MysqlDatabase) {
    this.database = database;
    this.#undo.push(() => database.drop());
  }

  get server(): MysqlServer {
    return this.database.server;
  }

  /** SQL as the superuser in the test's database, several statements if there are no parameters. */
  sql(sql: string, values?: unknown[]): Promise<Rows> {
    return this.database.query(sql, values);
  }

  /** A session of the superuser that lives until the end of the test. */
  async client(): Promise<mysql.Connection> {
    const client = await this.server.client(this.database.name);
    this.later(() => client.end().catch(() => client.destroy()));
    return client;
  }

  /** Runs `undo` at the end of the test, before everything that was made earlier is undone. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  connect(choices: CatalogChoices = {}, more: JsonObject = {}, source: JsonObject = {}): Promise<Platform> {
    return Platform.connect(this.database, CURSOR, { choices, config: this.database.config({ more, source }) });
  }

  /**
   * Lets something happen while a read is under way, behind the snapshot of `stream`, which stands before `gate` in the
   * catalog: the table `gate` is locked until then. The read must have `gate` as its last stream.
   */
  async atGate<T>(read: () => Promise<T>, action: () => Promise<unknown>): Promise<T> {
    const keeper = await this.client();
    await keeper.query('LOCK TABLES gate WRITE');
    const running = read();
    try {
      await this.until(async () => {
        const rows = await this.server.query(undefined, 'SHOW FULL PROCESSLIST');
        return rows.some(
          row => row['User'] === this.database.name && /lock/i.test(String(row['State'])) && /gate/.test(String(row['Info'])),
        );
      });
      await action();
    } finally {
      await keeper.query('UNLOCK TABLES');
    }
    return await running;
  }

  /** Resolves as soon as the condition holds. */
  async until(condition: () => Promise<boolean>, within = 20_000): Promise<void> {
    for (let waited = 0; waited < within; waited += 25) {
      if (await condition()) return;
      await sleep(25);
    }
    throw new Error(`in ${within} ms it did not become true: ${condition}`);
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

/** The body of a test with a database of its own in this server. */
export const inLab =
  (server: () => MysqlServer | Promise<MysqlServer>, body: (lab: Lab) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const lab = new Lab(await MysqlDatabase.create(await server()));
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
export const positionOf = (states: readonly StateBody[], shard = 'main'): { position: JsonObject; clock: number } => {
  const shared = states.at(-1)?.global?.shared_state as
    | { shards: Record<string, { position: JsonObject; clock: number }> }
    | undefined;
  const at = shared?.shards[shard];
  if (at === undefined) throw new Error(`no position of ${shard} in ${JSON.stringify(states.at(-1))}`);
  return at;
};

const shown = (value: Json): string =>
  typeof value === 'string' && value.startsWith('\0') ? value.slice(1) : JSON.stringify(value);

/** The records of a stream as a test wants to see them: the given columns, `gone` in front of deletes; `-` for a column that is left out. */
export const brief = (run: RunResult, stream: string, ...columns: string[]): string[] =>
  exactRecords(run, stream).map((row: Row) => {
    const values = columns.map(column => (row[column] === undefined ? '-' : shown(row[column])));
    return `${(row['_ab_cdc_deleted_at'] ?? null) === null ? '' : 'gone '}${values.join(' ')}`;
  });

/** Text that does not repeat, `length` characters. */
export const largeText = (seed: number, length = 12_000): string => {
  let text = '';
  for (let value = seed * 7919 + 1; text.length < length; value = (value * 48_271) % 2_147_483_647) text += value.toString(36);
  return text.slice(0, length);
};

/** The most memory that a process has had at once, in MB. */
export const peakMemory = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Numbers 1 to `to` (at most 100,000), as a table `i` of one column `i`. */
export const series = (to: number): string => {
  const digit =
    '(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)';
  return `(SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS i FROM ${digit} a, ${digit} b, ${digit} c, ${digit} e, ${digit} f
    HAVING i <= ${to}) series`;
};
