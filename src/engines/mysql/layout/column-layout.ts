import { ConnectorError } from '../../../contract/errors.ts';
import type { JsonObject } from '../../../contract/ids.ts';

/** What must be known of a column to read its values from the log. */
export interface ColumnLayout {
  readonly name: string;
  /** As information_schema.COLUMNS.COLUMN_TYPE prints it, lower case outside quotes: `decimal(10,2) unsigned`, `enum('a','b')`, `tinyint(1)`, `varchar(50)`, `timestamp(6)`, `uuid`, `inet6`. */
  readonly columnType: string;
  /** CHARACTER_SET_NAME (mysql's names: utf8mb4, latin1, ucs2, …); null for types without one. */
  readonly charset: string | null;
  readonly collation: string | null;
  readonly nullable: boolean;
  /** '' | 'stored' | 'virtual' */
  readonly generated: '' | 'stored' | 'virtual';
  /** MariaDB: COMPRESSED attribute of the column. */
  readonly compressed?: boolean;
  /** A fingerprint of what it is generated from, as the server's catalog prints it; absent: it is not known. */
  readonly expression?: string;
}

export interface ParsedType {
  readonly base: string /* 'decimal' */;
  readonly args: readonly number[];
  readonly labels: readonly string[];
  readonly unsigned: boolean;
  readonly zerofill: boolean;
}

/** A unique index over whole columns or beginnings of them; not one over expressions. */
export interface UniqueKey {
  /** PRIMARY for the primary key; empty where the server chose a name that is not known. */
  readonly name: string;
  readonly columns: readonly string[];
}

/** What must be known of a table to read its rows from the log, and to follow the statements that change it. */
export interface TableLayout {
  readonly schema: string;
  readonly name: string;
  /** All columns in the order of the log, invisible and generated ones included. */
  readonly columns: readonly ColumnLayout[];
  /** For columns of later statements that name no character set themselves. */
  readonly defaultCharset: string;
  /** Null where it is not known for certain; no value depends on it. */
  readonly defaultCollation: string | null;
  /** Its unique keys, those with columns that may be NULL included; absent: they are not known. */
  readonly keys?: readonly UniqueKey[];
}

const TYPE = /^([a-z][a-z0-9 ]*?)\s*(?:\((.*)\))?((?:\s+(?:unsigned|zerofill|signed))*)\s*(?:\/\*.*\*\/\s*)?$/is;
const NUMBERS = /^\s*[0-9]+\s*(?:,\s*[0-9]+\s*)?$/;
const COMPRESSED = /\/\*M?!?[0-9]*\s*COMPRESSED\s*\*\//i;

/** The control characters that the server writes with a backslash, by the letter behind it. */
const ESCAPED: Readonly<Record<string, string>> = { '0': '\0', b: '\b', n: '\n', r: '\r', t: '\t', Z: '\x1a' };

/**
 * Takes a COLUMN_TYPE apart. Comments behind it (MariaDB: `COMPRESSED`, `mariadb-5.3`) are left out. Throws
 * VALUE_UNREADABLE for text that is no type.
 */
export function parseColumnType(text: string): ParsedType {
  const match = TYPE.exec(text.trim());
  const base = match?.[1]?.toLowerCase().replace(/\s+/g, ' ');
  if (match === null || base === undefined) throw unreadable(text);
  const inner = match[2];
  const attributes = match[3]?.toLowerCase() ?? '';
  const zerofill = attributes.includes('zerofill');
  let args: readonly number[] = [];
  let labels: readonly string[] = [];
  if (base === 'enum' || base === 'set') labels = parseLabels(inner ?? '', text);
  else if (inner !== undefined) {
    if (!NUMBERS.test(inner)) throw unreadable(text);
    args = inner.split(',').map(Number);
  }
  return { base, args, labels, unsigned: zerofill || attributes.includes('unsigned'), zerofill };
}

/** Whether MariaDB keeps a time in the form before 5.6: the comment behind its COLUMN_TYPE says so, whatever the server is set to. */
export const isOlder = (columnType: string): boolean => /\/\*\s*mariadb-5\.3\s*\*\//.test(columnType);

/** Whether MariaDB keeps the column compressed: the comment behind its COLUMN_TYPE says so. */
export const isCompressed = (columnType: string): boolean => COMPRESSED.test(columnType);

/** A type as information_schema spells it: the reverse of `parseColumnType`. */
export function formatColumnType(type: ParsedType): string {
  const inner = type.labels.length > 0 ? type.labels.map(quoteLabel).join(',') : type.args.join(',');
  const text = inner === '' ? type.base : `${type.base}(${inner})`;
  return `${text}${type.unsigned ? ' unsigned' : ''}${type.zerofill ? ' zerofill' : ''}`;
}

