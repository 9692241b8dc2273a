import type { EpochMicros } from '../../../contract/ids.ts';
import { MessageCursor } from './message-cursor.ts';
import type { Relation, RelationColumn } from './relation.ts';
import { MAX_COLUMNS, readTuple, Tuple } from './tuple.ts';

/** Message kinds, as the bytes of the protocol. */
export const BEGIN = 0x42; // B
export const COMMIT = 0x43; // C
export const ORIGIN = 0x4f; // O
export const RELATION = 0x52; // R
export const TYPE = 0x59; // Y
export const INSERT = 0x49; // I
export const UPDATE = 0x55; // U
export const DELETE = 0x44; // D
export const TRUNCATE = 0x54; // T
export const MESSAGE = 0x4d; // M
export const BEGIN_PREPARE = 0x62; // b
export const PREPARE = 0x50; // P
export const COMMIT_PREPARED = 0x4b; // K
export const ROLLBACK_PREPARED = 0x72; // r

/** Kinds of an old tuple. */
export const OLD_NONE = 0;
/** Only the columns of the replica identity are there, the others are null. */
export const OLD_KEY = 0x4b; // K
/** The whole row: replica identity `full`. */
export const OLD_FULL = 0x4f; // O
const NEW_TUPLE = 0x4e; // N

/** Option bits of a Truncate message. */
export const TRUNCATE_CASCADE = 1;
export const TRUNCATE_RESTART_IDENTITY = 2;

/**
 * Decodes the messages of the `pgoutput` plugin, one complete message a call, into fields of this object: no object per
 * row. Offsets point into the bytes given to `read`, which are borrowed: everything is void at the next `read`.
 * One decoder lives as long as one replication connection, because a Relation message holds for all that follow.
 *
 * Protocol versions 1 to 4 without `streaming` (PostgreSQL manual, "Logical Replication Message Formats"). What is not
 * known, cut short or longer than it says throws VALUE_UNREADABLE; an LSN of 2^53 or more throws INVARIANT.
 */
export class PgoutputDecoder {
  /** What the fields below stand for now: one of the message kinds; 0 before the first message and after an error. */
  kind = 0;

  /** BEGIN: the LSN of the commit record to come. LSNs are byte positions in the WAL. */
  finalLsn = 0;
  /** COMMIT, COMMIT_PREPARED: LSN of the commit record. BEGIN_PREPARE, PREPARE: of the prepare record. ROLLBACK_PREPARED: end of the prepare record. */
  commitLsn = 0;
  /** Where the transaction's last record ends: the next one is after it. */
  endLsn = 0;
  /** BEGIN, COMMIT and the two-phase kinds: when it was committed (prepared, rolled back). */
  commitMicros: EpochMicros = 0 as EpochMicros;
  /** BEGIN and the two-phase kinds: the 32-bit transaction id. */
  xid = 0;
  /** The two-phase kinds: the user's name for the prepared transaction. */
  gid = '';

  /** ORIGIN: where the transaction was first committed. */
  originLsn = 0;
  originName = '';

  /** RELATION: the new shape. INSERT, UPDATE, DELETE: the shape of the tuples. */
  relation: Relation | null = null;
  readonly newTuple: Tuple = new Tuple();
  readonly oldTuple: Tuple = new Tuple();
  oldKind: typeof OLD_NONE | typeof OLD_KEY | typeof OLD_FULL = OLD_NONE;

  /** TYPE */
  typeOid = 0;
  typeNamespace = '';
  typeName = '';

  /** TRUNCATE */
  truncated: readonly Relation[] = [];
  truncateOptions = 0;

  /** MESSAGE (`pg_logical_emit_message`) */
  messageLsn = 0;
  messageTransactional = false;
  messagePrefix = '';
  messageStart = 0;
  messageEnd = 0;

  private readonly relations = new Map<number, Relation>();
  private rowRelation: Relation | null = null;
  private readonly cursor = new MessageCursor();

