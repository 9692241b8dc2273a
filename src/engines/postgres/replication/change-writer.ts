import { isUtf8 } from 'node:buffer';
import type { Constant } from '../../../bytes/constant.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Operation, RecordWriter } from '../../../contract/record-writer.ts';
import { NULLED, SAID } from '../../../values/value-writer.ts';
import { DELETE, INSERT, OLD_FULL, OLD_NONE, type PgoutputDecoder, UPDATE } from '../wire/pgoutput.ts';
import type { Relation } from '../wire/relation.ts';
import { COLUMN_NULL, COLUMN_TEXT, COLUMN_UNCHANGED, type Tuple } from '../wire/tuple.ts';
import type { Computation } from './computed.ts';
import type { Wanted } from './reread.ts';
import { NOT_IN_LOG, NOWHERE, type RowPlan } from './row-plan.ts';

/** Turns the row that the decoder stands on into records. The hot path of the log: no object per row. */
export class ChangeWriter {
  readonly #records: RecordWriter;
  readonly #decoder: PgoutputDecoder;
  readonly #plans: ReadonlyMap<Relation, RowPlan>;
  #relation: Relation | null = null;
  #plan: RowPlan | undefined;
  /** LSN of the commit record of the transaction at hand. */
  commitLsn = 0;

  constructor(records: RecordWriter, decoder: PgoutputDecoder, plans: ReadonlyMap<Relation, RowPlan>) {
    this.#records = records;
    this.#decoder = decoder;
    this.#plans = plans;
  }

  /** What the row lacks and must be read again, or null. Null too for rows that are not wanted. */
  lacking(bytes: Buffer): Wanted | null {
    const plan = this.#planOfRow();
    const { kind, newTuple } = this.#decoder;
    if (plan === null || kind === DELETE) return null;
    const { sources, absent } = plan;
    const lacks = (source: number): boolean => newTuple.kinds[source] === COLUMN_UNCHANGED && !this.#oldHas(source);
    let unchanged = false;
    if (kind === UPDATE) {
      for (let at = 0; at < sources.length; at++) {
        const source = sources[at] as number;
        if (source >= 0 && lacks(source)) unchanged = true;
      }
    }
    if (!unchanged && absent.length === 0) return null;
    const columns = [...sources.keys()].filter(at => {
      const source = sources[at] as number;
      return source === NOT_IN_LOG || (unchanged && source >= 0 && lacks(source));
    });
    const inputs = plan.computation === null ? null : this.#inputsOf(plan.computation, bytes);
    return { plan, key: this.#keyOf(plan, bytes), inputs, columns, asked: false, found: undefined };
  }

  /** Writes the record, or the two of a changed key. `reread` is what `lacking` asked for. */
  write(bytes: Buffer, reread: Wanted | null): void {
    const { kind, oldKind } = this.#decoder;
    const records = this.#records;
    // Handed out also for rows that are left out, so that every replay numbers alike.
    records.advance(kind === UPDATE ? 2 : 1);
    const plan = this.#planOfRow();
    if (plan === null) return;
    if (!plan.carriesKey || (kind !== INSERT && !this.#namesOldRow(plan))) this.#nameless(plan, bytes, reread);
    else if (kind === INSERT) this.#row(plan, 'c', bytes, reread);
    else if (kind === DELETE) this.#delete(plan, bytes);
    else if (oldKind !== OLD_NONE && this.#keyChanged(plan, bytes)) {
      records.stepBack(1);
      this.#delete(plan, bytes);
      records.stepBack(0);
      this.#row(plan, 'c', bytes, reread);
    } else this.#row(plan, 'u', bytes, reread);
  }

  #planOfRow(): RowPlan | null {
    const { relation } = this.#decoder;
    if (relation !== this.#relation && relation !== null) {
      this.#relation = relation;
      this.#plan = this.#plans.get(relation);
    }
    const plan = this.#plan;
    return plan?.wants(this.commitLsn) === true ? plan : null;
  }

  /**
   * Whether the old row has the value of a column that the new one leaves alone: such a value is never null, so a null in
   * the old row only says that the replica identity of the time did not have the column.
   */
  #oldHas(source: number): boolean {
    const { oldKind, oldTuple } = this.#decoder;
    return oldKind !== OLD_NONE && oldTuple.kinds[source] === COLUMN_TEXT;
  }

  /** Whether the log tells by the present key which row was changed: the key may be younger than the change. */
  #namesOldRow(plan: RowPlan): boolean {
    const { oldKind, oldTuple } = this.#decoder;
    if (!plan.namesRows) return false;
    if (oldKind === OLD_NONE) return true;
    for (const source of plan.keySources) if (source >= 0 && oldTuple.kinds[source] === COLUMN_NULL) return false;
    return true;
  }

  /** With a snapshot still ahead nothing is lost: it brings what is there, and there is nothing under the old key to delete. */
  #nameless(plan: RowPlan, bytes: Buffer, reread: Wanted | null): void {
    if (!plan.snapshotComes) throw plan.keyChanged();
    if (this.#decoder.kind === UPDATE && plan.carriesKey) this.#row(plan, 'u', bytes, reread);
  }

