import type { EventCursor } from './event-cursor.ts';
import { ANONYMOUS_GTID_EVENT } from './events.ts';

/** Flags of MariaDB's GTID event. */
export const MARIADB_GTID_STANDALONE = 0x01;
export const MARIADB_GTID_COMMIT_ID = 0x02;
export const MARIADB_GTID_TRANSACTIONAL = 0x04;
export const MARIADB_GTID_DDL = 0x20;
export const MARIADB_GTID_PREPARED_XA = 0x40;
export const MARIADB_GTID_COMPLETED_XA = 0x80;
/** Extra flags of MariaDB's GTID event: the three halves of an ALTER with `binlog_alter_two_phase`. */
export const MARIADB_GTID_START_ALTER = 0x02;
export const MARIADB_GTID_COMMIT_ALTER = 0x04;
export const MARIADB_GTID_ROLLBACK_ALTER = 0x08;
const MARIADB_EXTRA_MULTI_ENGINE = 0x01;

const TWO_32 = 4_294_967_296;
/** Set in the upper three of a commit time's seven bytes: the origin's own stands behind it. */
const HIGHEST_OF_24 = 0x80_0000;
const LOGICAL_CLOCK = 2;
const TAG_LENGTH = 32;
/** Fields of `Gtid_event::define_fields`, by number; a higher one is not known. */
const LAST_TAGGED_FIELD = 11;

/**
 * What the event at the head of a transaction says of it. One object a decoder, filled anew for each transaction: what
 * the server's flavor or version does not say is empty or 0.
 */
export class Gtid {
  /** ANONYMOUS: the server works without GTIDs. */
  flavor: 'mysql' | 'mariadb' | 'anonymous' = 'anonymous';
  /** MySQL: UUID of the server that first committed it, as text in lower case. */
  sid = '';
  /** MySQL 8.3 and later: the tag, empty for none. */
  tag = '';
  /** MySQL: number of the transaction, from 1. MariaDB: sequence number in its domain. */
  gno = 0;
  /** MariaDB */
  domainId = 0;
  /** MariaDB: the server that first committed it. */
  serverId = 0;
  /** MySQL: bit 0, the transaction may hold statements logged as text. MariaDB: `MARIADB_GTID_…`. */
  flags = 0;
  /** MariaDB: `MARIADB_GTID_START_ALTER` and its kin. */
  extraFlags = 0;
  /** MariaDB: sequence number of the ALTER that a COMMIT_ALTER or ROLLBACK_ALTER ends. */
  alterSequence = 0;

  /** MySQL: the logical clock of parallel replication. */
  lastCommitted = 0;
  sequenceNumber = 0;
  /** MySQL 8: when the server that is read committed it. Microseconds since 1970. */
  immediateCommitMicros = 0;
  /** MySQL 8: when the server that first had it committed it; the same through every replica. Microseconds since 1970; 0: not known. */
  originalCommitMicros = 0;
  /** MySQL 8: bytes of all its events, this one included. */
  transactionLength = 0;
  /** MySQL 8: as 80036; 0: not said. */
  immediateServerVersion = 0;
  originalServerVersion = 0;

  private readonly sidBytes = new Uint8Array(16);

  private reset(flavor: 'mysql' | 'mariadb' | 'anonymous'): void {
    this.flavor = flavor;
    this.tag = '';
    this.gno = 0;
    this.domainId = 0;
    this.serverId = 0;
    this.flags = 0;
    this.extraFlags = 0;
    this.alterSequence = 0;
    this.lastCommitted = 0;
    this.sequenceNumber = 0;
    this.immediateCommitMicros = 0;
    this.originalCommitMicros = 0;
    this.transactionLength = 0;
    this.immediateServerVersion = 0;
    this.originalServerVersion = 0;
  }

  /** GTID and ANONYMOUS_GTID (`Gtid_event` in `control_events.cpp`). */
  readClassic(cursor: EventCursor): void {
    this.reset(cursor.type === ANONYMOUS_GTID_EVENT ? 'anonymous' : 'mysql');
    this.flags = cursor.u8();
    this.takeSid(cursor);
    this.gno = cursor.u64();
    if (cursor.left === 0) return;
    if (cursor.u8() !== LOGICAL_CLOCK) throw cursor.unreadable('the logical clock is malformed');
    this.lastCommitted = cursor.u64();
    this.sequenceNumber = cursor.u64();
    if (cursor.left < 7) return; // 5.7 ends here
    this.readCommitTimes(cursor);
    if (cursor.left > 0) this.transactionLength = cursor.packed();
    if (cursor.left >= 4) this.readVersions(cursor);
    cursor.skip(cursor.left); // commit group ticket, and what later versions add
  }

  /** Seven bytes, and seven more for the origin's where the highest bit says so. */
  private readCommitTimes(cursor: EventCursor): void {
    const low = cursor.u32();
    const high = cursor.u24();
    const another = (high & HIGHEST_OF_24) !== 0;
    const immediate = (high & ~HIGHEST_OF_24) * TWO_32 + low;
    const original = another ? cursor.u32() + cursor.u24() * TWO_32 : immediate;
    this.setCommitTimes(cursor, immediate, original);
  }

  private setCommitTimes(cursor: EventCursor, immediate: number, original: number): void {
    if (!Number.isSafeInteger(immediate) || !Number.isSafeInteger(original))
      throw cursor.unreadable('a commit time is out of range');
    this.immediateCommitMicros = immediate;
    this.originalCommitMicros = original;
  }

