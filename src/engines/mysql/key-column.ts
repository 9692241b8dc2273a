import { createHash } from 'node:crypto';
import { ConnectorError } from '../../contract/errors.ts';
import { type ColumnLayout, parseColumnType } from './layout/column-layout.ts';
import { quoteIdent, quoteLiteral } from './sql.ts';
import type { MysqlColumn } from './table.ts';

/** A column by which rows are found or put in order, and how its values stand in a statement. */
export interface KeyColumn {
  readonly name: string;
  /** The column as WHERE and ORDER BY name it. */
  readonly sql: string;
  /** What to SELECT so that `literal` understands the value; its order is the order of `sql`. */
  readonly selectSql: string;
  /**
   * The constant that equals a value selected by `selectSql`, given as bytes of the text protocol. Compared with it, `sql`
   * keeps its own collation and can use its index.
   */
  literal(value: Uint8Array): string;
}

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'integer', 'bigint', 'year']);
const DECIMALS = new Set(['decimal', 'numeric', 'dec']);
const FLOATS = new Set(['float', 'double', 'real', 'double precision']);
const BYTES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext']);
const NUMBERED = new Set(['enum', 'set', 'bit']);

const latin1 = (value: Uint8Array): string => Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
const NUMBER = /^-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?$/i;

const DATE = '[0-9]{4}-(?:0[0-9]|1[0-2])-(?:[0-2][0-9]|3[01])';
const TIME = '[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?';
/** MariaDB takes other texts for some value or other, and would skip rows without a word. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  date: new RegExp(`^${DATE}$`),
  datetime: new RegExp(`^${DATE} ${TIME}$`),
  timestamp: new RegExp(`^${DATE} ${TIME}$`),
  time: new RegExp(`^-?${TIME}$`),
  uuid: /^[0-9a-f-]{36}$/i,
  inet4: /^[0-9.]+$/,
  inet6: /^[0-9a-f:.]+$/i,
};

/** Values come back from the state: what is none of the type does not get into a statement. Throws STATE_INVALID. */
function shaped(value: Uint8Array, shape: RegExp | undefined, type: string): string {
  const text = latin1(value);
  if (shape === undefined || shape.test(text)) return text;
  throw new ConnectorError('STATE_INVALID', `"${text}" is no ${type}`);
}

const number = (value: Uint8Array): string => shaped(value, NUMBER, 'number');

const hex = (value: Uint8Array): string => `X'${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}'`;

/** A constant of these bytes in a character set, with the collation of the column that it is compared with. */
function textLiteral({ charset, collation }: ColumnLayout, value: Uint8Array): string {
  const order = collation === null ? '' : ` COLLATE ${collation}`;
  return `_${charset ?? 'utf8mb4'} ${hex(value)}${order}`;
}

/** Throws INVARIANT for a type that no key can be of. */
export function keyColumn(column: MysqlColumn): KeyColumn {
  const { name, layout } = column;
  const { base } = parseColumnType(layout.columnType);
  const sql = quoteIdent(name);
  const plain = { name, sql, selectSql: sql };
  if (INTEGERS.has(base) || DECIMALS.has(base)) return { ...plain, literal: number };
  // All digits of it, which the bare column would not give, and a constant that is a double too.
  if (FLOATS.has(base)) return { ...plain, selectSql: `${sql} * 1e0`, literal: value => asDouble(number(value)) };
  if (BYTES.has(base)) return { ...plain, literal: hex };
  if (TEXTS.has(base)) return { ...plain, literal: value => textLiteral(layout, value) };
  // Labels are ordered by their numbers.
  if (NUMBERED.has(base)) return { ...plain, selectSql: `CAST(${sql} AS UNSIGNED)`, literal: number };
  if (base === 'json' || base === 'vector' || base.includes('geometr') || base.includes('point')) {
    throw new ConnectorError('INVARIANT', `${name} is of type ${base}, which cannot be a key.`);
  }
  return { ...plain, literal: value => quoteLiteral(shaped(value, SHAPES[base], base)) };
}

/**
 * What must stay the same for values of the key to mark the same place in the same order: which columns, of which types and
 * collations, an enum's labels among them. Only the width of integers does not matter.
 */
export function keySignature(columns: readonly MysqlColumn[]): string {
  const parts = columns.map(({ name, layout: { columnType, charset, collation } }) => {
    const isInteger = INTEGERS.has(parseColumnType(columnType).base);
    return [name, isInteger ? 'integer' : columnType, charset, collation];
  });
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

const asDouble = (text: string): string => (/e/i.test(text) ? text : `${text}e0`);

/**
 * The most columns of a key that are compared one by one: as many as a key of MySQL can have. Keys of MariaDB can have twice
 * as many, and its optimizer (10.11.18, 11.8.9) does not survive a condition that goes as deep.
 */
export const MOST_NESTED = 16;

/**
 * The condition for rows behind `values` in the order of the key. It begins with a plain comparison of the first column, by
 * which every version of the servers finds the range in the index; row constructors they do not all understand. Columns
 * beyond the first MOST_NESTED are compared by one all the same: no index is used for them, and the depth is bounded.
 */
export function afterKey(columns: readonly KeyColumn[], values: readonly string[]): string {
  if (columns.length !== values.length) throw new ConnectorError('INVARIANT', 'a key does not have a value for each column');
  const names = columns.map(({ sql }) => sql);
  const behind = (at: number): string => {
    const more = `${names[at]} > ${values[at]}`;
    if (at === names.length - 1) return more;
    if (at === MOST_NESTED) return `(${names.slice(at).join(', ')}) > (${values.slice(at).join(', ')})`;
    return `(${more} OR (${names[at]} = ${values[at]} AND ${behind(at + 1)}))`;
  };
  const [first] = columns;
  return columns.length === 1 ? behind(0) : `${first?.sql ?? ''} >= ${values[0] ?? ''} AND ${behind(0)}`;
}
