import { ConnectorError } from '../../../contract/errors.ts';
import { wrongChecksum } from './checksum.ts';
import { EventCursor } from './event-cursor.ts';
import * as codes from './events.ts';
import { type LogFormat, readFormat } from './format.ts';
import { Gtid } from './gtid.ts';
import { type ListedGtid, type PreviousGtids, readGtidList, readPreviousGtids } from './gtid-lists.ts';
import { readHeartbeat } from './heartbeat.ts';
import { hasZstd, loadZstd, TransactionPayload } from './payload.ts';
import { Query } from './query.ts';
import { Rows, type RowsKind } from './rows.ts';
import type { TableMap } from './table-map.ts';
import { rowsForm, TableMaps } from './table-maps.ts';
import { readXid } from './xid.ts';

const TWO_32 = 4_294_967_296;

export interface BinlogOptions {
  readonly flavor: 'mysql' | 'mariadb';
  /** Whether events carry checksums before a FORMAT_DESCRIPTION says so: what was agreed on by `@source_binlog_checksum`. */
  readonly hasChecksums: boolean;
}

/**
 * Decodes the events of a binary log as a dump sends them (COM_BINLOG_DUMP: one event a packet, behind the packet's OK
 * byte), into fields of this object: no object per row. One decoder lives as long as one dump, because a
 * FORMAT_DESCRIPTION and a TABLE_MAP hold for what follows.
 *
 *   const wait = decoder.open(bytes, start, end);
 *   if (wait !== undefined) await wait;
 *   for (let kind = decoder.next(); kind !== END; kind = decoder.next()) …
 *
 * A packet mostly holds one event; a compressed transaction (TRANSACTION_PAYLOAD) holds many, which come one by one as
 * if they had been sent so. The bytes given to `open` are borrowed until `next` says END; all that is read from an
 * event is void at the following `next`, except strings and the objects `tableMap`, `format`, `previousGtids`, `gtidList`.
 *
 * Checksums are verified. What is not known, cut short or longer than it says throws VALUE_UNREADABLE, an incident
 * (the server lost events) POSITION_LOST. Sources: `libs/mysql/binlog/event` of MySQL 9, `log_event.h` of MariaDB.
 */
export class BinlogDecoder {
  /** What the fields below stand for now. */
  kind: codes.EventKind = codes.END;
  /** Type code of the event, as in `events.ts`. */
  type = 0;
  /** Seconds since 1970: when the statement began; 0 in artificial events. */
  timestamp = 0;
  /** The server that first wrote the event. */
  serverId = 0;
  /** Bits `FLAG_…` of `events.ts`. */
  flags = 0;
  /** Bytes of the event, header and checksum included. */
  length = 0;

  /** Name of the file that is read; empty until the first ROTATE. */
  file = '';
  /**
   * Where the event behind this one begins in `file`, in bytes. It is the start of a transaction only where the kinds of
   * events say so. Exact beyond 4 GiB unless the server passes over 4 GiB of one file without an event. Inside of a
   * compressed transaction: the end of all of it.
   */
  position = 0;

  /** FORMAT_DESCRIPTION, and in force until the next one. */
  format: LogFormat | null = null;
  readonly gtid: Gtid = new Gtid();
  readonly query: Query = new Query();
  readonly rows: Rows = new Rows();
  /** TABLE_MAP: the table announced. */
  get tableMap(): TableMap | null {
    return this.tables.last;
  }
  /** XA_PREPARE: it was committed at once (`XA COMMIT … ONE PHASE`). */
  xaOnePhase = false;
  /** XA_PREPARE: the transaction's name as statements spell it: `X'6162',X'',1`. */
  xaName = '';
  previousGtids: readonly PreviousGtids[] = [];
  gtidList: readonly ListedGtid[] = [];

  private readonly flavor: 'mysql' | 'mariadb';
  private hasChecksums: boolean;
  /** Lower 32 bits of where the next event begins, as the header has them. */
  private logPosition = 0;
  private readonly tables: TableMaps;
  private readonly cursor = new EventCursor();
  private readonly payload = new TransactionPayload();
  private state: 'empty' | 'event' | 'payload' = 'empty';
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private end = 0;

