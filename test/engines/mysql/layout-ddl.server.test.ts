import { expect, it } from 'vitest';
import { BinlogDecoder } from '../../../src/engines/mysql/binlog/decoder.ts';
import * as codes from '../../../src/engines/mysql/binlog/events.ts';
import { charsetName, charsetOfCollation } from '../../../src/engines/mysql/layout/charsets.ts';
import type { TableLayout } from '../../../src/engines/mysql/layout/column-layout.ts';
import { followStatement } from '../../../src/engines/mysql/layout/ddl.ts';
import { layoutFromTableMap } from '../../../src/engines/mysql/layout/from-table-map.ts';
import { LayoutCatalog } from '../../../src/engines/mysql/layout/layout-catalog.ts';
import { mismatch } from '../../../src/engines/mysql/layout/match.ts';
import { dumpEvents, freshLog } from '../../kit/binlog-dump.ts';
import { describeFlavor, flavorsHere, mysqlLabel } from '../../kit/mysql-engines.ts';
import { Random, seedOfRun } from '../../kit/random.ts';
import { type MysqlServer, query } from '../../kit/servers/mysql.ts';
import { acquireMysql, rowMetadataOf } from '../../kit/servers/mysql-shared.ts';
import { RandomDdl, type ServerColumn, type ServerTables } from './random-ddl.ts';

/** TRIBUTARY_DDL_STATEMENTS for a long run. */
const STATEMENTS = Number(process.env['TRIBUTARY_DDL_STATEMENTS'] ?? 100);
const MARKER = 'marker';
/** What the follower may not know, for the server breaks labels; or the text gets a length that depends on more. */
const UNCERTAIN =
  /breaks its labels|converts columns and sets|defines and converts|compressed|it is like|becomes too long|too long becomes|COLLATE DEFAULT stands for|COLLATE stands for/;

type Client = Awaited<ReturnType<MysqlServer['client']>>;

/** What information_schema says of the database's tables. */
async function serverTables(client: Client, database: string): Promise<ServerTables> {
  const rows = await query(
    client,
    `SELECT c.TABLE_NAME t, COLUMN_NAME c, COLUMN_TYPE ty, CHARACTER_SET_NAME cs, COLLATION_NAME co, IS_NULLABLE n, EXTRA e,
       TABLE_COLLATION tc
     FROM information_schema.COLUMNS c JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
     WHERE TABLE_SCHEMA = ? AND c.TABLE_NAME <> '${MARKER}' ORDER BY c.TABLE_NAME, ORDINAL_POSITION`,
    [database],
  );
  const tables = new Map<string, { columns: ServerColumn[]; collation: string }>();
  for (const row of rows) {
    const extra = String(row['e']).toLowerCase();
    const table = tables.get(String(row['t'])) ?? { columns: [], collation: String(row['tc']) };
    tables.set(String(row['t']), table);
    table.columns.push({
      name: String(row['c']),
      type: String(row['ty']).replace('/*!100301 COMPRESSED', '/*M!100301 COMPRESSED'), // as 10.5 has it
      // MariaDB says of an ENUM of bytes that it is binary, MySQL that it has no character set.
      charset: row['cs'] === 'binary' || row['cs'] === null ? null : charsetName(String(row['cs'])), // 10.5 says utf8
      collation: row['co'] === 'binary' ? null : (row['co'] as string | null),
      nullable: row['n'] === 'YES',
      generated: extra.includes('virtual generated') ? 'virtual' : extra.includes('stored generated') ? 'stored' : '',
    });
  }
  return tables;
}

/** What is followed, in the words of information_schema. A collation that is not known for certain is not compared. */
const followed = (layout: TableLayout, actual: readonly ServerColumn[], knowsOrder: boolean): readonly ServerColumn[] =>
  layout.columns.map(({ name, columnType, charset, collation, nullable, generated }, place) => ({
    name,
    type: columnType,
    charset,
    collation: (knowsOrder ? collation : null) ?? actual[place]?.collation ?? null,
    nullable,
    generated,
  }));

