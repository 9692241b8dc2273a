import { ConnectorError } from '../contract/errors.ts';
import { type Position, type ShardId, tableLabel } from '../contract/ids.ts';
import type { Checkpoint } from '../protocol/state.ts';
import { afterLoss, type ShardRun } from './shard-run.ts';

/** The shards of the state that the configuration does not name. */
export function awayShards(checkpoint: Checkpoint, configured: ReadonlySet<ShardId>): readonly ShardId[] {
  const known = new Set(checkpoint.shards.keys());
  for (const { shards } of checkpoint.tables.values()) for (const shard of shards.keys()) known.add(shard);
  return [...known].filter(shard => !configured.has(shard));
}

/**
 * Brings the tables of a shard to one place in its log, where STREAM states have one each: the log then begins at the
 * greatest position that all of them cover, and each table leaves out what it has already. The clock begins at the largest
 * of theirs, so that no key is handed out that one of them may have seen; in a shard that the state does not have, at the
 * largest of all, for it may be one of them under another name.
 *
 * Throws POSITION_LOST, with nothing changed, for positions of two logs. Where the user allowed it, the tables that do not
 * stand in the log that the server has are given up instead, so that only they are read anew.
 */
export async function gather(run: ShardRun): Promise<void> {
  const { shard, state, records, log } = run;
  if (state.position(shard.id) !== undefined) return;
  const places = state.places(shard.id);
  const clocks = places.map(([, place]) => place.clock);
  records.clock = places.length === 0 ? state.latestClock : Math.max(...clocks);
  try {
    meetAll(run);
  } catch (error) {
    const lost = error instanceof ConnectorError && error.code === 'POSITION_LOST' && run.whenPositionLost === 'resnapshot';
    if (!lost) throw error;
    const head = await shard.head();
    const strangers = places.filter(([, { position }]) => !shard.covers(head, position)).map(([id]) => id);
    if (strangers.length === 0 || strangers.length === places.length) throw error;
    log.warn(
      `${error.message} ${strangers.map(tableLabel).join(', ')} of shard ${shard.id}: read anew, as invalid_position says.`,
    );
    for (const id of strangers) state.forgetTable(shard.id, id);
    records.clock = afterLoss(run, head);
    meetAll(run);
  }
}

function meetAll({ shard, state, records }: ShardRun): void {
  const places = state.places(shard.id);
  let position: Position | undefined;
  for (const [, place] of places) position = position === undefined ? place.position : shard.meet(position, place.position);
  if (position === undefined) return;
  state.moveTo(shard.id, position, records.clock);
  for (const [id, place] of places) {
    const at = state.table(shard.id, id);
    if (at?.phase !== 'streaming') continue;
    const ahead = at.since !== null && !shard.covers(place.position, at.since);
    state.setTable(shard.id, id, { ...at, since: ahead ? at.since : place.position });
  }
}
