import type { Duplex } from 'node:stream';
import type * as z from 'zod';
import type { ErrorCode } from './errors.ts';
import type { EpochMicros, EpochMillis, JsonObject, Position, ShardId, SnapshotCursor, TableId } from './ids.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Column, Selection, Table } from './table.ts';

export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string, cause?: unknown): void;
}

/** Where to connect. The only way to a socket: engines never open one themselves, so a tunnel fits in between. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
export type Dial = (endpoint: Endpoint, signal: AbortSignal) => Promise<Duplex>;

export interface EngineContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now: () => EpochMillis;
  readonly dial: Dial;
}

/** One family of databases. `config` validates the user's file and is also the source of `spec/spec.json`. */
export interface Engine<Config = unknown> {
  /** The value of `source.engine`, and the engine's name in the state. */
  readonly name: string;
  readonly title: string;
  readonly config: z.ZodType<Config>;
  /** Name of the ordering key in records, e.g. `_ab_cdc_lsn`. */
  readonly cursorColumn: string;
  /** Columns that changes carry beside the ordering key and the times: where in the server's own log they stood. */
  readonly originColumns: readonly Column[];
  /** When the change with this ordering key was committed; null where ordering keys of this engine are no times. */
  readonly timeOfClock: (clock: number) => EpochMicros | null;
  connect(config: Config, context: EngineContext): Promise<Session>;
}

export interface Session extends AsyncDisposable {
  /** Everything that stands in the way of `read`, all at once. Changes nothing on the server. */
  check(): Promise<readonly Problem[]>;
  /** All tables, or those of `only` that are there. Throws when no shard answers. */
  discover(only?: readonly TableId[]): Promise<Discovery>;
  shards(): Promise<readonly Shard[]>;
}

export interface Discovery {
  /** The tables that every shard has which answered, as the first of them shows them. */
  readonly tables: readonly Table[];
  /** Why the others did not. */
  readonly failures: ReadonlyMap<ShardId, unknown>;
}

/** One finding of `check`. The remedy is part of `detail`: what to run, word for word, where there is something to run. */
export interface Problem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly table?: TableId;
}

