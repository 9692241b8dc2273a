import * as types from '../binlog/column-types.ts';
import type { TableMap, TableMapColumn } from '../binlog/table-map.ts';
import { decodeText } from '../charsets.ts';
import { charsetName, charsetOfCollationId, widestCharacter } from './charsets.ts';
import type { ColumnLayout, ParsedType, TableLayout } from './column-layout.ts';
import { isOlder, parseColumnType } from './column-layout.ts';

/** Why a TABLE_MAP and a layout are not of the same table, in words for people. */
export interface Mismatch {
  /** Place from 0; null when the numbers of columns differ. */
  readonly column: number | null;
  readonly why: string;
}

const INTEGERS: Readonly<Record<string, number>> = {
  tinyint: types.TYPE_TINY,
  smallint: types.TYPE_SHORT,
  mediumint: types.TYPE_INT24,
  int: types.TYPE_LONG,
  bigint: types.TYPE_LONGLONG,
  float: types.TYPE_FLOAT,
  double: types.TYPE_DOUBLE,
};
/** Temporal types by their codes without and with the fraction's digits in the metadata (before and since 5.6). */
const TEMPORAL: Readonly<Record<string, readonly [old: number, now: number]>> = {
  time: [types.TYPE_TIME, types.TYPE_TIME2],
  datetime: [types.TYPE_DATETIME, types.TYPE_DATETIME2],
  timestamp: [types.TYPE_TIMESTAMP, types.TYPE_TIMESTAMP2],
};
/** Bytes of the length in front of a value. */
const BLOBS: Readonly<Record<string, number>> = {
  tinytext: 1,
  tinyblob: 1,
  text: 2,
  blob: 2,
  mediumtext: 3,
  mediumblob: 3,
  longtext: 4,
  longblob: 4,
};
/** The numbers of TABLE_MAP's geometry types. */
const GEOMETRIES: Readonly<Record<string, number>> = {
  geometry: 0,
  point: 1,
  linestring: 2,
  polygon: 3,
  multipoint: 4,
  multilinestring: 5,
  multipolygon: 6,
  geomcollection: 7,
  geometrycollection: 7,
};
/** MariaDB's types of a fixed number of bytes. */
const FIXED: Readonly<Record<string, number>> = { uuid: 16, inet6: 16, inet4: 4 };
const LENGTH_OF_WIDE_BLOB = 4;

/** MariaDB appends such columns for unique keys over BLOB and TEXT; they are in the log and in no catalog. */
const HASH_COLUMN = /^DB_ROW_HASH_[0-9]+$/;

export const isHashColumn = ({ type, unsigned, name }: TableMapColumn): boolean =>
  type === types.TYPE_LONGLONG && unsigned !== false && (name === undefined || HASH_COLUMN.test(name));

/**
 * Whether the rows that follow `map` can be read by `layout`: null, or the first column that does not fit. Names and labels
 * are compared where the log has them (`binlog_row_metadata=FULL`), signs and character sets where the server is recent
 * enough to send them always, types and lengths in any case. NULL or NOT NULL is not compared: rows are read by their own
 * bits. A MariaDB table may have more columns in the log than in the layout: hidden ones behind all others.
 */
export function mismatch(map: TableMap, layout: TableLayout, flavor: 'mysql' | 'mariadb'): Mismatch | null {
  const behind = map.columns.slice(layout.columns.length);
  const hidden = flavor === 'mariadb' && behind.every(isHashColumn);
  if (map.columns.length < layout.columns.length || (behind.length > 0 && !hidden)) {
    return { column: null, why: `the log has ${map.columns.length} columns, ${layout.columns.length} are known` };
  }
  for (const [column, sent] of map.columns.entries()) {
    const known = layout.columns[column];
    const why = known === undefined ? null : columnMismatch(sent, known);
    if (why !== null) return { column, why: `column ${column + 1}, ${known?.name}: ${why}` };
  }
  return null;
}

