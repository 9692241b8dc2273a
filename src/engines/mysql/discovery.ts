import { createHash } from 'node:crypto';
import type { Logger } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { groupBy } from '../../contract/found-tables.ts';
import { type TableId, tableLabel } from '../../contract/ids.ts';
import {
  type ColumnRow,
  type DatabaseRow,
  type IndexRow,
  isSystemDatabase,
  readColumns,
  readDatabases,
  readGrantedByColumn,
  readJsonChecks,
  readLabelLengths,
  readTables,
  readUniqueIndexes,
  sameName,
  shapeOf,
  type TableRow,
} from './catalog-queries.ts';
import { followOf } from './follow.ts';
import { keysOf, uniqueKeysOf } from './keys.ts';
import { charsetOfCollation } from './layout/charsets.ts';
import { type ColumnLayout, isCompressed, parseColumnType } from './layout/column-layout.ts';
import { type ServerFacts, versionProblem } from './server.ts';
import { type Query, qualified, quoteIdent } from './sql.ts';
import type { MysqlColumn, MysqlTable } from './table.ts';
import { type ColumnType, columnType, selectExpression, type TypeOptions } from './types.ts';
import { toConnectorError } from './wire/errors.ts';

export interface DiscoverOptions {
  readonly databases: readonly string[];
  readonly tinyint1: 'boolean' | 'integer';
  readonly nativeJson: boolean;
  /** Only these; all where absent. */
  readonly only?: readonly TableId[];
  /** Told once what is left out. */
  readonly log?: Logger;
}

/**
 * The tables and views of the configured databases that exist, with all that a snapshot and the log need to know of them.
 * Reads information_schema alone, so it waits for no lock, but for tables with grants by column. Throws SERVER_VERSION for servers that are too old.
 */
export async function discoverTables(
  query: Query,
  server: ServerFacts,
  options: DiscoverOptions,
): Promise<readonly MysqlTable[]> {
  const tooOld = versionProblem(server);
  if (tooOld !== null) throw new ConnectorError('SERVER_VERSION', tooOld);
  const names = options.databases.filter(name => !isSystemDatabase(name));
  const [setting] = await query.rows<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'binlog_row_metadata'");
  const namesInLog = setting?.Value === 'FULL';
  const tables: MysqlTable[] = [];
  for (const database of await readDatabases(query, server, names)) {
    const only = options.only?.filter(id => sameName(server, id.namespace, database.name)).map(id => id.name);
    if (only?.length === 0) continue;
    tables.push(...(await discoverDatabase(query, { server, namesInLog, database, only, options })));
  }
  return tables;
}

interface Scope {
  readonly server: ServerFacts;
  /** The log brings names, signs and labels of columns: `binlog_row_metadata=FULL`. */
  readonly namesInLog: boolean;
  readonly database: DatabaseRow;
  readonly only: readonly string[] | undefined;
  readonly options: DiscoverOptions;
}

const OFFERED = ['BASE TABLE', 'VIEW', 'SYSTEM VERSIONED'];

async function discoverDatabase(query: Query, scope: Scope): Promise<readonly MysqlTable[]> {
  const { database, only, server } = scope;
  const { name } = database;
  const rows = await readTables(query, name, only);
  const tables = rows.filter(row => OFFERED.includes(row.type) && isWanted(scope, row.name));
  const columns = groupBy(await readColumns(query, name, only), row => row.table);
  const indexes = groupBy(await readUniqueIndexes(query, server, name, only), row => row.table);
  const checks = server.flavor === 'mariadb' ? await readJsonChecks(query, name) : [];
  const json = new Set(checks.map(({ table, column }) => `${table}\0${column}`));
  // Where the log brings the labels, the catalog's do not matter. MariaDB shows all of a label.
  const asked = scope.namesInLog || server.flavor === 'mariadb' ? [] : await readLabelLengths(query, name, only);
  const lengths = new Map(asked.map(row => [`${row.table}\0${row.name}`, Number(row.characters)]));
  const hidden = await withHiddenColumns(query, scope, new Set(tables.map(table => table.name)));
  const left = new LeftOut();
  const found = tables.flatMap((table): MysqlTable[] => {
    const own = columns.get(table.name) ?? [];
    const offered = tableOf(table, own, indexes.get(table.name) ?? [], { ...scope, json, lengths, hidden, left });
    return offered === null ? [] : [offered];
  });
  left.tell(scope.options.log);
  return found;
}

/**
 * The tables of `names` with columns that the user may not see. A gap in their numbers would say so too, but there is none
 * when it is the last ones that are hidden; so these few tables are asked for all they have.
 */
async function withHiddenColumns(query: Query, scope: Scope, names: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  const hidden = new Set<string>();
  const { server, database } = scope;
  for (const name of await readGrantedByColumn(query, server, database.name)) {
    if (!names.has(name)) continue;
    try {
      await query.rows(`SELECT * FROM ${qualified({ namespace: database.name, name })} LIMIT 0`);
    } catch (error) {
      if (toConnectorError(error, '').code !== 'PERMISSION_DENIED') throw error;
      hidden.add(name);
    }
  }
  return hidden;
}

const isWanted = ({ server, only }: Scope, name: string): boolean =>
  only === undefined || only.some(each => sameName(server, each, name));

/** What the user does not get, and why: said once, not for each table. */
class LeftOut {
  readonly denied: string[] = [];
  readonly broken: string[] = [];
  readonly partly: string[] = [];
  readonly unknown: string[] = [];

