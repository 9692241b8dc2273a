import type { Constant } from '../../../bytes/constant.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { Operation, RecordWriter } from '../../../contract/record-writer.ts';
import { NULLED, SAID, type ValueWriter } from '../../../values/value-writer.ts';
import {
  ROWS_DELETE,
  ROWS_INSERT,
  ROWS_UPDATE,
  type RowImage,
  type Rows,
  VALUE_ABSENT,
  VALUE_JSON_DIFFS,
  VALUE_NULL,
  VALUE_PRESENT,
} from '../binlog/rows.ts';
import type { TableMap } from '../binlog/table-map.ts';
import type { Writers } from '../types.ts';
import type { Wanted } from './reread.ts';
import { NOWHERE, type RowPlan } from './row-plan.ts';

/** Turns the row that a ROWS event stands on into records. The hot path of the log: no object per row. */
export class ChangeWriter {
  readonly #records: RecordWriter;

  constructor(records: RecordWriter) {
    this.#records = records;
  }

  /** Hands out the ordering keys of all rows without writing them, so that every replay numbers alike, whatever it writes. */
  passAll(rows: Rows): void {
    const count = rows.count();
    if (count > 0) this.#records.advance(rows.kind === ROWS_UPDATE ? 2 * count : count);
  }

  /** Writes the record, or the two of a changed key. `reread` has the values that the log lacks. */
  write(plan: RowPlan, rows: Rows, reread: Wanted | null): void {
    const records = this.#records;
    records.advance(rows.kind === ROWS_UPDATE ? 2 : 1);
    if (rows.kind === ROWS_INSERT) this.#row(plan, 'c', rows, reread);
    else if (rows.kind === ROWS_DELETE) this.#delete(plan, rows);
    else if (this.#keyChanged(plan, rows)) {
      records.stepBack(1);
      this.#delete(plan, rows);
      records.stepBack(0);
      this.#row(plan, 'c', rows, reread);
    } else this.#row(plan, 'u', rows, reread);
  }

  /**
   * Writes the next row of an event whose rows are whole inserts: each value as soon as it is found. False: there are none
   * left.
   */
  writeInsert(plan: RowPlan, inOrder: Int16Array, rows: Rows): boolean {
    const nulls = rows.enter();
    if (nulls < 0) return false;
    const records = this.#records;
    const { template, values } = plan;
    const { keys } = template;
    const { widths } = rows.table as TableMap;
    const { bytes } = rows;
    records.advance(1);
    const out = records.begin(template, 'c');
    const count = inOrder.length;
    let value = nulls + ((count + 7) >> 3);
    for (let column = 0; column < count; column++) {
      const at = inOrder[column] as number;
      const isNull = (((bytes[nulls + (column >> 3)] as number) >> (column & 7)) & 1) === 1;
      if (at >= 0) out.constant(keys[at] as Constant);
      if (isNull) {
        if (at >= 0) out.null();
        continue;
      }
      const width = widths[column] as number;
      const end = rows.valueEnd(value, width);
      if (at >= 0) {
        const verdict = (values[at] as ValueWriter)(out, bytes, width < 0 ? value - width : value, end);
        if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
      }
      value = end;
    }
    records.end();
    rows.leave(value);
    return true;
  }