/** As the server does it (`append_unescaped`): a quote doubled, control characters and the backslash with a backslash. */
function quoteLabel(label: string): string {
  const escaped = label.replaceAll('\\', '\\\\').replaceAll('\0', '\\0').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped.replaceAll("'", "''")}'`;
}

function parseLabels(inner: string, whole: string): string[] {
  const labels: string[] = [];
  let at = 0;
  for (;;) {
    if (inner[at] !== "'") throw unreadable(whole);
    let label = '';
    at += 1;
    for (;;) {
      const character = inner[at];
      if (character === undefined) throw unreadable(whole);
      if (character === "'") {
        if (inner[at + 1] !== "'") break;
        at += 1;
        label += character;
      } else if (character === '\\') {
        at += 1;
        const escaped = inner[at];
        if (escaped === undefined) throw unreadable(whole);
        label += ESCAPED[escaped] ?? escaped;
      } else {
        label += character;
      }
      at += 1;
    }
    labels.push(label);
    at += 1;
    if (at === inner.length) return labels;
    if (inner[at] !== ',') throw unreadable(whole);
    at += 1;
  }
}

const unreadable = (text: string): ConnectorError =>
  new ConnectorError('VALUE_UNREADABLE', `${JSON.stringify(text)} is not a column type that the connector knows.`);

/** As `layoutToJson` without the table's name, so that tables alike have equal memos. */
export function memoOfLayout(layout: TableLayout): JsonObject {
  const { schema: _, name: __, ...memo } = layoutToJson(layout);
  return memo;
}

/** The small form for the state: a column is `[name, type, charset, nullable, generated, collation, expression]`, without what is empty at its end. */
export function layoutToJson(layout: TableLayout): JsonObject {
  return {
    schema: layout.schema,
    name: layout.name,
    charset: layout.defaultCharset,
    ...(layout.defaultCollation === null ? {} : { collation: layout.defaultCollation }),
    columns: layout.columns.map(column => {
      const type = column.compressed === true ? `${column.columnType} compressed` : column.columnType;
      const { name, charset, nullable, generated, collation, expression } = column;
      const whole = [name, type, charset ?? '', nullable ? 1 : 0, generated, collation ?? '', expression ?? ''];
      while (whole.at(-1) === '') whole.pop();
      return whole;
    }),
    ...(layout.keys === undefined ? {} : { keys: layout.keys.map(({ name, columns }) => [name, ...columns]) }),
  };
}

/** Throws STATE_INVALID when it is not one of ours. */
export function layoutFromJson(json: unknown): TableLayout {
  const invalid = (): ConnectorError =>
    new ConnectorError('STATE_INVALID', `the layout of a table is not one that this connector wrote: ${JSON.stringify(json)}.`);
  if (typeof json !== 'object' || json === null) throw invalid();
  const { schema, name, charset, collation = null, columns, keys } = json as Readonly<Record<string, unknown>>;
  if (typeof schema !== 'string' || typeof name !== 'string' || typeof charset !== 'string') throw invalid();
  if ((collation !== null && typeof collation !== 'string') || !Array.isArray(columns)) throw invalid();
  const parsed = columns.map((column: unknown): ColumnLayout => {
    if (!Array.isArray(column)) throw invalid();
    const [label, type, set = '', nullable, generated = '', order = '', expression = ''] = column as readonly unknown[];
    if (typeof label !== 'string' || typeof type !== 'string' || typeof set !== 'string') throw invalid();
    if (typeof order !== 'string' || typeof expression !== 'string') throw invalid();
    if ((nullable !== 0 && nullable !== 1) || !isGenerated(generated)) throw invalid();
    const compressed = type.endsWith(' compressed');
    const columnType = compressed ? type.slice(0, -' compressed'.length) : type;
    const base = { name: label, columnType, charset: set === '' ? null : set, collation: order === '' ? null : order };
    const more = { ...(compressed ? { compressed } : {}), ...(expression === '' ? {} : { expression }) };
    return { ...base, nullable: nullable === 1, generated, ...more };
  });
  const known = keysFromJson(keys);
  if (known === null) throw invalid();
  return { schema, name, columns: parsed, defaultCharset: charset, defaultCollation: collation, ...known };
}

/** Null: they are none of ours. A key is its name and its columns. */
function keysFromJson(keys: unknown): Pick<TableLayout, 'keys'> | null {
  if (keys === undefined) return {};
  const isKey = (key: unknown): key is readonly [string, ...string[]] =>
    Array.isArray(key) && key.length > 1 && key.every(part => typeof part === 'string');
  if (!Array.isArray(keys) || !keys.every(isKey)) return null;
  return { keys: keys.map(([label, ...columns]) => ({ name: label, columns })) };
}

const isGenerated = (value: unknown): value is ColumnLayout['generated'] =>
  value === '' || value === 'stored' || value === 'virtual';