  private readVersions(cursor: EventCursor): void {
    const immediate = cursor.u32();
    const another = immediate >= 0x8000_0000;
    this.immediateServerVersion = another ? immediate - 0x8000_0000 : immediate;
    this.originalServerVersion = another ? cursor.u32() : immediate;
  }

  /** GTID_TAGGED: one message of `mysql::serialization`, numbered fields in order, absent ones at their default. */
  readTagged(cursor: EventCursor): void {
    this.reset('mysql');
    const from = cursor.at;
    const version = cursor.varint();
    if (version !== 1) throw cursor.unreadable(`the serialization version ${version} is not known`);
    const length = cursor.varint();
    if (length !== cursor.end - from) throw cursor.unreadable('its message has another length');
    // One more than the last field that must be understood.
    if (cursor.varint() > LAST_TAGGED_FIELD + 1) throw cursor.unreadable('it has fields that must be known and are not');
    let previous = -1;
    let hasSid = false;
    let immediate = 0;
    let original = -1;
    while (cursor.left > 0) {
      const field = cursor.varint();
      if (field <= previous) throw cursor.unreadable('its fields are out of order');
      previous = field;
      if (field > LAST_TAGGED_FIELD) {
        cursor.skip(cursor.left); // said to be ignorable above
        break;
      }
      switch (field) {
        case 0:
          this.flags = cursor.varint();
          break;
        case 1:
          this.takeSerializedSid(cursor);
          hasSid = true;
          break;
        case 2:
          this.gno = signed(cursor);
          break;
        case 3:
          this.tag = readTag(cursor);
          break;
        case 4:
          this.lastCommitted = signed(cursor);
          break;
        case 5:
          this.sequenceNumber = signed(cursor);
          break;
        case 6:
          immediate = cursor.varint();
          break;
        case 7:
          original = cursor.varint();
          break;
        case 8:
          this.transactionLength = cursor.varint();
          break;
        case 9:
          this.immediateServerVersion = cursor.varint();
          break;
        case 10:
          this.originalServerVersion = cursor.varint();
          break;
        default:
          cursor.varint(); // commit group ticket
      }
    }
    if (!hasSid || this.gno < 1) throw cursor.unreadable('it names no transaction');
    this.setCommitTimes(cursor, immediate, original < 0 ? immediate : original);
    if (this.originalServerVersion === 0) this.originalServerVersion = this.immediateServerVersion;
  }

  /** MariaDB's GTID (`Gtid_log_event` in `log_event.cc`); the server id stands in the event's header. */
  readMariadb(cursor: EventCursor, serverId: number): void {
    this.reset('mariadb');
    this.serverId = serverId;
    this.gno = cursor.u64();
    this.domainId = cursor.u32();
    this.flags = cursor.u8();
    if ((this.flags & MARIADB_GTID_COMMIT_ID) !== 0) cursor.skip(8);
    if ((this.flags & (MARIADB_GTID_PREPARED_XA | MARIADB_GTID_COMPLETED_XA)) !== 0) {
      cursor.skip(4); // format
      const lengths = cursor.u8() + cursor.u8();
      cursor.skip(lengths);
    }
    if (cursor.left > 0) this.readMariadbExtra(cursor);
    cursor.skip(cursor.left); // filled up to 19 bytes with zeros
  }

  private readMariadbExtra(cursor: EventCursor): void {
    this.extraFlags = cursor.u8();
    if ((this.extraFlags & MARIADB_EXTRA_MULTI_ENGINE) !== 0) cursor.skip(1);
    if ((this.extraFlags & (MARIADB_GTID_COMMIT_ALTER | MARIADB_GTID_ROLLBACK_ALTER)) !== 0) this.alterSequence = cursor.u64();
  }

  /** Transactions mostly come from one server: its name is written once. */
  private takeSid(cursor: EventCursor): void {
    const at = cursor.at;
    cursor.skip(16);
    const { bytes } = cursor;
    let same = this.sid !== '';
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + i]!;
      if (byte !== this.sidBytes[i]) same = false;
      this.sidBytes[i] = byte;
    }
    if (same) return;
    const hex = Buffer.from(this.sidBytes).toString('hex');
    this.sid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  /** The same 16 bytes, each as a number of one or two bytes. */
  private takeSerializedSid(cursor: EventCursor): void {
    const sid = new Uint8Array(16);
    for (let i = 0; i < 16; i++) {
      const byte = cursor.varint();
      if (byte > 255) throw cursor.unreadable('the UUID is malformed');
      sid[i] = byte;
    }
    const { bytes, at, end } = cursor;
    cursor.open(sid, 0, 16, cursor.type);
    this.takeSid(cursor);
    cursor.open(bytes, at, end, cursor.type);
  }
}

function readTag(cursor: EventCursor): string {
  const length = cursor.varint();
  if (length > TAG_LENGTH) throw cursor.unreadable(`a tag of ${length} bytes`);
  return cursor.text(length);
}

/** A signed number of `mysql::serialization`; the ones here are never negative. */
function signed(cursor: EventCursor): number {
  const value = cursor.varint();
  if (value % 2 === 1) throw cursor.unreadable('a number is negative');
  return value / 2;
}
