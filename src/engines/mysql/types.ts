import { writeJsonNative, writeJsonText } from '../../values/json-column.ts';
import type { LogicalType, ScalarKind } from '../../values/logical-type.ts';
import { sameType } from '../../values/logical-type.ts';
import { writeInet4, writeInet6, writeUuid } from '../../values/mariadb-network.ts';
import * as older from '../../values/mariadb-temporal.ts';
import { trimmed } from '../../values/mysql-charset.ts';
import { writeDoubleBinary, writeDoubleText, writeFloatBinary, writeFloatText, writeVector } from '../../values/mysql-float.ts';
import { writeJsonBinary, writeJsonBinaryNative } from '../../values/mysql-json.ts';
import { writeDateBinary, writeDatetimeBinary, writeTimeBinary, writeTimestampBinary } from '../../values/mysql-temporal.ts';
import * as text from '../../values/mysql-text.ts';
import type { ValueWriter } from '../../values/value-writer.ts';
import type { BinaryForm, PartialWriter } from './binary-form.ts';
import * as binary from './binary-form.ts';
import { recoded, textWriterOf } from './charsets.ts';
import { type ColumnLayout, isCompressed, isOlder, type ParsedType, parseColumnType } from './layout/column-layout.ts';
import { quotedBinary, quotedText, timeOfDay } from './other-forms.ts';

export type { BinaryForm, PartialWriter } from './binary-form.ts';

/**
 * How a column's values are written. `text` takes the bytes of the text protocol, in the column's own character set: the
 * session has `character_set_results = NULL` and `time_zone = '+00:00'`, and selects `selectExpression`. `binary` makes the
 * writer for those of a row image. Both write the same bytes for the same value.
 */
export interface Writers {
  readonly text: ValueWriter;
  readonly binary: BinaryForm;
  /** MySQL's JSON columns only. */
  readonly partial?: PartialWriter;
}

/** What a column means and how it is written. */
export interface ColumnType extends Writers {
  readonly logical: LogicalType;
  /** What the same column can mean as well, for catalogs that were made under other options or by other connectors. */
  readonly also?: readonly ColumnType[];
}

export interface TypeOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** What `tinyint(1)` means. */
  readonly tinyint1: 'boolean' | 'integer';
  /** Whether JSON columns are objects rather than strings. */
  readonly nativeJson: boolean;
}

/** Most digits of a decimal that every consumer of a 64-bit integer can hold. */
const INTEGER_DIGITS = 18;
const DEFAULT_PRECISION = 10;
const INTEGER_BYTES: Readonly<Record<string, number>> = { tinyint: 1, smallint: 2, mediumint: 3, int: 4, integer: 4, bigint: 8 };

function scalar(kind: ScalarKind | 'object', textWriter: ValueWriter, binaryForm: BinaryForm): ColumnType {
  return { logical: { kind }, text: textWriter, binary: binaryForm };
}

/** The type of a column. Types that are not known are strings, and VALUE_UNREADABLE where the log has one. */
export function columnType(layout: ColumnLayout, options: TypeOptions): ColumnType {
  const type = parseColumnType(layout.columnType);
  const bytes = INTEGER_BYTES[type.base];
  if (bytes !== undefined) return integerType(type, bytes, options);
  switch (type.base) {
    case 'decimal':
    case 'numeric':
    case 'dec': {
      const [precision = DEFAULT_PRECISION, scale = 0] = type.args;
      return scalar(scale === 0 && precision <= INTEGER_DIGITS ? 'integer' : 'number', text.writeDecimal, binary.decimal);
    }
    case 'float':
      return scalar('number', writeFloatText, binary.fixed(4, writeFloatBinary));
    case 'double':
    case 'real':
    case 'double precision':
      return scalar('number', writeDoubleText, binary.fixed(8, writeDoubleBinary));
    case 'bit':
      return bitType(type.args[0] ?? 1);
    case 'year':
      return scalar('integer', text.writeInteger, binary.year(type.args[0] === 2));
    case 'date':
      return scalar('date', text.writeDate, binary.fixed(3, writeDateBinary));
    case 'time':
    case 'datetime':
    case 'timestamp':
      return isOlder(layout.columnType) ? olderTemporal(type) : temporal(type.base);
    case 'vector': {
      const framed = options.flavor === 'mariadb' ? binary.varying(writeVector) : binary.blob(writeVector);
      return { logical: { kind: 'array', items: { kind: 'number' } }, text: writeVector, binary: framed };
    }
    case 'uuid':
      return scalar('string', textWriterOf(null), binary.padded(16, writeUuid));
    case 'inet6':
      return scalar('string', textWriterOf(null), binary.padded(16, writeInet6));
    case 'inet4':
      return scalar('string', textWriterOf(null), binary.padded(4, writeInet4));
    case 'json':
      return options.flavor === 'mysql' ? mysqlJson(options.nativeJson) : mariadbJson(layout, options.nativeJson);
    default:
      return textOrBytes(layout, type);
  }
}