/** Null: the values of the column can be read by what is known of it. */
export function columnMismatch(sent: TableMapColumn, known: ColumnLayout): string | null {
  if (sent.name !== undefined && sent.name !== known.name) return `the log calls it ${sent.name}`;
  const type = parseColumnType(known.columnType);
  if (!fits(sent, type, known)) return `it is known as ${known.columnType}, the log has type ${sent.type} with ${sent.metadata}`;
  if (sent.unsigned !== undefined && type.base in INTEGERS && sent.unsigned !== type.unsigned) {
    return `it is known as ${known.columnType}, in the log it is ${sent.unsigned ? 'unsigned' : 'signed'}`;
  }
  if (sent.unsigned !== undefined && type.base === 'decimal' && sent.unsigned !== type.unsigned) {
    return `it is known as ${known.columnType}, in the log it is ${sent.unsigned ? 'unsigned' : 'signed'}`;
  }
  const charset = sent.charset === undefined || !hasCharset(type.base) ? null : charsetOfCollationId(sent.charset);
  const knownCharset = known.charset === null ? 'binary' : charsetName(known.charset);
  if (charset !== null && charset !== knownCharset)
    return `it is known with the character set ${knownCharset}, the log has ${charset}`;
  return sent.labelBytes === undefined ? null : labelMismatch(sent.labelBytes, type, known);
}

const hasCharset = (base: string): boolean =>
  base in BLOBS ||
  base === 'char' ||
  base === 'varchar' ||
  base === 'binary' ||
  base === 'varbinary' ||
  base === 'enum' ||
  base === 'set';

function labelMismatch(sent: readonly Uint8Array[], type: ParsedType, known: ColumnLayout): string | null {
  const labels = sent.map(bytes => decodeText(bytes, known.charset));
  const same = labels.length === type.labels.length && labels.every((label, index) => label === type.labels[index]);
  return same ? null : `it is known as ${known.columnType}, the log has the labels ${labels.join(', ')}`;
}

function fits(sent: TableMapColumn, { base, args, labels }: ParsedType, known: ColumnLayout): boolean {
  const { type, metadata } = sent;
  const [first = 0, second = 0] = args;
  const widest = known.charset === null ? 1 : widestCharacter(charsetName(known.charset) ?? known.charset);
  const number = INTEGERS[base];
  if (number !== undefined) return type === number;
  const temporal = TEMPORAL[base];
  // Both forms may have the same width, and the bytes of one mean something else in the other.
  if (temporal !== undefined) {
    return isOlder(known.columnType) ? type === temporal[0] : type === temporal[1] && metadata === first;
  }
  const blob = BLOBS[base];
  if (blob !== undefined) {
    return metadata === blob && type === (known.compressed === true ? types.TYPE_BLOB_COMPRESSED : types.TYPE_BLOB);
  }
  switch (base) {
    case 'decimal':
      return type === types.TYPE_NEWDECIMAL && metadata === first * 256 + second;
    case 'bit':
      return type === types.TYPE_BIT && metadata === (first >> 3) * 256 + (first & 7);
    case 'year':
      return type === types.TYPE_YEAR;
    case 'date':
      return type === types.TYPE_DATE || type === types.TYPE_NEWDATE;
    case 'char':
    case 'binary':
      return type === types.TYPE_STRING && metadata === first * widest;
    case 'varchar':
    case 'varbinary':
      if (known.compressed === true) return type === types.TYPE_VARCHAR_COMPRESSED;
      return (type === types.TYPE_VARCHAR || type === types.TYPE_VAR_STRING) && metadata === first * widest;
    case 'enum':
      return type === types.TYPE_ENUM && metadata === (labels.length < 256 ? 1 : 2);
    case 'set':
      return type === types.TYPE_SET && metadata === bytesOfSet(labels.length);
    case 'json':
      // MariaDB's is LONGTEXT with a check, and has a character set.
      if (known.charset === null) return type === types.TYPE_JSON && metadata === LENGTH_OF_WIDE_BLOB;
      return (
        type === (known.compressed === true ? types.TYPE_BLOB_COMPRESSED : types.TYPE_BLOB) && metadata === BLOBS['longtext']
      );
    case 'vector':
      // MariaDB keeps it as a string of numbers of four bytes.
      return type === types.TYPE_VECTOR || (type === types.TYPE_VARCHAR && metadata === first * 4);
    default: {
      const fixed = FIXED[base];
      if (fixed !== undefined) return type === types.TYPE_STRING && metadata === fixed;
      const geometry = GEOMETRIES[base];
      if (geometry === undefined || type !== types.TYPE_GEOMETRY) return false;
      return sent.geometryType === undefined || sent.geometryType === geometry;
    }
  }
}

const bytesOfSet = (labels: number): number => (labels > 32 ? 8 : Math.ceil(labels / 8));
