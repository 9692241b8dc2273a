import type { EpochMillis, Position, ShardId, TableId } from '../contract/ids.ts';
import { tableKey } from '../contract/ids.ts';
import type { StreamCounter } from '../contract/record-template.ts';
import { stateMessage } from '../protocol/messages.ts';
import { Packer } from '../protocol/packing.ts';
import type { Checkpoint, ShardCheckpoint, TableCheckpoint, TablePhase, TableShard } from '../protocol/state.ts';
import { follows, globalState, streamState } from '../protocol/state.ts';
import type { Output } from './output.ts';

export interface CheckpointerOptions {
  readonly engine: string;
  /** One GLOBAL state, or one STREAM state for each table. */
  readonly form: 'global' | 'stream';
  readonly intervalMillis: number;
  /** The job this run belongs to, if the platform names one. */
  readonly job: string | null;
  readonly now: () => EpochMillis;
}

/** Of what is printed, states take a tenth at most, once they have taken the first eight megabytes. */
const MOST_SHARE = 0.1;
const FREE_BYTES = 8 * 1024 * 1024;
/** However little is printed: so old may the newest state become, unless the interval is longer. */
const LONGEST_WAIT_MILLIS = 60_000;

/** A stream of the catalog. */
interface Entry extends TableCheckpoint {
  readonly follow: boolean;
  readonly counter: StreamCounter;
  /** Its last STREAM state. */
  said: string | null;
}

