import { ChunkSize } from '../../contract/chunk-size.ts';
import type { Logger, SnapshotEvent, SnapshotRequest } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { tableLabel } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { SilenceWatch } from '../../net/silence-watch.ts';
import { type LeafRow, readLeaves } from './catalog-queries.ts';
import { afterKey } from './key-comparison.ts';
import type { Limits } from './limits.ts';
import { leafId, unreadableLeaves } from './replication/partitions.ts';
import { Activity, heldBy } from './snapshot/activity.ts';
import { CopyReader } from './snapshot/copy-reader.ts';
import {
  asCursor,
  fingerprint,
  firstOf,
  keyCursor,
  keySignature,
  type PageCursor,
  pageCursor,
  refusedKey,
} from './snapshot/cursor.ts';
import { ALL_ROWS, lockedCopy, type Query, qualified, quoteIdent } from './sql.ts';
import type { PgColumn, PgTable } from './table.ts';
import { asStreamError, serverError } from './wire/errors.ts';
import type { RawConnection } from './wire/raw-connection.ts';

/** What a snapshot needs of its shard. */
export interface SnapshotSource {
  /** A connection for COPY alone, for as long as the snapshot runs. */
  openRaw(what: string): Promise<RawConnection>;
  readonly query: Query;
  /** Told of the partitions with which a table was read to its end. */
  onPartitions(table: PgTable, leaves: readonly LeafRow[]): void;
  readonly role: string;
  readonly log: Logger;
  readonly limits: Limits;
}

/** Views, materialized views, foreign tables: reading one evaluates a definition, which may be broken. */
const EVALUATED: readonly string[] = ['v', 'm', 'f'];
const FULL = { kind: 'full' } as const;
const RESTART = { kind: 'restart' } as const;

/** One relation of which the rows are read: the table itself, or a partition of it. */
interface Part {
  readonly oid: number;
  readonly heap: boolean;
  /** As it stands behind FROM. */
  readonly from: string;
}

/**
 * Reads a table by COPY, in chunks of a transaction each, so that no transaction of ours keeps vacuum from its work.
 *
 * Followed by the log: ranges of heap pages, the fastest way there is. Rows that move between chunks are in the log.
 * Alone: ranges of the primary key, since a row that moves to another page would be missed; without a key, one COPY.
 */
export async function* snapshot(
  source: SnapshotSource,
  request: SnapshotRequest,
  records: RecordWriter,
): AsyncGenerator<SnapshotEvent, void> {
  const table = request.selection.table as PgTable;
  const label = tableLabel(table.id);
  const { query, log, limits } = source;
  const connection = await source.openRaw(`Reading ${label}`);
  const activity = new Activity({ pid: connection.pid, query, log, label });
  const watch = new SilenceWatch({ connection, label, everyMillis: limits.silenceMillis, look: () => activity.look() });
  try {
    // A view says what it says under the search_path of whoever reads it: functions in it may name tables without a schema.
    if (table.relkind === 'v') await connection.query('SET search_path = DEFAULT');
    await connection.query(`SET lock_timeout = ${limits.lockMillis}${request.mode === 'followed' ? `; ${ALL_ROWS}` : ''}`);
    const run = new TableSnapshot(source, connection, request, table, records);
    if (request.mode === 'followed') yield* run.byPages();
    else if (table.keyset.length > 0) yield* run.byKey();
    else yield* run.atOnce();
  } catch (error) {
    const locked = error instanceof ConnectorError && serverError(error.cause)?.code === '55P03'; // lock_not_available
    if (!locked) throw asStreamError(error, table.id, EVALUATED.includes(table.relkind));
    const detail = `${label} was locked by ${heldBy(activity.blockers)} for ${Math.round(limits.lockMillis / 1000)} seconds.`;
    throw new ConnectorError('SERVER_ERROR', detail, { cause: error, table: table.id });
  } finally {
    watch.stop();
    connection.close();
  }
}

class TableSnapshot {
  readonly #source: SnapshotSource;
  readonly #connection: RawConnection;
  readonly #request: SnapshotRequest;
  readonly #table: PgTable;
  readonly #rows: CopyReader;
  /** Partitions as they were when last looked for. */
  #leaves: readonly LeafRow[] = [];
  #said = '';