  /** Writes a delete where the row's key went away, or may have, and nothing else: see `RowPlan.deletesOnly`. */
  writeGone(plan: RowPlan, rows: Rows): void {
    const isUpdate = rows.kind === ROWS_UPDATE;
    this.#records.advance(isUpdate ? 2 : 1);
    if (rows.kind === ROWS_INSERT || (isUpdate && !plan.isVersioned && !this.#keyChanged(plan, rows))) return;
    if (isUpdate) this.#records.stepBack(1);
    this.#delete(plan, rows);
    if (isUpdate) this.#records.stepBack(0);
  }

  #row(plan: RowPlan, operation: Operation, rows: Rows, reread: Wanted | null): void {
    const { sources, template } = plan;
    const { keys } = template;
    const { after, before } = rows;
    const out = this.#records.begin(template, operation);
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] as number;
      if (source === NOWHERE) continue;
      out.constant(keys[at] as Constant);
      const mark = source < 0 ? VALUE_ABSENT : (after.marks[source] as number);
      if (mark === VALUE_PRESENT) this.#value(plan, at, source, rows, after);
      else if (mark === VALUE_NULL) out.null();
      else if (mark === VALUE_JSON_DIFFS) this.#changedJson(plan, at, source, rows, reread);
      else if (source >= 0 && before.count > 0 && before.marks[source] === VALUE_PRESENT) {
        this.#value(plan, at, source, rows, before);
      } else if (source >= 0 && before.count > 0 && before.marks[source] === VALUE_NULL) out.null();
      else this.#found(plan, at, reread);
    }
    this.#records.end();
  }

  /** All of the old row that the log has: everything, or the key. Columns that it does not have are left out, not made null. */
  #delete(plan: RowPlan, rows: Rows): void {
    const { sources, template, keySources } = plan;
    const { before } = rows;
    for (const source of keySources) if (source >= 0 && before.marks[source] === VALUE_ABSENT) throw keyless(plan);
    const out = this.#records.begin(template, 'd');
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] as number;
      const mark = source < 0 ? VALUE_ABSENT : (before.marks[source] as number);
      if (mark === VALUE_ABSENT) continue;
      out.constant(template.keys[at] as Constant);
      if (mark === VALUE_NULL) out.null();
      else this.#value(plan, at, source, rows, before);
    }
    this.#records.end();
  }

  #value(plan: RowPlan, at: number, source: number, rows: Rows, image: RowImage): void {
    const start = (image.starts[source] as number) + (plan.lengths[at] as number);
    const write = plan.values[at] as ValueWriter;
    const verdict = write(this.#records.out, rows.bytes, start, image.ends[source] as number);
    if (verdict !== SAID) this.#records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
  }

  /** A JSON document of which the log has what changed; read again where the log does not have the one before. */
  #changedJson(plan: RowPlan, at: number, source: number, rows: Rows, reread: Wanted | null): void {
    const { before, after, bytes } = rows;
    if (before.marks[source] === VALUE_ABSENT) {
      this.#found(plan, at, reread);
      return;
    }
    const { partial } = plan.writers[at] as Writers;
    if (partial === undefined || before.marks[source] !== VALUE_PRESENT) throw unfit(plan, at);
    const start = (after.starts[source] as number) + (plan.lengths[at] as number);
    const old = (before.starts[source] as number) + (plan.lengths[at] as number);
    const [end, oldEnd] = [after.ends[source] as number, before.ends[source] as number];
    const verdict = partial(this.#records.out, bytes, old, oldEnd, bytes, start, end);
    if (verdict !== SAID) this.#records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
  }

  /** A value as it was read again. */
  #found(plan: RowPlan, at: number, reread: Wanted | null): void {
    const records = this.#records;
    const { out } = records;
    const value = reread?.found?.get(at);
    if (value === undefined) {
      out.null();
      records.change(at, NULLED, 'SOURCE_RETRIEVAL_ERROR');
    } else if (value === null) out.null();
    else {
      const verdict = (plan.writers[at] as Writers).text(out, value, 0, value.length);
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
    }
  }

  #keyChanged(plan: RowPlan, rows: Rows): boolean {
    const { before, after, bytes } = rows;
    for (const source of plan.keySources) {
      if (source < 0 || before.marks[source] === VALUE_ABSENT) throw keyless(plan);
      const mark = after.marks[source] as number;
      if (mark === VALUE_ABSENT) continue;
      if (mark !== before.marks[source]) return true;
      const start = after.starts[source] as number;
      const length = (after.ends[source] as number) - start;
      const old = before.starts[source] as number;
      if (length !== (before.ends[source] as number) - old) return true;
      for (let i = 0; i < length; i++) if (bytes[start + i] !== bytes[old + i]) return true;
    }
    return false;
  }
}

/** Without it nobody knows which row it is. A server whose row images are not FULL logs the first of several unique keys. */
function keyless({ table: { id } }: RowPlan): ConnectorError {
  const detail = `the log does not contain the full key of ${tableLabel(id)} for this change: the table had a different key when the row was written, or binlog_row_image is not FULL (the server then logs only one of several unique keys).`;
  return new ConnectorError('SCHEMA_CHANGED', detail, { table: id });
}

function unfit(plan: RowPlan, at: number): ConnectorError {
  const { id } = plan.table;
  const name = plan.template.selection.columns[at]?.name ?? '';
  return new ConnectorError(
    'VALUE_UNREADABLE',
    `the column "${name}" of ${tableLabel(id)} has JSON differences without a document that they change.`,
    {
      table: id,
    },
  );
}