/**
 * What a STATE line would say now: for each shard a position in its log and the clock of its ordering keys, for each
 * table and shard how far it has come. Only told of safe places, so it is right at any moment to write it out.
 *
 * It begins with all that the state says which came in, also of shards that nobody reads now, and a table that is followed
 * has a position at any moment: that of its shard, or, until the shard's log is opened, one of its own.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #shards = new Map<ShardId, ShardCheckpoint>();
  readonly #tables = new Map<string, Entry>();
  /** Positions of tables by themselves, by `tableKey`, in shards that have not got one for all. */
  readonly #places = new Map<ShardId, Map<string, ShardCheckpoint>>();
  #changed = false;
  #written = false;
  #writtenAt: EpochMillis;
  /** Bytes of all STATE lines so far. */
  #stateBytes = 0;
  readonly #packer = new Packer();

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#writtenAt = options.now();
  }

  /** A stream of the catalog. */
  add(id: TableId, follow: boolean, counter: StreamCounter): void {
    this.#tables.set(tableKey(id), { id, follow, counter, shards: new Map(), said: null });
  }

  /**
   * Takes over what the state says of the streams that were added; those that left the catalog leave the state too. So does
   * the place of a stream that is not followed any more, for the log goes on without it, and a full refresh of another job.
   * Shards that are not `configured` keep what they have, as long as a stream stands in their log.
   */
  restore(previous: Checkpoint, configured: ReadonlySet<ShardId>): void {
    const wanted = new Set(configured);
    for (const [key, { follow, shards }] of this.#tables) {
      for (const [shard, at] of previous.tables.get(key)?.shards ?? []) {
        if (follow !== follows(at) || !this.#isOfJob(at)) continue;
        shards.set(shard, at);
        if (!follow) continue;
        wanted.add(shard);
        const place = previous.streams.get(key)?.get(shard);
        if (place !== undefined) this.#placesIn(shard).set(key, place);
      }
    }
    for (const [shard, place] of previous.shards) if (wanted.has(shard)) this.#shards.set(shard, place);
    this.#changed = true;
  }

  /** A refresh that is done was done in its job. One under way may be of this job where nobody says. */
  #isOfJob(at: TablePhase): boolean {
    const { job } = this.#options;
    if (at.phase === 'refreshed') return at.job !== null && at.job === job;
    return at.phase !== 'refresh' || at.job === null || job === null || at.job === job;
  }

  position(shard: ShardId): ShardCheckpoint | undefined {
    return this.#shards.get(shard);
  }

  /** The positions that tables have by themselves in a shard that has not got one for all. */
  places(shard: ShardId): readonly (readonly [TableId, ShardCheckpoint])[] {
    return [...(this.#places.get(shard) ?? [])].map(([key, place]) => [(this.#tables.get(key) as Entry).id, place]);
  }

  /** The largest ordering key that the state knows of, whatever the shard. */
  get latestClock(): number {
    const apart = [...this.#places.values()].flatMap(places => [...places.values()]);
    return Math.max(0, ...[...this.#shards.values(), ...apart].map(({ clock }) => clock));
  }

  /** The shard's log has been read up to `position`, for all its tables; `clock` is the last ordering key handed out. */
  moveTo(shard: ShardId, position: Position, clock: number): void {
    this.#places.delete(shard);
    const known = this.#shards.get(shard);
    if (known?.clock === clock && JSON.stringify(known.position) === JSON.stringify(position)) return;
    this.#shards.set(shard, { position, clock });
    this.#changed = true;
  }

  table(shard: ShardId, id: TableId): TableShard | undefined {
    return this.#tables.get(tableKey(id))?.shards.get(shard);
  }

  setTable(shard: ShardId, id: TableId, phase: TableShard): void {
    const shards = this.#tables.get(tableKey(id))?.shards;
    if (shards === undefined || JSON.stringify(shards.get(shard)) === JSON.stringify(phase)) return;
    shards.set(shard, phase);
    this.#changed = true;
  }

  forgetTable(shard: ShardId, id: TableId): void {
    this.#tables.get(tableKey(id))?.shards.delete(shard);
    this.#places.get(shard)?.delete(tableKey(id));
    this.#changed = true;
  }

  /**
   * Something would be new in a STATE line, the last one is old enough, and states take no more than their share of what is
   * printed: with many tables, or a GTID set of many servers, a state is larger than the records between two of them.
   */
  due(output: Output): boolean {
    if (!this.#changed) return false;
    const { now, intervalMillis } = this.#options;
    const age = now() - this.#writtenAt;
    if (age < intervalMillis) return false;
    return age >= LONGEST_WAIT_MILLIS || this.#stateBytes <= FREE_BYTES + output.printed * MOST_SHARE;
  }

  /** Writes the state behind everything that stands in the output so far, if it says anything that the last one did not. */
  write(output: Output): void {
    if (!this.#changed && this.#written) return;
    const { engine, form } = this.#options;
    const before = output.printed;
    if (form === 'global') {
      let records = 0;
      for (const { counter } of this.#tables.values()) records += taken(counter);
      const streams = new Map([...this.#tables].map(([key, entry]) => [key, this.#positionsOf(key, entry, false)]));
      output.message(
        stateMessage(globalState(engine, { shards: this.#shards, tables: this.#tables, streams }, this.#packer), records),
      );
    } else {
      for (const [key, entry] of this.#tables) {
        const state = streamState(engine, entry, this.#positionsOf(key, entry, true), this.#packer);
        // Platforms tell states apart by what they say: records behind the first of two equal ones would be counted wrong.
        const said = JSON.stringify(state);
        if (entry.said === said) continue;
        entry.said = said;
        output.message(stateMessage(state, taken(entry.counter)));
      }
    }
    this.#stateBytes += output.printed - before;
    this.#changed = false;
    this.#written = true;
    this.#writtenAt = this.#options.now();
  }

  /** A table's own positions in the shards whose logs it follows; with `shared`, in the others those that it shares. */
  #positionsOf(key: string, { shards }: Entry, shared: boolean): Map<ShardId, ShardCheckpoint> {
    const positions = new Map<ShardId, ShardCheckpoint>();
    for (const [shard, at] of shards) {
      if (!follows(at)) continue;
      const position = this.#places.get(shard)?.get(key) ?? (shared ? this.#shards.get(shard) : undefined);
      if (position !== undefined) positions.set(shard, position);
    }
    return positions;
  }

  #placesIn(shard: ShardId): Map<string, ShardCheckpoint> {
    const places = this.#places.get(shard) ?? new Map<string, ShardCheckpoint>();
    this.#places.set(shard, places);
    return places;
  }
}

function taken(counter: StreamCounter): number {
  const count = counter.records - counter.recordsInState;
  counter.recordsInState = counter.records;
  return count;
}