  tell(log: Logger | undefined): void {
    const list = (labels: readonly string[]): string =>
      labels.slice(0, 10).join(', ') + (labels.length > 10 ? ` and ${labels.length - 10} more` : '');
    if (this.denied.length > 0) log?.warn(`Left out for want of SELECT: ${list(this.denied)}.`);
    if (this.broken.length > 0) log?.warn(`Left out, since the server cannot open them: ${list(this.broken)}.`);
    if (this.partly.length > 0) log?.warn(`Columns are left out for want of SELECT, in ${list(this.partly)}.`);
    if (this.unknown.length > 0) log?.warn(`Columns of types that are not known are left out: ${list(this.unknown)}.`);
  }
}

interface TableScope extends Scope {
  /** `table\0column` of MariaDB's JSON columns. */
  readonly json: ReadonlySet<string>;
  /** `table\0column` of columns with labels: see `readLabelLengths`. */
  readonly lengths: ReadonlyMap<string, number>;
  /** Names of tables with columns that the user may not see. */
  readonly hidden: ReadonlySet<string>;
  readonly left: LeftOut;
}

const mayRead = (column: ColumnRow): boolean => column.privileges.split(',').includes('select');

function tableOf(row: TableRow, rows: readonly ColumnRow[], indexes: readonly IndexRow[], scope: TableScope): MysqlTable | null {
  const { database, server, left, options } = scope;
  const id: TableId = { namespace: database.name, name: row.name };
  const isView = row.type === 'VIEW';
  const readable = rows.filter(mayRead);
  // Asked for by a read, it stays: what the server says when it is read ends that stream alone.
  const isBroken = isView && rows.length === 0 && options.only !== undefined;
  if (readable.length === 0 && !isBroken) {
    // A view whose tables are gone has no columns; a table always has.
    (isView && rows.length === 0 ? left.broken : left.denied).push(tableLabel(id));
    return null;
  }
  if (!isView && row.engine === null) {
    left.broken.push(tableLabel(id));
    return null;
  }
  const whole = !scope.hidden.has(row.name) && rows.every((column, at) => Number(column.ordinal) === at + 1);
  if (!whole || readable.length < rows.length) left.partly.push(tableLabel(id));
  const types: TypeOptions = { flavor: server.flavor, tinyint1: options.tinyint1, nativeJson: options.nativeJson };
  // Of what a key tells apart, a boolean would make one: 1, 5 and -1 are all true.
  const inKey = new Set(keysOf(indexes, rows).primaryKey);
  const layouts = rows.map(column => layoutOf(column, scope.json.has(`${row.name}\0${column.name}`)));
  const columns = rows.flatMap((column, at): MysqlColumn[] => {
    const layout = layouts[at];
    if (layout === undefined || !mayRead(column)) return [];
    const type = typeOf(layout, inKey.has(column.name) ? { ...types, tinyint1: 'integer' } : types);
    if (type === null) {
      left.unknown.push(`${tableLabel(id)}.${column.name} (${column.column_type})`);
      return [];
    }
    return [
      {
        name: column.name,
        type: type.logical,
        nullable: column.nullable === 'YES',
        layout,
        types: type,
        selectSql: selectExpression(layout, quoteIdent(column.name)),
        ordinal: Number(column.ordinal) - 1,
        invisible: /INVISIBLE/i.test(column.extra),
      },
    ];
  });
  const offered = new Set(columns.map(column => column.name));
  const { primaryKey, keyset } = keysOf(
    indexes,
    rows.filter(column => offered.has(column.name)),
  );
  const charset = row.collation === null ? null : charsetOfCollation(row.collation);
  const defaultCharset = charset ?? database.charset;
  const keys = uniqueKeysOf(indexes);
  const lengthsOf = (name: string): number | undefined => scope.lengths.get(`${row.name}\0${name}`);
  const layout = { schema: id.namespace, name: id.name, columns: layouts, defaultCharset, defaultCollation: row.collation, keys };
  return {
    id,
    columns,
    primaryKey,
    follow: followOf({
      id,
      type: row.type,
      engine: row.engine ?? '',
      layout,
      whole,
      namesInLog: scope.namesInLog,
      lengths: lengthsOf,
    }),
    resumable: keyset.length > 0,
    // No number of a table can be read by everybody; the log itself says when one is dropped and made again.
    identity: '',
    ...(!isView && row.rows !== null && { estimatedRows: Number(row.rows) }),
    ...(!isView && row.bytes !== null && { estimatedBytes: Number(row.bytes) }),
    layout,
    tableKind: isView ? 'view' : 'table',
    engine: row.engine ?? '',
    keyset,
    shape: shapeOf(rows, indexes),
    defaultCharset,
    defaultCollation: row.collation,
  };
}

function layoutOf(row: ColumnRow, checked: boolean): ColumnLayout {
  const { name, column_type: text, charset, collation, extra } = row;
  const generated = /VIRTUAL GENERATED/i.test(extra) ? 'virtual' : /(?:STORED|PERSISTENT) GENERATED/i.test(extra) ? 'stored' : '';
  const isJson = checked && parseColumnType(text).base === 'longtext';
  return {
    name,
    columnType: isJson ? 'json' : text,
    charset,
    collation,
    nullable: row.nullable === 'YES',
    generated,
    ...(isCompressed(text) ? { compressed: true } : {}),
    ...(row.expression === null || row.expression === '' ? {} : { expression: fingerprint(row.expression) }),
  };
}

const FINGERPRINT_CHARACTERS = 8;
const fingerprint = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, FINGERPRINT_CHARACTERS);

/** Null for a column in a type or character set that no writer knows. */
function typeOf(layout: ColumnLayout, options: TypeOptions): ColumnType | null {
  try {
    return columnType(layout, options);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'VALUE_UNREADABLE') return null;
    throw error;
  }
}
