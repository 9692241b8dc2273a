import { setTimeout as sleep } from 'node:timers/promises';
import type { Followed, KnownTable, Missed, Opened, ReplicationEvent, Watched } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { JsonObject, Position } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Selection, Table } from '../contract/table.ts';
import type { TableShard } from '../protocol/state.ts';
import { afterLoss, drain, note, type ShardRun, type ShardStream, settle } from './shard-run.ts';

const MICROS_PER_MILLI = 1000;
/** How often the beginning of a snapshot is tried while old transactions are open; each try waits by itself. */
const ORIGIN_TRIES = 20;
/** How long one try waits until snapshots show what was read from the log. */
const VISIBLE_MILLIS = 5_000;
const LEAST_PAUSE_MILLIS = 10;

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
    const knownTables = tables.map(table => knownOf(state.table(shard.id, table.id)));
    const opened =
      lost === null ? await shard.open({ from, stored, tables, known: knownTables }) : await startOver(run, streams, lost);
    if (from === null && lost === null) records.clock = Math.max(records.clock, shard.clockAt(opened.from));
    const followed = new Map<ShardStream, Followed>();
    for (const [at, stream] of streams.entries()) {
      const selection = { ...stream.selection, table: opened.tables[at] ?? stream.selection.table };
      mustFollow(selection.table);
      if (seed !== null) note(run, selection, { phase: 'streaming', since: null }, null);
      renew(run, selection, { memo: opened.renewed?.[at] ?? null, from: opened.from });
      dropOther(run, selection, opened);
      const phase = state.table(shard.id, selection.table.id);
      const since = placeOf(phase) ?? (phase === undefined && hasJoined(opened, selection) ? null : opened.from);
      followed.set(stream, { selection, since, memo: phase?.memo ?? null, awaitsOrigin: phase === undefined });
      if (phase?.phase === 'streaming') run.onStart(stream);
    }
    state.moveTo(shard.id, opened.from, records.clock);
    const log = new ShardLog(run, followed, opened);
    try {
      if (!opened.settled) await log.#pull();
      await log.#beginSnapshots(opened);
      // Said before the first record: when this run dies, rows that it left at a destination may be deleted next, and the
      // server may not remember from where on its log matters.
      if (!stored || lost !== null) state.write(run.output);
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
    this.#run.progress.upTo = this.pulledAt;
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
      this.#run.progress.upTo = event.committedAt / MICROS_PER_MILLI;
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
   * The key is the clock as it stands at a place in the log up to which everything shows in snapshots: what a snapshot may
   * not show yet gets a larger one. Where the log is not new, that place is its head, for runs that died may have printed
   * rows of these tables up to there. The clock itself is not touched: a run from the same state must hand out the same keys.
   *
   * Every change in the log counts, also those that the snapshot will show: rows that such a run printed may have been
   * deleted since. Not so for a table that joined the log just now: nobody has printed it from here, and transactions that
   * were open then may be in the log in part. Its changes count from what the snapshot is sure to show.
   */
  async #beginSnapshots(opened: Opened): Promise<void> {
    const { shard, state, records } = this.#run;
    const missed = await this.#missed();
    const pending = [...this.#followed.values()].filter(
      followed => missed.has(followed) || state.table(shard.id, followed.selection.table.id) === undefined,
    );
    if (pending.length === 0) return;
    const origin = opened.fresh ? opened.from : await this.#origin(pending);
    for (const followed of pending) {
      const { selection } = followed;
      const comes = missed.get(followed);
      const { cursor = null, memo = followed.memo } = comes ?? {};
      followed.memo = memo;
      // Where rows were missed, the log of the table goes on; they are read as if they had come just now.
      const asOf = comes !== undefined ? followed.since : hasJoined(opened, selection) ? origin : opened.from;
      followed.since = asOf;
      note(this.#run, selection, { phase: 'snapshot', cursor, asOf, key: records.clock }, memo);
    }
  }

  /** The followed tables that were read before, of which rows have come past the log. */
  async #missed(): Promise<ReadonlyMap<Followed, Missed>> {
    const { shard, state } = this.#run;
    const watched = [...this.#followed.values()].flatMap((followed): readonly Watched[] => {
      const at = state.table(shard.id, followed.selection.table.id);
      if (at?.phase === 'streaming') return [{ followed, cursor: undefined }];
      return at?.phase === 'snapshot' ? [{ followed, cursor: at.cursor }] : [];
    });
    if (watched.length === 0) return new Map();
    const missed = new Map((await shard.missed(watched)).map(each => [each.followed, each]));
    for (const { followed } of watched) {
      const { selection, memo } = followed;
      const at = state.table(shard.id, selection.table.id);
      if (at !== undefined && !missed.has(followed)) note(this.#run, selection, at, memo);
    }
    return missed;
  }

  /**
   * Follows the log to its head, then waits until all that was read shows in snapshots, and all that does not show will be
   * in the log whole. Tried again while old transactions are open; the other tables' log goes on meanwhile.
   */
  async #origin(pending: readonly Followed[]): Promise<Position> {
    const { shard, log } = this.#run;
    const noted = new Map(pending.map(followed => [followed, followed.memo]));
    for (let left = ORIGIN_TRIES; ; left--) {
      await this.follow(await shard.head());
      try {
        const origin = await this.#showing(pending);
        if (pending.some(followed => followed.awaitsOrigin && followed.memo !== noted.get(followed))) {
          // What the engine noted is of the origin: only from there on can it say all about the rows of these tables.
          await this.follow(origin);
          await this.#showing([]);
        }
        return origin;
      } catch (error) {
        const waiting = error instanceof ConnectorError && error.code === 'TRANSACTIONS_IN_PROGRESS';
        if (!waiting || left === 0) throw error;
        const names = pending.map(({ selection }) => tableLabel(selection.table.id)).join(', ');
        log.warn(`The snapshot of ${names} waits. ${error.detail}`);
      }
    }
  }

  /**
   * An origin that covers all that was read: the log may be ahead of what snapshots show, by transactions that wait for a
   * replica, or are just being committed.
   */
  async #showing(tables: readonly Followed[]): Promise<Position> {
    const { shard, state, now } = this.#run;
    const until = now() + VISIBLE_MILLIS;
    for (let pause = LEAST_PAUSE_MILLIS; ; pause *= 2) {
      const origin = await shard.origin(tables);
      const reached = state.position(shard.id)?.position;
      if (reached === undefined || shard.covers(origin, reached)) return origin;
      if (now() > until) {
        const detail = 'The log has transactions that no snapshot shows yet: they wait for a replica to confirm them.';
        throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
      }
      await sleep(pause);
      await settle(this.#run);
    }
  }
}

