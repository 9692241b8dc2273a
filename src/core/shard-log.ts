import type { Followed, Opened, ReplicationEvent } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { Position } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Selection } from '../contract/table.ts';
import { drain, note, type ShardRun, type ShardStream, settle } from './shard-run.ts';

/**
 * A run that lost its position may have printed keys that no state remembers. They lie above the clock we know by at most
 * the bytes of log it read since; a terabyte is beyond that, and 2^53 leaves room for thousands of such steps.
 */
const CLOCK_STEP = 2 ** 40;
/** How often the beginning of a snapshot is tried while old transactions are open; each try waits by itself. */
const ORIGIN_TRIES = 20;

/** The log of one shard, and where each of its tables stands in it. Opened once for a run, pulled when wanted. */
export class ShardLog {
  readonly #run: ShardRun;
  readonly #followed: ReadonlyMap<ShardStream, Followed>;
  readonly #events: AsyncGenerator<ReplicationEvent, never>;
  /** When the log was last followed to its head. */
  pulledAt: number;

  private constructor(run: ShardRun, followed: ReadonlyMap<ShardStream, Followed>, opened: Opened) {
    this.#run = run;
    this.#followed = followed;
    this.#events = run.shard.stream({ tables: [...followed.values()], from: opened.from }, run.records);
    this.pulledAt = run.now();
  }

  /**
   * Brings the log to where the state, the seed or a new beginning says, and gives every table its place in it, before
   * anything is read. `lost`: the position was lost and the user said that everything shall be read anew then.
   */
  static async open(run: ShardRun, streams: readonly ShardStream[], lost: ConnectorError | null): Promise<ShardLog> {
    const { shard, state, records } = run;
    const known = state.position(shard.id);
    const seed = known === undefined && lost === null && run.seed !== null ? await shard.seed(run.seed) : null;
    const from = known?.position ?? seed;
    records.clock = Math.max(records.clock, known?.clock ?? 0);
    const tables = streams.map(stream => stream.selection.table);
    const stored = known !== undefined;
    const opened = lost === null ? await shard.open({ from, stored, tables }) : await startOver(run, streams, lost);
    const followed = new Map<ShardStream, Followed>();
    for (const [at, stream] of streams.entries()) {
      const selection = { ...stream.selection, table: opened.tables[at] ?? stream.selection.table };
      if (seed !== null) note(run, selection, { phase: 'streaming', since: null }, null);
      dropOther(run, selection, opened);
      const phase = state.table(shard.id, selection.table.id);
      const since = phase?.phase === 'streaming' ? (phase.since ?? opened.from) : phase?.phase === 'snapshot' ? phase.asOf : null;
      followed.set(stream, { selection, since, memo: phase?.memo ?? null });
      if (phase?.phase === 'streaming') run.onStart(stream);
    }
    state.moveTo(shard.id, opened.from, records.clock);
    const log = new ShardLog(run, followed, opened);
    try {
      if (!opened.settled) await log.#pull();
      await log.#beginSnapshots(opened);
    } catch (error) {
      await log.close();
      throw error;
    }
    return log;
  }

  followed(stream: ShardStream): Followed {
    return this.#followed.get(stream) as Followed;
  }

  /** Pulls until the log covers `target`; an idle server's heartbeats take it there. */
  async follow(target: Position): Promise<void> {
    const { shard, state } = this.#run;
    for (;;) {
      const at = state.position(shard.id)?.position;
      if (at !== undefined && shard.covers(at, target)) break;
      await this.#pull();
    }
    this.pulledAt = this.#run.now();
    for (const { selection, memo } of this.#followed.values()) {
      const at = state.table(shard.id, selection.table.id);
      const position = state.position(shard.id)?.position;
      if (at?.phase !== 'streaming' || at.since === null || position === undefined) continue;
      if (shard.covers(position, at.since)) note(this.#run, selection, { phase: 'streaming', since: null }, memo);
    }
  }

  async close(): Promise<void> {
    await this.#events.return(undefined as never);
  }

  /** One event, noted where it is a place to go on from. */
  async #pull(): Promise<void> {
    const { shard, state, records } = this.#run;
    const { value: event } = await this.#events.next();
    if (event.kind === 'full') return await drain(this.#run);
    if (event.kind === 'commit') {
      for (const { selection, memo } of event.noted ?? []) {
        const at = state.table(shard.id, selection.table.id);
        if (at !== undefined) note(this.#run, selection, at, memo);
      }
    }
    state.moveTo(shard.id, event.position, records.clock);
    await settle(this.#run);
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
      note(this.#run, followed.selection, { phase: 'snapshot', cursor: null, asOf, key: records.clock }, followed.memo);
    }
  }

  /** Tried again while old transactions are open; the other tables' log goes on meanwhile. */
  async #origin(pending: readonly Followed[]): Promise<Position> {
    const { shard, log } = this.#run;
    for (let left = ORIGIN_TRIES; ; left--) {
      await this.follow(await shard.head());
      try {
        return await shard.origin(pending);
      } catch (error) {
        const waiting = error instanceof ConnectorError && error.code === 'TRANSACTIONS_IN_PROGRESS';
        if (!waiting || left === 0) throw error;
        const names = pending.map(({ selection }) => tableLabel(selection.table.id)).join(', ');
        log.warn(`The snapshot of ${names} waits. ${error.detail}`);
      }
    }
  }
}

/** After a lost position: nothing that was read counts any more, but the clock lives on, so that new rows beat old ones. */
async function startOver(run: ShardRun, streams: readonly ShardStream[], lost: ConnectorError): Promise<Opened> {
  const { shard, state, records, log } = run;
  log.warn(`${lost.message} All tables of shard ${shard.id} are read anew, as invalid_position says.`);
  const tables = streams.map(stream => stream.selection.table);
  for (const { id } of tables) state.forgetTable(shard.id, id);
  await shard.reset();
  const opened = await shard.open({ from: null, stored: false, tables });
  records.clock = Math.max(records.clock, shard.natural(opened.from)) + CLOCK_STEP;
  return opened;
}

/** What the state says of a table counts only while it is the same table, was never out of the log, and was followed before. */
function dropOther(run: ShardRun, selection: Selection, opened: Opened): void {
  const { shard, state, log } = run;
  const { id, identity } = selection.table;
  const at = state.table(shard.id, id);
  const joined = opened.joined.some(other => tableKey(other) === tableKey(id));
  if (at === undefined) return;
  const wasFollowed = at.phase === 'streaming' || at.phase === 'snapshot';
  if (wasFollowed && at.identity === identity && !joined) return;
  if (wasFollowed) log.warn(`${tableLabel(id)} was created anew, or was out of the log for a while: it gets a new snapshot.`);
  state.forgetTable(shard.id, id);
}