/** Text, bytes, labels, shapes. */
function textOrBytes(layout: ColumnLayout, type: ParsedType): ColumnType {
  const inflate =
    layout.compressed === true || isCompressed(layout.columnType) ? binary.compressed : (write: ValueWriter) => write;
  switch (type.base) {
    case 'char': {
      const write = trimmed(textWriterOf(layout.charset), layout.charset);
      return scalar('string', write, binary.varying(write));
    }
    case 'varchar': {
      const write = textWriterOf(layout.charset);
      return scalar('string', write, binary.varying(inflate(write)));
    }
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'xmltype': {
      const write = textWriterOf(layout.charset);
      return scalar('string', write, binary.blob(inflate(write)));
    }
    case 'enum':
      return scalar('string', textWriterOf(layout.charset), binary.enumeration(type.labels));
    case 'set':
      return scalar('string', textWriterOf(layout.charset), binary.set(type.labels));
    case 'binary':
      return scalar('binary', text.writeBinary, binary.padded(type.args[0] ?? 1, text.writeBinary));
    case 'varbinary':
      return scalar('binary', text.writeBinary, binary.varying(inflate(text.writeBinary)));
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return scalar('binary', text.writeBinary, binary.blob(inflate(text.writeBinary)));
    case 'geometry':
    case 'point':
    case 'linestring':
    case 'polygon':
    case 'multipoint':
    case 'multilinestring':
    case 'multipolygon':
    case 'geomcollection':
    case 'geometrycollection':
      return scalar('binary', text.writeBinary, binary.blob(text.writeBinary));
    default:
      return scalar('string', textWriterOf(layout.charset), binary.unknown(layout.columnType));
  }
}

/** Only a signed `tinyint(1)` is what the servers make of BOOLEAN. */
function integerType(type: ParsedType, bytes: number, options: TypeOptions): ColumnType {
  const integer = scalar('integer', text.writeInteger, binary.integer(bytes, !type.unsigned));
  if (type.base !== 'tinyint' || type.args[0] !== 1 || type.unsigned) return integer;
  const boolean = scalar('boolean', text.writeBoolean, binary.fixed(1, text.writeByteBoolean));
  return options.tinyint1 === 'boolean' ? { ...boolean, also: [integer] } : { ...integer, also: [boolean] };
}

function bitType(bits: number): ColumnType {
  const write = text.bitsWriter(bits);
  const digits = scalar('string', write, binary.bit(bits, write));
  if (bits !== 1) return digits;
  return { ...scalar('boolean', text.writeBitBoolean, binary.bit(1, text.writeBitBoolean)), also: [digits] };
}

function temporal(base: 'time' | 'datetime' | 'timestamp'): ColumnType {
  if (base === 'datetime') return scalar('timestamp', text.writeDatetime, binary.temporal(5, writeDatetimeBinary));
  if (base === 'timestamp') return scalar('timestamp_tz', text.writeTimestamp, binary.temporal(4, writeTimestampBinary));
  return withTimeOfDay(scalar('string', text.writeTime, binary.temporal(3, writeTimeBinary)));
}

/** A duration is a string; catalogs of other connectors promise a time of day. */
function withTimeOfDay(duration: ColumnType): ColumnType {
  return { ...duration, also: [scalar('time', text.writeTimeOfDay, timeOfDay(duration.binary))] };
}