  constructor(
    source: SnapshotSource,
    connection: RawConnection,
    request: SnapshotRequest,
    table: PgTable,
    records: RecordWriter,
  ) {
    this.#source = source;
    this.#connection = connection;
    this.#request = request;
    this.#table = table;
    this.#rows = new CopyReader(connection, request.selection, records);
  }

  async *byPages(): AsyncGenerator<SnapshotEvent, void> {
    let cursor = pageCursor(this.#table, this.#request.cursor);
    const only = cursor?.only;
    /** The relation that the cursor stands in has been read to its end. */
    let done = false;
    for (;;) {
      const parts = await this.#parts(only);
      const reached = cursor?.relation ?? 0;
      if (cursor !== null && cursor.leaves !== marks(parts.filter(part => part.oid <= reached))) {
        // A partition came or went among those that were read. It may have brought rows that are in no log.
        cursor = null;
        done = false;
        yield again(only);
        continue;
      }
      const at = parts.findIndex(part => (done ? part.oid > reached : part.oid >= reached));
      const part = parts[at];
      // Looked for once more behind the last one: another may have come meanwhile.
      if (part === undefined) {
        if (only === undefined) this.#source.onPartitions(this.#table, this.#leaves);
        return;
      }
      const leaves = marks(parts.slice(0, at + 1));
      const resume = cursor !== null && part.oid === cursor.relation ? cursor : null;
      const outcome = yield* this.#pagesOf(part, resume, { leaves, ...(only === undefined ? {} : { only }) });
      done = outcome === 'done';
      cursor = done ? { relation: part.oid, filenode: '', page: 0, leaves } : null;
      if (!done) yield again(only);
    }
  }

  /** One relation's heap. It may be gone by now (a dropped partition): then so are its rows. */
  async *#pagesOf(
    part: Part,
    resume: PageCursor | null,
    place: Pick<PageCursor, 'leaves' | 'only'>,
  ): AsyncGenerator<SnapshotEvent, 'done' | 'restart'> {
    const size = ChunkSize.pages(this.#request.chunkMillis);
    let filenode = resume?.filenode ?? null;
    for (let page = resume?.page ?? 0; ; ) {
      const state = await this.#lock(part);
      if (state === null) return part.oid === this.#table.oid ? this.#tableGone() : 'done';
      if (filenode !== null && state.filenode !== filenode) {
        await this.#connection.query('COMMIT');
        return 'restart';
      }
      filenode = state.filenode;
      const last = !part.heap || page + size.current >= state.pages;
      const range = [page === 0 ? '' : `ctid >= '(${page},0)'`, last ? '' : `ctid < '(${page + size.current},0)'`];
      const where = [...range, this.#filter()].filter(condition => condition !== '');
      const began = Date.now();
      const select = `SELECT ${this.#columns()} FROM ${part.from}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}`;
      yield* this.#copy(`COPY (${select}) TO STDOUT`);
      await this.#connection.query('COMMIT');
      if (last) return 'done';
      page += size.current;
      size.took(Date.now() - began);
      yield { kind: 'chunk', cursor: asCursor({ relation: part.oid, filenode, page, ...place }) };
    }
  }

  /**
   * Opens a transaction and holds the relation, so that its storage stays what it is until COMMIT; only then the snapshot
   * of COPY opens (READ COMMITTED), so that a rewrite we waited for cannot make rows invisible. Null: it is gone.
   */
  async #lock(part: Part): Promise<{ filenode: string; pages: number } | null> {
    try {
      await this.#connection.query(
        `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SELECT ${this.#columns()} FROM ${part.from} LIMIT 0`,
      );
      const [row] = await this.#connection.query(
        `SELECT pg_relation_filenode(${part.oid}), pg_relation_size(${part.oid}) / current_setting('block_size')::int8`,
      );
      return { filenode: row?.[0] ?? '', pages: Number(row?.[1] ?? 0) };
    } catch (error) {
      await this.#connection.query('ROLLBACK');
      if (error instanceof ConnectorError && error.code === 'TABLE_MISSING') return null;
      throw error;
    }
  }

  async *byKey(): AsyncGenerator<SnapshotEvent, void> {
    const size = ChunkSize.rows(this.#request.chunkMillis, this.#table);
    const keys = this.#table.keyset;
    const columns = keys.map(name => this.#keyColumn(name));
    const names = keys.map(quoteIdent).join(', ');
    const of = keySignature(columns);
    const cursor = keyCursor(this.#table, this.#request.cursor, of);
    let key = cursor?.of === of ? cursor.key : null;
    if (cursor !== null && key === null) yield RESTART;
    for (let given = key; ; given = null) {
      const after = key === null ? '' : `(${afterKey(columns, key)})`;
      const where = [after, this.#filter()].filter(condition => condition !== '');
      const began = Date.now();
      this.#rows.keepKey(keys.length);
      const select =
        `SELECT ${[...keys.map(quoteIdent), ...this.#columnList()].join(', ')} FROM ${this.#from()}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`} ` +
        `ORDER BY ${names} LIMIT ${size.current}`;
      yield* this.#copy(lockedCopy(this.#from(), select), given);
      if (this.#rows.count < size.current) return;
      key = this.#rows.lastKey();
      size.took(Date.now() - began);
      yield { kind: 'chunk', cursor: asCursor({ key, of }) };
    }
  }

  /** One statement, hence one snapshot: all that can be done for what has no key, and exact. */
  async *atOnce(): AsyncGenerator<SnapshotEvent, void> {
    const filter = this.#filter();
    const select = `SELECT ${this.#columns()} FROM ${this.#from()}${filter === '' ? '' : ` WHERE ${filter}`}`;
    yield* this.#copy(lockedCopy(this.#from(), select));
  }

  /** `given`: the key of the statement, where it came by the state. */
  async *#copy(sql: string, given: readonly string[] | null = null): AsyncGenerator<SnapshotEvent, void> {
    try {
      await this.#connection.beginCopy(sql);
    } catch (error) {
      throw given === null ? error : refusedKey(this.#table, given, error);
    }
    this.#rows.begin();
    for (;;) {
      while (this.#rows.next()) if (this.#rows.full) yield FULL;
      if (this.#connection.copyDone) return;
      await this.#connection.fill();
    }
  }

  /** Partitions are read one by one in the order of their oids, all or `only` some; everything else is one part. */
  async #parts(only: readonly number[] | undefined): Promise<readonly Part[]> {
    const { oid, heap, relkind } = this.#table;
    if (relkind !== 'p') return [{ oid, heap, from: this.#from() }];
    const leaves = await readLeaves(this.#source.query, [oid]);
    this.#leaves = leaves;
    // The right to read the root is enough to read through it, but its partitions cannot be told apart then.
    const known = leaves.map(leaf => ({ id: leafId(leaf), readable: leaf.readable, rowSecurity: leaf.row_security }));
    const slow = unreadableLeaves(this.#table.id, known, this.#source.role);
    if (slow !== undefined) {
      if (slow !== this.#said) this.#source.log.warn(slow);
      this.#said = slow;
      return [{ oid, heap: false, from: this.#from() }];
    }
    return leaves
      .filter(leaf => only === undefined || only.includes(leaf.oid))
      .map(leaf => ({ oid: leaf.oid, heap: leaf.access_method === 'heap', from: `ONLY ${qualified(leaf)}` }))
      .sort((a, b) => a.oid - b.oid);
  }

  #keyColumn(name: string): PgColumn {
    const column = this.#table.columns.find(candidate => candidate.name === name);
    if (column === undefined) throw new ConnectorError('INVARIANT', `${tableLabel(this.#table.id)} has no key column "${name}"`);
    return column;
  }

  #columns(): string {
    return this.#columnList().join(', ');
  }

  #columnList(): readonly string[] {
    return this.#request.selection.columns.map(column => quoteIdent(column.name));
  }

  /** A parent of inherited tables gives its own rows only, if its children are all streams of their own. */
  #from(): string {
    return `${this.#table.relkind === 'r' && !this.#table.withChildren ? 'ONLY ' : ''}${qualified(this.#table.id)}`;
  }

  #filter(): string {
    return this.#table.rowFilter === null ? '' : `(${this.#table.rowFilter})`;
  }

  #tableGone(): never {
    const { id } = this.#table;
    throw new ConnectorError('TABLE_MISSING', `${tableLabel(id)} was dropped while it was read.`, { table: id });
  }
}

const marks = (parts: readonly Part[]): string => fingerprint(parts.map(part => part.oid));

/** What was read does not count; of a snapshot of some partitions, the others still do. */
const again = (only: readonly number[] | undefined): SnapshotEvent =>
  only === undefined ? RESTART : { kind: 'chunk', cursor: asCursor(firstOf(only)) };