  /**
   * Whether all columns of the old row are there. A partitioned table's rows are marked by the root's setting but filled
   * by the leaf's, which may be its key: nothing but nulls beside the key may mean either, and says nothing.
   */
  #oldRowIsWhole(plan: RowPlan): boolean {
    const { oldKind, oldTuple } = this.#decoder;
    if (oldKind !== OLD_FULL) return false;
    if (!plan.partitioned || plan.keySources.length === 0) return true;
    for (let source = 0; source < oldTuple.count; source++) {
      if (oldTuple.kinds[source] !== COLUMN_NULL && !plan.keySources.includes(source)) return true;
    }
    return false;
  }

  #row(plan: RowPlan, operation: Operation, bytes: Buffer, reread: Wanted | null): void {
    const { sources, writers, template } = plan;
    const { keys } = template;
    const tuple = this.#decoder.newTuple;
    const records = this.#records;
    const out = records.begin(template, operation);
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] as number;
      const kind = source < 0 ? source : (tuple.kinds[source] as number);
      if (kind === COLUMN_TEXT) {
        out.constant(keys[at] as Constant);
        const verdict = (writers[at] as RowPlan['writers'][number])(
          out,
          bytes,
          tuple.starts[source] as number,
          tuple.ends[source] as number,
        );
        if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
      } else if (kind === COLUMN_NULL) {
        out.constant(keys[at] as Constant);
        out.null();
      } else if (kind !== NOWHERE) this.#elsewhere(plan, at, source, bytes, reread);
    }
    records.end();
  }

  /** A value that the new row does not hold: from the old row where that has it, else as read again. */
  #elsewhere(plan: RowPlan, at: number, source: number, bytes: Buffer, reread: Wanted | null): void {
    const records = this.#records;
    const { out } = records;
    const old = this.#decoder.oldTuple;
    const write = plan.writers[at] as RowPlan['writers'][number];
    out.constant(plan.template.keys[at] as Constant);
    if (source >= 0 && this.#oldHas(source)) {
      const verdict = write(out, bytes, old.starts[source] as number, old.ends[source] as number);
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
      return;
    }
    const value = reread?.found?.get(at);
    if (value === undefined) {
      out.null();
      records.change(at, NULLED, 'SOURCE_RETRIEVAL_ERROR');
    } else if (value === null) out.null();
    else {
      const verdict = write(out, value, 0, value.length);
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
    }
  }

  /** The key of the old row, or all of it. Columns that the log does not have are left out, not made null. */
  #delete(plan: RowPlan, bytes: Buffer): void {
    const { sources, writers, template, keyColumns } = plan;
    const old = this.#decoder.oldTuple;
    const records = this.#records;
    const whole = this.#oldRowIsWhole(plan);
    const out = records.begin(template, 'd');
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] as number;
      if (source < 0 || !(whole || keyColumns[at] === 1) || old.kinds[source] === COLUMN_UNCHANGED) continue;
      out.constant(template.keys[at] as Constant);
      if (old.kinds[source] === COLUMN_NULL) {
        out.null();
        continue;
      }
      const verdict = (writers[at] as RowPlan['writers'][number])(
        out,
        bytes,
        old.starts[source] as number,
        old.ends[source] as number,
      );
      if (verdict !== SAID) records.change(at, verdict, 'SOURCE_SERIALIZATION_ERROR');
    }
    records.end();
  }

  #keyChanged(plan: RowPlan, bytes: Buffer): boolean {
    const { newTuple, oldTuple } = this.#decoder;
    for (const source of plan.keySources) {
      if (source < 0) throw new ConnectorError('INVARIANT', `the log lacks a key column of ${plan.table.id.name}`);
      if (newTuple.kinds[source] === COLUMN_UNCHANGED) continue;
      if (newTuple.kinds[source] !== oldTuple.kinds[source]) return true;
      const start = newTuple.starts[source] as number;
      const end = newTuple.ends[source] as number;
      const oldStart = oldTuple.starts[source] as number;
      const oldEnd = oldTuple.ends[source] as number;
      if (end - start !== oldEnd - oldStart || bytes.compare(bytes, oldStart, oldEnd, start, end) !== 0) return true;
    }
    return false;
  }

  /** What the row's generated columns are made of, as text; null where the log lacks any of it, or the bytes are no text. */
  #inputsOf({ inputs }: Computation, bytes: Buffer): readonly (string | null)[] | null {
    const { newTuple, oldTuple } = this.#decoder;
    const texts: (string | null)[] = [];
    for (const { source } of inputs) {
      const kind = newTuple.kinds[source];
      if (kind === COLUMN_NULL) {
        texts.push(null);
        continue;
      }
      const tuple = kind === COLUMN_TEXT ? newTuple : oldTuple;
      if (kind !== COLUMN_TEXT && !this.#oldHas(source)) return null;
      const value = bytes.subarray(tuple.starts[source], tuple.ends[source]);
      if (!isUtf8(value)) return null;
      texts.push(value.toString('utf8'));
    }
    return texts;
  }

  /** The new key as text; a key so large that it is TOASTed and unchanged stands in the old row. */
  #keyOf(plan: RowPlan, bytes: Buffer): readonly string[] | null {
    const { newTuple, oldTuple, oldKind } = this.#decoder;
    if (plan.keySources.length === 0) return null;
    const text = (tuple: Tuple, source: number): string => bytes.toString('utf8', tuple.starts[source], tuple.ends[source]);
    const key: string[] = [];
    for (const source of plan.keySources) {
      if (source >= 0 && newTuple.kinds[source] === COLUMN_TEXT) key.push(text(newTuple, source));
      else if (source >= 0 && oldKind !== OLD_NONE && oldTuple.kinds[source] === COLUMN_TEXT) key.push(text(oldTuple, source));
      else return null;
    }
    return key;
  }
}
