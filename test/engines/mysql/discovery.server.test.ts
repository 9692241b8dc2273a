import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DiscoverOptions, discoverTables } from '../../../src/engines/mysql/discovery.ts';
import type { MysqlTable } from '../../../src/engines/mysql/table.ts';
import { jsonSchema } from '../../../src/values/logical-type.ts';
import { engineContext } from '../../kit/engine-context.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type MysqlServer, startMysql } from '../../kit/servers/mysql.ts';
import { acquireMysql } from '../../kit/servers/mysql-shared.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';

interface Login {
  readonly username: string;
  readonly password: string;
}
interface Wish extends Partial<DiscoverOptions> {
  readonly login?: Login;
  readonly lines?: string[];
}

const discover = (server: MysqlServer, databases: readonly string[], wish: Wish = {}): Promise<readonly MysqlTable[]> => {
  const { login = {}, lines = [], ...options } = wish;
  const logged = engineContext();
  return withQuery(engineConfig(server, databases, login), async (query, facts) => {
    const all: DiscoverOptions = { databases, tinyint1: 'boolean', nativeJson: false, log: logged.context.log, ...options };
    const tables = await discoverTables(query, facts, all);
    lines.push(...logged.lines);
    return tables;
  });
};

const byName = (tables: readonly MysqlTable[]): ReadonlyMap<string, MysqlTable> =>
  new Map(tables.map(table => [table.id.name, table]));
const reasonOf = (table: MysqlTable | undefined): string =>
  table === undefined ? 'not offered' : table.follow === true ? '' : table.follow.reason;

