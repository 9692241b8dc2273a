import type { EpochMillis, Position, ShardId, TableId } from '../contract/ids.ts';
import { tableKey } from '../contract/ids.ts';
import type { StreamCounter } from '../contract/record-writer.ts';
import { stateMessage } from '../protocol/messages.ts';
import type { Checkpoint, ShardCheckpoint, TableCheckpoint, TableShard } from '../protocol/state.ts';
import { globalState, streamState } from '../protocol/state.ts';
import type { Output } from './output.ts';

export interface CheckpointerOptions {
  readonly engine: string;
  /** One GLOBAL state, or one STREAM state for each table. */
  readonly form: 'global' | 'stream';
  readonly intervalMillis: number;
  readonly now: () => EpochMillis;
}

/**
 * What a STATE line would say now: for each shard a position in its log and the clock of its ordering keys, for each
 * table and shard how far it has come. Only told of safe places, so it is right at any moment to write it out.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #shards = new Map<ShardId, ShardCheckpoint>();
  readonly #tables = new Map<string, TableCheckpoint & { readonly counter: StreamCounter }>();
  #changed = false;
  #written = false;
  #writtenAt: EpochMillis;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#writtenAt = options.now();
  }

  /** A stream of the catalog, with what the state says about it. Streams that left the catalog leave the state with it. */
  add(id: TableId, counter: StreamCounter, previous: Checkpoint | null): void {
    const known = previous?.tables.get(tableKey(id));
    this.#tables.set(tableKey(id), { id, counter, shards: new Map(known?.shards ?? []) });
  }

  position(shard: ShardId): ShardCheckpoint | undefined {
    return this.#shards.get(shard);
  }

  /** The shard's log has been read up to `position`; `clock` is the last ordering key handed out. */
  moveTo(shard: ShardId, position: Position, clock: number): void {
    const known = this.#shards.get(shard);
    if (known?.clock === clock && JSON.stringify(known.position) === JSON.stringify(position)) return;
    this.#shards.set(shard, { position, clock });
    this.#changed = true;
  }

  table(shard: ShardId, id: TableId): TableShard | undefined {
    return this.#tables.get(tableKey(id))?.shards.get(shard);
  }

  setTable(shard: ShardId, id: TableId, phase: TableShard): void {
    this.#tables.get(tableKey(id))?.shards.set(shard, phase);
    this.#changed = true;
  }

  forgetTable(shard: ShardId, id: TableId): void {
    this.#tables.get(tableKey(id))?.shards.delete(shard);
    this.#changed = true;
  }

  /** Something would be new in a STATE line, and the last one is old enough. */
  get due(): boolean {
    return this.#changed && this.#options.now() - this.#writtenAt >= this.#options.intervalMillis;
  }

  /** Writes the state behind everything that stands in the output so far, if it says anything that the last one did not. */
  write(output: Output): void {
    if (!this.#changed && this.#written) return;
    const { engine, form } = this.#options;
    if (form === 'global') {
      let records = 0;
      for (const { counter } of this.#tables.values()) records += taken(counter);
      output.message(stateMessage(globalState(engine, { shards: this.#shards, tables: this.#tables }), records));
    } else {
      for (const table of this.#tables.values()) {
        output.message(stateMessage(streamState(engine, table, this.#positionsOf(table)), taken(table.counter)));
      }
    }
    this.#changed = false;
    this.#written = true;
    this.#writtenAt = this.#options.now();
  }

  /** A stream by itself needs the positions of the shards whose logs it follows. */
  #positionsOf(table: TableCheckpoint): ReadonlyMap<ShardId, ShardCheckpoint> {
    const positions = new Map<ShardId, ShardCheckpoint>();
    for (const [shard, at] of table.shards) {
      const position = this.#shards.get(shard);
      const follows = at.phase === 'streaming' || at.phase === 'snapshot';
      if (follows && position !== undefined) positions.set(shard, position);
    }
    return positions;
  }
}

function taken(counter: StreamCounter): number {
  const count = counter.records - counter.recordsInState;
  counter.recordsInState = counter.records;
  return count;
}
