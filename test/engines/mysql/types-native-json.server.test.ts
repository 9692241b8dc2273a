import { expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { expectSound } from '../../kit/invariants.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { rawData } from '../../kit/type-cases.ts';
import { OBJECT, quote } from './types/rows.ts';
import { onMysql } from './types/type-database.ts';

/** JSON texts that are no objects, and what stands in a record. */
const DOCUMENTS: readonly (readonly [text: string, said: string])[] = [
  ['[ 1 , {"a" : "x  y"} ]', '[1,{"a":"x  y"}]'],
  ['"text"', '"text"'],
  [' 1.5 ', '1.5'],
  ['18446744073709551615', '18446744073709551615'],
  ['true', 'true'],
  ['null', 'null'],
];

describeMysql(flavor => {
  it('json_columns: native writes documents that are no objects as they are, in snapshot and log', async () => {
    const database = await onMysql(flavor, { json_columns: 'native' }).open();
    try {
      const rows = DOCUMENTS.map(([text], id) => `(${id}, ${quote(text)})`).join(', ');
      await database.query('CREATE TABLE t (id integer PRIMARY KEY, j json)');
      await database.query(`INSERT INTO t VALUES ${rows}`);
      const config = database.config();
      const catalog = configuredCatalog(await discoverCatalog(config));
      expect(catalog.streams[0]?.stream.json_schema.properties['j']).toEqual(OBJECT);
      const read = async (more: object): Promise<RunResult> =>
        expectSound(expectSuccess(await runConnector({ command: 'read', config, catalog, ...more })));
      const said = (run: RunResult): unknown[] =>
        run.messages.flatMap((message, index) => {
          if (message?.record === undefined) return [];
          return [[rawData(run.lines[index] ?? '').get('j'), message.record.meta?.changes ?? []]];
        });
      const first = await read({});
      await database.query('INSERT INTO t SELECT id + 100, j FROM t ORDER BY id');
      const second = await read({ state: fullState(first.states) });
      const expected = DOCUMENTS.map(([, document]) => [document, []]);
      expect(said(first)).toEqual(expected);
      expect(said(second)).toEqual(expected);
    } finally {
      await database.drop();
    }
  });
});
