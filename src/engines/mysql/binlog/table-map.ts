import { ConnectorError } from '../../../contract/errors.ts';
import {
  metadataLength,
  TYPE_ENUM,
  TYPE_JSON,
  TYPE_NEWDECIMAL,
  TYPE_SET,
  TYPE_STRING,
  valueWidth,
  WIDTH_UNKNOWN,
} from './column-types.ts';
import type { EventCursor } from './event-cursor.ts';
import { MAX_COLUMNS } from './events.ts';
import { type ColumnFacts, readTableMetadata } from './table-metadata.ts';

/** One column of a table as the log describes it. What is optional is there only with `binlog_row_metadata`. */
export interface TableMapColumn {
  /** Code of the real type (`column-types.ts`): ENUM and SET stand where the log says STRING. */
  readonly type: number;
  /** See `column-types.ts`. */
  readonly metadata: number;
  readonly nullable: boolean;
  /** Numbers and YEAR; MINIMAL has it too. */
  readonly unsigned?: boolean;
  /** Collation id; text, and binary strings with 63; ENUM and SET only with FULL. MINIMAL has it too. */
  readonly charset?: number;
  /** MINIMAL has it too. */
  readonly geometryType?: number;
  /** From here on only with FULL. */
  readonly name?: string;
  /** ENUM and SET, in order; missing where the character set is not known. */
  readonly labels?: readonly string[];
  /** The same in the column's own character set. */
  readonly labelBytes?: readonly Uint8Array[];
  readonly visible?: boolean;
  readonly primaryKey?: boolean;
  /** VECTOR: how many numbers a value has at most. */
  readonly dimension?: number;
}

/** A table as the log announces it in front of its rows. */
export interface TableMap {
  /** The server's number for this shape of the table, until it restarts. 48 bits. */
  readonly tableId: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly TableMapColumn[];
  /** Places of the primary key's columns, in the order of the key; only with FULL. */
  readonly primaryKey?: readonly number[];
  /** For each column `valueWidth`, so that rows are measured without looking at types. */
  readonly widths: Int8Array;
  /** Which columns are JSON: partial updates count them. */
  readonly jsonColumns: readonly number[];
  /** Why rows of this table cannot be read; null where they can. It matters only to who reads them. */
  readonly unreadable: string | null;
}

function widths(columns: readonly TableMapColumn[]): Int8Array {
  return Int8Array.from(columns, ({ type, metadata }) => valueWidth(type, metadata));
}

/** Undoes how the type and length of a STRING are packed into its two bytes of metadata (`Field_string::do_save_field_metadata`). */
function resolveString(first: number, second: number): { readonly type: number; readonly metadata: number } {
  if (first === 0) return { type: TYPE_STRING, metadata: second };
  if ((first & 0x30) !== 0x30) return { type: first | 0x30, metadata: second | (((first & 0x30) ^ 0x30) << 4) };
  return { type: first, metadata: second };
}

function columnType(type: number, first: number, second: number, length: number): { type: number; metadata: number } {
  if (length === 0) return { type, metadata: 0 };
  if (length === 1) return { type, metadata: first };
  if (type === TYPE_STRING) return resolveString(first, second);
  if (type === TYPE_ENUM || type === TYPE_SET) return { type, metadata: second };
  // NEWDECIMAL is precision, scale; BIT is bits, bytes; the rest are numbers of two bytes
  return { type, metadata: type === TYPE_NEWDECIMAL ? (first << 8) | second : first | (second << 8) };
}

/**
 * Reads a TABLE_MAP at the cursor to its end. `flavor` tells which columns
 * count as text in the optional metadata. A column type that is not
 * known, or optional metadata that does not fit the columns, makes the table unreadable, not the log.
 */
export function readTableMap(cursor: EventCursor, flavor: 'mysql' | 'mariadb'): TableMap {
  const tableId = cursor.u48();
  cursor.u16(); // flags, not used
  const schema = nameWithNul(cursor);
  const table = nameWithNul(cursor);
  const count = cursor.packed();
  if (count > MAX_COLUMNS) throw cursor.unreadable(`${schema}.${table} has ${count} columns`);
  const types = cursor.skip(count);
  const metadataEnd = cursor.packed() + cursor.at;
  if (metadataEnd > cursor.end) throw cursor.truncated();
  const { bytes } = cursor;
  const measured: { type: number; metadata: number }[] = [];
  let unreadable: string | null = null;
  for (let i = 0; i < count; i++) {
    const type = bytes[types + i]!;
    const length = metadataLength(type);
    if (length < 0) {
      unreadable = `column ${i + 1} has the type ${type}, which is not known`;
      break;
    }
    const at = cursor.skip(length);
    if (cursor.at > metadataEnd) throw cursor.unreadable(`the metadata of ${schema}.${table} ends too early`);
    const column = columnType(type, bytes[at] ?? 0, bytes[at + 1] ?? 0, length);
    measured.push(column);
    if (valueWidth(column.type, column.metadata) === WIDTH_UNKNOWN) {
      unreadable ??= `column ${i + 1} has the type ${column.type} with ${column.metadata}, which is not known`;
    }
  }
  const whole = measured.length === count;
  if (whole && cursor.at !== metadataEnd) throw cursor.unreadable(`the metadata of ${schema}.${table} has another length`);
  cursor.skip(metadataEnd - cursor.at);
  const nulls = cursor.skip((count + 7) >> 3);
  const facts: ColumnFacts[] = measured.map((column, i) => ({
    ...column,
    nullable: ((bytes[nulls + (i >> 3)]! >> (i & 7)) & 1) === 1,
  }));
  const { end } = cursor;
  let primaryKey: readonly number[] | null = null;
  try {
    if (whole) primaryKey = readTableMetadata(cursor, facts, flavor);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    unreadable ??= error.detail;
  }
  cursor.at = end;
  cursor.end = end;
  return {
    tableId,
    schema,
    table,
    columns: facts,
    ...(primaryKey === null ? {} : { primaryKey }),
    widths: widths(facts),
    jsonColumns: facts.flatMap(({ type }, i) => (type === TYPE_JSON ? [i] : [])),
    unreadable,
  };
}

/** A name with its length in a byte before it and a NUL behind it. */
function nameWithNul(cursor: EventCursor): string {
  const name = cursor.text(cursor.packed());
  if (cursor.u8() !== 0) throw cursor.unreadable('a name does not end where it should');
  return name;
}

/** Where the value at `offset` ends. VALUE_UNREADABLE where it would end behind `end`, and for a type that is not known. */
export function skipValue(source: Uint8Array, offset: number, end: number, type: number, metadata: number): number {
  const width = valueWidth(type, metadata);
  if (width === WIDTH_UNKNOWN)
    throw new ConnectorError('VALUE_UNREADABLE', `a column has the unknown type ${type} (${metadata})`);
  const next = skipWidth(source, offset, end, width);
  if (next < 0) throw new ConnectorError('VALUE_UNREADABLE', `a value of type ${type} ends too early`);
  return next;
}

/** As `skipValue`, by what `valueWidth` says, which must be known; -1 where the value would end behind `end`. */
export function skipWidth(source: Uint8Array, offset: number, end: number, width: number): number {
  let next = offset + width;
  if (width < 0) {
    next = offset - width;
    if (next > end) return -1;
    let length = source[offset]!;
    if (width < -1) length |= source[offset + 1]! << 8;
    if (width < -2) length |= source[offset + 2]! << 16;
    if (width < -3) length += source[offset + 3]! * 0x1000000;
    next += length;
  }
  return next <= end ? next : -1;
}