describeMysql(flavor => {
  let server: MysqlServer;
  const databases: string[] = [];
  const readers: string[] = [];
  beforeAll(async () => {
    server = await acquireMysql(flavor);
  });
  afterAll(async () => {
    for (const name of readers) await server.query(undefined, `DROP USER IF EXISTS '${name}'@'%'`);
    for (const name of databases) await server.dropDatabase(name);
  });

  /** Runs the statements in a database of its own and gives its name. */
  const inDatabase = async (sql: string, options?: string): Promise<string> => {
    const name = await server.createDatabase(undefined, options);
    databases.push(name);
    await server.query(name, sql);
    return name;
  };
  /** An account that has the given rights: `SELECT ON db.*`. */
  const reader = async (...grants: readonly string[]): Promise<Login> => {
    const username = `d_${process.pid}_${flavor}_${readers.length}`;
    readers.push(username);
    await server.query(undefined, `CREATE USER '${username}'@'%' IDENTIFIED BY 'Reader~Secret-0815'`);
    for (const grant of grants) await server.query(undefined, `GRANT ${grant} TO '${username}'@'%'`);
    return { username, password: 'Reader~Secret-0815' };
  };

  describe('what is offered', () => {
    it('tables and views of every engine, as far as the log can follow them', async () => {
      const database = await inDatabase(`
        CREATE TABLE keyed (id int PRIMARY KEY, v text);
        CREATE TABLE keyless (v text);
        CREATE TABLE myisam (id int PRIMARY KEY) ENGINE = MyISAM;
        CREATE TABLE in_memory (id int PRIMARY KEY) ENGINE = MEMORY;
        CREATE TABLE merged (id int, KEY (id)) ENGINE = MRG_MyISAM;
        CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3;
        CREATE VIEW a_view AS SELECT id, v FROM keyed;
        CREATE TABLE gone (id int); CREATE VIEW broken AS SELECT * FROM gone; DROP TABLE gone;`);
      const lines: string[] = [];
      const tables = byName(await discover(server, [database], { lines }));
      expect([...tables.keys()].filter(name => name !== 'broken')).toEqual([
        'a_view',
        'in_memory',
        'keyed',
        'keyless',
        'merged',
        'myisam',
        'parts',
      ]);
      const followed = [...tables.values()].filter(table => table.follow === true).map(table => table.id.name);
      expect(followed).toEqual(['in_memory', 'keyed', 'keyless', 'myisam', 'parts']);
      expect(reasonOf(tables.get('a_view'))).toContain('is a view');
      expect(reasonOf(tables.get('merged'))).toContain('MRG_M');
      expect(tables.get('a_view')).toMatchObject({ tableKind: 'view', primaryKey: [], keyset: [], resumable: false, engine: '' });
      expect(tables.get('keyed')).toMatchObject({ tableKind: 'table', primaryKey: ['id'], keyset: ['id'], resumable: true });
      expect(tables.get('keyless')).toMatchObject({ primaryKey: [], keyset: [], resumable: false, follow: true });
      expect(tables.get('in_memory')).toMatchObject({ primaryKey: ['id'], keyset: [], resumable: false });
      expect(tables.get('keyed')?.identity).toBe('');
    });

    it('odd names, word for word', async () => {
      const name = 'ta"b`le.\\ SELECT $ ÜЖ漢';
      const quote = (text: string): string => `\`${text.replaceAll('`', '``')}\``;
      const database = 'd"b`. %_\\ Ü';
      await server.query(undefined, `DROP DATABASE IF EXISTS ${quote(database)}; CREATE DATABASE ${quote(database)}`);
      await server.query(
        database,
        `CREATE TABLE ${quote(name)} (\`I\`\`D\` int PRIMARY KEY, \`a.b\` text, \`\\\` text, \`ÜMLAUT\` float)`,
      );
      const [table] = await discover(server, [database]);
      expect(table?.id).toEqual({ namespace: database, name });
      expect(table?.columns.map(column => column.name)).toEqual(['I`D', 'a.b', '\\', 'ÜMLAUT']);
      expect(table?.primaryKey).toEqual(['I`D']);
      expect(table?.columns.map(column => column.selectSql)).toEqual(['`I``D`', '`a.b`', '`\\`', '`ÜMLAUT` * 1e0']);
      const [again] = await discover(server, [database], { only: [{ namespace: database, name }] });
      expect(again?.layout).toEqual(table?.layout);
      await server.query(undefined, `DROP DATABASE ${quote(database)}`);
    });

    it('of several databases, and only what was asked for', async () => {
      const one = await inDatabase('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)');
      const two = await inDatabase('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE w (id int PRIMARY KEY)');
      const found = await discover(server, [one, two, 'no_such_database', 'mysql', 'information_schema']);
      expect(found.map(table => `${table.id.namespace}.${table.id.name}`)).toEqual(
        [`${one}.t`, `${one}.u`, `${two}.t`, `${two}.w`].sort(),
      );
      const only = [
        { namespace: two, name: 'w' },
        { namespace: one, name: 't' },
        { namespace: one, name: 'w' },
        { namespace: 'elsewhere', name: 't' },
      ];
      const limited = await discover(server, [one, two], { only });
      expect(new Set(limited.map(table => `${table.id.namespace}.${table.id.name}`))).toEqual(new Set([`${one}.t`, `${two}.w`]));
      expect(limited).toHaveLength(2);
      expect(await discover(server, [one], { only: [] })).toEqual([]);
    });

    it('tells case apart, as this server does', async () => {
      const database = await inDatabase('CREATE TABLE Tab (id int PRIMARY KEY); CREATE TABLE tab (ID int PRIMARY KEY)');
      expect((await discover(server, [database])).map(table => table.id.name).sort()).toEqual(['Tab', 'tab']);
      expect((await discover(server, [database], { only: [{ namespace: database, name: 'tab' }] })).map(t => t.id.name)).toEqual([
        'tab',
      ]);
      expect(await discover(server, [database.toUpperCase()])).toEqual([]);
    });
  });

  describe('columns', () => {
    it('with their layout, in the order of the log', async () => {
      const database = await inDatabase(
        `CREATE TABLE t (
           id bigint unsigned NOT NULL PRIMARY KEY, flag tinyint(1), n decimal(30,4) NOT NULL, l1 varchar(20) CHARACTER SET latin1,
           e enum('a','it''s','c,d') NOT NULL, v int GENERATED ALWAYS AS (id + 1) VIRTUAL, s int GENERATED ALWAYS AS (id + 2) STORED,
           hidden int INVISIBLE DEFAULT 5, j json, bits bit(3), at timestamp(6) NULL, b varbinary(10))`,
        'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
      );
      const [table] = await discover(server, [database]);
      const of = (name: string) => table?.columns.find(column => column.name === name);
      expect(table?.columns.map(column => column.ordinal)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
      expect(table?.layout.columns.map(column => column.name)).toEqual(table?.columns.map(column => column.name));
      expect(of('id')).toMatchObject({ nullable: false, type: { kind: 'integer' }, invisible: false });
      expect(of('id')?.layout.columnType).toMatch(/^bigint(\(20\))? unsigned$/);
      expect(of('flag')).toMatchObject({ type: { kind: 'boolean' }, nullable: true });
      expect(of('n')?.layout).toEqual({
        name: 'n',
        columnType: 'decimal(30,4)',
        charset: null,
        collation: null,
        nullable: false,
        generated: '',
      });
      expect(of('l1')?.layout).toMatchObject({ charset: 'latin1', collation: 'latin1_swedish_ci' });
      expect(of('e')?.layout).toMatchObject({
        columnType: "enum('a','it''s','c,d')",
        charset: 'utf8mb4',
        collation: 'utf8mb4_bin',
      });
      expect(['v', 's', 'hidden'].map(name => of(name)?.layout.generated)).toEqual(['virtual', 'stored', '']);
      expect(table?.columns.filter(column => column.invisible).map(column => column.name)).toEqual(['hidden']);
      expect(of('j')?.layout.columnType).toBe('json');
      expect(of('j')?.type).toEqual({ kind: 'json' });
      expect(of('at')?.type).toEqual({ kind: 'timestamp_tz' });
      expect(table).toMatchObject({ defaultCharset: 'utf8mb4', defaultCollation: 'utf8mb4_bin' });
      expect(table?.layout).toMatchObject({
        schema: database,
        name: 't',
        defaultCharset: 'utf8mb4',
        defaultCollation: 'utf8mb4_bin',
      });
      for (const column of table?.columns ?? []) expect(column.types.logical).toBe(column.type);
      const [other] = await discover(server, [database], { tinyint1: 'integer', nativeJson: true });
      const kinds = other?.columns.filter(column => ['flag', 'j'].includes(column.name)).map(column => column.type.kind);
      expect(kinds).toEqual(['integer', 'object']);
      expect(jsonSchema(of('flag')?.type ?? { kind: 'string' }, true)).toEqual({ type: ['null', 'boolean'] });
    });

    it('left out for want of SELECT, and then the table is not followed', async () => {
      const database = await inDatabase(
        'CREATE TABLE t (id int PRIMARY KEY, secret int, v int); CREATE TABLE u (id int PRIMARY KEY)',
      );
      const login = await reader(`SELECT (id, v) ON \`${database}\`.t`, `INSERT ON \`${database}\`.u`);
      const lines: string[] = [];
      const [table, ...others] = await discover(server, [database], { login, lines });
      expect(others).toEqual([]);
      expect(table?.columns.map(column => [column.name, column.ordinal])).toEqual([
        ['id', 0],
        ['v', 2],
      ]);
      expect(reasonOf(table)).toContain(`some columns of ${database}.t are hidden`);
      expect(lines).toEqual([
        expect.stringContaining(`Left out for want of SELECT: ${database}.u.`),
        expect.stringContaining(`Columns are left out for want of SELECT, in ${database}.t.`),
      ]);
    });

    it('whose key column is not readable page by nothing', async () => {
      const database = await inDatabase('CREATE TABLE t (id int PRIMARY KEY, v int)');
      const login = await reader(`SELECT (v), UPDATE (id) ON \`${database}\`.t`);
      const lines: string[] = [];
      const [table] = await discover(server, [database], { login, lines });
      expect(table).toMatchObject({ primaryKey: [], keyset: [], resumable: false });
      expect(lines).toEqual([expect.stringContaining(`Columns are left out for want of SELECT, in ${database}.t.`)]);
    });

    it('through a role', async () => {
      const database = await inDatabase('CREATE TABLE t (id int PRIMARY KEY)');
      const login = await reader();
      const role = `${login.username}_role`;
      readers.push(role);
      const isDefault =
        flavor === 'mysql'
          ? `SET DEFAULT ROLE '${role}' TO '${login.username}'@'%'`
          : `SET DEFAULT ROLE '${role}' FOR '${login.username}'@'%'`;
      await server.query(
        undefined,
        `CREATE ROLE '${role}'; GRANT SELECT ON \`${database}\`.* TO '${role}'; GRANT '${role}' TO '${login.username}'@'%'; ${isDefault}`,
      );
      expect(await discover(server, [database], { login })).toHaveLength(1);
      await server.query(undefined, `DROP ROLE '${role}'`);
    });
  });

  describe('keys', () => {
    it('are PRIMARY, in index order, else the shortest unique one without NULL', async () => {
      const database = await inDatabase(`
        CREATE TABLE composite (a int, b varchar(10), c int, PRIMARY KEY (c, a));
        CREATE TABLE uniques (a int NOT NULL, b int NOT NULL, c int NOT NULL, n int, UNIQUE z (a, b), UNIQUE y (c), UNIQUE x (n), UNIQUE w (b));
        CREATE TABLE nullable (n int, UNIQUE (n));
        CREATE TABLE prefixed (t text NOT NULL, UNIQUE (t(10)));
        CREATE TABLE descending (a int, b int, PRIMARY KEY (a ${flavor === 'mysql' ? 'DESC' : ''}, b));
        CREATE TABLE virtual_one (a int NOT NULL, v int GENERATED ALWAYS AS (a * 2) VIRTUAL ${flavor === 'mysql' ? 'NOT NULL' : ''}, UNIQUE (v));
        CREATE TABLE binary_one (id binary(16) PRIMARY KEY);`);
      const tables = byName(await discover(server, [database]));
      const keys = (name: string): unknown => [tables.get(name)?.primaryKey, tables.get(name)?.keyset];
      expect(keys('composite')).toEqual([
        ['c', 'a'],
        ['c', 'a'],
      ]);
      expect(keys('uniques')).toEqual([['b'], ['b']]);
      expect(keys('nullable')).toEqual([[], []]);
      expect(keys('prefixed')).toEqual([['t'], []]);
      expect(keys('descending')).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
      expect(keys('virtual_one')).toEqual(flavor === 'mysql' ? [[], ['v']] : [[], []]);
      expect(keys('binary_one')).toEqual([['id'], ['id']]);
    });

    if (flavor === 'mysql') {
      it('made by the server itself are a column, whatever shows them', async () => {
        const database = await inDatabase('SELECT 1');
        await server.query(
          database,
          'SET sql_generate_invisible_primary_key = ON; CREATE TABLE t (v int); CREATE TABLE e (a int NOT NULL, UNIQUE ((a + 1)))',
        );
        const tables = byName(await discover(server, [database]));
        expect(tables.get('t')?.primaryKey).toEqual(['my_row_id']);
        expect(tables.get('t')?.columns[0]).toMatchObject({ name: 'my_row_id', ordinal: 0, invisible: true });
        expect(tables.get('e')?.primaryKey).toEqual(['my_row_id']);
      });

      it('hidden from the optimizer page nothing', async () => {
        const database = await inDatabase(
          'CREATE TABLE t (a int NOT NULL, b int NOT NULL, UNIQUE x (a, b), UNIQUE u (b) INVISIBLE)',
        );
        const [table] = await discover(server, [database]);
        expect([table?.primaryKey, table?.keyset]).toEqual([['b'], ['a', 'b']]);
      });
    } else {
      it('of MariaDB alone: system versions, sequences, compressed columns, JSON by check, long unique keys', async () => {
        const database = await inDatabase(`
          CREATE TABLE versioned (id int PRIMARY KEY) WITH SYSTEM VERSIONING;
          CREATE SEQUENCE seq;
          CREATE TABLE packed (id uuid PRIMARY KEY, c text COMPRESSED, j json COMPRESSED, plain longtext, \`odd\`\`j\` json, v varchar(50) CHECK (json_valid(v)));
          CREATE TABLE long_key (t text NOT NULL, UNIQUE (t));`);
        const tables = byName(await discover(server, [database]));
        expect([...tables.keys()]).toEqual(['long_key', 'packed', 'versioned']);
        expect(reasonOf(tables.get('versioned'))).toContain('system-versioned');
        const packed = tables
          .get('packed')
          ?.layout.columns.map(({ name, columnType, compressed }) => [name, columnType, compressed]);
        expect(packed).toEqual([
          ['id', 'uuid', undefined],
          ['c', expect.stringContaining('COMPRESSED'), true],
          ['j', 'json', true],
          ['plain', 'longtext', undefined],
          ['odd`j', 'json', undefined],
          ['v', 'varchar(50)', undefined],
        ]);
        expect([tables.get('long_key')?.primaryKey, tables.get('long_key')?.keyset]).toEqual([['t'], []]);
      });
    }
  });

  it('labels that the catalog cannot show need names in the log', async () => {
    const sql =
      "CREATE TABLE t (id int PRIMARY KEY, e enum('yes','no','😀') CHARACTER SET utf8mb4, l enum('?') CHARACTER SET latin1)";
    const database = await inDatabase(sql);
    expect((await discover(server, [database]))[0]?.follow).toBe(true);
    const minimal = await acquireMysql(flavor, 'MINIMAL');
    const other = await minimal.createDatabase();
    try {
      await minimal.query(other, `${sql}; CREATE TABLE u (id int PRIMARY KEY, l enum('?') CHARACTER SET latin1)`);
      const tables = byName(await discover(minimal, [other]));
      expect(reasonOf(tables.get('t'))).toContain("SET GLOBAL binlog_row_metadata = 'FULL';");
      expect(tables.get('u')?.follow).toBe(true);
    } finally {
      await minimal.dropDatabase(other);
    }
  });

  it('rows and bytes are estimated', async () => {
    const database = await inDatabase(`
      CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, v char(100) NOT NULL DEFAULT 'x'); INSERT INTO t () VALUES (),(),(),();
      INSERT INTO t (v) SELECT 'y' FROM t a, t b, t c, t d; ANALYZE TABLE t; CREATE VIEW w AS SELECT * FROM t`);
    const tables = byName(await discover(server, [database]));
    expect(tables.get('t')?.estimatedRows).toBeGreaterThan(200);
    expect(tables.get('t')?.estimatedRows).toBeLessThan(320);
    expect(tables.get('t')?.estimatedBytes).toBeGreaterThanOrEqual(16_384);
    expect(tables.get('w')?.estimatedRows).toBeUndefined();
  });

  // MySQL takes the setting only when it makes its data folder.
  if (flavor === 'mariadb') {
    it('names in the config may be in any case where the server folds it', async () => {
      const folding = await startMysql({ flavor, settings: { lower_case_table_names: '1' } });
      try {
        await folding.query(undefined, 'CREATE DATABASE Shop; CREATE TABLE Shop.Orders (id int PRIMARY KEY)');
        const tables = await discover(folding, ['SHOP'], { only: [{ namespace: 'shop', name: 'ORDERS' }] });
        expect(tables.map(table => table.id)).toEqual([{ namespace: 'shop', name: 'orders' }]);
      } finally {
        await folding.stop();
      }
    });
  }
});
