import * as types from '../binlog/column-types.ts';
import type { TableMap, TableMapColumn } from '../binlog/table-map.ts';
import { decodeText } from '../charsets.ts';
import { charsetOfCollationId, widestCharacter } from './charsets.ts';
import type { ColumnLayout, ParsedType, TableLayout } from './column-layout.ts';
import { formatColumnType } from './column-layout.ts';
import { columnMismatch, isHashColumn } from './match.ts';

/** A layout made from the log itself. */
export interface SentLayout {
  readonly layout: TableLayout;
  /**
   * Columns of which the log does not say everything and nothing else was known: `tinyint(1)` and `tinyint` look the same,
   * so do `uuid` and `binary(16)`, MariaDB's JSON and `longtext`.
   */
  readonly ambiguous: readonly string[];
}

const INTEGERS: Readonly<Record<number, string>> = {
  [types.TYPE_TINY]: 'tinyint',
  [types.TYPE_SHORT]: 'smallint',
  [types.TYPE_INT24]: 'mediumint',
  [types.TYPE_LONG]: 'int',
  [types.TYPE_LONGLONG]: 'bigint',
  [types.TYPE_FLOAT]: 'float',
  [types.TYPE_DOUBLE]: 'double',
};
/** Since 5.6. Of MariaDB's older ones nothing says how many digits the fraction has. */
const TEMPORAL: Readonly<Record<number, string>> = {
  [types.TYPE_TIME2]: 'time',
  [types.TYPE_DATETIME2]: 'datetime',
  [types.TYPE_TIMESTAMP2]: 'timestamp',
};
const TEXTS = ['', 'tinytext', 'text', 'mediumtext', 'longtext'] as const;
const BLOBS = ['', 'tinyblob', 'blob', 'mediumblob', 'longblob'] as const;
const GEOMETRIES = [
  'geometry',
  'point',
  'linestring',
  'polygon',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geomcollection',
] as const;
const PLAIN: ParsedType = { base: '', args: [], labels: [], unsigned: false, zerofill: false };

/**
 * The layout of a table whose TABLE_MAP names its columns (`binlog_row_metadata=FULL`); null where it does not, or has a type
 * that is not known. What `known` says of a column of the same name is kept where it fits: the log does not tell everything.
 */
export function layoutFromTableMap(map: TableMap, known: TableLayout | null): SentLayout | null {
  const ambiguous: string[] = [];
  const columns: ColumnLayout[] = [];
  for (const sent of map.columns) {
    const { name } = sent;
    if (name === undefined) return null;
    if (name.startsWith('DB_ROW_HASH_') && isHashColumn(sent)) continue;
    const before = known?.columns.find(column => column.name === name);
    if (before !== undefined && columnMismatch(sent, before) === null) {
      columns.push(before);
      continue;
    }
    const column = columnFromTableMap(sent, name);
    if (column === null) return null;
    if (isAmbiguous(sent)) ambiguous.push(name);
    columns.push(column);
  }
  const { schema, table } = map;
  // What later columns get by default stands in no TABLE_MAP.
  const layout = {
    schema,
    name: table,
    columns,
    defaultCharset: known?.defaultCharset ?? '',
    defaultCollation: known?.defaultCollation ?? null,
  };
  return { layout, ambiguous };
}

function isAmbiguous({ type, metadata, charset }: TableMapColumn): boolean {
  if (type === types.TYPE_TINY) return true;
  const name = charset === undefined ? null : charsetOfCollationId(charset);
  if (type === types.TYPE_STRING) return (metadata === 16 || metadata === 4) && (name === null || name === 'binary');
  return type === types.TYPE_BLOB && metadata === 4 && name === 'utf8mb4';
}

function columnFromTableMap(sent: TableMapColumn, name: string): ColumnLayout | null {
  const charset = sent.charset === undefined ? null : charsetOfCollationId(sent.charset);
  const type = typeFromTableMap(sent, charset);
  if (type === null) return null;
  const isText = charset !== null && charset !== 'binary' && hasText(type.base);
  const compressed = sent.type === types.TYPE_BLOB_COMPRESSED || sent.type === types.TYPE_VARCHAR_COMPRESSED;
  return {
    name,
    columnType: compressed ? `${formatColumnType(type)} /*M!100301 COMPRESSED*/` : formatColumnType(type),
    charset: isText || ((type.base === 'enum' || type.base === 'set') && charset !== null) ? charset : null,
    collation: null,
    nullable: sent.nullable,
    generated: '',
    ...(compressed ? { compressed } : {}),
  };
}

const hasText = (base: string): boolean =>
  base === 'char' || base === 'varchar' || base === 'enum' || base === 'set' || base.endsWith('text');

function typeFromTableMap(sent: TableMapColumn, charset: string | null): ParsedType | null {
  const { type, metadata, unsigned = false } = sent;
  const number = INTEGERS[type];
  if (number !== undefined) return { ...PLAIN, base: number, unsigned };
  const temporal = TEMPORAL[type];
  if (temporal !== undefined) return { ...PLAIN, base: temporal, args: metadata === 0 ? [] : [metadata] };
  // Without its character set a text could as well be a binary string.
  const binary = charset === 'binary';
  const length = charset === null ? 0 : Math.floor(metadata / widestCharacter(charset));
  switch (type) {
    case types.TYPE_NEWDECIMAL:
      return { ...PLAIN, base: 'decimal', args: [metadata >> 8, metadata & 0xff], unsigned };
    case types.TYPE_BIT:
      return { ...PLAIN, base: 'bit', args: [(metadata >> 8) * 8 + (metadata & 0xff)] };
    case types.TYPE_YEAR:
      return { ...PLAIN, base: 'year' };
    case types.TYPE_DATE:
    case types.TYPE_NEWDATE:
      return { ...PLAIN, base: 'date' };
    case types.TYPE_STRING:
      return charset === null ? null : { ...PLAIN, base: binary ? 'binary' : 'char', args: [length] };
    case types.TYPE_VARCHAR:
    case types.TYPE_VAR_STRING:
    case types.TYPE_VARCHAR_COMPRESSED:
      return charset === null ? null : { ...PLAIN, base: binary ? 'varbinary' : 'varchar', args: [length] };
    case types.TYPE_BLOB:
    case types.TYPE_BLOB_COMPRESSED: {
      const base = (binary ? BLOBS : TEXTS)[metadata];
      return charset === null || base === undefined || base === '' ? null : { ...PLAIN, base };
    }
    case types.TYPE_ENUM:
    case types.TYPE_SET: {
      const { labelBytes } = sent;
      if (labelBytes === undefined || charset === null) return null;
      return {
        ...PLAIN,
        base: type === types.TYPE_ENUM ? 'enum' : 'set',
        labels: labelBytes.map(bytes => decodeText(bytes, charset)),
      };
    }
    case types.TYPE_JSON:
      return { ...PLAIN, base: 'json' };
    case types.TYPE_VECTOR:
      return { ...PLAIN, base: 'vector', args: [sent.dimension ?? 0] };
    case types.TYPE_GEOMETRY:
      return { ...PLAIN, base: GEOMETRIES[sent.geometryType ?? 0] ?? 'geometry' };
    default:
      return null;
  }
}