/** One independently ordered change log and the tables under it. */
export interface Shard extends AsyncDisposable {
  readonly id: ShardId;
  /** This shard's own view of the tables, in the order asked. Throws TABLE_MISSING naming all that are not there. */
  tables(ids: readonly TableId[]): Promise<readonly Table[]>;
  /** Turns a position that a user wrote (`starting_gtids`) into one of ours. Throws CONFIG_INVALID saying where it is off. */
  seed(text: string): Promise<Position>;
  /** Makes the log ready to be followed. See OpenRequest. Throws POSITION_LOST. */
  open(request: OpenRequest): Promise<Opened>;
  /** Gives up a lost position, so that the next `open` with `durable: null` succeeds. Only after the user allowed it. */
  reset(): Promise<void>;
  /** Newest position now that the log can be followed to; becomes a target. */
  head(): Promise<Position>;
  /**
   * A position such that every transaction up to it is visible to any snapshot that opens from now on, and every later
   * one is in the log whole: where a table's log may begin. Not the head.
   * Sets the memos of the tables as of that position. Throws TRANSACTIONS_IN_PROGRESS (transient) when transactions that
   * must end first do not end in time.
   */
  origin(tables: readonly Followed[]): Promise<Position>;
  /**
   * Rows of followed tables that have come past the log since it was last followed, such as those of a partition that was
   * attached with them, or all that was written while the log did not have the table. May change the memos of tables that
   * miss none.
   */
  missed(tables: readonly Watched[]): Promise<readonly Missed[]>;
  /** True when everything up to `target` is included in `reached`. Positions are only partially ordered. */
  covers(reached: Position, target: Position): boolean;
  /**
   * Where the clock of ordering keys (see RecordWriter) starts when the log begins at the position and no state says more.
   * No reader that began without a state has handed out a greater key for a transaction up to there.
   */
  clockAt(position: Position): number;
  /** The greatest position that both cover: where the log starts for streams that stand apart. */
  meet(a: Position, b: Position): Position;
  /** Throws STREAM_FAILED for what the server says of this table alone: the others, and the log, are read nevertheless. */
  snapshot(request: SnapshotRequest, records: RecordWriter): AsyncGenerator<SnapshotEvent, void>;
  stream(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never>;
}

export interface OpenRequest {
  /** Where to begin; it must still be in the log, else POSITION_LOST. Null: nowhere yet; the log may be created where absent. */
  readonly from: Position | null;
  /** `from` came back in `--state`: the destination has everything up to it. Only then may the server forget that much. */
  readonly stored: boolean;
  /** The tables to be followed. */
  readonly tables: readonly Table[];
  /** What the state says of them, in the same order; null: nothing. */
  readonly known?: readonly (KnownTable | null)[];
}
export interface KnownTable {
  /** `Table.identity` of then. */
  readonly identity: string;
  readonly memo: JsonObject | null;
}
export interface Opened {
  /** Where the log begins. */
  readonly from: Position;
  /** The log was created just now: a snapshot that opens from now on shows everything up to `from`. */
  readonly fresh: boolean;
  /** The server knows already what it may forget: nothing needs to be told, an idle log need not be opened. */
  readonly settled: boolean;
  /** The tables of the request as they are now that the log has them, in the same order. */
  readonly tables: readonly Table[];
  /**
   * Tables of whose changes up to here nobody needs to know, whatever the state says: they were not in the log until now, or
   * nothing was stored and the server keeps no log for runs that died. They need a snapshot.
   */
  readonly joined: readonly TableId[];
  /**
   * The state is of what this server was before it was made anew with all that it had, as by an upgrade: positions begin
   * afresh at `from`, up to which nothing is missing, and identities are others. The memos of the tables as of `from`, in
   * the order of the request; null: this one is another table.
   */
  readonly renewed?: readonly (JsonObject | null)[];
}

export interface SnapshotRequest {
  readonly selection: Selection;
  /** Null: from the beginning. */
  readonly cursor: SnapshotCursor | null;
  /**
   * `followed`: the log is read from `origin()` on, so rows may move between chunks. `alone`: a full refresh, which
   * must by itself give every row that stays.
   */
  readonly mode: 'followed' | 'alone';
  /** How long a chunk should take, roughly, in milliseconds: the next one is made smaller or larger accordingly. */
  readonly chunkMillis: number;
}

/** A table under the log. The core sets `since`; the engine reads it at the start of each transaction. */
export interface Followed {
  readonly selection: Selection;
  /** Changes of transactions up to here are left out; null: all of them are, for now. */
  since: Position | null;
  /**
   * What the engine must remember of the table to read on from the shard's position, e.g. its column layout. Kept in the
   * state. The engine sets it at `origin` and before it yields an event that names the table in `noted`.
   */
  memo: JsonObject | null;
  /** The table had no place in the log when it was opened: `origin` will be asked for one, and a snapshot will follow. */
  readonly awaitsOrigin: boolean;
}
/** A followed table that has been read before. `cursor`: of its snapshot under way; undefined: that is complete. */
export interface Watched {
  readonly followed: Followed;
  readonly cursor: SnapshotCursor | null | undefined;
}
/**
 * The snapshot that brings what a table misses, from `cursor` on (null: the whole table anew), and the memo of the table
 * from when it is noted.
 */
export interface Missed {
  readonly followed: Followed;
  readonly cursor: SnapshotCursor | null;
  readonly memo: JsonObject | null;
}
export interface StreamRequest {
  readonly tables: readonly Followed[];
  readonly from: Position;
}

/** The only places where a snapshot may stop, flush or be checkpointed. */
export type SnapshotEvent =
  | { readonly kind: 'chunk'; readonly cursor: SnapshotCursor }
  | { readonly kind: 'full' } // within a chunk: drain, do not advance
  | { readonly kind: 'restart' }; // what was read so far does not count: the table was rewritten under us

/** The only places where the log may stop, flush or be checkpointed. */
export type ReplicationEvent =
  | {
      readonly kind: 'commit';
      readonly position: Position;
      readonly committedAt: EpochMicros;
      /** Tables whose memo has changed up to here. */
      readonly noted?: readonly Followed[];
    }
  | { readonly kind: 'heartbeat'; readonly position: Position } // the log moved, nothing of ours in it; also when caught up
  | { readonly kind: 'full' }; // within a transaction: drain, do not advance
