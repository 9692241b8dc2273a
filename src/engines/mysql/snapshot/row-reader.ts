import type { Constant } from '../../../bytes/constant.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate, RecordWriter } from '../../../contract/record-writer.ts';
import type { Selection } from '../../../contract/table.ts';
import type { ValueWriter } from '../../../values/value-writer.ts';
import { SAID } from '../../../values/value-writer.ts';
import type { MysqlColumn, MysqlTable } from '../table.ts';
import { writersFor } from '../types.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { TextRow } from '../wire/text-row.ts';

/** Turns rows of the text protocol into records. The hot path of a snapshot: no object per row. */
export class RowReader {
  readonly #connection: RawConnection;
  readonly #records: RecordWriter;
  readonly #template: RecordTemplate;
  readonly #row: TextRow;
  readonly #columns: number;
  /** For each selected column, its field; and its writer. */
  readonly #fields: Int32Array;
  readonly #writers: readonly ValueWriter[];
  readonly #keyFields: readonly number[];
  readonly #expressions: string[] = [];
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
    this.#keyFields = key.map(sql => this.#field(sql));
    this.#fields = Int32Array.from(columns, column => this.#field(column.selectSql));
    this.#writers = columns.map((column, at) => {
      const promised = selection.columns[at]?.type ?? column.type;
      const writers = writersFor(column.types, promised);
      if (writers !== null) return writers.text;
      const detail = `column "${column.name}" of ${tableLabel(table.id)} is ${column.layout.columnType}, which is not what the catalog promises (${promised.kind}).`;
      throw new ConnectorError('SCHEMA_CHANGED', detail, { table: table.id });
    });
    // A row without columns cannot be selected.
    if (this.#expressions.length === 0) this.#expressions.push('1');
    this.#columns = this.#expressions.length;
    this.#row = new TextRow(this.#columns);
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
    if (columns !== this.#columns) {
      throw new ConnectorError('INVARIANT', `${columns} columns came for ${this.#columns} that were asked for.`);
    }
  }

  /** Writes the next row, if it has arrived. */
  next(): boolean {
    const connection = this.#connection;
    if (!connection.nextPacket()) return false;
    const row = this.#row;
    const records = this.#records;
    const fields = this.#fields;
    const { keys } = this.#template;
    const { bytes } = connection;
    row.split(bytes, connection.start, connection.end);
    const { starts, ends } = row;
    const out = records.begin(this.#template, 'r');
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as number;
      const start = starts[field] as number;
      out.constant(keys[at] as Constant);
      if (start < 0) {
        out.null();
        continue;
      }
      const verdict = (this.#writers[at] as ValueWriter)(out, bytes, start, ends[field] as number);
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
    }
    records.end();
    this.count += 1;
    return true;
  }

  /** Keeps the key of the row that `next` wrote last. */
  keepKey(): void {
    const { bytes } = this.#connection;
    this.#key = this.#keyFields.map(field => Buffer.from(bytes.subarray(this.#row.starts[field], this.#row.ends[field])));
  }

  /** The key that was kept, its values as bytes of the text protocol. */
  get key(): readonly Buffer[] {
    return this.#key;
  }

  #field(sql: string): number {
    const known = this.#expressions.indexOf(sql);
    return known >= 0 ? known : this.#expressions.push(sql) - 1;
  }
}

/** Throws SCHEMA_CHANGED when it is not there. */
export function columnOf(table: MysqlTable, name: string): MysqlColumn {
  const column = table.columns.find(candidate => candidate.name === name);
  if (column !== undefined) return column;
  throw new ConnectorError('SCHEMA_CHANGED', `${tableLabel(table.id)} has no column "${name}" any more.`, { table: table.id });
}
