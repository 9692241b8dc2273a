import { describe, expect, it } from 'vitest';
import type { TableLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';
import type { LayoutEffect } from '../../../../../src/engines/mysql/layout/ddl.ts';
import { followStatement } from '../../../../../src/engines/mysql/layout/ddl.ts';
import type { LayoutRules } from '../../../../../src/engines/mysql/layout/layout-catalog.ts';
import { LayoutCatalog } from '../../../../../src/engines/mysql/layout/layout-catalog.ts';
import { column } from './columns.ts';

const MYSQL: LayoutRules = { flavor: 'mysql', version: 90_704, lowerCaseTableNames: 0, timestampsNullable: true };
const MARIADB: LayoutRules = { ...MYSQL, flavor: 'mariadb', version: 101_119 };
const ANSI_QUOTES = 4;
const NO_BACKSLASH_ESCAPES = 0x100000;
/** STRICT_TRANS_TABLES and two that lie above 32 bits, as a server sends them. */
const HIGH_MODES = 2 ** 21 + 2 ** 32 + 2 ** 33;

const latin1 = { charset: 'latin1', collation: 'latin1_swedish_ci' };
const orders: TableLayout = {
  schema: 'shop',
  name: 'orders',
  columns: [column('id', 'int', { nullable: false }), column('name', 'varchar(20)', latin1), column('note', 'text', latin1)],
  defaultCharset: 'latin1',
  defaultCollation: 'latin1_swedish_ci',
};

interface Setting {
  readonly rules?: LayoutRules;
  readonly sqlMode?: number;
  readonly database?: string | null;
  readonly layouts?: readonly TableLayout[];
}

const catalogOf = ({ rules = MYSQL, layouts = [orders] }: Setting = {}): LayoutCatalog =>
  new LayoutCatalog({
    rules,
    followed: [{ schema: 'shop', name: 'orders' }],
    layouts,
    databases: { shop: { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' } },
  });

const run = (
  catalog: LayoutCatalog,
  statements: readonly string[],
  { sqlMode = 0, database = 'shop' }: Setting = {},
): LayoutEffect[] => statements.flatMap(sql => followStatement(catalog, sql, { sqlMode, database }));

const shown = (layout: TableLayout | undefined): string =>
  (layout?.columns ?? [])
    .map(({ name, columnType, charset, generated }) =>
      [name, columnType, charset ?? '', generated].join(' ').trim().replace(/ {2,}/g, ' '),
    )
    .join(' | ');

/** The columns of shop.orders behind the statements; or why they are not known. */
const behind = (statements: string | readonly string[], setting: Setting = {}): string => {
  const catalog = catalogOf(setting);
  run(catalog, typeof statements === 'string' ? [statements] : statements, setting);
  const known = catalog.find({ schema: 'shop', name: 'orders' });
  if (known === undefined) return catalog.isAbsent({ schema: 'shop', name: 'orders' }) ? 'absent' : 'unheard of';
  return 'layout' in known ? shown(known.layout) : `uncertain: ${known.why}`;
};

const BEFORE = shown(orders);

/** The unique keys of shop.orders behind the statements, with a `?` where a column may be NULL: `PRIMARY id | u name?`. */
const keysBehind = (statements: string | readonly string[], setting: Setting = {}): string => {
  const keys = [
    { name: 'PRIMARY', columns: ['id'] },
    { name: '', columns: ['name'] },
  ];
  const catalog = catalogOf({ layouts: [{ ...orders, keys }], ...setting });
  run(catalog, typeof statements === 'string' ? [statements] : statements, setting);
  const known = catalog.find({ schema: 'shop', name: 'orders' });
  if (known === undefined || !('layout' in known)) return 'unknown';
  const { columns, keys: behind = null } = known.layout;
  if (behind === null) return 'not said';
  const mark = (name: string): string => (columns.find(each => each.name === name)?.nullable === false ? name : `${name}?`);
  return behind.map(({ name, columns: parts }) => [name || '-', ...parts.map(mark)].join(' ')).join(' | ');
};

describe('unique keys', () => {
  it.each([
    ['ALTER TABLE orders ADD v int', 'PRIMARY id | - name?'],
    ['ALTER TABLE orders DROP PRIMARY KEY', '- name?'],
    ['DROP INDEX `PRIMARY` ON orders', '- name?'],
    ['ALTER TABLE orders DROP CONSTRAINT `primary`', '- name?'],
    ['ALTER TABLE orders DROP INDEX name', 'PRIMARY id'],
    ['ALTER TABLE orders DROP KEY NAME_2', 'PRIMARY id'],
    ['ALTER TABLE orders DROP KEY name2, DROP INDEX named, DROP FOREIGN KEY name, DROP CHECK name', 'PRIMARY id | - name?'],
    ['ALTER TABLE orders DROP PRIMARY KEY, ADD PRIMARY KEY (note(10) DESC, id)', '- name? | PRIMARY note id'],
    ['ALTER TABLE orders DROP PRIMARY KEY, ADD CONSTRAINT c PRIMARY KEY USING BTREE (name)', '- name | PRIMARY name'],
    ['ALTER TABLE orders MODIFY id bigint', 'PRIMARY id | - name?'],
    ['ALTER TABLE orders MODIFY name varchar(20) NOT NULL', 'PRIMARY id | - name'],
    ['ALTER TABLE orders RENAME COLUMN id TO k', 'PRIMARY k | - name?'],
    ['ALTER TABLE orders RENAME COLUMN id TO name, RENAME COLUMN name TO id', 'PRIMARY name | - id?'],
    ['ALTER TABLE orders DROP PRIMARY KEY, ADD PRIMARY KEY (id, note); ', '- name? | PRIMARY id note'],
    ['ALTER TABLE orders ADD UNIQUE (name, note)', 'PRIMARY id | - name? | - name? note?'],
    [
      'ALTER TABLE orders ADD UNIQUE KEY u USING BTREE (note(5)) COMMENT "x", ADD INDEX i (note)',
      'PRIMARY id | - name? | u note?',
    ],
    ['ALTER TABLE orders ADD CONSTRAINT c UNIQUE (note), ADD UNIQUE INDEX ((name + 1))', 'PRIMARY id | - name? | c note?'],
    ['ALTER TABLE orders ADD v int UNIQUE KEY, ADD (w int NOT NULL, UNIQUE w (w))', 'PRIMARY id | - name? | - v? | w w'],
    ['ALTER TABLE orders ADD v SERIAL', 'PRIMARY id | - name? | - v'],
    ['CREATE UNIQUE INDEX u USING BTREE ON orders (note, id)', 'PRIMARY id | - name? | u note? id'],
    ['CREATE INDEX u ON orders (note)', 'PRIMARY id | - name?'],
  ])('%s', (statement, keys) => {
    expect(keysBehind(statement)).toBe(keys);
  });

  it('follow indexes that are renamed, and columns that are dropped', () => {
    expect(keysBehind(['CREATE UNIQUE INDEX u ON orders (note, id)', 'ALTER TABLE orders RENAME KEY u TO v, DROP note'])).toBe(
      'PRIMARY id | - name? | v id',
    );
    expect(
      keysBehind(['CREATE UNIQUE INDEX u ON orders (id)', 'ALTER TABLE orders RENAME KEY u TO v', 'DROP INDEX V ON orders']),
    ).toBe('PRIMARY id | - name?');
  });

  it('are those of CREATE TABLE, and go with a copy', () => {
    const create = 'CREATE TABLE orders (id int KEY, a int UNIQUE, b int NOT NULL, UNIQUE u (b), KEY k (a))';
    expect(keysBehind(['DROP TABLE orders', create])).toBe('u b | PRIMARY id | - a?');
    expect(keysBehind(['CREATE TABLE copy LIKE orders', 'DROP TABLE orders', 'RENAME TABLE copy TO orders'])).toBe(
      'PRIMARY id | - name?',
    );
  });

  it('are not there twice for IF NOT EXISTS', () => {
    const sql = 'ALTER TABLE orders ADD UNIQUE INDEX IF NOT EXISTS name (note), ADD UNIQUE INDEX IF NOT EXISTS u (note)';
    expect(keysBehind(sql, { rules: MARIADB })).toBe('PRIMARY id | - name? | u note?');
    expect(keysBehind('DROP INDEX IF EXISTS u ON orders', { rules: MARIADB })).toBe('PRIMARY id | - name?');
  });

  it('stay unknown where they were', () => {
    expect(keysBehind('ALTER TABLE orders ADD UNIQUE (note)', { layouts: [orders] })).toBe('not said');
  });
});

describe('ALTER TABLE', () => {
  it.each([
    ['ADD v int', `${BEFORE} | v int`],
    // estuary b578911
    ['ADD COLUMN flag BOOLEAN NOT NULL DEFAULT FALSE', `${BEFORE} | flag tinyint(1)`],
    ['ADD v INT(11) UNSIGNED FIRST', `v int unsigned | ${BEFORE}`],
    ['ADD v tinyint(1) AFTER id', 'id int | v tinyint(1) | name varchar(20) latin1 | note text latin1'],
    ['ADD a int FIRST, ADD b int FIRST', `b int | a int | ${BEFORE}`],
    ['ADD a int AFTER id, ADD b int AFTER a', 'id int | a int | b int | name varchar(20) latin1 | note text latin1'],
    ['ADD (a int, b varchar(5), KEY (a), CONSTRAINT c CHECK (a > 0))', `${BEFORE} | a int | b varchar(5) latin1`],
    ["ADD e ENUM('a,b','it''s','x\\\\y', \"q\"\"r\", ')')", `${BEFORE} | e enum('a,b','it''s','x\\\\y','q"r',')') latin1`],
    ['ADD v varchar(9) COLLATE ucs2_bin', `${BEFORE} | v varchar(9) ucs2`],
    ['ADD v varchar(9) CHARACTER SET utf8', `${BEFORE} | v varchar(9) utf8mb3`],
    ['ADD v char(9) CHARACTER SET binary', `${BEFORE} | v binary(9)`],
    ['ADD v json', `${BEFORE} | v json`],
    ['ADD v int AS (id + 1)', `${BEFORE} | v int virtual`],
    ['ADD v int GENERATED ALWAYS AS (concat("a", `id`)) STORED NOT NULL', `${BEFORE} | v int stored`],
    [
      "ADD v datetime(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3) COMMENT 'x' AFTER name",
      'id int | name varchar(20) latin1 | v datetime(3) | note text latin1',
    ],
    ["ADD v decimal(10, 2) DEFAULT -1.50 COMMENT 'after id'", `${BEFORE} | v decimal(10,2)`],
    ['ADD v int REFERENCES other (id) ON DELETE SET NULL ON UPDATE CASCADE', `${BEFORE} | v int`],
    ['ADD v bigint unsigned DEFAULT NULL, ALGORITHM=INSTANT, LOCK=NONE', `${BEFORE} | v bigint unsigned`],
    ['DROP note', 'id int | name varchar(20) latin1'],
    ['DROP COLUMN `NAME`, DROP INDEX x, DROP PRIMARY KEY, DROP FOREIGN KEY f, DROP CHECK c', 'id int | note text latin1'],
    ['DROP note, ADD note blob', 'id int | name varchar(20) latin1 | note blob'],
    ['MODIFY name varchar(40)', 'id int | name varchar(40) latin1 | note text latin1'],
    ['MODIFY note text FIRST, MODIFY id bigint AFTER name', 'note text latin1 | name varchar(20) latin1 | id bigint'],
    ['MODIFY id int AFTER note, MODIFY note text FIRST', 'note text latin1 | name varchar(20) latin1 | id int'],
    ['CHANGE name title char(3) CHARSET utf8mb4', 'id int | title char(3) utf8mb4 | note text latin1'],
    ['CHANGE name note text, CHANGE note name varchar(20)', 'id int | note text latin1 | name varchar(20) latin1'],
    ['RENAME COLUMN name TO note, RENAME COLUMN note TO name', 'id int | note varchar(20) latin1 | name text latin1'],
    ['RENAME COLUMN id TO k, ADD x int AFTER k', 'k int | x int | name varchar(20) latin1 | note text latin1'],
    ['ADD `DROP` int, ADD `a``b` int, ADD `x y` int', `${BEFORE} | DROP int | a\`b int | x y int`],
    ['CONVERT TO CHARACTER SET utf8mb4', 'id int | name varchar(20) utf8mb4 | note mediumtext utf8mb4'],
    ['CONVERT TO CHARACTER SET DEFAULT', 'id int | name varchar(20) utf8mb4 | note mediumtext utf8mb4'],
    ['DEFAULT CHARSET=ucs2, ADD v varchar(9)', `${BEFORE} | v varchar(9) ucs2`],
    ['ADD v varchar(9), COLLATE utf8mb4_bin', `${BEFORE} | v varchar(9) utf8mb4`],
    ['COLLATE ucs2_bin, ADD v varchar(9), CHARACTER SET ucs2', `${BEFORE} | v varchar(9) ucs2`],
  ])('%s', (clauses, columns) => {
    expect(behind(`ALTER TABLE orders ${clauses}`)).toBe(columns);
  });

  it.each([
    'ENGINE=InnoDB',
    'ADD INDEX (name, note(10)), ADD UNIQUE KEY u (id) COMMENT "drop column note"',
    'ADD FULLTEXT (note), ADD PRIMARY KEY (id DESC), ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES x (a, b) ON DELETE CASCADE',
    'ALTER name SET DEFAULT "x", ALTER COLUMN note SET INVISIBLE, ALTER INDEX i VISIBLE, ALTER CHECK c NOT ENFORCED',
    'ORDER BY name DESC, note, id',
    'ORDER BY name, FORCE',
    'RENAME INDEX a TO b, RENAME KEY c TO d',
    'COMMENT = "ADD COLUMN x int, DROP note"',
    "COMMENT 'it''s, DROP note'",
    'AUTO_INCREMENT 100 ROW_FORMAT=DYNAMIC KEY_BLOCK_SIZE=8, FORCE',
    'DISABLE KEYS, WITHOUT VALIDATION, LOCK=SHARED',
    'PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)',
    'ADD PARTITION (PARTITION p2 VALUES LESS THAN (30))',
    'REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES LESS THAN (20))',
    'REMOVE PARTITIONING',
    'UNION=(a, b), TABLESPACE = ts STORAGE DISK',
    'ADD CONSTRAINT CHECK (id > 0), DROP CONSTRAINT c',
  ])('%s changes no column', clauses => {
    expect(behind(`alter table shop.orders ${clauses}`)).toBe(BEFORE);
  });

  it.each([
    ['ADD v uuid', /the type UUID is not known/],
    ['ADD v int FIRST, DROP nothing', /it has no column nothing/],
    ['ADD NAME int', /one name/],
    ['ADD v int AFTER nothing', /it has no column nothing/],
    ['MODIFY v int', /it has no column v/],
    ['ADD v varchar(30000) CHARSET utf8mb4', /too long/],
    ['CONVERT TO CHARACTER SET binary', /binary/],
    ['CONVERT TO CHARACTER SET klingon', /the character set klingon is not known/],
    ['ADD PERIOD FOR SYSTEM_TIME (a, b)', /periods/],
    ['ADD SYSTEM VERSIONING', /versioning/],
    ['ADD v timestamp GENERATED ALWAYS AS ROW START', /without an expression/],
    ['FROBNICATE', /a clause of ALTER TABLE was expected at "FROBNICATE"/],
    ["ADD v int COMMENT 'x", /not closed/],
    ['ADD v enum(0x61)', /a label in quotes/],
    ['ADD v varchar(5) DEFAULT \ufffd', /could not be decoded/],
  ])('%s is uncertain', (clauses, why) => {
    const catalog = catalogOf();
    const effects = run(catalog, [`ALTER TABLE orders ${clauses}`]);
    expect(effects).toEqual([{ kind: 'uncertain', table: { schema: 'shop', name: 'orders' }, why: expect.stringMatching(why) }]);
    expect(behind(`ALTER TABLE orders ${clauses}`)).toMatch(why);
  });

  it.each([
    'ALTER TABLE orders ADD SYSTEM VERSIONING',
    'ALTER TABLE orders DROP SYSTEM VERSIONING',
    'ALTER TABLE orders ADD x int, ADD b timestamp(6) AS ROW START, ADD e timestamp(6) AS ROW END, ADD PERIOD FOR SYSTEM_TIME (b, e), ADD SYSTEM VERSIONING',
    'ALTER TABLE orders PARTITION BY SYSTEM_TIME (PARTITION h HISTORY, PARTITION c CURRENT)',
    'CREATE OR REPLACE TABLE orders (a int) WITH SYSTEM VERSIONING',
    'CREATE OR REPLACE TABLE orders (a int, b frobnicated) /*!100300 WITH SYSTEM VERSIONING */',
    'CREATE OR REPLACE TABLE orders (a date, b date, PERIOD FOR valid (a, b)) WITH SYSTEM VERSIONING',
    'CREATE OR REPLACE TABLE orders (a int WITHOUT SYSTEM VERSIONING, b int WITH SYSTEM VERSIONING)',
    'CREATE TABLE o (a int) WITH SYSTEM VERSIONING; CREATE OR REPLACE TABLE orders LIKE o',
    'CREATE TABLE o (a int) WITH SYSTEM VERSIONING; DROP TABLE orders; RENAME TABLE o TO orders',
  ])('%s: system versioning is told by itself', sql => {
    expect(run(catalogOf({ rules: MARIADB }), sql.split('; ')).at(-1)).toEqual({
      kind: 'versioned',
      table: { schema: 'shop', name: 'orders' },
    });
  });

  it.each([
    'CREATE OR REPLACE TABLE orders (a int WITHOUT SYSTEM VERSIONING)',
    "CREATE OR REPLACE TABLE orders (a int COMMENT 'WITH SYSTEM VERSIONING')",
    'ALTER TABLE orders ADD PERIOD FOR valid (a, b)',
    'CREATE TABLE IF NOT EXISTS orders (a int) WITH SYSTEM VERSIONING',
  ])('%s: no system versioning', sql => {
    expect(run(catalogOf({ rules: MARIADB }), [sql])).not.toContainEqual({
      kind: 'versioned',
      table: { schema: 'shop', name: 'orders' },
    });
  });

  it('breaks labels when it converts them: then they are uncertain', () => {
    const labelled = { ...orders, columns: [column('e', "enum('é')", latin1)] };
    expect(behind('ALTER TABLE orders CONVERT TO CHARSET utf8mb4', { layouts: [labelled] })).toMatch(/breaks its labels/);
    const ascii = { ...orders, columns: [column('e', "enum('e')", latin1)] };
    expect(behind('ALTER TABLE orders CONVERT TO CHARSET utf8mb4', { layouts: [ascii] })).toBe("e enum('e') utf8mb4");
    expect(behind('ALTER TABLE orders CONVERT TO CHARSET utf16', { layouts: [ascii] })).toMatch(/breaks its labels/);
  });

  it('says where rows went that stand in no rows event', () => {
    const removed = (sql: string): unknown => run(catalogOf(), [sql]).filter(({ kind }) => kind === 'rows-removed');
    const table = { schema: 'shop', name: 'orders' };
    expect(removed('ALTER TABLE orders DROP PARTITION p0, p1')).toEqual([{ kind: 'rows-removed', table, how: 'DROP PARTITION' }]);
    expect(removed('ALTER TABLE orders TRUNCATE PARTITION ALL')).toEqual([
      { kind: 'rows-removed', table, how: 'TRUNCATE PARTITION' },
    ]);
    expect(removed('ALTER TABLE other EXCHANGE PARTITION p WITH TABLE orders')).toEqual([
      { kind: 'rows-removed', table, how: 'EXCHANGE PARTITION' },
    ]);
    expect(removed('ALTER TABLE orders IMPORT TABLESPACE')).toHaveLength(1);
    expect(removed('TRUNCATE orders')).toEqual([{ kind: 'rows-removed', table, how: 'TRUNCATE TABLE' }]);
    expect(removed('TRUNCATE TABLE `shop`.`orders` /* generated by server */')).toHaveLength(1);
    expect(removed('DELETE FROM `shop`.`orders`')).toHaveLength(1);
    expect(removed('TRUNCATE TABLE other')).toEqual([]);
    expect(behind('ALTER TABLE orders DROP PARTITION p0')).toBe(BEFORE);
  });
});

describe('the words of a statement', () => {
  it.each([
    ['/* x */ ALTER /* y */ TABLE -- ADD a int\n orders # z\n DROP note;', 'id int | name varchar(20) latin1'],
    ['/*!40101 ALTER TABLE orders DROP note */', 'id int | name varchar(20) latin1'],
    ['ALTER TABLE orders /*!50503 DROP note, */ ADD v int /*!99999 FIRST */', 'id int | name varchar(20) latin1 | v int'],
    ['ALTER TABLE orders ADD v int /*M! FIRST */', `${BEFORE} | v int`],
    ['aLtEr tAbLe `shop` . `orders` dRoP `Note`', 'id int | name varchar(20) latin1'],
    ['ALTER TABLE shop.orders DROP note', 'id int | name varchar(20) latin1'],
    ['ALTER TABLE Orders DROP note', BEFORE],
    ['ALTER TABLE other.orders DROP note', BEFORE],
    ['ALTER TABLE "orders" DROP note', `${BEFORE}`],
    ['ALTER VIEW orders AS SELECT 1', BEFORE],
    ['CREATE INDEX i ON orders (id)', BEFORE],
    ['CREATE TRIGGER orders BEFORE INSERT ON orders FOR EACH ROW BEGIN ALTER TABLE orders DROP note; END', BEFORE],
    ['DROP TEMPORARY TABLE IF EXISTS `orders` /* generated by server */', BEFORE],
    ['CREATE TEMPORARY TABLE orders (x int)', BEFORE],
    ['BEGIN', BEFORE],
    ["GRANT SELECT ON orders TO 'x'", BEFORE],
  ])('%j', (sql, columns) => {
    const seen = behind(sql);
    if (sql.includes('"orders"')) expect(seen).toMatch(/^(id|uncertain)/);
    else expect(seen).toBe(columns);
  });

  it('are read by the sql_mode of the session', () => {
    expect(behind('ALTER TABLE "orders" ADD "v x" int DEFAULT 1', { sqlMode: ANSI_QUOTES + HIGH_MODES })).toBe(
      `${BEFORE} | v x int`,
    );
    const label = "ALTER TABLE orders ADD e enum('a\\', 'b')";
    expect(behind(label, { sqlMode: NO_BACKSLASH_ESCAPES + HIGH_MODES })).toBe(`${BEFORE} | e enum('a\\\\','b') latin1`);
    expect(behind(label)).toMatch(/was expected/);
    expect(behind('ALTER TABLE orders ADD v real', { sqlMode: 1 })).toBe(`${BEFORE} | v float`);
    expect(behind('ALTER TABLE orders ADD v real')).toBe(`${BEFORE} | v double`);
    expect(behind('ALTER TABLE orders ADD v int', { rules: MARIADB, sqlMode: 512 })).toMatch(/ORACLE/);
  });

  it('are read by the default database and the case of names', () => {
    expect(behind('ALTER TABLE orders DROP note', { database: 'other' })).toBe(BEFORE);
    expect(behind('ALTER TABLE shop.orders DROP note', { database: null })).toBe('id int | name varchar(20) latin1');
    expect(behind('ALTER TABLE SHOP.Orders DROP note', { rules: { ...MYSQL, lowerCaseTableNames: 1 } })).toBe(
      'id int | name varchar(20) latin1',
    );
  });

  it('of MariaDB', () => {
    const alter = (clauses: string): string => behind(`ALTER TABLE orders ${clauses}`, { rules: MARIADB });
    expect(alter('ADD IF NOT EXISTS name int, ADD COLUMN IF NOT EXISTS v int')).toBe(`${BEFORE} | v int(11)`);
    expect(alter('DROP COLUMN IF EXISTS nothing, DROP IF EXISTS note')).toBe('id int | name varchar(20) latin1');
    expect(alter('DROP note, ADD IF NOT EXISTS note int')).toMatch(/takes away and adds/);
    expect(alter('ADD u uuid, ADD i inet6, ADD j json, ADD y year')).toBe(
      `${BEFORE} | u uuid | i inet6 | j longtext utf8mb4 | y year(4)`,
    );
    expect(alter('ADD v varchar(9) COMPRESSED DEFAULT "x", ADD b blob compressed=zlib')).toBe(
      `${BEFORE} | v varchar(9) /*M!100301 COMPRESSED*/ latin1 | b blob /*M!100301 COMPRESSED*/`,
    );
    expect(alter('ADD v text CHARACTER SET ucs2 COLLATE DEFAULT')).toBe(`${BEFORE} | v text ucs2`);
    expect(alter('ADD v text, CHARACTER SET DEFAULT, COLLATE utf8mb4_bin')).toBe(`${BEFORE} | v text utf8mb4`);
    expect(alter('ADD v text, COLLATE DEFAULT, CHARSET utf8mb4')).toBe(`${BEFORE} | v text utf8mb4`);
    // Before 10.9 it is utf8mb4 for each of them, since then what the statement or the table says.
    expect(alter('ADD v text, CHARACTER SET ucs2, COLLATE DEFAULT')).toMatch(/COLLATE DEFAULT .* version of the server/);
    expect(alter('ADD v text, COLLATE DEFAULT')).toMatch(/COLLATE DEFAULT .* version of the server/);
    // Before 10.6 it is latin1, since then an error, and in no log.
    expect(alter('ADD v text, CHARACTER SET DEFAULT, COLLATE latin1_bin')).toMatch(/COLLATE stands for .* version of the server/);
    expect(alter('ADD d datetime DEFAULT uuid() ON UPDATE now(), `ENCRYPTED`=`YES`')).toBe(`${BEFORE} | d datetime`);
    expect(behind('ALTER ONLINE TABLE IF EXISTS orders NOWAIT ADD v int', { rules: MARIADB })).toBe(`${BEFORE} | v int(11)`);
    expect(behind('ALTER TABLE orders WAIT 5 DROP note', { rules: MARIADB })).toBe('id int | name varchar(20) latin1');
    expect(behind('SET STATEMENT max_statement_time=1, sql_mode="" FOR ALTER TABLE orders DROP note', { rules: MARIADB })).toBe(
      'id int | name varchar(20) latin1',
    );
    expect(behind('ALTER TABLE orders ADD v int /*M!100101 FIRST */ /*!80000 , DROP note */', { rules: MARIADB })).toBe(
      `v int(11) | ${BEFORE}`,
    );
    expect(behind('CREATE OR REPLACE TABLE orders (a int)', { rules: MARIADB })).toBe('a int(11)');
  });
});

describe('tables that come and go', () => {
  const table = { schema: 'shop', name: 'orders' };
  const named = (name: string): { schema: string; name: string } => ({ schema: 'shop', name });

  it('gh-ost: a copy is made like the table, altered, and takes its name', () => {
    const catalog = catalogOf();
    const effects = run(catalog, [
      'drop /* gh-ost */ table if exists `shop`.`_orders_gho`',
      'create /* gh-ost */ table `shop`.`_orders_gho` like `shop`.`orders`',
      'alter /* gh-ost */ table `shop`.`_orders_gho` add column v int after id',
      'rename /* gh-ost */ table `shop`.`orders` to `shop`.`_orders_del`, `shop`.`_orders_gho` to `shop`.`orders`',
    ]);
    expect(effects.map(({ kind }) => kind)).toEqual(['renamed', 'replaced']);
    expect(effects[0]).toEqual({ kind: 'renamed', table, to: named('_orders_del') });
    expect(effects[1]).toMatchObject({ kind: 'replaced', table, from: named('_orders_gho') });
    const known = catalog.find(table);
    expect(known !== undefined && 'layout' in known ? shown(known.layout) : known).toBe(
      'id int | v int | name varchar(20) latin1 | note text latin1',
    );
    run(catalog, ['drop table shop._orders_del']);
    expect(catalog.known).toHaveLength(1);
  });

  it('pt-online-schema-change, resumed from a state in the middle', () => {
    const first = catalogOf();
    run(first, [
      'CREATE TABLE `shop`.`_orders_new` (\n  `id` int(11) NOT NULL,\n  `name` varchar(20) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=latin1',
    ]);
    const second = LayoutCatalog.fromJson(JSON.parse(JSON.stringify(first.toJson())), { rules: MYSQL, followed: [table] });
    run(second, [
      'ALTER TABLE `shop`.`_orders_new` MODIFY name text',
      'RENAME TABLE `shop`.`orders` TO `shop`.`_orders_old`, `shop`.`_orders_new` TO `shop`.`orders`',
    ]);
    const known = second.find(table);
    expect(known !== undefined && 'layout' in known ? shown(known.layout) : known).toBe('id int | name text latin1');
  });

  it('a table of which nothing is known takes the name: uncertain', () => {
    expect(run(catalogOf(), ['RENAME TABLE orders TO o2, unheard TO orders']).at(-1)).toMatchObject({
      kind: 'uncertain',
      table,
      why: expect.stringContaining('unheard'),
    });
    expect(run(catalogOf(), ['RENAME TABLE orders TO o2', 'RENAME TABLE elsewhere.t TO shop.orders']).at(-1)).toMatchObject({
      kind: 'uncertain',
      table,
    });
  });

  it('CREATE TABLE IF NOT EXISTS does nothing where the table is, and is not believed where it may be', () => {
    expect(behind('CREATE TABLE IF NOT EXISTS orders (x int)')).toBe(BEFORE);
    expect(behind(['DROP TABLE orders', 'CREATE TABLE IF NOT EXISTS orders (x int)'])).toBe('x int');
    const catalog = catalogOf();
    expect(
      run(catalog, ['CREATE TABLE IF NOT EXISTS side (x int)', 'RENAME TABLE orders TO o, side TO orders']).at(-1),
    ).toMatchObject({
      kind: 'uncertain',
      why: expect.stringContaining('IF NOT EXISTS'),
    });
  });

  it('dropped, and made anew in another shape', () => {
    const catalog = catalogOf();
    expect(run(catalog, ['DROP TABLE IF EXISTS `a`, `orders` CASCADE /* generated by server */'])).toEqual([
      { kind: 'dropped', table },
    ]);
    expect(run(catalog, ['DROP TABLE orders'])).toEqual([]);
    expect(run(catalog, ['CREATE TABLE orders (name varchar(5), id serial, PRIMARY KEY (name))'])).toMatchObject([
      { kind: 'replaced', from: null },
    ]);
    const known = catalog.find(table);
    expect(known !== undefined && 'layout' in known ? known.layout.columns : known).toEqual([
      column('name', 'varchar(5)', { charset: 'utf8mb4', collation: 'utf8mb4_general_ci', nullable: false }),
      column('id', 'bigint unsigned', { nullable: false }),
    ]);
    expect(run(catalog, ['DROP DATABASE shop'])).toEqual([{ kind: 'dropped', table }]);
    expect(run(catalog, ['CREATE DATABASE shop', 'CREATE TABLE shop.orders (v varchar(5))']).at(-1)).toMatchObject({
      kind: 'uncertain',
    });
    expect(
      run(catalog, ['DROP TABLE shop.orders', 'CREATE TABLE shop.orders (v varchar(5)) CHARSET latin1']).at(-1),
    ).toMatchObject({ kind: 'replaced' });
  });

  it('take the character set of their database as it is then', () => {
    expect(behind(['ALTER DATABASE shop CHARACTER SET = latin1', 'DROP TABLE orders', 'CREATE TABLE orders (v char(5))'])).toBe(
      'v char(5) latin1',
    );
    expect(behind(['ALTER DATABASE COLLATE ucs2_bin', 'DROP TABLE orders', 'CREATE TABLE orders (v char(5))'])).toBe(
      'v char(5) ucs2',
    );
    expect(behind(['DROP TABLE orders', 'CREATE TABLE orders (v char(5)) CHARSET ucs2 COLLATE ucs2_bin'])).toBe('v char(5) ucs2');
    expect(behind(['DROP TABLE orders', 'CREATE TABLE orders (a varchar(5), b text, c char) DEFAULT CHARSET binary'])).toBe(
      'a varbinary(5) | b blob | c binary(1)',
    );
  });

  it.each([
    'CREATE TABLE orders SELECT * FROM x',
    'CREATE TABLE orders (a int) AS SELECT 1 b',
    'CREATE TABLE orders (a int) PARTITION BY HASH (a) PARTITIONS 4 SELECT 1 a',
    'CREATE TABLE orders (a int) WITH SYSTEM VERSIONING',
    'CREATE TABLE orders LIKE elsewhere.x',
  ])('%s is uncertain', sql => {
    expect(behind(['DROP TABLE orders', sql])).toMatch(/^uncertain/);
  });

  it('CREATE TABLE … SELECT as servers write it in ROW format', () => {
    expect(behind(['DROP TABLE orders', "CREATE TABLE `orders` (\n  `a` int NOT NULL DEFAULT '0'\n) START TRANSACTION"])).toBe(
      'a int',
    );
  });

  it('rows changed by statements in the log are loud for the tables that they name', () => {
    const catalog = catalogOf();
    expect(run(catalog, ['INSERT INTO other VALUES (1)', "UPDATE x SET a = 'orders'"])).toEqual([]);
    expect(run(catalog, ['UPDATE other.x JOIN shop.orders USING (id) SET a = 1'], { database: 'other' })).toMatchObject([
      { kind: 'rows-changed' },
    ]);
    expect(run(catalogOf(), ['INSERT INTO `orders` VALUES (1)'])).toMatchObject([{ kind: 'rows-changed' }]);
    expect(run(catalogOf(), ['SELECT `other`.`f`()'], { database: 'other' })).toMatchObject([{ kind: 'rows-changed' }]);
    const prefixed = ['SET STATEMENT max_statement_time=1 FOR UPDATE orders SET a = 1'];
    expect(run(catalogOf({ rules: MARIADB }), prefixed)).toMatchObject([{ kind: 'rows-changed' }]);
    expect(run(catalogOf(), ['INSERT INTO orders VALUES (1)'], { database: 'other' })).toEqual([]);
  });

  it('are kept in small number', () => {
    const catalog = catalogOf();
    for (let index = 0; index < 500; index++) run(catalog, [`CREATE TABLE t${index} (a int)`]);
    expect(catalog.known).toHaveLength(101);
    expect(catalog.find(named('t499'))).toBeDefined();
    expect(catalog.find(table)).toBeDefined();
    run(catalog, ['CREATE TABLE elsewhere.t (a int)']);
    expect(catalog.find({ schema: 'elsewhere', name: 't' })).toBeUndefined();
  });

  it('the state that is kept reads back, what is not known included', () => {
    const catalog = catalogOf();
    run(catalog, [
      'CREATE TABLE a (x int, e enum("a""b") NOT NULL, g int AS (x) STORED)',
      'CREATE TABLE b LIKE nothing',
      'DROP TABLE orders',
    ]);
    const json = catalog.toJson();
    const restored = LayoutCatalog.fromJson(JSON.parse(JSON.stringify(json)), { rules: MYSQL, followed: [table] });
    expect(restored.toJson()).toEqual(json);
    expect(restored.find(named('a'))).toEqual(catalog.find(named('a')));
    expect(restored.find(named('b'))).toMatchObject({ why: expect.stringContaining('nothing') });
    expect(restored.isAbsent(table)).toBe(true);
    for (const broken of [
      { layouts: [5] },
      { layouts: 5 },
      { databases: { shop: 'latin1' } },
      { unknown: {} },
      { layouts: [{ schema: 'a', name: 'b', charset: 'c', columns: [['x']] }] },
    ]) {
      expect(() => LayoutCatalog.fromJson(broken as never, { rules: MYSQL, followed: [] })).toThrow(
        expect.objectContaining({ code: 'STATE_INVALID' }),
      );
    }
  });
});
