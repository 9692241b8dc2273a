import type { ReplicationEvent, StreamRequest } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { Position } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import * as events from './binlog/events.ts';
import * as gtids from './binlog/gtid.ts';
import * as statements from './binlog/query.ts';
import { decodeText } from './charsets.ts';
import { charsetOfCollationId } from './layout/charsets.ts';
import type { Dump } from './replication/dump.ts';
import { EndOfLog } from './replication/end-of-log.ts';
import type { PresentLayouts } from './replication/layout-check.ts';
import { checkSameLog } from './replication/log-file.ts';
import { LogPlace } from './replication/log-place.ts';
import { LogTables, type LogTablesOptions } from './replication/log-tables.ts';
import { HeldTransaction, preparedBefore, xaName } from './replication/prepared.ts';
import { type ReplaySource, replay } from './replication/replay.ts';
import { type RereadSource, RowEvents } from './replication/row-events.ts';
import { Transaction } from './replication/transaction.ts';

/** What the log needs of its shard. */
export interface StreamSource extends RereadSource, ReplaySource {
  openDump(from: Position, use?: 'aside'): Promise<Dump>;
  /** What the reader knows is told, so that the shard can answer for it. */
  follows(place: LogPlace, tables: LogTables): void;
  /** Up to where the log is wanted now, as far as that is known. */
  readonly target: Position | null;
  readonly tables: Omit<LogTablesOptions, 'template'>;
  /** Who writes the log: see `readServerId`. */
  readonly server: string;
  /** The followed tables as they are now, and where the log is. */
  present(): Promise<PresentLayouts>;
}

/** So many transactions without anything of ours are passed before the position is told. */
const QUIET_TRANSACTIONS = 1000;

