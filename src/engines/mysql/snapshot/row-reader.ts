import type { Constant } from '../../../bytes/constant.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-template.ts';
import type { RecordWriter } from '../../../contract/record-writer.ts';
import type { Selection } from '../../../contract/table.ts';
import type { ValueWriter } from '../../../values/value-writer.ts';
import { SAID } from '../../../values/value-writer.ts';
import type { MysqlColumn, MysqlTable } from '../table.ts';
import { writersFor } from '../types.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { fieldEnd, lengthWidth, longLength, NULL_FIELD, TextRow, unreadableRow } from '../wire/text-row.ts';

/**
 * Turns rows of the text protocol into records. The hot path of a snapshot: no object per row, and each field is written as
 * soon as its length is known.
 */
export class RowReader {
  readonly #connection: RawConnection;
  readonly #records: RecordWriter;
  readonly #template: RecordTemplate;
  /** For each selected column its writer. The columns are the first fields of a row, in their order. */
  readonly #writers: readonly ValueWriter[];
  /** For each column of the key, its field. */
  readonly #keyFields: readonly number[];
  readonly #expressions: readonly string[];
  #key: readonly Buffer[] = [];
  /** Rows of the chunk. */
  count = 0;

  /** `key`: what to select for the key, in its order; empty where nobody asks for it. */
  constructor(connection: RawConnection, selection: Selection, records: RecordWriter, key: readonly string[]) {
    this.#connection = connection;
    this.#records = records;
    this.#template = records.template(selection);
    const table = selection.table as MysqlTable;
    const columns = selection.columns.map(column => columnOf(table, column.name));
    const expressions = columns.map(column => column.selectSql);
    this.#keyFields = key.map(sql => {
      const known = expressions.indexOf(sql);
      return known >= 0 ? known : expressions.push(sql) - 1;
    });
    // A row without columns cannot be selected.
    this.#expressions = expressions.length > 0 ? expressions : ['1'];
    this.#writers = columns.map((column, at) => {
      const promised = selection.columns[at]?.type ?? column.type;
      const writers = writersFor(column.types, promised);
      if (writers !== null) return writers.text;
      const detail = `column "${column.name}" of ${tableLabel(table.id)} is ${column.layout.columnType}, which is not what the catalog promises (${promised.kind}).`;
      throw new ConnectorError('SCHEMA_CHANGED', detail, { table: table.id });
    });
  }

  /** What stands behind SELECT. */
  get selectList(): string {
    return this.#expressions.join(', ');
  }

  get full(): boolean {
    return this.#records.full;
  }

  async begin(sql: string): Promise<void> {
    this.count = 0;
    this.#key = [];
    const columns = await this.#connection.beginQuery(sql);
    const { length } = this.#expressions;
    if (columns !== length) {
      throw new ConnectorError('INVARIANT', `${columns} columns came for ${length} that were asked for.`);
    }
  }

  /** Writes the next row, if it has arrived. */
  next(): boolean {
    const connection = this.#connection;
    if (!connection.nextPacket()) return false;
    const records = this.#records;
    const writers = this.#writers;
    const { keys } = this.#template;
    const { bytes, start, end } = connection;
    const out = records.begin(this.#template, 'r');
    let at = start;
    for (let column = 0; column < writers.length; column++) {
      out.constant(keys[column] as Constant);
      if (at >= end) throw unreadableRow(`ends after ${column} fields`);
      let length = bytes[at++] as number;
      if (length === NULL_FIELD) {
        out.null();
        continue;
      }
      if (length > NULL_FIELD) {
        const width = lengthWidth(length, at, end);
        length = longLength(bytes, at, width);
        at += width;
      }
      const next = at + length;
      if (next > end) throw unreadableRow(`is shorter than its field ${column + 1}`);
      const verdict = (writers[column] as ValueWriter)(out, bytes, at, next);
      if (verdict !== SAID) records.change(column, verdict, 'SOURCE_SERIALIZATION_ERROR');
      at = next;
    }
    for (let rest = this.#expressions.length - writers.length; rest > 0; rest--) at = fieldEnd(bytes, at, end);
    if (at !== end) throw unreadableRow(`has ${end - at} bytes left over`);
    records.end();
    this.count += 1;
    return true;
  }

  /** Keeps the key of the row that `next` wrote last. */
  keepKey(): void {
    const { bytes, start, end } = this.#connection;
    const row = new TextRow(this.#expressions.length);
    row.split(bytes, start, end);
    this.#key = this.#keyFields.map(field => Buffer.from(bytes.subarray(row.starts[field], row.ends[field])));
  }

  /** The key that was kept, its values as bytes of the text protocol. */
  get key(): readonly Buffer[] {
    return this.#key;
  }
}

/** Throws SCHEMA_CHANGED when it is not there. */
export function columnOf(table: MysqlTable, name: string): MysqlColumn {
  const column = table.columns.find(candidate => candidate.name === name);
  if (column !== undefined) return column;
  throw new ConnectorError('SCHEMA_CHANGED', `${tableLabel(table.id)} has no column "${name}" any more.`, { table: table.id });
}
