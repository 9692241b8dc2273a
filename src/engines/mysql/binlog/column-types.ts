/**
 * Column types as TABLE_MAP names them (`include/field_types.h`; MariaDB: `sql/mysqld.h` for the compressed ones), and
 * how many bytes a value takes in a row image (`calc_field_size` in `binary_log_funcs.cpp`).
 *
 * `metadata` is TABLE_MAP's number for the column, made uniform:
 * - VARCHAR, VAR_STRING, STRING, VARCHAR_COMPRESSED: the most bytes a value has (STRING's odd packing is undone)
 * - ENUM, SET: bytes of a value
 * - BLOB and its kin, JSON, GEOMETRY, VECTOR, BLOB_COMPRESSED: bytes of the length in front of a value
 * - NEWDECIMAL: precision * 256 + scale
 * - BIT: whole bytes * 256 + bits beyond them
 * - TIMESTAMP2, DATETIME2, TIME2: digits of the fraction
 * - FLOAT 4, DOUBLE 8; 0 for all others
 */
export const TYPE_DECIMAL = 0;
export const TYPE_TINY = 1;
export const TYPE_SHORT = 2;
export const TYPE_LONG = 3;
export const TYPE_FLOAT = 4;
export const TYPE_DOUBLE = 5;
export const TYPE_NULL = 6;
export const TYPE_TIMESTAMP = 7;
export const TYPE_LONGLONG = 8;
export const TYPE_INT24 = 9;
export const TYPE_DATE = 10;
export const TYPE_TIME = 11;
export const TYPE_DATETIME = 12;
export const TYPE_YEAR = 13;
export const TYPE_NEWDATE = 14;
export const TYPE_VARCHAR = 15;
export const TYPE_BIT = 16;
export const TYPE_TIMESTAMP2 = 17;
export const TYPE_DATETIME2 = 18;
export const TYPE_TIME2 = 19;
/** Of functional indexes; no column of a table has it. */
export const TYPE_TYPED_ARRAY = 20;
/** MariaDB: a TEXT or BLOB column with the attribute COMPRESSED. */
export const TYPE_BLOB_COMPRESSED = 140;
/** MariaDB: a VARCHAR or VARBINARY column with the attribute COMPRESSED. */
export const TYPE_VARCHAR_COMPRESSED = 141;
export const TYPE_VECTOR = 242;
export const TYPE_JSON = 245;
export const TYPE_NEWDECIMAL = 246;
export const TYPE_ENUM = 247;
export const TYPE_SET = 248;
export const TYPE_TINY_BLOB = 249;
export const TYPE_MEDIUM_BLOB = 250;
export const TYPE_LONG_BLOB = 251;
export const TYPE_BLOB = 252;
export const TYPE_VAR_STRING = 253;
export const TYPE_STRING = 254;
export const TYPE_GEOMETRY = 255;

/** What `valueWidth` says of a type that it does not know. */
export const WIDTH_UNKNOWN = -5;

/** Bytes of metadata that TABLE_MAP has for a column of this type; -1: the type is not known. */
export function metadataLength(type: number): number {
  switch (type) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_TIMESTAMP2:
    case TYPE_DATETIME2:
    case TYPE_TIME2:
    case TYPE_BLOB_COMPRESSED:
    case TYPE_VECTOR:
    case TYPE_JSON:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
    case TYPE_GEOMETRY:
      return 1;
    case TYPE_VARCHAR:
    case TYPE_VARCHAR_COMPRESSED:
    case TYPE_BIT:
    case TYPE_NEWDECIMAL:
    case TYPE_ENUM:
    case TYPE_SET:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
      return 2;
    case TYPE_DECIMAL:
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_LONG:
    case TYPE_NULL:
    case TYPE_TIMESTAMP:
    case TYPE_LONGLONG:
    case TYPE_INT24:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_DATETIME:
    case TYPE_YEAR:
    case TYPE_NEWDATE:
      return 0;
    default:
      return -1;
  }
}

const DECIMAL_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4] as const;

function decimalWidth(precision: number, scale: number): number {
  if (precision < 1 || precision > 65 || scale > precision || scale > 38) return WIDTH_UNKNOWN;
  const whole = precision - scale;
  const loose = (DECIMAL_BYTES[whole % 9] ?? 0) + (DECIMAL_BYTES[scale % 9] ?? 0);
  return Math.trunc(whole / 9) * 4 + Math.trunc(scale / 9) * 4 + loose;
}

/**
 * How a value of this type is measured: 0 or more, it always has so many bytes; -1 to -4, so many bytes of length stand
 * in front of it; WIDTH_UNKNOWN, it cannot be.
 */
export function valueWidth(type: number, metadata: number): number {
  switch (type) {
    case TYPE_NULL:
      return 0;
    case TYPE_TINY:
    case TYPE_YEAR:
      return 1;
    case TYPE_SHORT:
      return 2;
    case TYPE_INT24:
    case TYPE_DATE:
    case TYPE_NEWDATE:
    case TYPE_TIME:
      return 3;
    case TYPE_LONG:
    case TYPE_TIMESTAMP:
      return 4;
    case TYPE_LONGLONG:
    case TYPE_DATETIME:
      return 8;
    case TYPE_FLOAT:
      return metadata === 4 ? 4 : WIDTH_UNKNOWN;
    case TYPE_DOUBLE:
      return metadata === 8 ? 8 : WIDTH_UNKNOWN;
    case TYPE_TIMESTAMP2:
      return metadata <= 6 ? 4 + ((metadata + 1) >> 1) : WIDTH_UNKNOWN;
    case TYPE_DATETIME2:
      return metadata <= 6 ? 5 + ((metadata + 1) >> 1) : WIDTH_UNKNOWN;
    case TYPE_TIME2:
      return metadata <= 6 ? 3 + ((metadata + 1) >> 1) : WIDTH_UNKNOWN;
    case TYPE_NEWDECIMAL:
      return decimalWidth(metadata >> 8, metadata & 0xff);
    case TYPE_BIT: {
      const bytes = metadata >> 8;
      const bits = metadata & 0xff;
      return bits <= 7 && bytes * 8 + bits >= 1 && bytes * 8 + bits <= 64 ? bytes + (bits > 0 ? 1 : 0) : WIDTH_UNKNOWN;
    }
    case TYPE_ENUM:
      return metadata === 1 || metadata === 2 ? metadata : WIDTH_UNKNOWN;
    case TYPE_SET:
      return metadata >= 1 && metadata <= 8 ? metadata : WIDTH_UNKNOWN;
    case TYPE_STRING:
    case TYPE_VARCHAR:
    case TYPE_VAR_STRING:
    case TYPE_VARCHAR_COMPRESSED:
      return metadata > 255 ? -2 : -1;
    case TYPE_BLOB:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB_COMPRESSED:
    case TYPE_GEOMETRY:
    case TYPE_JSON:
    case TYPE_VECTOR:
      return metadata >= 1 && metadata <= 4 ? -metadata : WIDTH_UNKNOWN;
    default:
      return WIDTH_UNKNOWN;
  }
}
