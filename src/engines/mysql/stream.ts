import type { ReplicationEvent, StreamRequest } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { EpochMicros, Position } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { BinlogDecoder } from './binlog/decoder.ts';
import * as events from './binlog/events.ts';
import * as gtids from './binlog/gtid.ts';
import * as statements from './binlog/query.ts';
import type { Rows } from './binlog/rows.ts';
import { decodeText } from './charsets.ts';
import { charsetOfCollationId } from './layout/charsets.ts';
import { ChangeWriter } from './replication/change-writer.ts';
import type { Dump } from './replication/dump.ts';
import { LogPlace } from './replication/log-place.ts';
import { LEFT_OUT, LogTables, type LogTablesOptions } from './replication/log-tables.ts';
import { HeldTransaction, Prepared } from './replication/prepared.ts';
import { BATCH, reread, type Wanted, wanted } from './replication/reread.ts';
import type { RowPlan } from './replication/row-plan.ts';
import type { RawConnection } from './wire/raw-connection.ts';

/** What the log needs of its shard. */
export interface StreamSource {
  openDump(from: Position): Promise<Dump>;
  /** A connection for reading rows again; kept by the shard. */
  rereadConnection(): Promise<RawConnection>;
  /** A position up to which every transaction is visible. */
  visible(): Promise<Position>;
  head(): Promise<Position>;
  /** What the reader knows is told, so that the shard can answer for it. */
  follows(place: LogPlace, tables: LogTables): void;
  /** A transaction of this time was read. */
  saw(natural: number): void;
  readonly tables: Omit<LogTablesOptions, 'template'>;
}

const FULL = { kind: 'full' } as const;
/** So many transactions without anything of ours are passed before the position is told. */
const QUIET_TRANSACTIONS = 1000;
/** The server has said so often in a row that there is nothing more, while there should be. */
const VAIN_HEARTBEATS = 3;
const VISIBLE_POLL_MILLIS = 20;
const VISIBLE_PATIENCE_MILLIS = 60_000;
const MICROS_PER_SECOND = 1_000_000;

/** Follows the log from `request.from` on, for ever; opens the dump when it is first pulled. */
export async function* stream(
  source: StreamSource,
  request: StreamRequest,
  records: RecordWriter,
): AsyncGenerator<ReplicationEvent, never> {
  const place = new LogPlace(request.from);
  const template = (followed: StreamRequest['tables'][number]) => records.template(followed.selection);
  const tables = new LogTables(request.tables, request.from, { ...source.tables, template });
  source.follows(place, tables);
  const dump = await source.openDump(request.from);
  try {
    return yield* new LogReader(source, records, dump, place, tables).events();
  } finally {
    dump.close();
  }
}

class LogReader {
  readonly #source: StreamSource;
  readonly #records: RecordWriter;
  readonly #dump: Dump;
  readonly #place: LogPlace;
  readonly #tables: LogTables;
  readonly #changes: ChangeWriter;
  readonly #prepared = new Prepared();

  // The transaction at hand.
  #inTransaction = false;
  /** It began with BEGIN, so that it ends with COMMIT; otherwise its one statement is all of it. */
  #isExplicit = false;
  /** It stands in front of where we begin. */
  #isPassed = false;
  /** Its changes wait for XA COMMIT. */
  #held: HeldTransaction | null = null;
  /** Rows of ours were written. */
  #hasWritten = false;
  #isAnnounced = false;
  #natural = 0;
  #micros = 0 as EpochMicros;
  #begin = 0;

  #quiet = 0;
  #vain = 0;
  #visible: Position | null = null;

  constructor(source: StreamSource, records: RecordWriter, dump: Dump, place: LogPlace, tables: LogTables) {
    this.#source = source;
    this.#records = records;
    this.#dump = dump;
    this.#place = place;
    this.#tables = tables;
    this.#changes = new ChangeWriter(records);
  }

