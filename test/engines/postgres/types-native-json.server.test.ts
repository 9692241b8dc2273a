import { expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { rawData } from '../../kit/type-cases.ts';
import { postgresBackend } from './backend.ts';
import { OBJECT, quote } from './types/rows.ts';

/** JSON texts that are no objects, and what stands in a record. */
const DOCUMENTS: readonly (readonly [text: string, said: string])[] = [
  ['[ 1 , {"a" : "x  y"} ]', '[1,{"a":"x  y"}]'],
  ['"text"', '"text"'],
  [' 1.50 ', '1.50'],
  ['-12345678901234567890.10', '-12345678901234567890.10'],
  ['true', 'true'],
  ['null', 'null'],
];

describePostgres(major => {
  it('json_columns: native writes documents that are no objects as they are, in snapshot and log', async () => {
    const database = await postgresBackend(major).open();
    try {
      const rows = DOCUMENTS.map(([text], id) => `(${id}, ${quote(text)}, ${quote(text)})`).join(', ');
      await database.query('CREATE TABLE t (id integer PRIMARY KEY, j json, b jsonb)');
      await database.query(`INSERT INTO t VALUES ${rows}`);
      const config = database.config({ source: { json_columns: 'native' } });
      const catalog = configuredCatalog(await discoverCatalog(config));
      const { j, b } = catalog.streams[0]?.stream.json_schema.properties ?? {};
      expect([j, b]).toEqual([OBJECT, OBJECT]);
      const read = async (more: object): Promise<RunResult> =>
        expectSound(expectSuccess(await runConnector({ command: 'read', config, catalog, ...more })));
      const said = (run: RunResult): unknown[] =>
        run.messages.flatMap((message, index) => {
          if (message?.record === undefined) return [];
          const raw = rawData(run.lines[index] ?? '');
          return [[raw.get('j'), raw.get('b'), message.record.meta?.changes ?? []]];
        });
      const first = await read({});
      await database.query('INSERT INTO t SELECT id + 100, j, b FROM t ORDER BY id');
      const second = await read({ state: fullState(first.states) });
      const expected = DOCUMENTS.map(([, document]) => [document, document, []]);
      expect(said(first)).toEqual(expected);
      expect(said(second)).toEqual(expected);
    } finally {
      await database.drop();
    }
  });
});
