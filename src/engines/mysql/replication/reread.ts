import { JsonWriter } from '../../../bytes/json-writer.ts';
import { tableLabel } from '../../../contract/ids.ts';
import { PATIENT_MILLIS } from '../../../net/deadline.ts';
import type { ValueWriter } from '../../../values/value-writer.ts';
import { type RowImage, type Rows, VALUE_PRESENT } from '../binlog/rows.ts';
import { columnOf } from '../snapshot/row-reader.ts';
import { qualified, quoteIdent, quoteLiteral } from '../sql.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { TextRow } from '../wire/text-row.ts';
import type { RowPlan } from './row-plan.ts';

/** Rows of one query: each costs a comparison for each row that is found. */
const MOST_ROWS = 100;
/** Bytes of values that one query may bring. */
const MOST_BYTES = 16 * 2 ** 20;

/** A row of the log that lacks values, and what the table has for them now. */
export interface Wanted {
  /** The condition that finds the row by its key; null where the log does not have it. */
  readonly condition: string | null;
  /** By selected column: the value's text form, or null for NULL. Undefined: the row is not there any more. */
  found: ReadonlyMap<number, Uint8Array | null> | undefined;
}

/** What the row at hand is found by: its key, as it is now. */
export function wanted(plan: RowPlan, rows: Rows): Wanted {
  const parts: string[] = [];
  for (const [at, source] of plan.keySources.entries()) {
    const image = source >= 0 && rows.after.marks[source] === VALUE_PRESENT ? rows.after : rows.before;
    if (source < 0 || image.count === 0 || image.marks[source] !== VALUE_PRESENT) return { condition: null, found: undefined };
    parts.push(`${quoteIdent(plan.table.primaryKey[at] ?? '')} = ${keyLiteral(plan, at, source, image, rows.bytes)}`);
  }
  return { condition: parts.length === 0 ? null : parts.join(' AND '), found: undefined };
}

const scratch = new JsonWriter(256);
const ONE = 0x31;
const ISO = /^(\d{4}-\d\d-\d\d)T(.*?)Z?$/;

/** A value of the key in the log as a constant of a statement: by way of what a record says of it. */
function keyLiteral(plan: RowPlan, at: number, source: number, image: RowImage, bytes: Uint8Array): string {
  const write = plan.keyValues[at] as ValueWriter;
  const start = (image.starts[source] as number) + (plan.keyLengths[at] as number);
  scratch.clear();
  write(scratch, bytes, start, image.ends[source] as number);
  const value: unknown = JSON.parse(scratch.bytes.toString('utf8', 0, scratch.length));
  const text = scratch.bytes.toString('utf8', 0, scratch.length);
  const { layout } = columnOf(plan.table, plan.table.primaryKey[at] ?? '');
  // The digits that read back as the same float are another number than the float.
  if (typeof value === 'number' && /^float\b/.test(layout.columnType))
    return `${Math.fround(value)}e0`.replace(/e(.*)e0$/, 'e$1');
  if (typeof value === 'number') return text;
  if (typeof value !== 'string') return text === 'true' ? '1' : '0';
  if (/^(?:binary|varbinary|\w*blob)\b/.test(layout.columnType)) return `X'${Buffer.from(value, 'base64').toString('hex')}'`;
  if (/^bit\b/.test(layout.columnType)) return `b'${value}'`;
  const [, day, time] = ISO.exec(value) ?? [];
  if (day !== undefined && /^(?:datetime|timestamp)\b/.test(layout.columnType)) return quoteLiteral(`${day} ${time ?? ''}`);
  return quoteLiteral(value);
}

/**
 * Fetches values that the log does not carry (row images that are not FULL, generated columns, columns added since) by the
 * key of the row. What is read must not be older than the change: the caller waits until its transaction is visible. It
 * may be newer: a later change of the value has a record of its own with a larger key.
 */
export class Rereader {
  /** How many rows to ask for at once: as many as fit into memory by what the last ones were like. */
  batch = MOST_ROWS;

  /**
   * True: `found` is set in all rows. False: it was too much for one query, and `batch` is smaller now. The connection is idle, and
   * may be that of a snapshot, which finds it as it was.
   */
  async read(connection: RawConnection, plan: RowPlan, rows: readonly Wanted[], columns: readonly number[]): Promise<boolean> {
    const { what, quietMillis } = connection;
    connection.what = `Reading rows of ${tableLabel(plan.table.id)} again`;
    connection.quietMillis = PATIENT_MILLIS;
    try {
      return await this.#read(connection, plan, rows, columns);
    } finally {
      connection.what = what;
      connection.quietMillis = quietMillis;
    }
  }

  async #read(connection: RawConnection, plan: RowPlan, rows: readonly Wanted[], columns: readonly number[]): Promise<boolean> {
    // One row of the table may be wanted several times, also under keys that are equal only by their collation.
    const known = rows.filter(row => row.condition !== null);
    if (known.length === 0) return true;
    const { table, template } = plan;
    const names = columns.map(at => columnOf(table, template.selection.columns[at]?.name ?? '').selectSql);
    const conditions = known.map(row => `(${row.condition})`);
    // For each row that is found a digit for each condition: whether it is the one.
    const digits = `CONCAT(${conditions.map(condition => `${condition} IS TRUE`).join(', ')})`;
    const either = [...new Set(conditions)].join(' OR ');
    const fields = await connection.beginQuery(
      `SELECT ${digits}, ${names.join(', ')} FROM ${qualified(table.id)} WHERE ${either}`,
    );
    const row = new TextRow(fields);
    let size = 0;
    for (;;) {
      while (connection.nextPacket()) {
        const { bytes, start, end } = connection;
        size += end - start;
        if (size > MOST_BYTES && rows.length > 1) continue;
        row.split(bytes, start, end);
        const found = new Map<number, Uint8Array | null>();
        for (const [field, column] of columns.entries()) {
          const from = row.starts[field + 1] ?? -1;
          found.set(column, from < 0 ? null : Buffer.from(bytes.subarray(from, row.ends[field + 1])));
        }
        const first = row.starts[0] ?? 0;
        for (const [at, each] of known.entries()) if (bytes[first + at] === ONE) each.found = found;
      }
      if (connection.done) break;
      await connection.fill();
    }
    const fits = size <= MOST_BYTES || rows.length === 1;
    if (!fits) this.batch = Math.ceil(rows.length / 2);
    else if (size < MOST_BYTES / 4) this.batch = Math.min(this.batch * 2, MOST_ROWS);
    return fits;
  }
}
