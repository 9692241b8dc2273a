import { afterAll, beforeAll, expect, it } from 'vitest';
import { configuredCatalog } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { Catalog } from '../../kit/messages.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { type PostgresDatabase, postgresBackend } from './backend.ts';
import { arrayOf, INTEGER, NUMBER, STRING, TIMESTAMP_TZ } from './types/rows.ts';

const SETUP = `
  CREATE TYPE mood AS ENUM ('a', 'b');
  CREATE DOMAIN matrix AS integer[][];
  CREATE TABLE original (id integer PRIMARY KEY, n numeric(5), f real, e mood, at timestamptz, one integer[], two integer[][], m matrix);
  INSERT INTO original VALUES (1, 12345, 0.1, 'b', '2024-01-02 03:04:05+02', '{1}', '{{1,2}}', '{{3}}');
  CREATE VIEW as_view AS SELECT * FROM original;
  CREATE MATERIALIZED VIEW as_materialized AS SELECT * FROM original;
  CREATE TABLE as_copy AS SELECT * FROM original;
  CREATE VIEW computed AS SELECT n * 2 AS n, f::numeric AS f, row(id, one) IS NULL AS b, e::text AS e, array_agg(id) OVER () AS ids,
    'constant' AS c, NULL AS nothing, jsonb_build_array(id) AS j FROM original;`;

describePostgres(major => {
  let database: PostgresDatabase;
  let catalog: Catalog;
  let run: RunResult;
  beforeAll(async () => {
    database = await postgresBackend(major).open();
    await database.query(SETUP);
    const config = database.config();
    catalog = await discoverCatalog(config);
    const configured = configuredCatalog(catalog, { modes: { '*': 'full_refresh' } });
    run = expectSuccess(await runConnector({ command: 'read', config, catalog: configured }));
    expectSound(run, { catalog: configured });
  });
  afterAll(() => database.drop());

  const schemaOf = (name: string): unknown => catalog.streams.find(stream => stream.name === name)?.json_schema.properties;
  const recordOf = (name: string): unknown => {
    const record = run.records.find(candidate => candidate.stream === name);
    return { ...record?.data, changes: record?.meta?.changes ?? [] };
  };

  for (const name of ['as_view', 'as_materialized', 'as_copy']) {
    it(`${name}: types as in the table, but that PostgreSQL forgets how deep arrays are declared`, () => {
      expect(schemaOf(name)).toEqual({
        id: INTEGER,
        n: INTEGER,
        f: NUMBER,
        e: STRING,
        at: TIMESTAMP_TZ,
        one: arrayOf(INTEGER),
        two: arrayOf(INTEGER),
        m: arrayOf(arrayOf(INTEGER)),
      });
      expect(recordOf(name)).toEqual({
        id: 1,
        n: 12345,
        f: 0.1,
        e: 'b',
        at: '2024-01-02T01:04:05Z',
        one: [1],
        two: null,
        m: [[3]],
        changes: [{ field: 'two', change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' }],
      });
    });
  }

  it('expressions of a view have the types that the server gives them', () => {
    const { n, f, b, e, ids, c, nothing, j } = schemaOf('computed') as Record<string, unknown>;
    expect([n, f, b, e, ids, c, nothing, j]).toEqual([
      NUMBER,
      NUMBER,
      { type: ['null', 'boolean'] },
      STRING,
      arrayOf(INTEGER),
      STRING,
      STRING,
      STRING,
    ]);
    const changes: unknown[] = [];
    expect(recordOf('computed')).toEqual({
      n: 24690,
      f: 0.1,
      b: false,
      e: 'b',
      ids: [1],
      c: 'constant',
      nothing: null,
      j: '[1]',
      changes,
    });
  });
});
