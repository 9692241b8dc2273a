import { ConnectorError } from '../../../contract/errors.ts';
import { inflate } from './compression.ts';
import type { EventCursor } from './event-cursor.ts';
import { MAX_COLUMNS } from './events.ts';
import { skipWidth, type TableMap } from './table-map.ts';

// What a row image says of a column.
/** Nothing: the column is not in the image (`binlog_row_image` MINIMAL or NOBLOB, or a generated column of MariaDB 11.8). Not a NULL. */
export const VALUE_ABSENT = 0;
export const VALUE_NULL = 1;
/** The value stands at `[start, end)`, with the length in front of it where its type has one. */
export const VALUE_PRESENT = 2;
/** The value is the before image's with the JSON diffs at `[start, end)` applied: 4 bytes of length, then the diffs. */
export const VALUE_JSON_DIFFS = 3;

export const ROWS_INSERT = 1;
export const ROWS_UPDATE = 2;
export const ROWS_DELETE = 3;
export type RowsKind = 1 | 2 | 3;

/** Last rows of the statement: the announced tables are void. */
const FLAG_STATEMENT_END = 1;
/** Bit of an update's value options: JSON columns may be written as diffs. */
const PARTIAL_JSON = 1;

/**
 * Where the values of one row stand in `Rows.bytes`. Reused for every row: only the first `count` entries count, and
 * only until the next call of `Rows.next`.
 */
export class RowImage {
  /** Columns of the table; 0 where the change has no such image. */
  count = 0;
  readonly marks: Uint8Array = new Uint8Array(MAX_COLUMNS);
  readonly starts: Int32Array = new Int32Array(MAX_COLUMNS);
  readonly ends: Int32Array = new Int32Array(MAX_COLUMNS);
  /** The columns that are there, in order, and how many they are. The same for all rows of an event. */
  readonly present: Int16Array = new Int16Array(MAX_COLUMNS);
  presentCount = 0;
}

/**
 * The rows of one ROWS event (version 1 or 2, PARTIAL_UPDATE_ROWS, MariaDB's compressed ones). `next` moves to each row
 * in turn. Nothing is looked at before the first `next`, so a table that nobody reads costs nothing.
 */
export class Rows {
  /** The table. It is the same object as long as the server announces the same shape. Null in an event that only ends a statement. */
  table: TableMap | null = null;
  kind: RowsKind = ROWS_INSERT;
  isStatementEnd = false;
  /** JSON columns of its rows may stand as diffs. */
  isPartial = false;
  /** What the offsets of the images point into: borrowed, void at the decoder's next event. */
  bytes: Uint8Array = new Uint8Array(0);
  /** UPDATE and DELETE: the row as it was. */
  readonly before: RowImage = new RowImage();
  /** INSERT and UPDATE: the row as it is. */
  readonly after: RowImage = new RowImage();

  private type = 0;
  private isCompressed = false;
  private isBegun = false;
  private at = 0;
  private end = 0;
  private rows = 0;
  private marked = 0;
  private markedRows = 0;
  /** For each JSON column of the table, by place: does the row at hand have it as diffs? */
  private readonly diffs: Uint8Array = new Uint8Array(MAX_COLUMNS);
  private hasDiffs = false;

  /** Starts on an event whose post-header has been read: the cursor stands at the number of columns. */
  open(
    cursor: EventCursor,
    table: TableMap | null,
    kind: RowsKind,
    flags: number,
    form: { partial: boolean; compressed: boolean },
  ): void {
    this.table = table;
    this.kind = kind;
    this.isStatementEnd = (flags & FLAG_STATEMENT_END) !== 0;
    this.type = cursor.type;
    this.isPartial = form.partial;
    this.isCompressed = form.compressed;
    this.isBegun = false;
    this.bytes = cursor.bytes;
    this.at = cursor.at;
    this.end = cursor.end;
    this.rows = 0;
    this.before.count = 0;
    this.after.count = 0;
  }

  /** Moves to the next row; false behind the last one. VALUE_UNREADABLE where the event does not fit its table. */
  next(): boolean {
    const { table } = this;
    if (table === null) return false;
    if (!this.isBegun) this.begin(table);
    if (this.at === this.end) return false;
    const from = this.at;
    if (this.kind !== ROWS_INSERT) this.readImage(this.before, table, false);
    if (this.kind !== ROWS_DELETE) {
      if (this.isPartial) this.readValueOptions(table);
      this.readImage(this.after, table, this.hasDiffs);
    }
    if (this.at === from) throw this.unreadable('its rows have no columns');
    this.rows++;
    return true;
  }

  /**
   * Whether the rows are inserts with all columns of the table, as nearly all inserts are. Then `enter`, `valueEnd` for each
   * value, and `leave` do what `next` does, while the values are written: each is looked at once.
   */
  isWholeInsert(): boolean {
    const { table, after } = this;
    if (table === null || this.kind !== ROWS_INSERT) return false;
    if (!this.isBegun) this.begin(table);
    return after.presentCount === after.count && after.count > 0;
  }

