import type { Constant } from '../../../bytes/constant.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-template.ts';
import type { RecordWriter } from '../../../contract/record-writer.ts';
import type { Selection } from '../../../contract/table.ts';
import {
  booleanField,
  type FieldWriter,
  integerField,
  jsonField,
  numberField,
  textField,
  timestampField,
  timestampTzField,
} from '../../../values/postgres-fields.ts';
import {
  writeBoolean,
  writeInteger,
  writeJsonText,
  writeNumber,
  writeString,
  writeTimestamp,
  writeTimestampTz,
} from '../../../values/postgres-text.ts';
import { SAID, type ValueWriter } from '../../../values/value-writer.ts';
import type { PgTable } from '../table.ts';
import { writerFor } from '../types.ts';
import { CopyRow } from '../wire/copy-row.ts';
import type { RawConnection } from '../wire/raw-connection.ts';

const FIELDS: ReadonlyMap<ValueWriter, FieldWriter> = new Map([
  [writeString, textField],
  [writeInteger, integerField],
  [writeNumber, numberField],
  [writeBoolean, booleanField],
  [writeJsonText, jsonField],
  [writeTimestamp, timestampField],
  [writeTimestampTz, timestampTzField],
]);

/**
 * Moves the rows of a running COPY into records. The statement selects the columns of the selection, in its order; where
 * `keepKey` asks for it, the key's columns stand before them.
 */
export class CopyReader {
  readonly #connection: RawConnection;
  readonly #records: RecordWriter;
  readonly #template: RecordTemplate;
  readonly #writers: readonly ValueWriter[];
  /** For each column how to write it while looking for its end; null: not that way. */
  readonly #fields: readonly (FieldWriter | null)[];
  #row: CopyRow;
  #keyColumns = 0;
  #key: Buffer[] = [];
  /** Rows since `begin`. */
  count = 0;

  constructor(connection: RawConnection, selection: Selection, records: RecordWriter) {
    const table = selection.table as PgTable;
    this.#connection = connection;
    this.#records = records;
    this.#template = records.template(selection);
    this.#writers = selection.columns.map(column => {
      const actual = table.columns.find(candidate => candidate.name === column.name);
      if (actual === undefined) throw new ConnectorError('INVARIANT', `${tableLabel(table.id)} has no column "${column.name}"`);
      const write = writerFor(actual.pg, column.type);
      if (write !== null) return write;
      const detail = `column "${column.name}" of ${tableLabel(table.id)} is ${actual.pgType.name} now, which is not what the catalog promises (${column.type.kind}).`;
      throw new ConnectorError('SCHEMA_CHANGED', detail, { table: table.id });
    });
    this.#fields = this.#writers.map(write => FIELDS.get(write) ?? null);
    this.#row = new CopyRow(this.#writers.length);
  }

  get full(): boolean {
    return this.#records.full;
  }

  /** The first `columns` fields of each row are its key: kept for `lastKey`, not written. */
  keepKey(columns: number): void {
    this.#keyColumns = columns;
    this.#row = new CopyRow(this.#writers.length + columns);
    this.#key = Array.from({ length: columns }, () => Buffer.alloc(0));
  }

  begin(): void {
    this.count = 0;
  }

  /** Writes the next row that has arrived whole; false when there is none. */
  next(): boolean {
    const connection = this.#connection;
    if (!connection.nextCopyData()) return false;
    if (this.#keyColumns > 0) this.#writeWithKey(connection.bytes, connection.start, connection.end);
    else this.#write(connection.bytes, connection.start, connection.end);
    this.count += 1;
    return true;
  }

  /** Field by field, each written while its end is looked for where that can be done. */
  #write(bytes: Buffer, start: number, end: number): void {
    const row = this.#row;
    const template = this.#template;
    const writers = this.#writers;
    const fields = this.#fields;
    const records = this.#records;
    const { keys } = template;
    const last = end - 1;
    row.expectRow(bytes, start, end);
    const out = records.begin(template, 'r');
    let from = start;
    for (let at = 0; at < writers.length; at++) {
      out.constant(keys[at] as Constant);
      const field = fields[at] as FieldWriter | null;
      let stop = field === null ? -1 : field(out, bytes, from, last);
      if (stop < 0) {
        stop = row.field(bytes, from, last);
        if (row.start < 0) out.null();
        else {
          const verdict = (writers[at] as ValueWriter)(out, bytes, row.start, row.end);
          if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
        }
      }
      row.expectEnd(bytes, stop, last, at);
      from = stop + 1;
    }
    records.end();
  }

  #writeWithKey(bytes: Buffer, from: number, to: number): void {
    const row = this.#row;
    const skip = this.#keyColumns;
    row.split(bytes, from, to);
    const { starts, ends } = row;
    const template = this.#template;
    const writers = this.#writers;
    const records = this.#records;
    const { keys } = template;
    const out = records.begin(template, 'r');
    for (let at = 0; at < writers.length; at++) {
      const start = starts[at + skip] as number;
      out.constant(keys[at] as Constant);
      if (start < 0) {
        out.null();
        continue;
      }
      const verdict = (writers[at] as ValueWriter)(out, bytes, start, ends[at + skip] as number);
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
    }
    records.end();
    for (let at = 0; at < skip; at++) this.#keep(at, bytes, starts[at] as number, ends[at] as number);
  }

  lastKey(): readonly string[] {
    return this.#key.map((bytes, at) => bytes.toString('utf8', 0, this.#keyLength[at]));
  }

  readonly #keyLength: number[] = [];

  /** The row's bytes are borrowed and only the last row's key is wanted, which nobody can tell before the COPY ends. */
  #keep(at: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    let kept = this.#key[at] as Buffer;
    if (kept.length < length) {
      kept = Buffer.allocUnsafe(2 * length);
      this.#key[at] = kept;
    }
    bytes.copy(kept, 0, start, end);
    this.#keyLength[at] = length;
  }
}
