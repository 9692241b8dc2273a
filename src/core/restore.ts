import type { Shard } from '../contract/engine.ts';
import type { Position, TableId } from '../contract/ids.ts';
import { tableKey } from '../contract/ids.ts';
import type { Checkpoint, ShardCheckpoint } from '../protocol/state.ts';
import type { Checkpointer } from './checkpointer.ts';

/**
 * Takes one shard's place out of the state that came in.
 *
 * A GLOBAL state has one position for all its tables. STREAM states have one each: the log then begins at the greatest
 * position that all of them cover, and each table leaves out what it has already. The clock begins at the largest of
 * theirs, so that no key is handed out that one of them may have seen.
 */
export function restoreShard(checkpoint: Checkpoint, shard: Shard, followed: readonly TableId[], state: Checkpointer): void {
  const whole = checkpoint.shards.get(shard.id);
  if (whole !== undefined) {
    state.moveTo(shard.id, whole.position, whole.clock);
    return;
  }
  const places = new Map<TableId, ShardCheckpoint>();
  for (const id of followed) {
    const place = checkpoint.streams.get(tableKey(id))?.get(shard.id);
    if (place !== undefined) places.set(id, place);
  }
  let position: Position | undefined;
  let clock = 0;
  for (const place of places.values()) {
    position = position === undefined ? place.position : shard.meet(position, place.position);
    clock = Math.max(clock, place.clock);
  }
  if (position === undefined) return;
  state.moveTo(shard.id, position, clock);
  for (const [id, place] of places) {
    const at = state.table(shard.id, id);
    if (at?.phase !== 'streaming') continue;
    const ahead = at.since !== null && !shard.covers(place.position, at.since);
    state.setTable(shard.id, id, { ...at, since: ahead ? at.since : place.position });
  }
}