/** Follows the log from `request.from` on, for ever; opens the dump when it is first pulled. */
export async function* stream(
  source: StreamSource,
  request: StreamRequest,
  records: RecordWriter,
): AsyncGenerator<ReplicationEvent, never> {
  const place = new LogPlace(request.from, source.server);
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
  readonly #dump: Dump;
  readonly #place: LogPlace;
  readonly #tables: LogTables;
  readonly #rows: RowEvents;

  readonly #endOfLog = new EndOfLog();
  readonly #transaction = new Transaction();
  #quiet = 0;
  #isSameLog = false;

  constructor(source: StreamSource, records: RecordWriter, dump: Dump, place: LogPlace, tables: LogTables) {
    this.#source = source;
    this.#dump = dump;
    this.#place = place;
    this.#tables = tables;
    this.#rows = new RowEvents(source, records, place, tables);
  }

  async *events(): AsyncGenerator<ReplicationEvent, never> {
    const dump = this.#dump;
    const { decoder } = dump;
    this.#tables.reached(this.#place);
    if (this.#tables.check.hasDoubts) await this.#checkAgain();
    for (;;) {
      if (!dump.next()) {
        if (this.#place.moved && !this.#transaction.isOpen) yield this.#heartbeat();
        else await this.#endOfLog.wait(dump);
        continue;
      }
      const { bytes, start, end } = dump;
      const wait = decoder.open(bytes, start, end);
      if (wait !== undefined) await wait;
      const isPayload = bytes[start + 4] === events.TRANSACTION_PAYLOAD_EVENT;
      let isHeld = false;
      for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
        if (kind === events.ROWS && this.#transaction.held === null) {
          yield* this.#rows.write(decoder.rows, this.#transaction);
          continue;
        }
        if (kind === events.HEARTBEAT && !this.#place.moved) {
          await this.#endOfLog.heartbeat(this.#place, () => this.#source.visible());
        }
        if (kind === events.FORMAT_DESCRIPTION) await this.#openFile();
        const event = this.#apply(kind);
        if (this.#tables.check.hasDoubts) await this.#checkAgain();
        if (!isHeld && (isPayload || kind === events.ROWS || kind === events.TABLE_MAP)) {
          this.#transaction.held?.add(bytes, start, end);
          isHeld = this.#transaction.held !== null;
        }
        if (event === null) continue;
        if (event instanceof HeldTransaction) {
          yield* replay(this.#source, event, rows => this.#rows.write(rows, this.#transaction, event));
          yield this.#ends() ?? this.#heartbeat();
        } else yield event;
      }
    }
  }

  /** What is not rows. The event is where a transaction ends; a held transaction is to be written, and ends then. */
  #apply(kind: events.EventKind): ReplicationEvent | HeldTransaction | null {
    const { decoder } = this.#dump;
    switch (kind) {
      case events.GTID:
        this.#beginTransaction();
        return null;
      case events.QUERY:
        return this.#transaction.isPassed ? null : this.#query();
      case events.XID:
        return this.#ends();
      case events.XA_PREPARE:
        return this.#prepare();
      case events.FORMAT_DESCRIPTION:
        if ((decoder.flags & events.FLAG_ARTIFICIAL) === 0) this.#abort();
        return this.#idle(false);
      case events.HEARTBEAT:
        return this.#idle(true);
      case events.ROTATE:
      case events.PREVIOUS_GTIDS:
      case events.GTID_LIST:
      case events.STOP:
        return this.#idle(false);
      default:
        return this.#idle(false); // MariaDB's checkpoints, behind the last transaction
    }
  }

  #beginTransaction(): void {
    const transaction = this.#transaction;
    if (transaction.isOpen && transaction.hasWritten) {
      throw new ConnectorError(
        'VALUE_UNREADABLE',
        `the transaction at ${transaction.toString()} has no end, and another one begins.`,
      );
    }
    transaction.begin(this.#dump.decoder, this.#place);
    this.#endOfLog.goesOn();
  }

  /** The server crashed in the middle of a transaction, and began a new file: it never was. */
  #abort(): void {
    const transaction = this.#transaction;
    if (transaction.isOpen && transaction.hasWritten) throw this.#undone();
    transaction.isOpen = false;
    transaction.held = null;
  }

  #query(): ReplicationEvent | HeldTransaction | null {
    const { query, gtid } = this.#dump.decoder;
    switch (query.kind) {
      case statements.STATEMENT_BEGIN:
        this.#transaction.isExplicit = true;
        return null;
      case statements.STATEMENT_COMMIT:
        return this.#ends();
      case statements.STATEMENT_ROLLBACK:
        if (this.#transaction.hasWritten) throw this.#undone();
        return this.#ends();
      case statements.STATEMENT_ROLLBACK_TO:
        if (this.#transaction.hasWritten) throw this.#undone();
        return null;
      case statements.STATEMENT_XA_START:
        this.#transaction.isExplicit = true;
        this.#transaction.hold(this.#dump.decoder, this.#place);
        return null;
      case statements.STATEMENT_XA_COMMIT: {
        const name = xaName(query.text());
        const held = this.#place.prepared.take(name);
        if (held !== undefined) return held;
        // Snapshots begin behind it: see `untilEnded`.
        if (this.#tables.allAwaitSnapshots) return this.#ends();
        throw preparedBefore(name, this.#transaction.toString());
      }
      case statements.STATEMENT_XA_ROLLBACK:
        this.#place.prepared.take(xaName(query.text()));
        return this.#ends();
      case statements.STATEMENT_OTHER:
        // The first half of an ALTER has no effect yet, and a failed one never has.
        if ((gtid.extraFlags & (gtids.MARIADB_GTID_START_ALTER | gtids.MARIADB_GTID_ROLLBACK_ALTER)) === 0) this.#statement();
        return this.#transaction.isExplicit ? null : this.#ends();
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
    this.#tables.statement(sql, context, this.#place.prepared);
    this.#place.others = this.#tables.others();
  }

  #prepare(): ReplicationEvent | HeldTransaction | null {
    const { decoder } = this.#dump;
    const held = this.#transaction.hold(decoder, this.#place);
    this.#transaction.held = null;
    held.name = decoder.xaName;
    if (decoder.xaOnePhase && !this.#transaction.isPassed) return held;
    if (!this.#transaction.isPassed) this.#place.prepared.keep(held);
    return this.#ends();
  }

  /** The transaction ends; null where nobody needs to know. */
  #ends(): ReplicationEvent | null {
    const isEnd = this.#transaction.isOpen && !this.#transaction.isPassed;
    this.#transaction.isOpen = false;
    if (!isEnd) return null;
    const { decoder } = this.#dump;
    // A one-phase XA transaction of MariaDB ends like any other; nothing is held then.
    if (this.#transaction.held !== null && this.#transaction.held.bytes > 0) throw this.#undone();
    this.#transaction.held = null;
    this.#place.commit(decoder.file, decoder.position);
    this.#tables.reached(this.#place);
    const noted = this.#tables.takeNoted();
    if (!this.#transaction.hasWritten && noted === null) {
      this.#quiet += 1;
      // Behind the target the log may have transactions that wait for a replica: they do not belong in a state.
      const { target } = this.#source;
      const isTold = this.#quiet >= QUIET_TRANSACTIONS || (target !== null && this.#place.covers(target));
      return isTold ? this.#heartbeat() : null;
    }
    this.#quiet = 0;
    const position = this.#place.position();
    return { kind: 'commit', position, committedAt: this.#transaction.committedAt, ...(noted === null ? {} : { noted }) };
  }

  /** The log goes on at another place, between two transactions, or (`beats`) there is nothing more in it for now. */
  #idle(beats: boolean): ReplicationEvent | null {
    if (this.#transaction.isOpen) return null;
    const { decoder } = this.#dump;
    this.#place.idle(decoder.file, decoder.position);
    if (!beats) return null;
    this.#tables.reached(this.#place);
    return this.#heartbeat();
  }

  async #openFile(): Promise<void> {
    const { file, timestamp: created } = this.#dump.decoder;
    const log = { server: this.#source.server, file, created };
    if (!this.#isSameLog) await checkSameLog(this.#place.logFile, log, from => this.#source.openDump(from, 'aside'));
    this.#isSameLog = true;
    this.#place.logFile = log;
  }

  async #checkAgain(): Promise<void> {
    await this.#tables.check.again(() => this.#source.present());
    this.#tables.reached(this.#place);
  }

  #heartbeat(): ReplicationEvent {
    this.#quiet = 0;
    return { kind: 'heartbeat', position: this.#place.position() };
  }

  #undone(): ConnectorError {
    const detail = `the transaction at ${this.#transaction.toString()} was rolled back after its changes had been logged; this happens when it also changed non-transactional tables (such as MyISAM). The log does not say which of its rows stay.`;
    return new ConnectorError('POSITION_LOST', detail);
  }
}