  constructor(options: BinlogOptions) {
    this.flavor = options.flavor;
    this.hasChecksums = options.hasChecksums;
    this.tables = new TableMaps(options.flavor);
  }

  /** Starts on a packet: one event at `bytes[start, end)`, without the OK byte. A promise: wait for it, then go on. */
  open(bytes: Uint8Array, start: number, end: number): Promise<void> | undefined {
    this.kind = codes.END;
    this.payload.close();
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.state = 'event';
    const type = end - start > 4 && start >= 0 ? bytes[start + 4] : 0;
    return type === codes.TRANSACTION_PAYLOAD_EVENT && !hasZstd() ? loadZstd() : undefined;
  }

  /** Decodes the next event of the packet and returns what it is; END: there is none. */
  next(): codes.EventKind {
    this.kind = codes.END;
    if (this.state === 'event') {
      this.state = 'empty';
      this.readHeader(this.bytes, this.start, this.end, true);
      if (this.type !== codes.TRANSACTION_PAYLOAD_EVENT) return this.readBody();
      if (!this.payload.open(this.cursor)) throw this.cursor.unreadable('the decompressor is not loaded');
      this.state = 'payload';
    }
    if (this.state === 'payload') {
      if (this.payload.next()) {
        const { position } = this;
        this.readHeader(this.payload.bytes, this.payload.start, this.payload.end, false);
        this.position = position;
        if (this.type === codes.TRANSACTION_PAYLOAD_EVENT) throw this.cursor.unreadable('it stands inside of another');
        return this.readBody();
      }
      this.state = 'empty';
    }
    return codes.END;
  }

  /** Header, length and checksum; leaves the cursor on the body. */
  private readHeader(bytes: Uint8Array, start: number, end: number, isOuter: boolean): void {
    const { cursor } = this;
    cursor.open(bytes, start, end, 0);
    this.timestamp = cursor.u32();
    this.type = cursor.u8();
    cursor.type = this.type;
    this.serverId = cursor.u32();
    this.length = cursor.u32();
    this.logPosition = cursor.u32();
    this.flags = cursor.u16();
    if (this.length !== end - start) throw cursor.unreadable(`it has ${end - start} bytes and says ${this.length}`);
    if (!isOuter) return;
    const isFormat = this.type === codes.FORMAT_DESCRIPTION_EVENT;
    if (isFormat) this.readFormat();
    else if (this.hasChecksums) {
      if (cursor.left < codes.CHECKSUM_LENGTH) throw cursor.truncated();
      cursor.end -= codes.CHECKSUM_LENGTH;
    }
    if (this.hasChecksums) {
      const wrong = wrongChecksum(bytes, start, end, isFormat);
      if (wrong !== null) throw cursor.unreadable(`its checksum is wrong (${wrong}), after ${this.file}:${this.position}`);
    }
    this.advance(isFormat);
  }

  /** A format description always has room for a checksum; it says itself whether there is one. */
  private readFormat(): void {
    this.format = readFormat(this.cursor);
    this.hasChecksums = this.format.hasChecksums;
    this.tables.clear();
  }

  /** Moves `position`. The header has its lower 32 bits; MariaDB leaves them 0 inside of transactions. */
  private advance(isFormat: boolean): void {
    const { logPosition } = this;
    if ((this.flags & codes.FLAG_ARTIFICIAL) !== 0) return;
    if (logPosition === 0) {
      // a format description repeated in the middle of a file stands elsewhere
      if (!isFormat && this.type !== codes.HEARTBEAT_EVENT && this.type !== codes.HEARTBEAT_EVENT_V2)
        this.position += this.length;
      return;
    }
    const base = this.position - (this.position % TWO_32);
    const next = base + logPosition;
    this.position = next < this.position ? next + TWO_32 : next;
  }

  private readBody(): codes.EventKind {
    const { cursor, type } = this;
    const rows = rowsForm(type);
    const kind = rows !== null ? this.readRows(rows.kind, rows) : this.readOther();
    this.kind = kind;
    if (kind !== codes.ROWS && kind !== codes.IGNORED && kind !== codes.STATEMENT_CONTEXT) cursor.finish();
    return kind;
  }

