import type pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { ConfiguredCatalog } from '../../kit/messages.ts';
import { Random, seedOfRun } from '../../kit/random.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { rawData } from '../../kit/type-cases.ts';
import { type PostgresDatabase, postgresBackend } from './backend.ts';
import { randomColumns } from './types/random-values.ts';
import { STRING } from './types/rows.ts';

/** Rows of the log have the values of the snapshot's, under ids that are larger by this. */
const LATER = 1_000_000;

/** What a record says of each column, and the columns that it says are not as the server has them. */
interface Row {
  readonly said: readonly (string | undefined)[];
  readonly nulled: readonly string[];
}

const column = (index: number): string => `c${index}`;
const names = randomColumns.map((_, index) => column(index)).join(', ');

const rowsOf = (run: RunResult): ReadonlyMap<number, Row> => {
  const rows = new Map<number, Row>();
  run.messages.forEach((message, index) => {
    if (message?.record === undefined) return;
    const raw = rawData(run.lines[index] ?? '');
    const nulled = (message.record.meta?.changes ?? []).map(change => `${change.field} ${change.change}`);
    rows.set(Number(raw.get('id')), { said: randomColumns.map((_, at) => raw.get(column(at))), nulled });
  });
  return rows;
};

describePostgres(major => {
  const seed = seedOfRun();
  let database: PostgresDatabase;
  let client: pg.Client;
  beforeEach(async () => {
    database = await postgresBackend(major).open();
    client = await database.server.client(database.name);
  });
  afterEach(async () => {
    await client.end();
    await database.drop();
  });

  const fill = async (rows: number): Promise<void> => {
    const columns = randomColumns.map(({ native }, at) => `${column(at)} ${native}`);
    await client.query(`CREATE TABLE t (id integer PRIMARY KEY, ${columns.join(', ')})`);
    // A source of its own for each column, so that a new column does not change the values of the others.
    const sources = randomColumns.map(({ native }) => new Random(seed).fork(native));
    for (let id = 1; id <= rows; id++) {
      const values = randomColumns.map(({ value }, at) => value(sources[at] ?? new Random(seed)));
      await client.query(`INSERT INTO t VALUES (${id}, ${values.join(', ')})`);
    }
  };

  /** The rows of a snapshot, and the same rows from the log, both by the ids of the snapshot. */
  const readBoth = async (catalog: ConfiguredCatalog): Promise<(ReadonlyMap<number, Row> | undefined)[]> => {
    const config = database.config();
    const read = async (more: object): Promise<RunResult> =>
      expectSound(expectSuccess(await runConnector({ command: 'read', config, catalog, ...more })));
    const first = await read({});
    await client.query(`INSERT INTO t SELECT id + ${LATER}, ${names} FROM t`);
    const second = await read({ state: fullState(first.states) });
    const log = [...rowsOf(second)].map(([id, row]) => [id - LATER, row] as const);
    return [rowsOf(first), new Map(log)];
  };

  /** Each row's values as SQL makes them. */
  const printed = async (texts: readonly string[]): Promise<readonly [id: number, ...texts: string[]][]> => {
    await client.query("SET DateStyle = ISO; SET TimeZone = 'UTC'; SET bytea_output = hex; SET extra_float_digits = 1");
    await client.query("SET IntervalStyle = postgres; SET lc_monetary = 'C'");
    const text = `SELECT id, ${texts.join(', ')} FROM t WHERE id < ${LATER} ORDER BY id`;
    const result: { rows: unknown[] } = await client.query({ text, rowMode: 'array' });
    return result.rows as [id: number, ...texts: string[]][];
  };

  const output = (at: number): string => `format('%s', ${column(at)})`;

  it(`says random values the same in snapshot and log, and as the server prints them (TRIBUTARY_SEED=${seed})`, async () => {
    const rows = 150;
    await fill(rows);
    const both = await readBoth(configuredCatalog(await discoverCatalog(database.config())));
    const expected = await printed(randomColumns.map(({ text }, at) => text?.(column(at)) ?? output(at)));
    expect(expected.length).toBe(rows);
    for (const [id, ...texts] of expected) {
      const said = randomColumns.map((random, at) => random.said(texts[at] ?? ''));
      const nulled = said.flatMap((value, at) => (value === null ? [`${column(at)} NULLED`] : []));
      const row: Row = { said: said.map(value => value ?? 'null'), nulled };
      for (const found of both) expect({ id, ...found?.get(id) }).toEqual({ id, ...row });
    }
  });

  it(`says the server's text where a catalog promises strings (TRIBUTARY_SEED=${seed})`, async () => {
    const rows = 30;
    await fill(rows);
    const { streams } = configuredCatalog(await discoverCatalog(database.config()));
    const promised = streams.map(configured => {
      const { properties } = configured.stream.json_schema;
      const strings = Object.fromEntries(randomColumns.map((_, at) => [column(at), STRING]));
      const json_schema = { ...configured.stream.json_schema, properties: { ...properties, ...strings } };
      return { ...configured, stream: { ...configured.stream, json_schema } };
    });
    const both = await readBoth({ streams: promised });
    const expected = await printed(randomColumns.map((_, at) => output(at)));
    expect(expected.length).toBe(rows);
    for (const [id, ...texts] of expected) {
      const said = randomColumns.map(({ native, said: saying }, at) => {
        const text = texts[at] ?? '';
        return native.startsWith('json') ? saying(text) : JSON.stringify(text);
      });
      for (const found of both) expect({ id, ...found?.get(id) }).toEqual({ id, said, nulled: [] });
    }
  });
});
