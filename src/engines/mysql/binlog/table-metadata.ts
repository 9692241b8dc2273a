import { ConnectorError } from '../../../contract/errors.ts';
import { decodeText } from '../charsets.ts';
import { charsetOfCollationId } from '../layout/charsets.ts';
import {
  TYPE_BLOB,
  TYPE_BLOB_COMPRESSED,
  TYPE_DOUBLE,
  TYPE_ENUM,
  TYPE_FLOAT,
  TYPE_GEOMETRY,
  TYPE_INT24,
  TYPE_LONG,
  TYPE_LONGLONG,
  TYPE_NEWDECIMAL,
  TYPE_SET,
  TYPE_SHORT,
  TYPE_STRING,
  TYPE_TINY,
  TYPE_VAR_STRING,
  TYPE_VARCHAR,
  TYPE_VARCHAR_COMPRESSED,
  TYPE_VECTOR,
  TYPE_YEAR,
} from './column-types.ts';
import type { EventCursor } from './event-cursor.ts';

// Field types of the optional metadata (`Table_map_event::Optional_metadata_field_type`)
const SIGNEDNESS = 1;
const DEFAULT_CHARSET = 2;
const COLUMN_CHARSET = 3;
const COLUMN_NAME = 4;
const SET_STR_VALUE = 5;
const ENUM_STR_VALUE = 6;
const GEOMETRY_TYPE = 7;
const SIMPLE_PRIMARY_KEY = 8;
const PRIMARY_KEY_WITH_PREFIX = 9;
const ENUM_AND_SET_DEFAULT_CHARSET = 10;
const ENUM_AND_SET_COLUMN_CHARSET = 11;
const COLUMN_VISIBILITY = 12;
const VECTOR_DIMENSIONALITY = 13;

/** A column while its table is read. */
export interface ColumnFacts {
  readonly type: number;
  readonly metadata: number;
  readonly nullable: boolean;
  unsigned?: boolean;
  charset?: number;
  geometryType?: number;
  name?: string;
  labels?: readonly string[];
  labelBytes?: readonly Uint8Array[];
  visible?: boolean;
  primaryKey?: boolean;
  dimension?: number;
}

type Flavor = 'mysql' | 'mariadb';

/** Columns that have a bit of signedness; YEAR is one of them. */
function isNumeric(type: number): boolean {
  switch (type) {
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_INT24:
    case TYPE_LONG:
    case TYPE_LONGLONG:
    case TYPE_NEWDECIMAL:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_YEAR:
      return true;
    default:
      return false;
  }
}

/** Columns that have an entry in the lists of character sets. Binary ones are among them. */
function isCharacter(type: number, flavor: Flavor): boolean {
  switch (type) {
    case TYPE_STRING:
    case TYPE_VAR_STRING:
    case TYPE_VARCHAR:
    case TYPE_BLOB:
    case TYPE_BLOB_COMPRESSED:
    case TYPE_VARCHAR_COMPRESSED:
      return true;
    case TYPE_VECTOR:
      return flavor === 'mysql';
    case TYPE_GEOMETRY:
      return flavor === 'mariadb';
    default:
      return false;
  }
}

/**
 * Reads the optional metadata of a TABLE_MAP, to the end of the event, into `columns`. Returns the places of the primary
 * key's columns, or null where they are not said. When it throws, `columns` is not to be used, and the cursor's end is
 * another. A field that is not known is passed over, as servers do.
 */
