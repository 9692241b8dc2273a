import { afterAll, beforeAll, expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import { Random, seedOfRun } from '../../kit/random.ts';
import { discoverCatalog, expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { rawData } from '../../kit/type-cases.ts';
import { type PostgresDatabase, postgresBackend } from './backend.ts';
import { randomColumns } from './types/random-values.ts';

const ROWS = 900;
/** Rows of the log have the values of the snapshot's, under ids that are larger by this. */
const LATER = 1_000_000;

/** What a record says of each column, and the columns that it says are not as the server has them. */
interface Row {
  readonly said: readonly string[];
  readonly nulled: readonly string[];
}

const column = (index: number): string => `c${index}`;

const rowsOf = (run: RunResult): ReadonlyMap<number, Row> => {
  const rows = new Map<number, Row>();
  run.messages.forEach((message, index) => {
    if (message?.record === undefined) return;
    const raw = rawData(run.lines[index] ?? '');
    const nulled = (message.record.meta?.changes ?? []).map(change => `${change.field} ${change.change}`);
    rows.set(Number(raw.get('id')), { said: randomColumns.map((_, at) => raw.get(column(at)) ?? 'missing'), nulled });
  });
  return rows;
};

describePostgres(major => {
  const seed = seedOfRun();
  let database: PostgresDatabase;
  beforeAll(async () => {
    database = await postgresBackend(major).open();
  });
  afterAll(() => database.drop());

  it(`says random values the same in snapshot and log, and as the server prints them (TRIBUTARY_SEED=${seed})`, async () => {
    const names = randomColumns.map((_, index) => column(index)).join(', ');
    const client = await database.server.client(database.name);
    await client.query(
      `CREATE TABLE t (id integer PRIMARY KEY, ${randomColumns.map(({ native }, at) => `${column(at)} ${native}`).join(', ')})`,
    );
    // A source of its own for each column, so that a new column does not change the values of the others.
    const sources = randomColumns.map(({ native }) => new Random(seed).fork(native));
    for (let id = 1; id <= ROWS; id++) {
      const values = randomColumns.map(({ value }, at) => value(sources[at] ?? new Random(seed)));
      await client.query(`INSERT INTO t VALUES (${id}, ${values.join(', ')})`);
    }
    const config = database.config();
    const catalog = configuredCatalog(await discoverCatalog(config));
    const read = async (more: object): Promise<RunResult> => {
      const run = await runConnector({ command: 'read', config, catalog, ...more });
      return expectSound(expectSuccess(run));
    };
    const first = await read({});
    await client.query(`INSERT INTO t SELECT id + ${LATER}, ${names} FROM t`);
    const second = await read({ state: fullState(first.states) });

    await client.query("SET DateStyle = ISO; SET TimeZone = 'UTC'; SET bytea_output = hex; SET extra_float_digits = 1");
    await client.query("SET IntervalStyle = postgres; SET lc_monetary = 'C'");
    const texts = randomColumns.map(({ text }, at) => text?.(column(at)) ?? `format('%s', ${column(at)})`);
    const printed = await client.query({ text: `SELECT id, ${texts.join(', ')} FROM t WHERE id < ${LATER}`, rowMode: 'array' });
    await client.end();

    const [snapshot, log] = [rowsOf(first), rowsOf(second)];
    expect(printed.rows.length).toBe(ROWS);
    for (const [id, ...values] of printed.rows as [number, ...string[]][]) {
      const wanted = randomColumns.map(({ said }, at) => said(values[at] ?? ''));
      const nulled = wanted.flatMap((value, at) => (value === null ? [`${column(at)} NULLED`] : []));
      const expected: Row = { said: wanted.map(value => value ?? 'null'), nulled };
      expect({ id, ...snapshot.get(id) }).toEqual({ id, ...expected });
      expect({ id, ...log.get(id + LATER) }).toEqual({ id, ...expected });
    }
  });
});
