/**
 * What information_schema says, one statement for each kind of thing and database: MariaDB opens only the databases that a
 * condition names one by one.
 */

import { createHash } from 'node:crypto';
import type { TableId } from '../../contract/ids.ts';
import type { TextDefaults } from './layout/column-definition.ts';
import type { ServerFacts } from './server.ts';
import { literals, type Query, quoteLiteral } from './sql.ts';

/** Databases of the server itself; they are never offered. */
export const isSystemDatabase = (name: string): boolean =>
  ['mysql', 'sys', 'information_schema', 'performance_schema'].includes(name.toLowerCase());

export interface DatabaseRow {
  /** As the server spells it. */
  readonly name: string;
  readonly charset: string;
  readonly collation: string;
}

export interface TableRow {
  readonly name: string;
  /** BASE TABLE, VIEW, SYSTEM VIEW; MariaDB also SEQUENCE, SYSTEM VERSIONED, TEMPORARY. */
  readonly type: string;
  readonly engine: string | null;
  readonly rows: string | null;
  readonly bytes: string | null;
  readonly collation: string | null;
  readonly comment: string;
}

export interface ColumnRow {
  readonly table: string;
  readonly name: string;
  /** From 1, without holes, unless columns are hidden from the user. */
  readonly ordinal: string;
  readonly column_type: string;
  readonly charset: string | null;
  readonly collation: string | null;
  /** YES or NO. */
  readonly nullable: string;
  /** `auto_increment`, `VIRTUAL GENERATED`, `STORED GENERATED`, `INVISIBLE`, … */
  readonly extra: string;
  /** What it is generated from; null or empty: nothing. */
  readonly expression: string | null;
  /** `select,insert,…`: what the user may do with it. */
  readonly privileges: string;
}

export interface IndexRow {
  readonly table: string;
  readonly name: string;
  /** Null: an expression. */
  readonly column: string | null;
  /** Characters or bytes of the column that are in the index; null: all of it. */
  readonly prefix: string | null;
  /** YES, or empty. */
  readonly nullable: string;
  /** BTREE, HASH, RTREE, FULLTEXT. */
  readonly kind: string;
  /** YES or NO: whether the optimizer may use it. */
  readonly visible: string;
}

/** Configured databases that the user can see, under the names that the server gives them. */
export async function readDatabases(
  query: Query,
  server: ServerFacts,
  names: readonly string[],
): Promise<readonly DatabaseRow[]> {
  const rows = await query.rows<DatabaseRow>(`
    SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation
      FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME`);
  return rows.filter(row => names.some(name => sameName(server, name, row.name)));
}

/** Whether two names of a database or table mean the same one. */
export const sameName = ({ lowerCaseTableNames }: ServerFacts, a: string, b: string): boolean =>
  a === b || (lowerCaseTableNames !== 0 && a.toLowerCase() === b.toLowerCase());

/** `AND TABLE_NAME …` for some tables, nothing for all. */
const limited = (tables: readonly string[] | undefined): string => {
  if (tables === undefined) return '';
  return tables.length === 1 ? `AND TABLE_NAME = ${quoteLiteral(tables[0] ?? '')}` : `AND TABLE_NAME IN (${literals(tables)})`;
};

export const readTables = (query: Query, database: string, only?: readonly string[]): Promise<readonly TableRow[]> =>
  query.rows(`
    SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, TABLE_ROWS AS \`rows\`, DATA_LENGTH AS bytes,
           TABLE_COLLATION AS collation, TABLE_COMMENT AS comment
      FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteLiteral(database)} ${limited(only)} ORDER BY TABLE_NAME`);

export const readColumns = (query: Query, database: string, only?: readonly string[]): Promise<readonly ColumnRow[]> =>
  query.rows(`
    SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS name, ORDINAL_POSITION AS ordinal, COLUMN_TYPE AS column_type,
           CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation, IS_NULLABLE AS nullable, EXTRA AS extra,
           GENERATION_EXPRESSION AS expression, PRIVILEGES AS privileges
      FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${quoteLiteral(database)} ${limited(only)}
     ORDER BY TABLE_NAME, ORDINAL_POSITION`);