function olderTemporal(type: ParsedType): ColumnType {
  const digits = type.args[0] ?? 0;
  const bytes = olderBytes(type);
  if (type.base === 'datetime') {
    const write: ValueWriter = (out, source, start) => older.writeOldDatetime(out, source, start, digits);
    return scalar('timestamp', text.writeDatetime, binary.fixed(bytes, write));
  }
  if (type.base === 'timestamp') {
    const write: ValueWriter = (out, source, start) => older.writeOldTimestamp(out, source, start, digits);
    return scalar('timestamp_tz', text.writeTimestamp, binary.fixed(bytes, write));
  }
  const write: ValueWriter = (out, source, start) => older.writeOldTime(out, source, start, digits);
  return withTimeOfDay(scalar('string', text.writeTime, binary.fixed(bytes, write)));
}

function olderBytes(type: ParsedType): number {
  const digits = type.args[0] ?? 0;
  if (type.base === 'datetime') return older.oldDatetimeBytes(digits);
  return type.base === 'timestamp' ? older.oldTimestampBytes(digits) : older.oldTimeBytes(digits);
}

/**
 * How many bytes a value of the column takes in a row image, where TABLE_MAP cannot tell: MariaDB's older times, whose
 * types (TIMESTAMP, DATETIME, TIME) have no metadata. Null for all other columns.
 */
export function widthByLayout(layout: ColumnLayout): number | null {
  return isOlder(layout.columnType) ? olderBytes(parseColumnType(layout.columnType)) : null;
}

function mysqlJson(native: boolean): ColumnType {
  const json = { ...scalar('json', writeJsonText, binary.blob(writeJsonBinary)), partial: binary.partialJson(false) };
  const object = { ...scalar('object', writeJsonNative, binary.blob(writeJsonBinaryNative)), partial: binary.partialJson(true) };
  return native ? { ...object, also: [json] } : { ...json, also: [object] };
}

/** MariaDB's JSON is LONGTEXT with a check; discovery gives it the columnType `json`. */
function mariadbJson(layout: ColumnLayout, native: boolean): ColumnType {
  const [asText, asValue] = [writeJsonText, writeJsonNative].map(write => recoded(write, layout.charset)) as [
    ValueWriter,
    ValueWriter,
  ];
  const inflate = layout.compressed === true ? binary.compressed : (write: ValueWriter) => write;
  const json = scalar('json', asText, binary.blob(inflate(asText)));
  const object = scalar('object', asValue, binary.blob(inflate(asValue)));
  return native ? { ...object, also: [json] } : { ...json, also: [object] };
}

/**
 * What to select for a column, so that the text protocol gives all of its value: FLOAT would come rounded to six digits, and
 * FLOAT(M,D) and DOUBLE(M,D) with D of them behind the point. `* 1e0` keeps the sign of zero, which `+ 0e0` would not.
 */
export function selectExpression(layout: ColumnLayout, quotedName: string): string {
  const { base, args } = parseColumnType(layout.columnType);
  const rounded = base === 'float' || ((base === 'double' || base === 'real') && args.length > 0);
  return rounded ? `${quotedName} * 1e0` : quotedName;
}

/**
 * The writers for values of `actual` in a column that the configured catalog promises as `promised`; null when such values
 * cannot be said that way (the caller raises SCHEMA_CHANGED). Anything can be said as a string: what would be written, in
 * quotes if it has none.
 */
export function writersFor(actual: ColumnType, promised: LogicalType): Writers | null {
  const forms = [actual, ...(actual.also ?? [])];
  const exact = forms.find(form => form.logical.kind === promised.kind && sameType(form.logical, promised));
  if (exact !== undefined) return exact;
  const { kind } = promised;
  if (kind === 'number') return forms.find(form => form.logical.kind === 'integer') ?? null;
  if (kind !== 'string' && kind !== 'json') return null;
  const said = forms.find(form => form.logical.kind === 'json' || form.logical.kind === 'string');
  if (said !== undefined) return said;
  // Of a tinyint(1) the number, which is what the server prints.
  const { text: plain, binary: framed } = forms.find(form => form.logical.kind === 'integer') ?? actual;
  return { text: quotedText(plain), binary: quotedBinary(framed) };
}
