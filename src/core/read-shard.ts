import type { Followed, Logger, Opened, ReplicationEvent, Shard, SnapshotRequest } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { Position } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { RecordWriter } from '../contract/record-writer.ts';
import type { Selection } from '../contract/table.ts';
import type { TableShard } from '../protocol/state.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { Output } from './output.ts';

/** One stream as this shard has it. */
export interface ShardStream {
  readonly selection: Selection;
  readonly follow: boolean;
}

export interface ShardRun {
  readonly shard: Shard;
  readonly streams: readonly ShardStream[];
  readonly state: Checkpointer;
  readonly output: Output;
  readonly records: RecordWriter;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Where the user wants this shard to begin without a snapshot; counts only where there is no state. */
  readonly seed: string | null;
  readonly whenPositionLost: 'fail' | 'resnapshot';
  /** The job this run belongs to, if the platform names one. */
  readonly job: string | null;
  /** How long a snapshot may go on before the log is followed again; also what a chunk should take at most. */
  readonly interleaveMillis: number;
  /** Called when the first records of a stream may come. */
  readonly onStart: (stream: ShardStream) => void;
}

/**
 * A run that lost its position may have printed keys that no state remembers. They lie above the clock we know by at most
 * the bytes of log it read since; a terabyte is beyond that, and 2^53 leaves room for thousands of such steps.
 */
const CLOCK_STEP = 2 ** 40;
/** How often the beginning of a snapshot is tried while old transactions are open; each try waits by itself. */
const ORIGIN_TRIES = 20;

/** Reads one shard: its snapshots, with the log followed to its head between chunks, then the log to the head once more. */
export class ShardReader {
  readonly #run: ShardRun;
  readonly #followed = new Map<ShardStream, Followed>();
  #log: AsyncGenerator<ReplicationEvent, never> | null = null;
  #pulledAt = 0;
  /** Why everything is read anew. */
  #startOver: ConnectorError | null = null;

  readonly #followedStreams: readonly ShardStream[];

  constructor(run: ShardRun) {
    this.#run = run;
    this.#followedStreams = run.streams.filter(stream => stream.follow);
  }

  async read(): Promise<void> {
    try {
      await this.#readOnce();
    } catch (error) {
      if (!this.#mayStartOver(error)) throw error;
      this.#startOver = error as ConnectorError;
      await this.#readOnce();
    }
  }

  async #readOnce(): Promise<void> {
    const { shard, streams, state, output, records } = this.#run;
    try {
      if (this.#followedStreams.length > 0) await this.#openLog();
      for (const stream of streams) {
        if (stream.follow) await this.#snapshotOfFollowed(stream);
        else await this.#refresh(stream);
      }
      if (this.#log !== null) await this.#follow(await shard.head());
      state.write(output);
      await output.drain();
    } finally {
      records.abandon();
      await this.#log?.return(undefined as never);
      this.#log = null;
    }
  }

  /** Brings the log to where the state, the seed or a new beginning says, and notes the position before anything is read. */
  async #openLog(): Promise<void> {
    const { shard, state, records } = this.#run;
    const known = state.position(shard.id);
    const fresh = known === undefined && this.#startOver === null;
    const seed = fresh && this.#run.seed !== null ? await shard.seed(this.#run.seed) : null;
    const from = known?.position ?? seed;
    records.clock = Math.max(records.clock, known?.clock ?? 0);
    const opened = await this.#open(from, known !== undefined);
    for (const [at, stream] of this.#followedStreams.entries()) {
      const selection = { ...stream.selection, table: opened.tables[at] ?? stream.selection.table };
      if (seed !== null && opened.from === from) this.#set(selection, { phase: 'streaming', since: null });
      this.#dropOther(selection, opened);
      const phase = state.table(shard.id, selection.table.id);
      const since = phase?.phase === 'streaming' ? (phase.since ?? opened.from) : phase?.phase === 'snapshot' ? phase.asOf : null;
      this.#followed.set(stream, { selection, since });
      if (phase?.phase === 'streaming') this.#run.onStart(stream);
    }
    state.moveTo(shard.id, opened.from, records.clock);
    this.#log = shard.stream({ tables: [...this.#followed.values()], from: opened.from }, records);
    this.#pulledAt = this.#run.now();
    if (!opened.settled) await this.#pull();
    await this.#beginSnapshots(opened);
  }

  /** A lost position, which the user said is no reason to stop; once in a run. */
  #mayStartOver(error: unknown): boolean {
    const lost = error instanceof ConnectorError && error.code === 'POSITION_LOST';
    return lost && this.#run.whenPositionLost === 'resnapshot' && this.#startOver === null;
  }