export function readTableMetadata(cursor: EventCursor, columns: readonly ColumnFacts[], flavor: Flavor): number[] | null {
  const character = columns.filter(({ type }) => isCharacter(type, flavor));
  const enumOrSet = columns.filter(({ type }) => type === TYPE_ENUM || type === TYPE_SET);
  const eventEnd = cursor.end;
  let primaryKey: number[] | null = null;
  while (cursor.left > 0) {
    const field = cursor.u8();
    const length = cursor.packed();
    if (length > cursor.left) throw cursor.truncated();
    cursor.end = cursor.at + length;
    switch (field) {
      case SIGNEDNESS:
        readBits(
          cursor,
          columns.filter(({ type }) => isNumeric(type)),
          (column, bit) => {
            column.unsigned = bit;
          },
        );
        break;
      case DEFAULT_CHARSET:
        readDefaultCharset(cursor, character);
        break;
      case COLUMN_CHARSET:
        for (const column of character) column.charset = cursor.packed();
        break;
      case COLUMN_NAME:
        for (const column of columns) column.name = cursor.text(cursor.packed());
        break;
      case SET_STR_VALUE:
        readLabels(
          cursor,
          columns.filter(({ type }) => type === TYPE_SET),
        );
        break;
      case ENUM_STR_VALUE:
        readLabels(
          cursor,
          columns.filter(({ type }) => type === TYPE_ENUM),
        );
        break;
      case GEOMETRY_TYPE:
        for (const column of columns) if (column.type === TYPE_GEOMETRY) column.geometryType = cursor.packed();
        break;
      case SIMPLE_PRIMARY_KEY:
      case PRIMARY_KEY_WITH_PREFIX:
        primaryKey = readPrimaryKey(cursor, columns, field === PRIMARY_KEY_WITH_PREFIX);
        break;
      case ENUM_AND_SET_DEFAULT_CHARSET:
        readDefaultCharset(cursor, enumOrSet);
        break;
      case ENUM_AND_SET_COLUMN_CHARSET:
        for (const column of enumOrSet) column.charset = cursor.packed();
        break;
      case COLUMN_VISIBILITY:
        readBits(cursor, columns, (column, bit) => {
          column.visible = bit;
        });
        break;
      case VECTOR_DIMENSIONALITY:
        for (const column of columns) if (column.type === TYPE_VECTOR) column.dimension = cursor.packed();
        break;
      default:
        cursor.skip(cursor.left);
    }
    // A list with more or fewer entries than columns would describe other columns than it seems to.
    if (cursor.left !== 0) throw cursor.unreadable(`the metadata field ${field} does not fit the columns`);
    cursor.end = eventEnd;
  }
  for (const column of enumOrSet) decodeLabels(column);
  return primaryKey;
}

/** The lists of character sets may stand in front of the labels or behind them. */
function decodeLabels(column: ColumnFacts): void {
  const { labelBytes } = column;
  const charset = column.charset === undefined ? null : charsetOfCollationId(column.charset);
  if (labelBytes === undefined || charset === null) return;
  try {
    column.labels = labelBytes.map(label => decodeText(label, charset));
  } catch (error) {
    // Only the reader of this table has to know what the labels are.
    if (!(error instanceof ConnectorError)) throw error;
  }
}

/** One bit a column, the highest bit of each byte first. */
function readBits(cursor: EventCursor, columns: readonly ColumnFacts[], set: (column: ColumnFacts, bit: boolean) => void): void {
  const at = cursor.skip((columns.length + 7) >> 3);
  columns.forEach((column, i) => {
    set(column, ((cursor.bytes[at + (i >> 3)]! >> (7 - (i & 7))) & 1) === 1);
  });
}

/** The commonest collation, then pairs for the columns (counted among themselves) that have another. */
function readDefaultCharset(cursor: EventCursor, columns: readonly ColumnFacts[]): void {
  const common = cursor.packed();
  for (const column of columns) column.charset = common;
  while (cursor.left > 0) {
    const column = columns[cursor.packed()];
    if (column === undefined) throw cursor.unreadable('a character set is given for a column that is not there');
    column.charset = cursor.packed();
  }
}

function readLabels(cursor: EventCursor, columns: readonly ColumnFacts[]): void {
  for (const column of columns) {
    const count = cursor.packed();
    if (count > cursor.left) throw cursor.truncated();
    const labels: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const length = cursor.packed();
      const at = cursor.skip(length);
      labels.push(new Uint8Array(cursor.bytes.subarray(at, at + length))); // a copy, which slice() of a Buffer isn't
    }
    column.labelBytes = labels;
  }
}

function readPrimaryKey(cursor: EventCursor, columns: readonly ColumnFacts[], prefixed: boolean): number[] {
  const key: number[] = [];
  while (cursor.left > 0) {
    const place = cursor.packed();
    if (prefixed) cursor.packed(); // length of the prefix in characters; 0: the whole column
    const column = columns[place];
    if (column === undefined) throw cursor.unreadable('the primary key names a column that is not there');
    column.primaryKey = true;
    key.push(place);
  }
  return key;
}