  /** Decodes the message in `bytes[start, end)` and returns its kind. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.kind = 0;
    const kind = this.cursor.open(bytes, start, end);
    switch (kind) {
      case INSERT:
        this.readInsert();
        break;
      case UPDATE:
        this.readUpdate();
        break;
      case DELETE:
        this.readDelete();
        break;
      case BEGIN:
        this.finalLsn = this.cursor.lsn();
        this.commitMicros = this.cursor.micros();
        this.xid = this.cursor.u32();
        break;
      case COMMIT:
        this.cursor.noFlags();
        this.commitLsn = this.cursor.lsn();
        this.endLsn = this.cursor.lsn();
        this.commitMicros = this.cursor.micros();
        break;
      case RELATION:
        this.readRelation();
        break;
      case TRUNCATE:
        this.readTruncate();
        break;
      case ORIGIN:
        this.originLsn = this.cursor.lsn();
        this.originName = this.cursor.name();
        break;
      case TYPE:
        this.typeOid = this.cursor.u32();
        this.typeNamespace = this.cursor.namespace();
        this.typeName = this.cursor.name();
        break;
      case MESSAGE:
        this.readMessage();
        break;
      case BEGIN_PREPARE:
      case PREPARE:
      case COMMIT_PREPARED:
      case ROLLBACK_PREPARED:
        this.readTwoPhase(kind);
        break;
      default:
        throw this.cursor.unreadable('this kind of message is not known');
    }
    this.cursor.finish();
    this.kind = kind;
    return kind;
  }

  private readInsert(): void {
    const relation = this.knownRelation();
    this.oldKind = OLD_NONE;
    this.oldTuple.count = 0;
    this.expectNewTuple();
    readTuple(this.cursor, this.newTuple, relation);
  }

  private readUpdate(): void {
    const relation = this.knownRelation();
    const marker = this.cursor.peek();
    if (marker === OLD_KEY || marker === OLD_FULL) {
      this.cursor.u8();
      this.oldKind = marker;
      readTuple(this.cursor, this.oldTuple, relation);
    } else {
      this.oldKind = OLD_NONE;
      this.oldTuple.count = 0;
    }
    this.expectNewTuple();
    readTuple(this.cursor, this.newTuple, relation);
  }

  private readDelete(): void {
    const relation = this.knownRelation();
    const marker = this.cursor.peek();
    if (marker !== OLD_KEY && marker !== OLD_FULL) throw this.cursor.unreadable('the old tuple is missing');
    this.cursor.u8();
    this.oldKind = marker;
    this.newTuple.count = 0;
    readTuple(this.cursor, this.oldTuple, relation);
  }

  private expectNewTuple(): void {
    if (this.cursor.u8() !== NEW_TUPLE) throw this.cursor.unreadable('the new tuple is missing');
  }

  /** Every table that the log has announced so far, as it was last. */
  get announced(): readonly Relation[] {
    return [...this.relations.values()];
  }

  /** The relation id at the cursor, looked up; consecutive rows of one table skip the map. */
  private knownRelation(): Relation {
    const id = this.cursor.u32();
    let relation = this.rowRelation;
    if (relation === null || relation.id !== id) {
      relation = this.relations.get(id) ?? null;
      if (relation === null) throw this.cursor.unreadable(`relation ${id} was not announced`);
      this.rowRelation = relation;
    }
    this.relation = relation;
    return relation;
  }

  private readRelation(): void {
    const id = this.cursor.u32();
    const namespace = this.cursor.namespace();
    const name = this.cursor.name();
    const replicaIdentity = this.cursor.replicaIdentity();
    const count = this.cursor.u16();
    if (count > MAX_COLUMNS) throw this.cursor.unreadable(`${name} has ${count} columns`);
    const columns: RelationColumn[] = [];
    for (let i = 0; i < count; i++) {
      const flags = this.cursor.u8();
      if (flags > 1) throw this.cursor.unreadable(`a column of ${name} has the unknown flags ${flags}`);
      const column = this.cursor.name();
      const typeOid = this.cursor.u32();
      columns.push({ name: column, typeOid, typmod: this.cursor.u32() | 0, isKey: flags === 1 });
    }
    this.cursor.finish(); // before anything is kept
    this.relation = { id, namespace, name, replicaIdentity, columns };
    this.relations.set(id, this.relation);
    this.rowRelation = null;
  }

  private readTruncate(): void {
    const count = this.cursor.u32();
    const options = this.cursor.u8();
    if (options > (TRUNCATE_CASCADE | TRUNCATE_RESTART_IDENTITY)) throw this.cursor.unreadable(`unknown options ${options}`);
    if (count * 4 !== this.cursor.left) throw this.cursor.unreadable(`${count} relations are announced`);
    const relations: Relation[] = [];
    for (let i = 0; i < count; i++) relations.push(this.knownRelation());
    this.truncated = relations;
    this.truncateOptions = options;
  }

  private readMessage(): void {
    const flags = this.cursor.u8();
    if (flags > 1) throw this.cursor.unreadable(`unknown flags ${flags}`);
    this.messageTransactional = flags === 1;
    this.messageLsn = this.cursor.lsn();
    this.messagePrefix = this.cursor.name();
    const length = this.cursor.u32();
    this.messageStart = this.cursor.at;
    this.cursor.skip(length);
    this.messageEnd = this.cursor.at;
  }

  private readTwoPhase(kind: number): void {
    if (kind !== BEGIN_PREPARE) this.cursor.noFlags();
    this.commitLsn = this.cursor.lsn();
    this.endLsn = this.cursor.lsn();
    if (kind === ROLLBACK_PREPARED) this.cursor.micros(); // when it was prepared
    this.commitMicros = this.cursor.micros();
    this.xid = this.cursor.u32();
    this.gid = this.cursor.name();
  }
}