  /** Opens the log at `from`; or, after it was lost, anew, with all tables to be read again. */
  async #open(from: Position | null, stored: boolean): Promise<Opened> {
    const { shard, state, records, log } = this.#run;
    const tables = this.#followedStreams.map(stream => stream.selection.table);
    if (this.#startOver === null) return await shard.open({ from, stored, tables });
    log.warn(`${this.#startOver.message} All tables of shard ${shard.id} are read anew, as invalid_position says.`);
    for (const { id } of tables) state.forgetTable(shard.id, id);
    await shard.reset();
    const opened = await shard.open({ from: null, stored: false, tables });
    records.clock = Math.max(records.clock, shard.natural(opened.from)) + CLOCK_STEP;
    return opened;
  }

  /** What the state says of a table counts only while it is the same table, was never out of the log, and was followed before. */
  #dropOther(selection: Selection, opened: Opened): void {
    const { shard, state, log } = this.#run;
    const { id, identity } = selection.table;
    const at = state.table(shard.id, id);
    const joined = opened.joined.some(other => tableKey(other) === tableKey(id));
    if (at === undefined) return;
    const wasFollowed = at.phase === 'streaming' || at.phase === 'snapshot';
    if (wasFollowed && at.identity === identity && !joined) return;
    if (wasFollowed) log.warn(`${tableLabel(id)} was created anew, or was out of the log for a while: it gets a new snapshot.`);
    state.forgetTable(shard.id, id);
  }

  async #snapshotOfFollowed(stream: ShardStream): Promise<void> {
    const { shard, state } = this.#run;
    const { selection } = this.#followed.get(stream) as Followed;
    const at = state.table(shard.id, selection.table.id);
    if (at?.phase !== 'snapshot') return;
    const { key, asOf } = at;
    this.#run.onStart(stream);
    for await (const cursor of this.#snapshot(selection, at.cursor, 'followed', key)) {
      this.#set(selection, { phase: 'snapshot', asOf, key, cursor });
      await this.#settle();
      if (this.#run.now() - this.#pulledAt >= this.#run.interleaveMillis) await this.#follow(await shard.head());
    }
    const position = state.position(shard.id)?.position;
    const covered = asOf === null || (position !== undefined && shard.covers(position, asOf));
    this.#set(selection, { phase: 'streaming', since: covered ? null : asOf });
    await this.#settle();
  }

  /**
   * Gives every table that has no place yet the position from which its log counts, and the ordering key for the rows of
   * its snapshot: before anything else is read, or changes would be passed over between the two.
   *
   * Where the log is not new, it is followed to its head first: runs that died may have printed rows of these tables with
   * keys up to there, and the snapshot, being newer, must beat them. Hence also the key is one that nobody had before.
   */
  async #beginSnapshots(opened: Opened): Promise<void> {
    const { shard, state, records } = this.#run;
    const pending = [...this.#followed.values()].filter(
      ({ selection }) => state.table(shard.id, selection.table.id) === undefined,
    );
    if (pending.length === 0) return;
    let asOf = opened.from;
    if (!opened.fresh) {
      asOf = await this.#origin(pending);
      records.clock += 1;
      state.moveTo(shard.id, state.position(shard.id)?.position ?? opened.from, records.clock);
    }
    for (const followed of pending) {
      followed.since = asOf;
      this.#set(followed.selection, { phase: 'snapshot', cursor: null, asOf, key: records.clock });
    }
  }

  /** Tried again while old transactions are open; the other tables' log goes on meanwhile. */
  async #origin(pending: readonly Followed[]): Promise<Position> {
    const { shard, log } = this.#run;
    for (let left = ORIGIN_TRIES; ; left--) {
      await this.#follow(await shard.head());
      try {
        return await shard.origin();
      } catch (error) {
        const waiting = error instanceof ConnectorError && error.code === 'TRANSACTIONS_IN_PROGRESS';
        if (!waiting || left === 0) throw error;
        const names = pending.map(({ selection }) => tableLabel(selection.table.id)).join(', ');
        log.warn(`The snapshot of ${names} waits. ${error.detail}`);
      }
    }
  }

  /** A full refresh: done when the table has been read once within this job. */
  async #refresh(stream: ShardStream): Promise<void> {
    const { shard, state, job, records } = this.#run;
    const at = state.table(shard.id, stream.selection.table.id);
    this.#run.onStart(stream);
    if (at?.phase === 'refreshed' && at.job !== null && at.job === job) return;
    const same = at?.phase === 'refresh' && at.identity === stream.selection.table.identity;
    for await (const cursor of this.#snapshot(stream.selection, same ? at.cursor : null, 'alone', records.clock)) {
      this.#set(stream.selection, { phase: 'refresh', cursor });
      await this.#settle();
    }
    this.#set(stream.selection, { phase: 'refreshed', job });
    await this.#settle();
  }

  /** The cursors of a snapshot's chunks; drains within them, and goes back to null when the engine starts over. */
  async *#snapshot(
    selection: Selection,
    cursor: SnapshotRequest['cursor'],
    mode: SnapshotRequest['mode'],
    key: number,
  ): AsyncGenerator<SnapshotRequest['cursor']> {
    const { shard, records, output, interleaveMillis, now, log } = this.#run;
    const request = { selection, cursor, mode, chunkMillis: interleaveMillis };
    records.snapshotRows(key, (now() * 1000) as Parameters<RecordWriter['snapshotRows']>[1]);
    for await (const event of shard.snapshot(request, records)) {
      if (event.kind === 'full') {
        await this.#drain();
        records.stamp();
        continue;
      }
      if (event.kind === 'restart') {
        log.warn(`${tableLabel(selection.table.id)} was rewritten while it was read: its snapshot starts over.`);
      }
      yield event.kind === 'chunk' ? event.cursor : null;
      if (output.full) await this.#drain();
      records.snapshotRows(key, (now() * 1000) as Parameters<RecordWriter['snapshotRows']>[1]);
    }
  }

  /** Pulls the log until it covers `target`; an idle server's heartbeats take it there. */
  async #follow(target: Position): Promise<void> {
    const { shard, state } = this.#run;
    for (;;) {
      const at = state.position(shard.id)?.position;
      if (at !== undefined && shard.covers(at, target)) break;
      await this.#pull();
    }
    this.#pulledAt = this.#run.now();
    for (const { selection } of this.#followed.values()) {
      const at = state.table(shard.id, selection.table.id);
      const position = state.position(shard.id)?.position;
      if (at?.phase !== 'streaming' || at.since === null || position === undefined) continue;
      if (shard.covers(position, at.since)) this.#set(selection, { phase: 'streaming', since: null });
    }
  }

  /** One event of the log, noted where it is a place to go on from. */
  async #pull(): Promise<void> {
    const { shard, state, records } = this.#run;
    const { value: event } = await (this.#log as AsyncGenerator<ReplicationEvent, never>).next();
    if (event.kind === 'full') {
      await this.#drain();
      records.stamp();
      return;
    }
    state.moveTo(shard.id, event.position, records.clock);
    await this.#settle();
  }

  /** At a safe place: a STATE line if it is time for one, and no more bytes in memory than there may be. */
  async #settle(): Promise<void> {
    const { state, output } = this.#run;
    if (state.due) state.write(output);
    if (output.full) await this.#drain();
    this.#stopIfAsked();
  }

  async #drain(): Promise<void> {
    await this.#run.output.drain();
    this.#stopIfAsked();
  }

  #stopIfAsked(): void {
    if (this.#run.signal.aborted) throw new ConnectorError('STOPPED', 'A signal asked for it.');
  }

  #set(selection: Selection, phase: DistributiveOmit<TableShard, 'identity'>): void {
    const { state, shard } = this.#run;
    state.setTable(shard.id, selection.table.id, { ...phase, identity: selection.table.identity });
  }
}

type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never;
