import type { ReplicationEvent } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Position } from '../../../contract/ids.ts';
import type { RecordWriter } from '../../../contract/record-writer.ts';
import type { Rows } from '../binlog/rows.ts';
import type { RawConnection } from '../wire/raw-connection.ts';
import { ChangeWriter } from './change-writer.ts';
import type { LogPlace } from './log-place.ts';
import { LEFT_OUT, type LogTables } from './log-tables.ts';
import type { HeldTransaction } from './prepared.ts';
import { Rereader, type Wanted, wanted } from './reread.ts';
import type { RowPlan } from './row-plan.ts';
import type { Transaction } from './transaction.ts';

/** What reading rows again needs of the shard. */
export interface RereadSource {
  /** A connection for reading rows again; kept by the shard. */
  rereadConnection(): Promise<RawConnection>;
  /** A position up to which every transaction is visible. */
  visible(): Promise<Position>;
}

const FULL = { kind: 'full' } as const;
const POLL_MILLIS = 20;
const PATIENCE_MILLIS = 60_000;

/** Writes the rows of ROWS events, and reads again what they lack. */
export class RowEvents {
  readonly #source: RereadSource;
  readonly #records: RecordWriter;
  readonly #place: LogPlace;
  readonly #tables: LogTables;
  readonly #changes: ChangeWriter;
  readonly #rereader = new Rereader();
  #visible: Position | null = null;

  constructor(source: RereadSource, records: RecordWriter, place: LogPlace, tables: LogTables) {
    this.#source = source;
    this.#records = records;
    this.#place = place;
    this.#tables = tables;
    this.#changes = new ChangeWriter(records);
  }

  /**
   * Writes the rows of one event that are wanted; the event is only ever that the output is full. `held`: they are of this
   * transaction, which was prepared earlier.
   */
  async *write(
    rows: Rows,
    transaction: Transaction,
    held: HeldTransaction | null = null,
  ): AsyncGenerator<ReplicationEvent, void> {
    const map = rows.table;
    if (map === null || transaction.isPassed) return;
    if (!transaction.isOpen) {
      const detail = 'the log was read from the middle of a transaction on: the position is not one between two of them.';
      throw new ConnectorError('POSITION_LOST', detail);
    }
    const plan = this.#tables.planOf(map, held?.layouts);
    transaction.announce(this.#records);
    // Throws where it is not known whether the transaction is one that the table has already.
    const since = plan === LEFT_OUT ? this.#tables.sinceOf(map) : null;
    if (since !== null) this.#place.isIn(since);
    if (plan === null || plan === LEFT_OUT || !plan.wants(this.#place)) {
      this.#changes.passAll(rows);
      return;
    }
    transaction.hasWritten = true;
    if (plan.deletesOnly) {
      while (rows.next()) {
        this.#changes.writeGone(plan, rows);
        if (this.#records.full) yield FULL;
      }
      return;
    }
    rows.mark();
    if (!rows.next()) return;
    const lacking = plan.lacking(rows);
    rows.back();
    if (lacking.length > 0) yield* this.#complete(plan, rows, lacking, transaction);
    else if (plan.inOrder !== null && rows.isWholeInsert()) while (this.#inserts(plan, plan.inOrder, rows)) yield FULL;
    else while (this.#some(plan, rows)) yield FULL;
  }

  /** As `#some`, for whole inserts. */
  #inserts(plan: RowPlan, inOrder: Int16Array, rows: Rows): boolean {
    const records = this.#records;
    while (this.#changes.writeInsert(plan, inOrder, rows)) if (records.full) return true;
    return false;
  }

  /** Writes rows until there are none, or, true, the output is full. */
  #some(plan: RowPlan, rows: Rows): boolean {
    const records = this.#records;
    while (rows.next()) {
      this.#changes.write(plan, rows, null);
      if (records.full) return true;
    }
    return false;
  }

  /** Writes rows that lack values, which are read again first, some rows at a time. */
  async *#complete(
    plan: RowPlan,
    rows: Rows,
    lacking: readonly number[],
    transaction: Transaction,
  ): AsyncGenerator<ReplicationEvent, void> {
    await this.#untilVisible(transaction);
    const connection = await this.#source.rereadConnection();
    for (;;) {
      rows.mark();
      const batch: Wanted[] = [];
      while (batch.length < this.#rereader.batch && rows.next()) batch.push(wanted(plan, rows));
      if (batch.length === 0) return;
      const fits = await this.#rereader.read(connection, plan, batch, lacking);
      rows.back();
      if (!fits) continue;
      for (const each of batch) {
        rows.next();
        this.#changes.write(plan, rows, each);
        if (this.#records.full) yield FULL;
      }
    }
  }

  /** What is in the log may not be visible yet: a commit can wait for a replica in between. */
  async #untilVisible(transaction: Transaction): Promise<void> {
    for (let waited = 0; waited < PATIENCE_MILLIS; waited += POLL_MILLIS) {
      if (this.#visible !== null && this.#place.isIn(this.#visible)) return;
      if (waited > 0) await new Promise(resolve => setTimeout(resolve, POLL_MILLIS));
      this.#visible = await this.#source.visible();
    }
    const detail = `a transaction of the log (${transaction.toString()}) is not visible after a minute: most likely it waits for a semi-synchronous replica.`;
    throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
  }
}