  /** Moves to the next row: where its bits of NULLs begin, one for each column. The values are behind them. -1: no more rows. */
  enter(): number {
    const { at } = this;
    if (at === this.end) return -1;
    if ((this.after.count + 7) >> 3 > this.end - at) throw this.unreadable('a row ends too early');
    return at;
  }

  /** Behind the value at `at`, of a width as `TableMap.widths` has it. */
  valueEnd(at: number, width: number): number {
    const next = skipWidth(this.bytes, at, this.end, width);
    if (next < 0) throw this.unreadable('a row ends too early');
    return next;
  }

  /** The row that was entered ends before `at`. */
  leave(at: number): void {
    this.at = at;
    this.rows++;
  }

  /**
   * How many rows are left. Of a table that nobody follows, TABLE_MAP may not say how long a value is (MariaDB's times from
   * before 10.0): then those in front of it.
   */
  count(): number {
    let count = 0;
    try {
      while (this.next()) count++;
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'VALUE_UNREADABLE') throw error;
    }
    return count;
  }

  /** Remembers where the row at hand ends, so that `back` can return to it. */
  mark(): void {
    const { table } = this;
    if (table !== null && !this.isBegun) this.begin(table);
    this.marked = this.at;
    this.markedRows = this.rows;
  }

  /** The next row is the one behind `mark`, once more. */
  back(): void {
    this.at = this.marked;
    this.rows = this.markedRows;
  }

  private begin(table: TableMap): void {
    if (table.unreadable !== null) throw this.unreadable(table.unreadable);
    this.isBegun = true;
    this.hasDiffs = false;
    const count = this.readPacked();
    if (count !== table.columns.length) throw this.unreadable(`it has ${count} columns, the table ${table.columns.length}`);
    if (this.kind !== ROWS_INSERT) this.readPresent(this.before, count);
    if (this.kind !== ROWS_DELETE) this.readPresent(this.after, count);
    if (this.isCompressed) {
      this.bytes = inflate(this.bytes, this.at, this.end, this.type);
      this.at = 0;
      this.end = this.bytes.length;
    }
  }

  private readPacked(): number {
    const first = this.at < this.end ? this.bytes[this.at]! : 255;
    if (first < 251) {
      this.at++;
      return first;
    }
    if (first !== 252 || this.end - this.at < 3) throw this.unreadable('the number of columns is malformed');
    this.at += 3;
    return this.bytes[this.at - 2]! | (this.bytes[this.at - 1]! << 8);
  }

  /** The bitmap of the columns that are in the image, lowest bit first. */
  private readPresent(image: RowImage, count: number): void {
    const { bytes, at } = this;
    const length = (count + 7) >> 3;
    if (length > this.end - at) throw this.unreadable('it ends too early');
    let present = 0;
    for (let column = 0; column < count; column++) {
      if (((bytes[at + (column >> 3)]! >> (column & 7)) & 1) === 1) image.present[present++] = column;
      image.marks[column] = VALUE_ABSENT;
      image.starts[column] = 0;
      image.ends[column] = 0;
    }
    image.presentCount = present;
    image.count = count;
    this.at = at + length;
  }

  /** The hot loop: finds the values of the image at `at`. */
  private readImage(image: RowImage, table: TableMap, hasDiffs: boolean): void {
    const { bytes, end } = this;
    const { marks, starts, ends, present, presentCount } = image;
    const { widths } = table;
    const nulls = this.at;
    let at = nulls + ((presentCount + 7) >> 3);
    if (at > end) throw this.unreadable('a row ends too early');
    for (let i = 0; i < presentCount; i++) {
      const column = present[i]!;
      starts[column] = at;
      if (((bytes[nulls + (i >> 3)]! >> (i & 7)) & 1) === 1) {
        marks[column] = VALUE_NULL;
      } else {
        at = this.valueEnd(at, widths[column]!);
        marks[column] = hasDiffs && this.diffs[column] === 1 ? VALUE_JSON_DIFFS : VALUE_PRESENT;
      }
      ends[column] = at;
    }
    this.at = at;
  }

  /** Between the images of a partial update: which JSON columns the after image has as diffs (`Rows_log_event::unpack_current_row`). */
  private readValueOptions(table: TableMap): void {
    const { bytes, diffs } = this;
    const { jsonColumns } = table;
    const options = this.at < this.end ? bytes[this.at++]! : -1;
    if (options !== 0 && options !== PARTIAL_JSON)
      throw this.unreadable(`the options ${options} of a partial update are not known`);
    this.hasDiffs = options === PARTIAL_JSON;
    if (!this.hasDiffs) return;
    const length = (jsonColumns.length + 7) >> 3;
    if (length > this.end - this.at) throw this.unreadable('a row ends too early');
    for (let i = 0; i < jsonColumns.length; i++) diffs[jsonColumns[i]!] = (bytes[this.at + (i >> 3)]! >> (i & 7)) & 1;
    this.at += length;
  }

  private unreadable(why: string): ConnectorError {
    const { table } = this;
    const id = table === null ? undefined : { namespace: table.schema, name: table.table };
    const where = table === null ? '' : ` on ${table.schema}.${table.table}, row ${this.rows + 1}`;
    return new ConnectorError('VALUE_UNREADABLE', `binary log event of type ${this.type}${where}: ${why}`, { table: id });
  }
}
