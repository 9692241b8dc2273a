import type { LogicalType, ScalarKind } from '../../values/logical-type.ts';
import { arrayWriter } from '../../values/postgres-array.ts';
import {
  writeBoolean,
  writeBytea,
  writeDate,
  writeInteger,
  writeJsonNative,
  writeJsonText,
  writeNumber,
  writeString,
  writeTime,
  writeTimestamp,
  writeTimestampTz,
  writeTimeTz,
} from '../../values/postgres-text.ts';
import type { ValueWriter } from '../../values/value-writer.ts';

/** A row of `pg_type`, with the types it is made of resolved. */
export interface PgType {
  readonly oid: number;
  /** `typname`: `int4`, `_int4`, `varchar`, … */
  readonly name: string;
  /** Name of the schema. */
  readonly namespace: string;
  /** b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  readonly typtype: string;
  /** `A` for arrays; for others only a hint. */
  readonly typcategory: string;
  /** Oid of what a subscript gives; 0 for none. Also set for some types that are no arrays (`point`, `name`). */
  readonly typelem: number;
  /** Between the elements of an array of this type: `,` for all built-in types but `box`. */
  readonly typdelim: string;
  /** Domains: oid of the type under it; 0 otherwise. */
  readonly typbasetype: number;
  /** Domains: `typtypmod`, the modifier of the base type, -1 for none. Others: -1. */
  readonly typmod: number;
  /** Domains over arrays: `typndims`. Others: 0. */
  readonly ndims: number;
  /** The type `typelem`, for arrays. */
  readonly element?: PgType;
  /** The type `typbasetype`, for domains. */
  readonly base?: PgType;
}

/** Of the extension pointcloud: their output function asks a table, which a walsender cannot do. */
const UNSENDABLE: readonly string[] = ['pcpoint', 'pcpatch'];

/** True when the server can print the type in a query, but not in its log. */
export const isUnsendable = (type: PgType | undefined): boolean =>
  type !== undefined && (UNSENDABLE.includes(type.name) || isUnsendable(type.element ?? type.base));

/** What a column means and how its text form is written. */
export interface ColumnType {
  readonly logical: LogicalType;
  readonly write: ValueWriter;
  /** Arrays: how they are made, to make another writer for the elements. */
  readonly array?: { readonly element: ColumnType; readonly delimiter: number; readonly depth: number };
}

const scalar = (kind: ScalarKind | 'object', write: ValueWriter): ColumnType => ({ logical: { kind }, write });

const TEXT = scalar('string', writeString);
const INTEGER = scalar('integer', writeInteger);
const NUMBER = scalar('number', writeNumber);
/** numeric(p,0): digits only, but NaN may stand in it, which the writer of numbers knows. */
const WHOLE_NUMERIC = scalar('integer', writeNumber);
const JSON_TEXT = scalar('json', writeJsonText);
const JSON_NATIVE = scalar('object', writeJsonNative);

const NUMERIC_OID = 1700;
const JSON_OIDS: readonly number[] = [114, 3802]; // json, jsonb

/**
 * Built-in types with a form of their own, by oid (`pg_type.dat` of the server's source; these never change). Every other
 * type, built in or not, is the server's text: char, uuid, inet, xml, interval, money, bit strings, ranges, enums,
 * composites, xid (wraps around, so it is a name rather than a number), int2vector, hstore, PostGIS, …
 */
const BUILT_IN: ReadonlyMap<number, ColumnType> = new Map([
  [16, scalar('boolean', writeBoolean)], // bool
  [17, scalar('binary', writeBytea)], // bytea
  [20, INTEGER], // int8
  [21, INTEGER], // int2
  [23, INTEGER], // int4
  [26, INTEGER], // oid
  [700, NUMBER], // float4
  [701, NUMBER], // float8
  [1082, scalar('date', writeDate)], // date
  [1083, scalar('time', writeTime)], // time
  [1266, scalar('time_tz', writeTimeTz)], // timetz
  [1114, scalar('timestamp', writeTimestamp)], // timestamp
  [1184, scalar('timestamp_tz', writeTimestampTz)], // timestamptz
]);

/** Most digits of a numeric that every consumer of a 64-bit integer can hold. */
const INTEGER_DIGITS = 18;

/**
 * The type of a column. `typmod` and `ndims` are the column's `atttypmod` and `attndims`; `ndims` matters for arrays only,
 * where 0 (as in a table made by CREATE TABLE AS) counts as 1.
 */
export function columnType(type: PgType, typmod: number, ndims: number, options: { readonly nativeJson: boolean }): ColumnType {
  if (type.typtype === 'd' && type.base !== undefined) {
    return columnType(type.base, type.typmod, type.ndims, options);
  }
  if (isArray(type)) {
    const element = columnType(type.element, typmod, 0, options);
    return arrayOf(element, type.element.typdelim.charCodeAt(0), Math.max(1, ndims));
  }
  if (type.oid === NUMERIC_OID) return isWhole(typmod) ? WHOLE_NUMERIC : NUMBER;
  if (JSON_OIDS.includes(type.oid)) return options.nativeJson ? JSON_NATIVE : JSON_TEXT;
  return BUILT_IN.get(type.oid) ?? TEXT;
}

/** `int2vector` and `oidvector` say category A, but their text is not that of an array. */
function isArray(type: PgType): type is PgType & { readonly element: PgType } {
  if (type.typcategory !== 'A' || type.element === undefined) return false;
  return type.name !== 'int2vector' && type.name !== 'oidvector';
}

/** numeric's typmod: precision in the high half, scale in the low 11 bits, signed since version 15, all plus 4. */
function isWhole(typmod: number): boolean {
  if (typmod < 4) return false;
  const precision = ((typmod - 4) >> 16) & 0xffff;
  const scale = (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
  return scale <= 0 && precision - scale <= INTEGER_DIGITS;
}

function arrayOf(element: ColumnType, delimiter: number, depth: number): ColumnType {
  let logical = element.logical;
  for (let i = 0; i < depth; i++) logical = { kind: 'array', items: logical };
  return { logical, write: arrayWriter(element.write, delimiter, depth), array: { element, delimiter, depth } };
}

/**
 * The writer for values of `actual` in a column that the configured catalog promises as `promised`; null when such values
 * cannot be said that way (the caller raises SCHEMA_CHANGED). Anything can be said as a string: the server's text, or for
 * json its compact text.
 */
export function writerFor(actual: ColumnType, promised: LogicalType): ValueWriter | null {
  if (promised.kind === 'array') {
    if (actual.array === undefined) return null;
    const { element, delimiter, depth } = actual.array;
    let items: LogicalType = promised;
    for (let i = 0; i < depth; i++) {
      if (items.kind !== 'array') return null;
      items = items.items;
    }
    const write = writerFor(element, items);
    if (write === null || write === element.write) return write === null ? null : actual.write;
    return arrayWriter(write, delimiter, depth);
  }
  const from = actual.logical.kind;
  const to = promised.kind;
  if (from === to) return actual.write;
  const isJson = from === 'json' || from === 'object';
  switch (to) {
    case 'string':
    case 'json': // the same JSON Schema as string
      return isJson ? writeJsonText : writeString;
    case 'object':
      return isJson ? writeJsonNative : null;
    case 'number':
      return from === 'integer' ? actual.write : null;
    default:
      return null;
  }
}
