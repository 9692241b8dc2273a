import type { Followed, Logger, ReplicationEvent, StreamRequest } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { type Position, tableLabel } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { readColumnTypes, readTypes } from './catalog-queries.ts';
import { fromPosition } from './position.ts';
import { Backlog } from './replication/backlog.ts';
import { ChangeWriter } from './replication/change-writer.ts';
import { computationOf } from './replication/computed.ts';
import { Rereader, type RereadLimits, type Wanted } from './replication/reread.ts';
import { RowPlan, RowTypes } from './replication/row-plan.ts';
import { asUnsendable } from './replication/unsendable.ts';
import type { RetypedInLog } from './replication/values-changed.ts';
import type { Query } from './sql.ts';
import type { PgTable } from './table.ts';
import {
  BEGIN,
  COMMIT,
  DELETE,
  INSERT,
  MESSAGE,
  ORIGIN,
  PgoutputDecoder,
  RELATION,
  TRUNCATE,
  TYPE,
  UPDATE,
} from './wire/pgoutput.ts';
import type { RawConnection } from './wire/raw-connection.ts';
import type { Relation } from './wire/relation.ts';
import { lsnText, NOTHING, SERVER_KEEPALIVE, type WalStream } from './wire/wal-stream.ts';

/** What the log needs of its shard. */
export interface StreamSource {
  openWal(from: number): Promise<WalStream>;
  /** A connection for reading rows again; the shard's, and nobody's for as long as the log is read. */
  rereadConnection(): Promise<RawConnection>;
  position(lsn: number): Position;
  /** The catalog, as it is now. */
  query(): Promise<Query>;
  readonly slot: string;
  readonly publication: string;
  readonly retyped: RetypedInLog;
  readonly nativeJson: boolean;
  readonly limits: RereadLimits;
  readonly log: Logger;
}

const FULL = { kind: 'full' } as const;

/** Follows the log from `request.from` on, for ever; opens the slot when it is first pulled. */
export async function* stream(
  source: StreamSource,
  request: StreamRequest,
  records: RecordWriter,
): AsyncGenerator<ReplicationEvent, never> {
  const wal = await source.openWal(fromPosition(request.from).lsn);
  const reader = new LogReader(source, request, records, wal);
  let failed = false;
  try {
    return yield* reader.events();
  } catch (error) {
    failed = true;
    throw await reader.explained(error);
  } finally {
    await wal.close(!failed && reader.atBoundary);
  }
}

class LogReader {
  readonly #source: StreamSource;
  readonly #records: RecordWriter;
  readonly #wal: WalStream;
  readonly #decoder = new PgoutputDecoder();
  readonly #plans = new Map<Relation, RowPlan>();
  /** By oid, which a table keeps when it is renamed or moved, and which one made anew under its name does not have. */
  readonly #followed: ReadonlyMap<number, Followed>;
  readonly #changes: ChangeWriter;
  readonly #backlog = new Backlog();
  #rereader: Rereader | null = null;
  #inTransaction = false;
  /** The server has answered: it has been told what it may forget. */
  #answered = false;
  #xid = 0;
  #reached: number;

  constructor(source: StreamSource, request: StreamRequest, records: RecordWriter, wal: WalStream) {
    this.#source = source;
    this.#records = records;
    this.#wal = wal;
    this.#followed = new Map(request.tables.map(followed => [(followed.selection.table as PgTable).oid, followed]));
    this.#changes = new ChangeWriter(records, this.#decoder, this.#plans);
    this.#reached = fromPosition(request.from).lsn;
  }

  /** What the error is about, where it came in place of a change. */
  explained(error: unknown): Promise<unknown> {
    const { kind, relation, announced } = this.#decoder;
    const { slot, publication, query } = this.#source;
    return asUnsendable(error, { table: kind === RELATION ? relation : null, announced, slot, publication }, query);
  }

  /** Nothing is half read: the slot can be given back in an orderly way. */
  get atBoundary(): boolean {
    return !this.#inTransaction && this.#backlog.empty;
  }

