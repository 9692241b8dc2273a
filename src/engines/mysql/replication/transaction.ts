import type { EpochMicros } from '../../../contract/ids.ts';
import type { RecordWriter } from '../../../contract/record-writer.ts';
import type { BinlogDecoder } from '../binlog/decoder.ts';
import { MARIADB_GTID_PREPARED_XA, MARIADB_GTID_STANDALONE } from '../binlog/gtid.ts';
import type { LogPlace } from './log-place.ts';
import { HeldTransaction } from './prepared.ts';

const MICROS_PER_SECOND = 1_000_000;

/** The transaction that the log is in. One object, filled anew for each. */
export class Transaction {
  /** It has begun and not ended. */
  isOpen = false;
  /** It began with BEGIN, so that it ends with COMMIT; otherwise its one statement is all of it. */
  isExplicit = false;
  /** It stands in front of where we begin. */
  isPassed = false;
  /** Its changes wait for XA COMMIT. */
  held: HeldTransaction | null = null;
  /** Rows of ours were written. */
  hasWritten = false;
  /** One number for it that does not depend on the server read: when it was first committed, in microseconds. */
  natural = 0;
  /** Where it begins in the server's own log. */
  file = '';
  position = 0;
  #isAnnounced = false;

  /** A GTID event says that it begins. */
  begin(decoder: BinlogDecoder, place: LogPlace): void {
    const { gtid } = decoder;
    const isMariadb = gtid.flavor === 'mariadb';
    this.file = decoder.file;
    this.position = decoder.position - decoder.length;
    place.begin(gtid, this.file, this.position);
    this.isOpen = true;
    this.isPassed = place.isBehind(this.file, this.position);
    this.isExplicit = isMariadb && (gtid.flags & MARIADB_GTID_STANDALONE) === 0;
    this.held = null;
    if (isMariadb && (gtid.flags & MARIADB_GTID_PREPARED_XA) !== 0) this.hold(decoder, place);
    this.hasWritten = false;
    this.natural = gtid.originalCommitMicros || decoder.timestamp * MICROS_PER_SECOND;
    this.#isAnnounced = false;
  }

  /** From here on its changes wait. */
  hold(decoder: BinlogDecoder, place: LogPlace): HeldTransaction {
    const hasChecksums = decoder.format?.hasChecksums ?? true;
    this.held ??= new HeldTransaction(place.current(this.file, this.position), { hasChecksums });
    return this.held;
  }

  get committedAt(): EpochMicros {
    return this.natural as EpochMicros;
  }

  /** Tells the records, in front of the first row, which transaction they are of. */
  announce(records: RecordWriter): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    const origin = `,"_ab_cdc_log_file":${JSON.stringify(this.file)},"_ab_cdc_log_pos":${this.position}`;
    records.transaction(this.natural, this.committedAt, Buffer.from(origin));
  }

  /** For messages. */
  toString(): string {
    return `${this.file}:${this.position}`;
  }
}
