import { expect, it } from 'vitest';
import { configuredCatalog, fullState } from '../../kit/catalog.ts';
import { describePostgres } from '../../kit/engines.ts';
import { expectSound } from '../../kit/invariants.ts';
import { expectSuccess, type RunResult, runConnector } from '../../kit/run-connector.ts';
import { discoverCatalog } from '../../kit/run-within.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { PostgresDatabase } from './backend.ts';

interface Read {
  readonly columns: readonly string[];
  /** `data` and `meta` of each record, without what the connector adds. */
  readonly snapshot: readonly unknown[];
  readonly log: readonly unknown[];
}

/** Reads a table made and filled in a database of the given encoding: by a snapshot, then the same rows from the log. */
const readIn = async (major: 14 | 18, encoding: string, create: string, insert: string): Promise<Read> => {
  const server = await acquirePostgres(major);
  const locale = `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C'`;
  const database = new PostgresDatabase(server, await server.createDatabase(undefined, locale), 0);
  try {
    await database.query(`${create}; ${insert}`);
    const config = database.config();
    const catalog = configuredCatalog(await discoverCatalog(config));
    const read = async (more: object): Promise<RunResult> =>
      expectSound(expectSuccess(await runConnector({ command: 'read', config, catalog, ...more })));
    const first = await read({});
    await database.query(`DELETE FROM t; ${insert}`);
    const second = await read({ state: fullState(first.states) });
    const said = (run: RunResult): unknown[] =>
      run.records
        .filter(({ data }) => (data['_ab_cdc_deleted_at'] ?? null) === null)
        .map(({ data, meta }) => ({
          ...Object.fromEntries(Object.entries(data).filter(([name]) => !name.startsWith('_ab_'))),
          changes: (meta?.changes ?? []).map(({ field, change, reason }) => `${field} ${change} ${reason}`),
        }));
    const columns = Object.keys(catalog.streams[0]?.stream.json_schema.properties ?? {}).filter(name => !name.startsWith('_ab_'));
    return { columns, snapshot: said(first), log: said(second) };
  } finally {
    await database.drop();
  }
};

describePostgres(major => {
  it('a database in LATIN1 is read as UTF-8, names included', async () => {
    const create = `CREATE TYPE stimmung AS ENUM ('fröhlich'); CREATE TABLE t (id integer PRIMARY KEY, "größe" text, e stimmung, a text[])`;
    const { columns, snapshot, log } = await readIn(
      major,
      'LATIN1',
      create,
      `INSERT INTO t VALUES (1, 'äöü ÿ \u00a0', 'fröhlich', ARRAY['é,', NULL])`,
    );
    expect(columns).toEqual(['id', 'größe', 'e', 'a']);
    expect(snapshot).toEqual([{ id: 1, größe: 'äöü ÿ \u00a0', e: 'fröhlich', a: ['é,', null], changes: [] }]);
    expect(log).toEqual(snapshot);
  });

  it('a database in EUC_JP, whose characters hold other bytes, is read as UTF-8', async () => {
    const insert = "INSERT INTO t VALUES (1, '日本語、ソ表\\', ROW('予', 1)::pair)";
    const create = 'CREATE TYPE pair AS (t text, n integer); CREATE TABLE t (id integer PRIMARY KEY, t text, p pair)';
    const { snapshot, log } = await readIn(major, 'EUC_JP', create, insert);
    expect(snapshot).toEqual([{ id: 1, t: '日本語、ソ表\\', p: '(予,1)', changes: [] }]);
    expect(log).toEqual(snapshot);
  });

  it('bytes that are not UTF-8, as SQL_ASCII holds them, become U+FFFD, and the record says so', async () => {
    const insert = `INSERT INTO t VALUES (1, E'a\\xe4\\xc3(z', E'{"k": "\\xff"}', ARRAY[E'\\xc3\\xa4', E'\\x80']), (2, E'\\xc3\\xa4', '{}', '{}')`;
    const create = 'CREATE TABLE t (id integer PRIMARY KEY, t text, j json, a text[])';
    const { snapshot, log } = await readIn(major, 'SQL_ASCII', create, insert);
    const truncated = ['t', 'j', 'a'].map(name => `${name} TRUNCATED SOURCE_SERIALIZATION_ERROR`);
    expect(snapshot).toEqual([
      { id: 1, t: 'a\ufffd\ufffd(z', j: '{"k":"\ufffd"}', a: ['ä', '\ufffd'], changes: truncated },
      { id: 2, t: 'ä', j: '{}', a: [], changes: [] },
    ]);
    expect(log).toEqual(snapshot);
  });
});