/** `CHARACTER_MAXIMUM_LENGTH` of ENUMs (of the longest label) and SETs (of all labels, with commas) in a form of UTF-8. */
export const readLabelLengths = (
  query: Query,
  database: string,
  only?: readonly string[],
): Promise<readonly { readonly table: string; readonly name: string; readonly characters: string | number }[]> =>
  query.rows(`
    SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS name, CHARACTER_MAXIMUM_LENGTH AS characters
      FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = ${quoteLiteral(database)} ${limited(only)} AND DATA_TYPE IN ('enum', 'set') AND CHARACTER_SET_NAME LIKE 'utf8%'`);

/** Columns of unique indexes, in index order. */
export function readUniqueIndexes(
  query: Query,
  { flavor, version }: ServerFacts,
  database: string,
  only?: readonly string[],
): Promise<readonly IndexRow[]> {
  const ignored = version >= 10_06_00 ? "IF(IGNORED = 'YES', 'NO', 'YES')" : "'YES'";
  return query.rows(`
    SELECT TABLE_NAME AS \`table\`, INDEX_NAME AS name, COLUMN_NAME AS \`column\`, SUB_PART AS prefix, NULLABLE AS nullable,
           INDEX_TYPE AS kind, ${flavor === 'mysql' ? 'IS_VISIBLE' : ignored} AS visible
      FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = ${quoteLiteral(database)} AND NON_UNIQUE = 0 ${limited(only)}
     ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`);
}

/** Tells two looks of a table apart: its columns, with types and collations, and its unique keys. */
export const shapeOf = (columns: readonly ColumnRow[], indexes: readonly IndexRow[]): string =>
  createHash('sha256')
    .update(JSON.stringify([columns, indexes]))
    .digest('hex')
    .slice(0, 16);

/** What `shapeOf` gives for the table as it is now. */
export async function readShape(query: Query, server: ServerFacts, { namespace, name }: TableId): Promise<string> {
  const columns = await readColumns(query, namespace, [name]);
  const indexes = await readUniqueIndexes(query, server, namespace, [name]);
  const own = (row: { readonly table: string }): boolean => row.table === name;
  return shapeOf(columns.filter(own), indexes.filter(own));
}

/**
 * Names of the tables on which the user has SELECT by column, so that some may be hidden. What roles grant so is shown by
 * MySQL 8.0.19 and newer, and by no MariaDB.
 */
export async function readGrantedByColumn(
  query: Query,
  { flavor, version }: ServerFacts,
  database: string,
): Promise<readonly string[]> {
  const where = (view: string): string =>
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.${view} WHERE TABLE_SCHEMA = ${quoteLiteral(database)} AND FIND_IN_SET('SELECT', UPPER(PRIVILEGE_TYPE))`;
  const views = ['COLUMN_PRIVILEGES', ...(flavor === 'mysql' && version >= 8_00_19 ? ['ROLE_COLUMN_GRANTS'] : [])];
  const rows = await query.rows<{ name: string }>(views.map(where).join(' UNION '));
  return rows.map(({ name }) => name);
}

/** MariaDB's JSON is LONGTEXT with a check: `table` and `column` of those that have it. */
export async function readJsonChecks(query: Query, database: string): Promise<readonly { table: string; column: string }[]> {
  const rows = await query.rows<{ table: string; clause: string }>(`
    SELECT TABLE_NAME AS \`table\`, CHECK_CLAUSE AS clause FROM information_schema.CHECK_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA = ${quoteLiteral(database)} AND CHECK_CLAUSE LIKE 'json_valid(%'`);
  return rows.flatMap(({ table, clause }) => {
    const [, name] = /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(clause.trim()) ?? [];
    return name === undefined ? [] : [{ table, column: name.replaceAll('``', '`') }];
  });
}

/** Whether the log names the columns of its rows: `binlog_row_metadata=FULL`. */
export async function readNamesInLog(query: Query): Promise<boolean> {
  const [setting] = await query.rows<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'binlog_row_metadata'");
  return setting?.Value === 'FULL';
}

/** By the name of each database: what its text columns are where a statement does not say. */
export async function readTextDefaults(query: Query, names: readonly string[]): Promise<Readonly<Record<string, TextDefaults>>> {
  const rows = await query.rows<{ name: string; charset: string; collation: string }>(
    `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation
       FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (${literals(names)})`,
  );
  return Object.fromEntries(rows.map(({ name, charset, collation }) => [name, { charset, collation }]));
}