  async *events(): AsyncGenerator<ReplicationEvent, never> {
    const wal = this.#wal;
    for (;;) {
      const found = wal.next();
      if (found === NOTHING) {
        if (!this.#backlog.empty) yield* this.#replay();
        else await wal.fill();
      } else if (found === SERVER_KEEPALIVE) {
        // Within a transaction the server may be further than what we have of it.
        if (!this.atBoundary || (wal.walEnd <= this.#reached && this.#answered)) continue;
        this.#answered = true;
        this.#reached = Math.max(this.#reached, wal.walEnd);
        yield { kind: 'heartbeat', position: this.#source.position(this.#reached) };
      } else {
        const { bytes, start, end } = wal;
        const kind = bytes[start] ?? 0;
        // Rows behind one that waits for its values must wait too, or the order would be lost; so must what ends the
        // transaction. Anything else may change what rows mean, and comes after they have been written.
        if (!this.#backlog.empty && !(canWait(kind) && this.#backlog.room > 0)) yield* this.#replay();
        this.#decoder.read(bytes, start, end);
        const lacking = isRow(kind) ? this.#lacking(bytes) : null;
        if (!this.#backlog.empty || lacking !== null) {
          if (this.#backlog.empty && this.#inTransaction) this.#backlog.xids.add(this.#xid);
          if (kind === BEGIN) this.#backlog.begin(this.#decoder.finalLsn, this.#decoder.xid);
          this.#backlog.add(bytes, start, end, lacking);
          continue;
        }
        const event = this.#apply(kind, bytes, null);
        if (event !== null) yield event;
        else if (kind === RELATION) await this.#announce();
        else if (this.#records.full) yield FULL;
      }
    }
  }

  /** A row that waits belongs to the transaction that will be at hand when its turn comes. */
  #lacking(bytes: Buffer): Wanted | null {
    const applied = this.#changes.commitLsn;
    this.#changes.commitLsn = this.#backlog.commitLsn ?? applied;
    const lacking = this.#changes.lacking(bytes);
    this.#changes.commitLsn = applied;
    return lacking;
  }

  /** Writes everything that waits, in order, and reads again what the rows lack. */
  async *#replay(): AsyncGenerator<ReplicationEvent, void> {
    const backlog = this.#backlog;
    this.#rereader ??= new Rereader(() => this.#source.rereadConnection(), this.#source.limits);
    const rereader = this.#rereader;
    await rereader.begin(backlog.wanted, backlog.xids);
    for (let at = 0; at < backlog.count; at++) {
      const { bytes } = backlog;
      const lacking = backlog.wantedBy(at);
      if (lacking !== null) await rereader.fetch(lacking);
      const kind = this.#decoder.read(bytes, backlog.startOf(at), backlog.endOf(at));
      const event = this.#apply(kind, bytes, lacking);
      if (lacking !== null) rereader.release(lacking);
      if (event !== null && at < backlog.count - 1) yield event;
      else if (event !== null) {
        backlog.clear();
        yield event;
        return;
      } else if (this.#records.full) yield FULL;
    }
    backlog.clear();
  }

  /** Writes what the decoder stands on; the event is where a transaction ends. */
  #apply(kind: number, bytes: Buffer, reread: Wanted | null): ReplicationEvent | null {
    const decoder = this.#decoder;
    switch (kind) {
      case INSERT:
      case UPDATE:
      case DELETE:
        this.#changes.write(bytes, reread);
        return null;
      case BEGIN:
        this.#inTransaction = true;
        this.#xid = decoder.xid;
        this.#changes.commitLsn = decoder.finalLsn;
        this.#records.transaction(decoder.finalLsn, decoder.commitMicros);
        return null;
      case COMMIT:
        this.#inTransaction = false;
        this.#reached = decoder.endLsn;
        return this.#commit();
      case TRUNCATE:
        this.#sayTruncate();
        return null;
      case RELATION: // announced by the caller
      case ORIGIN:
      case TYPE:
      case MESSAGE:
        return null;
      default: {
        // Prepared transactions come whole at COMMIT PREPARED, unless somebody has changed the slot since it was looked at.
        const detail = `the log brings a prepared transaction ("${decoder.gid}") before it is committed: its slot has two_phase = true now.`;
        throw new ConnectorError('SLOT_UNUSABLE', detail);
      }
    }
  }

  #commit(): ReplicationEvent {
    const { endLsn, commitMicros } = this.#decoder;
    return { kind: 'commit', position: this.#source.position(endLsn), committedAt: commitMicros };
  }

  /** A Relation message: compiles how its rows are written from now on, if the table is one of ours. */
  async #announce(): Promise<void> {
    const { relation } = this.#decoder;
    if (relation === null) return;
    const followed = this.#followed.get(relation.id);
    if (followed === undefined) return;
    const table = followed.selection.table as PgTable;
    const types = await readTypes(
      await this.#source.query(),
      relation.columns.map(column => column.typeOid),
    );
    const template = this.#records.template(followed.selection);
    const retyped = await this.#retypedSince(table, relation);
    const plan = new RowPlan(followed, table, relation, template, new RowTypes(types, this.#source.nativeJson), retyped);
    if (plan.absent.length > 0 && table.primaryKey.length === 0) {
      const absent = new Map(plan.absent.map(at => [followed.selection.columns[at]?.name ?? '', at]));
      plan.computation = await computationOf(await this.#source.query(), table, relation, absent);
    }
    this.#sayNewColumns(table, relation);
    if (!followed.awaitsOrigin) this.#source.retyped.announce(followed.selection, relation, types, this.#changes.commitLsn);
    for (const known of this.#plans.keys()) if (known.id === relation.id) this.#plans.delete(known);
    this.#plans.set(relation, plan);
  }

  /**
   * Columns that had another type when these rows were written, and since then the one that they have now and had when
   * this run began. A type that is newer than this run is not among them: the catalog cannot know it yet.
   */
  async #retypedSince(table: PgTable, relation: Relation): Promise<ReadonlySet<string>> {
    const known = new Map(table.columns.map(column => [column.name, column.typeOid]));
    const other = relation.columns.filter(({ name, typeOid }) => known.has(name) && known.get(name) !== typeOid);
    if (other.length === 0) return new Set();
    const now = await readColumnTypes(await this.#source.query(), relation.id);
    return new Set(other.map(({ name }) => name).filter(name => now.get(name) === known.get(name)));
  }

  #sayTruncate(): void {
    const names = this.#decoder.truncated
      .filter(relation => this.#followed.has(relation.id))
      .map(relation => tableLabel(relation));
    if (names.length === 0) return;
    this.#source.log.warn(
      `TRUNCATE of ${names.join(', ')} at ${lsnText(this.#changes.commitLsn)}: the rows are gone at the source, ` +
        'but no delete records exist for them. Refresh the streams to empty them at the destination too.',
    );
  }

  #sayNewColumns(table: PgTable, relation: Relation): void {
    const known = new Set(table.columns.map(column => column.name));
    const fresh = relation.columns.filter(column => !known.has(column.name)).map(column => column.name);
    if (fresh.length === 0) return;
    this.#source.log.warn(
      `${tableLabel(table.id)} has columns in the log that it does not have now, or that may not be read: ${fresh.join(', ')}.`,
    );
  }
}

const isRow = (kind: number): boolean => kind === INSERT || kind === UPDATE || kind === DELETE;
const canWait = (kind: number): boolean => isRow(kind) || kind === BEGIN || kind === COMMIT;
