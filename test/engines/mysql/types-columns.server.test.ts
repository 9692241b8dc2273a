import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { expectSound } from '../../kit/invariants.ts';
import type { Catalog, JsonObject } from '../../kit/messages.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import type { TypeDatabase } from '../../kit/type-cases.ts';
import { BINARY, BOOLEAN, DATE, INTEGER, NUMBER, STRING, TIMESTAMP_TZ } from './types/rows.ts';
import { onMysql } from './types/type-database.ts';

/** The same schema for what is never NULL: the type alone. */
const always = (schema: JsonObject): JsonObject => ({ ...schema, type: (schema['type'] as readonly string[])[1] ?? '' });

const SETUP = [
  `CREATE TABLE original (id integer PRIMARY KEY, n decimal(5), f float, e enum('a','b'), at timestamp NULL, flag boolean)`,
  `INSERT INTO original VALUES (1, 12345, 0.1, 'b', '2024-01-02 01:04:05', 1)`,
  'CREATE VIEW as_view AS SELECT * FROM original',
  `CREATE VIEW computed AS SELECT n * 2 AS n, f * 2 AS f, id IS NULL AS b, CONCAT(e, '!') AS e, DATE(at) AS d, COUNT(*) AS c,
     'constant' AS k, NULL AS nothing, CAST('x' AS BINARY) AS bytes, n / 3 AS ratio FROM original GROUP BY id, n, f, e, at`,
  `CREATE TABLE g (id integer PRIMARY KEY, a varchar(20), stored_one integer GENERATED ALWAYS AS (id * 2) STORED, hidden integer INVISIBLE,
     virtual_one varchar(30) GENERATED ALWAYS AS (CONCAT(a, '!')) VIRTUAL, last_one varchar(20) DEFAULT (UPPER('x')))`,
  "INSERT INTO g (id, a, hidden) VALUES (1, 'one', 11)",
];

describeMysql(flavor => {
  for (const metadata of rowMetadataOf(flavor)) {
    describe(`binlog_row_metadata=${metadata}`, () => {
      let database: TypeDatabase | undefined;
      let catalog: Catalog;
      let runs: readonly RunResult[] = [];
      beforeAll(async () => {
        database = await onMysql(flavor, {}, metadata).open();
        for (const sql of SETUP) await database.query(sql);
        const config = database.config();
        catalog = await discoverCatalog(config);
        const all = configuredCatalog(catalog);
        const followed = configuredCatalog(catalog, { streams: ['g', 'original'] });
        const read = async (more: object = {}, configured = followed): Promise<RunResult> => {
          const run = await runConnector({ command: 'read', config, catalog: configured, ...more });
          return expectSound(expectSuccess(run), { catalog: configured });
        };
        const first = await read({}, all);
        await database.query("INSERT INTO g (id, a, hidden) VALUES (2, 'two', 12)");
        await database.query("UPDATE g SET a = 'uno', hidden = NULL WHERE id = 1");
        const second = await read({ state: fullState(first.states) });
        await database.query('DELETE FROM g WHERE id = 2');
        runs = [first, second, await read({ state: fullState(second.states) })];
      });
      afterAll(() => database?.drop());

      const schemaOf = (name: string): unknown => catalog.streams.find(stream => stream.name === name)?.json_schema.properties;
      const recordsOf = (run: RunResult | undefined, name: string): unknown[] =>
        (run?.records ?? [])
          .filter(record => record.stream === name)
          .map(({ data, meta }) => ({
            ...Object.fromEntries(Object.entries(data).filter(([column]) => !column.startsWith('_ab_'))),
            ...((meta?.changes ?? []).length > 0 && { changes: meta?.changes }),
          }));

      it('a view has the types of its table', () => {
        expect(schemaOf('as_view')).toEqual({
          id: always(INTEGER),
          n: INTEGER,
          f: NUMBER,
          e: STRING,
          at: TIMESTAMP_TZ,
          flag: BOOLEAN,
        });
        expect(recordsOf(runs[0], 'as_view')).toEqual([
          { id: 1, n: 12345, f: 0.1, e: 'b', at: '2024-01-02T01:04:05Z', flag: true },
        ]);
      });

      it('expressions of a view have the types that the server gives them', () => {
        expect(schemaOf('computed')).toMatchObject({
          n: INTEGER,
          f: NUMBER,
          b: always(INTEGER),
          e: STRING,
          d: DATE,
          c: always(INTEGER),
          k: always(STRING),
          nothing: BINARY,
          bytes: always(BINARY),
          ratio: NUMBER,
        });
        expect(recordsOf(runs[0], 'computed')).toMatchObject([
          { n: 24690, b: 0, e: 'b!', d: '2024-01-02', c: 1, k: 'constant', nothing: null, bytes: 'eA==', ratio: 4115 },
        ]);
      });

      it('generated and invisible columns are there, in snapshot and log', async () => {
        const row = { last_one: 'X' };
        expect(recordsOf(runs[0], 'g')).toEqual([{ id: 1, a: 'one', stored_one: 2, hidden: 11, virtual_one: 'one!', ...row }]);
        expect(recordsOf(runs[1], 'g')).toEqual([
          { id: 2, a: 'two', stored_one: 4, hidden: 12, virtual_one: 'two!', ...row },
          { id: 1, a: 'uno', stored_one: 2, hidden: null, virtual_one: 'uno!', ...row },
        ]);
        const gone = { id: 2, a: 'two', stored_one: 4, hidden: 12, virtual_one: 'two!', ...row };
        const logsGenerated = flavor === 'mysql' || (await (await acquireMysql(flavor, metadata)).isMariadb10());
        // Newer MariaDB leaves generated columns out of what a DELETE logs, and then they are not in its record.
        const [deleted, ...more] = recordsOf(runs[2], 'g') as JsonObject[];
        expect(more).toEqual([]);
        expect(logsGenerated ? deleted : { ...gone, ...deleted }).toEqual(gone);
      });
    });
  }
});
