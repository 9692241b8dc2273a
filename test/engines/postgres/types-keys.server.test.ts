import { afterAll, beforeAll, expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { CatalogStream } from '../../kit/messages.ts';
import { Random } from '../../kit/random.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { rawData } from '../../kit/type-cases.ts';
import { type PostgresDatabase, postgresBackend } from './backend.ts';

interface KeyType {
  readonly type: string;
  /** As SQL writes them. Some cannot be said in a record; the row is found by them all the same. */
  readonly keys: readonly string[];
}

/** Arrays and JSON are no keys to a destination: such tables are read as full refresh. */
const KEYS: readonly KeyType[] = [
  { type: 'smallint', keys: ["'-32768'", "'32767'"] },
  { type: 'bigint', keys: ["'-9223372036854775808'", "'9007199254740993'"] },
  { type: 'numeric', keys: ["'1.50'", "'NaN'", "'Infinity'"] },
  { type: 'double precision', keys: ["'-0'", "'0.1'", "'NaN'"] },
  { type: 'real', keys: ["'0.1'", "'1e-45'"] },
  { type: 'boolean', keys: ['false', 'true'] },
  { type: 'oid', keys: ["'4294967295'"] },
  { type: 'text', keys: ["''", "E'it''s \\\\ \"q\"\\n\\t\\\\N'", "'NULL'", "'ä𝄞'"] },
  { type: 'text COLLATE "C"', keys: ["'a'", "'B'"] },
  { type: 'varchar(3)', keys: ["'abc'"] },
  { type: 'char(5)', keys: ["'ab'", "''"] },
  { type: '"char"', keys: ["'a'"] },
  { type: 'name', keys: ["'a name'"] },
  { type: 'bytea', keys: ["'\\x'", "'\\x00ff'"] },
  { type: 'bit(3)', keys: ["B'101'", "B'110'"] },
  { type: 'bit varying', keys: ["B''", "B'10'"] },
  { type: 'uuid', keys: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"] },
  { type: 'date', keys: ["'2024-02-29'", "'0044-03-15 BC'", "'infinity'"] },
  { type: 'timestamp', keys: ["'2024-01-02 03:04:05.000001'", "'-infinity'"] },
  { type: 'timestamptz', keys: ["'2024-10-27 02:30:00 Europe/Berlin'", "'0001-01-01 00:00:00+00 BC'"] },
  { type: 'time', keys: ["'24:00:00'", "'03:04:05.5'"] },
  { type: 'timetz', keys: ["'03:04:05+02'", "'03:04:05+02:03:04'"] },
  { type: 'interval', keys: ["'-1 year -2 months +3 days -04:05:06.5'", "'100 hours'"] },
  { type: 'money', keys: ["'-1234.5'"] },
  { type: 'inet', keys: ["'10.0.0.1/8'", "'::1'"] },
  { type: 'cidr', keys: ["'10.0.0.0/8'"] },
  { type: 'macaddr8', keys: ["'08:00:2b:01:02:03'"] },
  { type: 'pg_lsn', keys: ["'16/B374D848'"] },
  { type: 'xid8', keys: ["'18446744073709551615'"] },
  { type: 'tid', keys: ["'(1,2)'"] },
  { type: 'oidvector', keys: ["'1 2'"] },
  { type: 'tsvector', keys: ["'a b:1'"] },
  { type: 'int4range', keys: ["'[1,5)'", "'empty'"] },
  { type: 'tstzrange', keys: ["'[2024-01-02 03:04:05+02,)'"] },
  { type: 'int4multirange', keys: ["'{[1,3),[5,7)}'"] },
  { type: 'odd."Mood"', keys: ["'sa d'", "'it''s'"] },
  { type: 'positive', keys: ["'7'"] },
  { type: 'odd."Pair"', keys: [`ROW(1, 'a "q", b')::odd."Pair"`] },
];

/** Digits that do not compress well. */
const randomDigits = (count: number): string => {
  const random = new Random(7);
  return Array.from({ length: count }, () => random.between(0, 9)).join('');
};

const BIG = "(SELECT string_agg(md5(n::text), E'\\n\"\\\\' ORDER BY n) FROM generate_series(1, 200) n)";
/** Values that are stored out of line, so that an update which leaves them alone does not bring them into the log. */
const LARGE: readonly (readonly [type: string, value: string])[] = [
  ['text', BIG],
  ['bytea', `convert_to(${BIG}, 'UTF8')`],
  ['json', `json_build_object('a', ${BIG}, 'b', 1.50)`],
  ['jsonb', `jsonb_build_object('a', ${BIG}, 'b', 1.50)`],
  ['text[]', `ARRAY[${BIG}, NULL, 'x']`],
  ['integer[]', '(SELECT array_agg(n * 1000003 - 5) FROM generate_series(1, 2000) n)'],
  ['numeric', `('${randomDigits(9000)}.50')::numeric`],
  ['odd."Pair"', `ROW(1, ${BIG})::odd."Pair"`],
  ['varbit', `('${randomDigits(40_000).replaceAll(/[2-9]/g, '1')}')::varbit`],
];

/** The types of LARGE all in the first table, one of them in the others: how they are found depends on the key alone. */
const largeOf = (index: number): typeof LARGE => (index === 0 ? LARGE : LARGE.slice(0, 1));

const tableOf = (index: number): string => `k${index}`;

/** The records of a table in the order of `n`, as printed. */
const recordsOf = (run: RunResult, table: string, deleted: boolean): ReadonlyMap<string, string>[] =>
  run.messages
    .flatMap((message, index) => (message?.record?.stream === table ? [rawData(run.lines[index] ?? '')] : []))
    .filter(raw => (raw.get('_ab_cdc_deleted_at') !== 'null') === deleted);

describePostgres(major => {
  let database: PostgresDatabase;
  let streams: readonly CatalogStream[] = [];
  let runs: { readonly snapshot: RunResult; readonly update: RunResult; readonly remove: RunResult } | undefined;

  beforeAll(async () => {
    database = await postgresBackend(major).open();
    const client = await database.server.client(database.name);
    await client.query(`CREATE SCHEMA odd; CREATE TYPE odd."Mood" AS ENUM ('sa d', 'it''s');
      CREATE TYPE odd."Pair" AS (n integer, "t" text); CREATE DOMAIN positive AS integer CHECK (VALUE > 0)`);
    for (const [index, { type, keys }] of KEYS.entries()) {
      const table = tableOf(index);
      const columns = largeOf(index).map(([large], at) => `large_${at} ${large}`);
      const values = largeOf(index).map(([, value]) => value);
      await client.query(`CREATE TABLE ${table} (id ${type} PRIMARY KEY, n integer, ${columns.join(', ')})`);
      for (const [n, key] of keys.entries())
        await client.query(`INSERT INTO ${table} VALUES (${[key, n, ...values].join(', ')})`);
    }
    const config = database.config();
    const catalog = await discoverCatalog(config);
    streams = catalog.streams;
    const configured = configuredCatalog(catalog);
    const read = async (state?: object): Promise<RunResult> =>
      expectSuccess(await runConnector({ command: 'read', config, catalog: configured, ...(state && { state }) }));
    const snapshot = await read();
    for (const index of KEYS.keys()) await client.query(`UPDATE ${tableOf(index)} SET n = n + 100`);
    const update = await read(fullState(snapshot.states));
    for (const index of KEYS.keys()) await client.query(`DELETE FROM ${tableOf(index)}`);
    const remove = await read(fullState(update.states));
    await client.end();
    for (const run of [snapshot, update, remove]) expectSound(run);
    runs = { snapshot, update, remove };
  });
  afterAll(() => database.drop());

  for (const [index, { type, keys }] of KEYS.entries()) {
    it(`a key of type ${type}: printed the same in snapshot, update and delete; large values are found by it`, () => {
      if (runs === undefined) throw new Error('nothing was read');
      const table = tableOf(index);
      const stream = streams.find(({ name }) => name === table);
      expect(stream?.source_defined_primary_key).toEqual([['id']]);
      expect(stream?.supported_sync_modes).toContain('incremental');
      const said = (records: readonly ReadonlyMap<string, string>[], columns: readonly string[]): unknown[] =>
        records.map(raw => columns.map(name => raw.get(name)));
      const before = recordsOf(runs.snapshot, table, false).sort((a, b) => Number(a.get('n')) - Number(b.get('n')));
      expect(before.map(raw => raw.get('n'))).toEqual(keys.map((_, n) => String(n)));
      const columns = ['id', ...largeOf(index).map((_, at) => `large_${at}`)];
      const after = recordsOf(runs.update, table, false);
      expect(after.map(raw => raw.get('n'))).toEqual(keys.map((_, n) => String(n + 100)));
      expect(said(after, columns)).toEqual(said(before, columns));
      expect(before.every(raw => columns.slice(1).every(name => (raw.get(name) ?? '').length > 2000))).toBe(true);
      // Deletes are in no order that is promised.
      const gone = said(recordsOf(runs.remove, table, true), ['id']);
      expect(gone.map(String).sort()).toEqual(said(before, ['id']).map(String).sort());
    });
  }
});
