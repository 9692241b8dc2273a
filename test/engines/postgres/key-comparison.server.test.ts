import { afterAll, beforeAll, expect, it } from 'vitest';
import { discoverTables } from '../../../src/engines/postgres/discovery.ts';
import { afterKey } from '../../../src/engines/postgres/key-comparison.ts';
import { type Query, qualified, quoteIdent } from '../../../src/engines/postgres/sql.ts';
import type { PgColumn, PgTable } from '../../../src/engines/postgres/table.ts';
import { describePostgres } from '../../kit/engines.ts';
import type { PostgresServer } from '../../kit/servers/postgres.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';

const PAGE = 7;

const keyOf = (table: PgTable): readonly PgColumn[] =>
  table.primaryKey.flatMap(name => table.columns.filter(column => column.name === name));

/** The keys of all rows, page by page, as a snapshot reads them. */
async function pages(query: Query, table: PgTable): Promise<readonly string[]> {
  const key = keyOf(table);
  const names = key.map(column => quoteIdent(column.name));
  const seen: string[] = [];
  let after: readonly string[] | undefined;
  for (let page = 0; page < 100; page++) {
    const where = after === undefined ? '' : `WHERE ${afterKey(key, after)}`;
    const rows = await query.rows<{ page_key: string[] }>(
      `SELECT ARRAY[${names.map(name => `${name}::text`).join(', ')}] AS page_key FROM ${qualified(table.id)} ${where} ORDER BY ${names.join(', ')} LIMIT ${PAGE}`,
    );
    seen.push(...rows.map(row => row.page_key.join('|')));
    after = rows.at(-1)?.page_key;
    if (rows.length < PAGE) return seen;
  }
  throw new Error('it does not come to an end');
}

describePostgres(major => {
  let server: PostgresServer;
  let database: string;
  beforeAll(async () => {
    server = await acquirePostgres(major);
    database = await server.createDatabase();
    await server.query(
      database,
      `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION ltree; SET search_path = public, ext;
       CREATE DOMAIN nickname AS citext; CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad'); CREATE TYPE pair AS (a int, b text);
       CREATE TABLE words AS SELECT i, CASE WHEN i % 2 = 0 THEN upper(w) ELSE w END AS w
         FROM (SELECT i, chr(97 + i % 26) || i AS w FROM generate_series(1, 60) i) t;
       CREATE TABLE by_citext (k citext PRIMARY KEY); INSERT INTO by_citext SELECT w FROM words;
       CREATE TABLE by_domain (k nickname PRIMARY KEY); INSERT INTO by_domain SELECT w FROM words;
       CREATE TABLE by_ltree (k ltree PRIMARY KEY); INSERT INTO by_ltree SELECT ('root.' || w)::ltree FROM words;
       CREATE TABLE by_mixed (a citext, b int, c ltree, PRIMARY KEY (a, b, c));
       INSERT INTO by_mixed SELECT chr(97 + i % 3), i % 5, ('x.' || w)::ltree FROM words;
       CREATE TABLE by_two (a citext, b citext, PRIMARY KEY (b, a)); INSERT INTO by_two SELECT chr(97 + i % 3), w FROM words;
       CREATE TABLE by_enum (m mood, i int, PRIMARY KEY (m, i)); INSERT INTO by_enum SELECT (enum_range(NULL::mood))[1 + i % 3], i FROM words;
       CREATE TABLE by_composite (k pair PRIMARY KEY); INSERT INTO by_composite SELECT ROW(i % 4, w)::pair FROM words;
       CREATE TABLE by_char (k char(8) PRIMARY KEY); INSERT INTO by_char SELECT w FROM words;
       CREATE TABLE by_bytea (k bytea PRIMARY KEY); INSERT INTO by_bytea SELECT decode(md5(w), 'hex') FROM words;
       CREATE TABLE by_time (a timestamptz, b numeric, PRIMARY KEY (a, b)); INSERT INTO by_time SELECT '2024-01-01'::timestamptz + (i % 7) * interval '1 day', i / 3.0 FROM words;
       CREATE TABLE by_text (k text COLLATE "C", l name, PRIMARY KEY (k, l)); INSERT INTO by_text SELECT w || E'\\\\ '' "', w FROM words;
       DROP TABLE words`,
    );
  });
  afterAll(() => server.dropDatabase(database));

  it('pages through every type of key in the order of its index, each row once', async () => {
    await withQuery(engineConfig(server, database), async query => {
      const tables = await discoverTables(query, { schemas: ['public'], publication: undefined, nativeJson: false });
      expect(tables.map(table => table.id.name)).toEqual([
        'by_bytea',
        'by_char',
        'by_citext',
        'by_composite',
        'by_domain',
        'by_enum',
        'by_ltree',
        'by_mixed',
        'by_text',
        'by_time',
        'by_two',
      ]);
      for (const table of tables) {
        const seen = await pages(query, table);
        expect([table.id.name, seen.length, new Set(seen).size]).toEqual([table.id.name, 60, 60]);
      }
    });
  });

  it('names the operators of extensions, wherever they live', async () => {
    await withQuery(engineConfig(server, database), async query => {
      const tables = await discoverTables(query, { schemas: ['public'], publication: undefined, nativeJson: false });
      const equal = (table: string, column: string): string | undefined =>
        tables.find(each => each.id.name === table)?.columns.find(each => each.name === column)?.comparison.equal;
      expect(equal('by_citext', 'k')).toBe('OPERATOR("ext".=)');
      expect(equal('by_domain', 'k')).toBe('OPERATOR("ext".=)');
      expect(equal('by_ltree', 'k')).toBe('OPERATOR("public".=)');
      for (const [table, column] of [['by_enum', 'm'] as const, ['by_composite', 'k'] as const, ['by_text', 'l'] as const]) {
        expect(equal(table, column)).toBe('OPERATOR(pg_catalog.=)');
      }
    });
  });

  it('can use the index', async () => {
    await withQuery(engineConfig(server, database), async query => {
      const tables = await discoverTables(query, { schemas: ['public'], publication: undefined, nativeJson: false });
      await query.rows('SET enable_seqscan = off; SET enable_bitmapscan = off');
      for (const [name, values] of [['by_citext', ['m1']] as const, ['by_mixed', ['a', '1', 'x.a']] as const]) {
        const key = tables.filter(table => table.id.name === name).flatMap(keyOf);
        const plan = await query.rows<{ 'QUERY PLAN': string }>(
          `EXPLAIN SELECT * FROM public.${name} WHERE ${afterKey(key, values)} ORDER BY ${key.map(each => each.name).join(', ')}`,
        );
        expect(plan.map(row => row['QUERY PLAN']).join('\n')).toMatch(/Index Cond/);
      }
    });
  });
});