/** Where the changes of a table begin that has a place in the state; null when it has none, or that of the shard. */
function placeOf(at: TableShard | undefined): Position | null {
  if (at?.phase === 'streaming') return at.since;
  return at?.phase === 'snapshot' ? at.asOf : null;
}

/** What was possible when the source was asked may not be any more. */
function mustFollow({ id, follow }: Table): void {
  if (follow === true) return;
  throw new ConnectorError('REPLICA_IDENTITY_MISSING', follow.reason, { table: id });
}

const hasJoined = (opened: Opened, selection: Selection): boolean =>
  opened.joined.some(id => tableKey(id) === tableKey(selection.table.id));

/**
 * After a lost position: nothing that was read counts any more, but the clock lives on, so that new rows beat old ones. The
 * state says what it said until the log has begun anew, so that a run that ends before is no worse off.
 */
async function startOver(run: ShardRun, streams: readonly ShardStream[], lost: ConnectorError): Promise<Opened> {
  const { shard, state, records, log } = run;
  log.warn(`${lost.message} All tables of shard ${shard.id} are read anew, as invalid_position says.`);
  const tables = streams.map(stream => stream.selection.table);
  await shard.reset();
  const opened = await shard.open({ from: null, stored: false, tables });
  for (const { id } of tables) state.forgetTable(shard.id, id);
  records.clock = afterLoss(run, opened.from);
  state.moveTo(shard.id, opened.from, records.clock);
  return opened;
}

const knownOf = (at: TableShard | undefined): KnownTable | null =>
  at === undefined ? null : { identity: at.identity, memo: at.memo ?? null };

/** The server was made anew: what the state says of the table holds, but from `from` on. A memo of null: nothing of that. */
function renew(run: ShardRun, selection: Selection, { memo, from }: { memo: JsonObject | null; from: Position }): void {
  const at = run.state.table(run.shard.id, selection.table.id);
  if (memo === null || at === undefined) return;
  if (at.phase === 'streaming') note(run, selection, { phase: 'streaming', since: null }, memo);
  if (at.phase === 'snapshot') note(run, selection, { ...at, asOf: from }, memo);
}

/** What the state says of a table counts only while it is the same table, was never out of the log, and was followed before. */
function dropOther(run: ShardRun, selection: Selection, opened: Opened): void {
  const { shard, state, log } = run;
  const { id, identity } = selection.table;
  const at = state.table(shard.id, id);
  if (at === undefined) return;
  const wasFollowed = at.phase === 'streaming' || at.phase === 'snapshot';
  if (wasFollowed && at.identity === identity && !hasJoined(opened, selection)) return;
  if (wasFollowed) log.warn(`${tableLabel(id)} was created anew, or was out of the log for a while: it gets a new snapshot.`);
  state.forgetTable(shard.id, id);
}