  private readRows(
    kind: RowsKind,
    form: { readonly version: 1 | 2; readonly partial: boolean; readonly compressed: boolean },
  ): codes.EventKind {
    const { cursor } = this;
    const id = cursor.u48();
    const flags = cursor.u16();
    if (form.version === 2) {
      const extra = cursor.u16();
      if (extra < 2) throw cursor.unreadable('its extra data is malformed');
      cursor.skip(extra - 2);
    }
    this.rows.open(cursor, this.tables.find(cursor, id, flags), kind, flags, form);
    return codes.ROWS;
  }

  private readOther(): codes.EventKind {
    const { cursor } = this;
    switch (this.type) {
      case codes.TABLE_MAP_EVENT:
        this.tables.read(cursor);
        return codes.TABLE_MAP;
      case codes.QUERY_EVENT:
      case codes.QUERY_COMPRESSED_EVENT:
      case codes.EXECUTE_LOAD_QUERY_EVENT:
        this.query.read(cursor);
        return codes.QUERY;
      case codes.XID_EVENT:
        cursor.skip(8);
        return codes.XID;
      case codes.XA_PREPARE_EVENT:
        this.xaOnePhase = cursor.u8() !== 0;
        this.xaName = readXid(cursor);
        return codes.XA_PREPARE;
      case codes.GTID_EVENT:
      case codes.ANONYMOUS_GTID_EVENT:
        this.gtid.readClassic(cursor);
        return this.transaction();
      case codes.GTID_TAGGED_EVENT:
        this.gtid.readTagged(cursor);
        return this.transaction();
      case codes.MARIADB_GTID_EVENT:
        this.gtid.readMariadb(cursor, this.serverId);
        return this.transaction();
      case codes.FORMAT_DESCRIPTION_EVENT:
        return codes.FORMAT_DESCRIPTION;
      case codes.ROTATE_EVENT:
        this.position = cursor.u64();
        this.file = cursor.text(cursor.left);
        return codes.ROTATE;
      case codes.HEARTBEAT_EVENT:
      case codes.HEARTBEAT_EVENT_V2:
        this.position = readHeartbeat(cursor, this.position, this.flavor === 'mariadb' && this.logPosition === 0);
        return codes.HEARTBEAT;
      case codes.PREVIOUS_GTIDS_EVENT:
        this.previousGtids = readPreviousGtids(cursor);
        return codes.PREVIOUS_GTIDS;
      case codes.GTID_LIST_EVENT:
        this.gtidList = readGtidList(cursor);
        return codes.GTID_LIST;
      case codes.STOP_EVENT:
        cursor.skip(cursor.left);
        return codes.STOP;
      case codes.INCIDENT_EVENT:
        throw this.incident();
      case codes.INTVAR_EVENT:
      case codes.RAND_EVENT:
      case codes.USER_VAR_EVENT:
      case codes.BEGIN_LOAD_QUERY_EVENT:
      case codes.APPEND_BLOCK_EVENT:
      case codes.DELETE_FILE_EVENT:
        return codes.STATEMENT_CONTEXT;
      case codes.IGNORABLE_EVENT:
      case codes.ROWS_QUERY_EVENT:
      case codes.TRANSACTION_CONTEXT_EVENT:
      case codes.VIEW_CHANGE_EVENT:
      case codes.ANNOTATE_ROWS_EVENT:
      case codes.BINLOG_CHECKPOINT_EVENT:
      // Of a log that is encrypted on the disk; whoever sends it decrypts what follows.
      case codes.START_ENCRYPTION_EVENT:
        return codes.IGNORED;
      default:
        if ((this.flags & codes.FLAG_IGNORABLE) !== 0) return codes.IGNORED;
        throw cursor.unreadable('this type of event is not known');
    }
  }

  private transaction(): codes.EventKind {
    this.tables.trim(); // no table announced before is needed any more
    return codes.GTID;
  }

  private incident(): ConnectorError {
    const { cursor } = this;
    const number = cursor.u16();
    const message = cursor.text(cursor.u8());
    return new ConnectorError(
      'POSITION_LOST',
      `the server noted in its log, ${this.file} before ${this.position}, that changes are missing from it (incident ${number}: ${message})`,
    );
  }
}