for (const flavor of flavorsHere) {
  for (const metadata of rowMetadataOf(flavor)) {
    describeFlavor(flavor, `${mysqlLabel(flavor, metadata)}: column layouts`, () => {
      it('follow random statements as the server does', { timeout: 120_000 + STATEMENTS * 500 }, async () => {
        const seed = seedOfRun();
        const random = new Random(seed).fork(`${flavor} ${metadata}`);
        const server = await acquireMysql(flavor, metadata);
        const database = await server.createDatabase(undefined, 'CHARACTER SET latin1');
        const client = await server.client(database);
        const loose = await server.client(database);
        await query(loose, "SET sql_mode = ''");
        const log = await freshLog(server);
        const snapshots: ServerTables[] = [];
        const statements: string[] = [];
        const ddl = new RandomDdl(random, flavor, database);
        try {
          await query(client, `CREATE TABLE ${MARKER} (n int)`);
          let tables: ServerTables = new Map();
          let refused = 0;
          while (statements.length < STATEMENTS) {
            if (random.chance(0.1)) {
              ddl.ansiQuotes = !ddl.ansiQuotes;
              await query(client, `SET sql_mode = '${ddl.ansiQuotes ? 'ANSI_QUOTES' : ''}'`);
            }
            const statement = ddl.next(tables);
            try {
              await query(client, statement);
            } catch {
              refused += 1;
              expect(refused, `the server refuses too many statements, as ${statement}`).toBeLessThan(STATEMENTS * 4);
              continue;
            }
            statements.push(statement);
            tables = await serverTables(client, database);
            snapshots.push(tables);
            for (const name of tables.keys()) {
              // Some cannot take a row of defaults: a geometry NOT NULL, a key that is there already.
              await query(loose, `INSERT INTO \`${name.replaceAll('`', '``')}\` () VALUES ()`).catch(() => {});
            }
            await query(client, `INSERT INTO ${MARKER} VALUES (${statements.length})`);
          }
          const version = await server.variable('version');
          const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
          // MariaDB 10.5 lets the latter of two options win; nothing is read by a collation.
          const knowsOrder = flavor === 'mysql' || major > 10 || minor > 5;
          const catalog = new LayoutCatalog({
            rules: { flavor, version: major * 10_000 + minor * 100 + patch, lowerCaseTableNames: 0, timestampsNullable: true },
            followed: ['t1', 'T2', 'we ird', 't_old', 'select'].map(name => ({ schema: database, name })),
            layouts: [],
            databases: { [database]: { charset: 'latin1', collation: 'latin1_swedish_ci' } },
          });
          for (const table of catalog.followed) catalog.forget(table);
          let step = 0;
          let maps = 0;
          let compared = 0;
          const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
          for (const event of await dumpEvents(server, { file: log })) {
            await decoder.open(event, 0, event.length);
            for (let kind = decoder.next(); kind !== codes.END; kind = decoder.next()) {
              const told = `seed ${seed}, after statement ${step}: ${statements[step]}`;
              if (kind === codes.QUERY) {
                const context = {
                  database: decoder.query.schema === '' ? null : decoder.query.schema,
                  sqlMode: decoder.query.sqlMode,
                };
                for (const effect of followStatement(catalog, decoder.query.text(), context)) {
                  if (effect.kind === 'uncertain') expect(effect.why, `${told}: ${effect.table.name}`).toMatch(UNCERTAIN);
                }
              } else if (kind === codes.TABLE_MAP && decoder.tableMap?.schema === database) {
                const map = decoder.tableMap;
                const known = catalog.find({ schema: database, name: map.table });
                const layout = known !== undefined && 'layout' in known ? known.layout : null;
                if (known !== undefined && 'why' in known) expect(known.why, told).toMatch(UNCERTAIN);
                else expect(layout, `${told}: ${map.table}`).not.toBeNull();
                if (layout === null) continue;
                maps += 1;
                expect(mismatch(map, layout, flavor), told).toBeNull();
                const sent = layoutFromTableMap(map, layout);
                expect(sent?.layout.columns ?? layout.columns, told).toEqual(layout.columns);
                expect(sent === null, told).toBe(metadata !== 'FULL');
                if (map.table !== MARKER) continue;
                const actual: ServerTables = snapshots[step] ?? new Map();
                const names = catalog.known.map(({ name }) => name).filter(name => name !== MARKER);
                expect(names.sort(), told).toEqual([...actual.keys()].sort());
                for (const [name, table] of actual) {
                  const entry = catalog.find({ schema: database, name });
                  if (entry !== undefined && 'why' in entry) {
                    // It stays so until the table is dropped: information_schema cannot say what broken labels are.
                    expect(entry.why, `${told}: ${name}`).toMatch(UNCERTAIN);
                  } else {
                    compared += 1;
                    expect(entry?.layout.defaultCharset, `${told}: ${name}`).toBe(charsetOfCollation(table.collation));
                    expect(entry && followed(entry.layout, table.columns, knowsOrder), `${told}: ${name}`).toEqual(table.columns);
                  }
                }
                const restored = LayoutCatalog.fromJson(JSON.parse(JSON.stringify(catalog.toJson())), {
                  rules: catalog.rules,
                  followed: catalog.followed,
                });
                expect(restored.toJson(), told).toEqual(catalog.toJson());
                step += 1;
              }
            }
          }
          expect(step).toBe(STATEMENTS);
          expect(maps).toBeGreaterThan(STATEMENTS);
          expect(compared, 'most tables are known').toBeGreaterThan(STATEMENTS);
        } finally {
          await client.end();
          await loose.end();
          await server.dropDatabase(database);
        }
      });
    });
  }
}
