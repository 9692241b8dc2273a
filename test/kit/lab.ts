import { readFileSync } from 'node:fs';
import type { ColumnKind, TableSpec, TestDatabase } from './backend.ts';
import type { CatalogChoices } from './catalog.ts';
import { exactRecords, type Row } from './destination.ts';
import type { Json, JsonObject, StateBody } from './messages.ts';
import { Platform } from './platform.ts';
import { describeRun, type Running, type RunResult } from './run-connector.ts';
import { sleep } from './servers/process.ts';

/** The shape of a table that a test makes by SQL of its own; the key is `id` unless told. */
export const table = (
  name: string,
  columns: Readonly<Record<string, ColumnKind>>,
  primaryKey: readonly string[] = ['id'],
): TableSpec => ({ name, columns, primaryKey });

export interface SqlDatabase extends TestDatabase {
  readonly server: unknown;
  config(options?: { readonly more?: JsonObject; readonly source?: JsonObject }): JsonObject;
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

/** A database of one test's own, a connection to sync it by, and everything that has to be undone at the end. */
export abstract class SqlLab<Database extends SqlDatabase> {
  readonly database: Database;
  readonly #cursorColumn: string;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(database: Database, cursorColumn: string) {
    this.database = database;
    this.#cursorColumn = cursorColumn;
    this.later(() => database.drop());
  }

  get server(): Database['server'] {
    return this.database.server;
  }

  /** SQL as the superuser in the test's database, several statements if there are no parameters. */
  sql(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    return this.database.query(sql, values);
  }

  /** Runs `undo` at the end of the test, before everything that was made earlier is undone. */
  later(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  connect(choices: CatalogChoices = {}, more: JsonObject = {}, source: JsonObject = {}): Promise<Platform> {
    return Platform.connect(this.database, this.#cursorColumn, { choices, config: this.database.config({ more, source }) });
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo();
  }
}

/** The body of a test in a lab of its own. */
export const labTest =
  <Lab extends SqlLab<SqlDatabase>>(open: () => Promise<Lab>, body: (lab: Lab) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const lab = await open();
    try {
      await body(lab);
    } finally {
      await lab.close();
    }
  };

/** Resolves as soon as the condition holds; `what` says it in words. */
export const untilTrue = async (condition: () => Promise<boolean>, what: string, within = 20_000): Promise<void> => {
  for (let waited = 0; waited < within; waited += 25) {
    if (await condition()) return;
    await sleep(25);
  }
  throw new Error(`in ${within} ms it did not become true: ${what}`);
};

/** `failure type / CODE: detail` of a run's TRACE ERROR; throws, showing the run, when it has none. */
export const failureOf = (run: RunResult): string => {
  const error = run.traces.find(trace => trace.error !== undefined)?.error;
  if (run.exitCode !== 1 || error === undefined) throw new Error(`expected a failure\n${describeRun(run)}`);
  return `${error.failure_type} / ${error.internal_message ?? error.message}`;
};

/** Where the stored state stands: the position of the shard and the last ordering key. */
export const shardState = <Position>(states: readonly StateBody[], shard = 'main'): { position: Position; clock: number } => {
  const shared = states.at(-1)?.global?.shared_state as
    | { shards: Record<string, { position: Position; clock: number }> }
    | undefined;
  const at = shared?.shards[shard];
  if (at === undefined) throw new Error(`no position of ${shard} in ${JSON.stringify(states.at(-1))}`);
  return at;
};

const shown = (value: Json): string =>
  typeof value === 'string' && value.startsWith('\0') ? value.slice(1) : JSON.stringify(value);

/** The records of a stream as a test wants to see them: the given columns, `gone` in front of deletes. */
export type Brief = (run: RunResult, stream: string, ...columns: string[]) => string[];

/** `absent` stands for a column that a record leaves out. */
export const briefly =
  (absent: string): Brief =>
  (run, stream, ...columns) =>
    exactRecords(run, stream).map((row: Row) => {
      const values = columns.map(column => (row[column] === undefined ? absent : shown(row[column])));
      return `${(row['_ab_cdc_deleted_at'] ?? null) === null ? '' : 'gone '}${values.join(' ')}`;
    });

/** Text that lies outside of its row even compressed: pseudo-random, `length` characters. */
export const largeText = (seed: number, length = 12_000): string => {
  let text = '';
  for (let value = seed * 7919 + 1; text.length < length; value = (value * 48_271) % 2_147_483_647) text += value.toString(36);
  return text.slice(0, length);
};

/** Largest resident set of a process so far, in MB (proc(5), VmHWM); 0 when it has ended, and we are still reading what it wrote. */
export const peakMegabytes = (run: Running): number => {
  try {
    const status = readFileSync(`/proc/${run.child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** What a run said of one stream: STARTED, RUNNING, COMPLETE or INCOMPLETE. */
export const statusesOf = (run: RunResult, name: string): string[] =>
  run.traces.flatMap(({ stream_status: said }) => (said?.stream_descriptor.name === name ? [said.status] : []));