  async *events(): AsyncGenerator<ReplicationEvent, never> {
    const dump = this.#dump;
    const { decoder } = dump;
    for (;;) {
      if (!dump.next()) {
        if (this.#place.moved && !this.#inTransaction) yield this.#heartbeat();
        else await dump.fill();
        continue;
      }
      const { bytes, start, end } = dump;
      const wait = decoder.open(bytes, start, end);
      if (wait !== undefined) await wait;
      const isPayload = bytes[start + 4] === events.TRANSACTION_PAYLOAD_EVENT;
      if (isPayload) this.#held?.add(bytes, start, end);
      for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
        if (kind === events.ROWS) {
          if (this.#held !== null) this.#hold(decoder.rows, isPayload);
          else yield* this.#rows(decoder.rows);
          continue;
        }
        const wasHeld = this.#held;
        const event = await this.#apply(kind);
        if (isPayload && this.#held !== null && wasHeld === null) this.#held.add(bytes, start, end);
        if (event === null) continue;
        if (event instanceof HeldTransaction) {
          yield* this.#replay(event);
          yield this.#commit();
        } else yield event;
      }
    }
  }

  /** What is not rows. The event is where a transaction ends; a held transaction is to be written, and ends then. */
  async #apply(kind: events.EventKind): Promise<ReplicationEvent | HeldTransaction | null> {
    const { decoder } = this.#dump;
    switch (kind) {
      case events.GTID:
        this.#beginTransaction();
        return null;
      case events.QUERY:
        return this.#isPassed ? null : this.#query();
      case events.XID:
        return this.#ends();
      case events.XA_PREPARE:
        return this.#prepare();
      case events.TABLE_MAP:
        if (this.#held !== null && decoder.type === events.TABLE_MAP_EVENT) this.#holdTableMap();
        return null;
      case events.HEARTBEAT:
        return await this.#idle(true);
      case events.ROTATE:
      case events.FORMAT_DESCRIPTION:
      case events.PREVIOUS_GTIDS:
      case events.GTID_LIST:
      case events.STOP:
        return await this.#idle(false);
      default:
        return null;
    }
  }

  #beginTransaction(): void {
    const { decoder } = this.#dump;
    const { gtid } = decoder;
    if (this.#inTransaction && this.#hasWritten) {
      throw new ConnectorError('VALUE_UNREADABLE', `${this.#where()}: a transaction has no end, and another one begins.`);
    }
    this.#begin = decoder.position - decoder.length;
    this.#place.begin(gtid);
    this.#isPassed = this.#place.isBehind(decoder.file, this.#begin);
    this.#inTransaction = true;
    this.#isExplicit = gtid.flavor === 'mariadb' && (gtid.flags & gtids.MARIADB_GTID_STANDALONE) === 0;
    this.#held = gtid.flavor === 'mariadb' && (gtid.flags & gtids.MARIADB_GTID_PREPARED_XA) !== 0 ? new HeldTransaction() : null;
    this.#hasWritten = false;
    this.#isAnnounced = false;
    this.#micros = (gtid.originalCommitMicros || decoder.timestamp * MICROS_PER_SECOND) as EpochMicros;
    this.#natural = this.#micros;
    this.#vain = 0;
  }

  #query(): ReplicationEvent | HeldTransaction | null {
    const { query, gtid } = this.#dump.decoder;
    switch (query.kind) {
      case statements.STATEMENT_BEGIN:
        this.#isExplicit = true;
        return null;
      case statements.STATEMENT_COMMIT:
        return this.#ends();
      case statements.STATEMENT_ROLLBACK:
        if (this.#hasWritten) throw this.#undone();
        return this.#ends();
      case statements.STATEMENT_ROLLBACK_TO:
        if (this.#hasWritten) throw this.#undone();
        return null;
      case statements.STATEMENT_XA_START:
        this.#isExplicit = true;
        this.#held ??= new HeldTransaction();
        return null;
      case statements.STATEMENT_XA_COMMIT: {
        const name = xaName(query.text());
        const held = this.#prepared.take(name);
        if (held === undefined) throw this.#preparedBefore(name);
        this.#place.release(name);
        return held;
      }
      case statements.STATEMENT_XA_ROLLBACK: {
        const name = xaName(query.text());
        this.#prepared.take(name);
        this.#place.release(name);
        return this.#ends();
      }
      case statements.STATEMENT_OTHER:
        // The first half of an ALTER has no effect yet, and a failed one never has.
        if ((gtid.extraFlags & (gtids.MARIADB_GTID_START_ALTER | gtids.MARIADB_GTID_ROLLBACK_ALTER)) === 0) this.#statement();
        return this.#isExplicit ? null : this.#ends();
      default: // savepoints, XA END
        return null;
    }
  }

  #statement(): void {
    const { query } = this.#dump.decoder;
    const charset = query.clientCollation === 0 ? null : charsetOfCollationId(query.clientCollation);
    const plain = charset === null || charset.startsWith('utf8') || charset === 'ascii';
    const sql = plain ? query.text() : decodeText(query.bytes.subarray(query.start, query.end), charset);
    const context = { database: query.schema === '' ? null : query.schema, sqlMode: query.sqlMode };
    this.#tables.statement(sql, context);
    this.#place.others = this.#tables.others();
  }

  #prepare(): ReplicationEvent | HeldTransaction | null {
    const { decoder } = this.#dump;
    const held = this.#held ?? new HeldTransaction();
    this.#held = null;
    if (this.#isPassed) return this.#ends();
    if (decoder.xaOnePhase) return held;
    this.#prepared.keep(decoder.xaName, held);
    this.#place.hold(decoder.xaName, decoder.file, decoder.position);
    this.#inTransaction = false;
    return null;
  }

  #holdTableMap(): void {
    const { bytes, start, end, decoder } = this.#dump;
    if (bytes[start + 4] === events.TRANSACTION_PAYLOAD_EVENT) return; // it is held whole
    if (decoder.tableMap !== null && this.#tables.planOf(decoder.tableMap) !== null) this.#held?.add(bytes, start, end);
  }

  #hold(rows: Rows, isPayload: boolean): void {
    if (isPayload || rows.table === null || this.#isPassed || this.#tables.planOf(rows.table) === null) return;
    const { bytes, start, end } = this.#dump;
    this.#held?.add(bytes, start, end);
  }

  async *#replay(held: HeldTransaction): AsyncGenerator<ReplicationEvent, void> {
    const { format } = this.#dump.decoder;
    const { flavor } = this.#source.tables.types;
    const decoder = new BinlogDecoder({ flavor, hasChecksums: format?.hasChecksums ?? true });
    for (const packet of held.packets) {
      const wait = decoder.open(packet, 0, packet.length);
      if (wait !== undefined) await wait;
      for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
        if (kind === events.ROWS) yield* this.#rows(decoder.rows);
      }
    }
  }

  /** Writes the rows of one event. */
  async *#rows(rows: Rows): AsyncGenerator<ReplicationEvent, void> {
    const map = rows.table;
    if (map === null || this.#isPassed) return;
    if (!this.#inTransaction) {
      const detail = 'the log was read from the middle of a transaction on: the position is not one between two of them.';
      throw new ConnectorError('POSITION_LOST', detail);
    }
    const plan = this.#tables.planOf(map);
    if (plan === null || plan === LEFT_OUT) return;
    this.#announce();
    if (!plan.wants(this.#place)) {
      while (rows.next()) this.#changes.pass(rows);
      return;
    }
    this.#hasWritten = true;
    rows.mark();
    if (!rows.next()) return;
    const lacking = plan.lacking(rows);
    rows.back();
    if (lacking.length > 0) yield* this.#complete(plan, rows, lacking);
    else while (this.#write(plan, rows)) yield FULL;
  }

  /** Writes rows until there are none, or, true, the output is full. */
  #write(plan: RowPlan, rows: Rows): boolean {
    const records = this.#records;
    while (rows.next()) {
      this.#changes.write(plan, rows, null);
      if (records.full) return true;
    }
    return false;
  }

  /** Writes rows that lack values, which are read again first, some rows at a time. */
  async *#complete(plan: RowPlan, rows: Rows, lacking: readonly number[]): AsyncGenerator<ReplicationEvent, void> {
    await this.#untilVisible();
    const connection = await this.#source.rereadConnection();
    for (;;) {
      rows.mark();
      const batch: Wanted[] = [];
      while (batch.length < BATCH && rows.next()) batch.push(wanted(plan, rows));
      if (batch.length === 0) return;
      await reread(connection, plan, batch, lacking);
      rows.back();
      for (const each of batch) {
        rows.next();
        this.#changes.write(plan, rows, each);
        if (this.#records.full) yield FULL;
      }
    }
  }

  /** What is in the log may not be visible yet: a commit can wait for a replica in between. */
  async #untilVisible(): Promise<void> {
    for (let waited = 0; waited < VISIBLE_PATIENCE_MILLIS; waited += VISIBLE_POLL_MILLIS) {
      if (this.#visible !== null && this.#place.isIn(this.#visible)) return;
      if (waited > 0) await new Promise(resolve => setTimeout(resolve, VISIBLE_POLL_MILLIS));
      this.#visible = await this.#source.visible();
    }
    const detail = `a transaction of the log (${this.#where()}) is not visible after a minute: most likely it waits for a semi-synchronous replica.`;
    throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
  }

  #announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    const { file } = this.#dump.decoder;
    const origin = Buffer.from(`,"_ab_cdc_log_file":${JSON.stringify(file)},"_ab_cdc_log_pos":${this.#begin}`);
    this.#records.transaction(this.#natural, this.#micros, origin);
  }

  /** The transaction ends; null where nobody needs to know. */
  #ends(): ReplicationEvent | null {
    const isEnd = this.#inTransaction && !this.#isPassed;
    this.#inTransaction = false;
    if (!isEnd) return null;
    const { decoder } = this.#dump;
    // A one-phase XA transaction of MariaDB ends like any other; nothing is held then.
    if (this.#held !== null && this.#held.packets.length > 0) throw this.#undone();
    this.#held = null;
    this.#place.commit(decoder.file, decoder.position);
    this.#tables.reached(this.#place);
    this.#source.saw(this.#natural);
    const noted = this.#tables.takeNoted();
    if (!this.#hasWritten && noted === null) {
      this.#quiet += 1;
      return this.#quiet >= QUIET_TRANSACTIONS ? this.#heartbeat() : null;
    }
    this.#quiet = 0;
    const position = this.#place.position();
    return { kind: 'commit', position, committedAt: this.#micros, ...(noted === null ? {} : { noted }) };
  }

  #commit(): ReplicationEvent {
    return this.#ends() ?? this.#heartbeat();
  }

  /** The log goes on at another place, between two transactions, or (`beats`) there is nothing more in it for now. */
  async #idle(beats: boolean): Promise<ReplicationEvent | null> {
    if (this.#inTransaction) return null;
    const { decoder } = this.#dump;
    this.#place.idle(decoder.file, decoder.position);
    if (!beats) return null;
    if (!this.#place.moved) await this.#expectMore();
    this.#tables.reached(this.#place);
    return this.#heartbeat();
  }

  /** Who still pulls at the end of the log waits for something. It is lost when the server has it and does not send it. */
  async #expectMore(): Promise<void> {
    this.#vain += 1;
    if (this.#vain < VAIN_HEARTBEATS) return;
    this.#vain = 0;
    const visible = await this.#source.visible();
    if (this.#place.covers(visible)) return;
    const detail = `the server has transactions that its log does not: the log ends at ${JSON.stringify(this.#place.position())}, the server is at ${JSON.stringify(visible)}.`;
    throw new ConnectorError('POSITION_LOST', detail);
  }

  #heartbeat(): ReplicationEvent {
    this.#quiet = 0;
    return { kind: 'heartbeat', position: this.#place.position() };
  }

  #where(): string {
    const { file } = this.#dump.decoder;
    return `${file}:${this.#begin}`;
  }

  #undone(): ConnectorError {
    const detail = `the transaction at ${this.#where()} took back changes after they were logged, which happens where it changed tables without transactions too. The log does not say which rows stay.`;
    return new ConnectorError('POSITION_LOST', detail);
  }

  #preparedBefore(name: string): ConnectorError {
    const detail = `the XA transaction ${name} was committed at ${this.#where()}, and prepared before the log was read: its changes are not known.`;
    return new ConnectorError('POSITION_LOST', detail);
  }
}

/** `XA COMMIT X'6162',X'',1`: the name as XA_PREPARE has it. */
const xaName = (sql: string): string => sql.replace(/^\s*xa\s+(?:commit|rollback)\s+/i, '').trim();
