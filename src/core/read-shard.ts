import type { SnapshotRequest } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import { tableLabel } from '../contract/ids.ts';
import type { Selection } from '../contract/table.ts';
import { gather } from './restore.ts';
import { ShardLog } from './shard-log.ts';
import { drain, note, nowMicros, type ShardRun, type ShardStream, settle } from './shard-run.ts';

/**
 * Reads one shard: its snapshots, with the log followed to its head between chunks, then the log to the head once more.
 * After a lost position it starts over, once, if the user allowed it.
 */
export async function readShard(run: ShardRun): Promise<void> {
  try {
    await gather(run);
    await readOnce(run, null);
  } catch (error) {
    const lost = error instanceof ConnectorError && error.code === 'POSITION_LOST' ? error : null;
    if (lost === null || run.whenPositionLost === 'fail') throw error;
    await readOnce(run, lost);
  }
}

async function readOnce(run: ShardRun, lost: ConnectorError | null): Promise<void> {
  const { shard, streams, state, output, records } = run;
  const followed = streams.filter(stream => stream.follow);
  let log: ShardLog | null = null;
  try {
    if (followed.length > 0) log = await ShardLog.open(run, followed, lost);
    for (const stream of streams) {
      try {
        if (stream.follow && log !== null) await snapshotFollowed(run, log, stream);
        else await refresh(run, log, stream);
      } catch (error) {
        if (!(error instanceof ConnectorError && error.code === 'STREAM_FAILED')) throw error;
        // Its place in the state stays where it was: the next run goes on with its snapshot, and no change is missing.
        records.abandon();
        run.onFailure(stream, error);
      }
    }
    await log?.follow(await shard.head());
    state.write(output);
    await output.drain();
  } finally {
    records.abandon();
    await log?.close();
  }
}

/** The rest of a table's snapshot, if there is one. The log is followed from the table's own place on. */
async function snapshotFollowed(run: ShardRun, log: ShardLog, stream: ShardStream): Promise<void> {
  const { shard, state } = run;
  const followed = log.followed(stream);
  const { selection } = followed;
  const at = state.table(shard.id, selection.table.id);
  if (at?.phase !== 'snapshot') return;
  const { key, asOf } = at;
  run.onStart(stream);
  run.onSnapshot(stream);
  for await (const cursor of snapshot(run, selection, at.cursor, 'followed', key)) {
    note(run, selection, { phase: 'snapshot', asOf, key, cursor }, followed.memo);
    await settle(run);
    await interleave(run, log);
  }
  const position = state.position(shard.id)?.position;
  const covered = asOf === null || (position !== undefined && shard.covers(position, asOf));
  note(run, selection, { phase: 'streaming', since: covered ? null : asOf }, followed.memo);
  await settle(run);
}

/** A full refresh: done when the table has been read once within this job. What an attempt of it left unfinished goes on. */
async function refresh(run: ShardRun, log: ShardLog | null, stream: ShardStream): Promise<void> {
  const { shard, state, job, records } = run;
  const { selection } = stream;
  const at = state.table(shard.id, selection.table.id);
  run.onStart(stream);
  if (at?.phase === 'refreshed') return;
  run.onSnapshot(stream);
  const resume = at?.phase === 'refresh' && at.identity === selection.table.identity ? at.cursor : null;
  for await (const cursor of snapshot(run, selection, resume, 'alone', records.clock)) {
    note(run, selection, { phase: 'refresh', cursor, job }, null);
    await settle(run);
    if (log !== null) await interleave(run, log);
  }
  note(run, selection, { phase: 'refreshed', job }, null);
  await settle(run);
}

/** Between two chunks: the other tables must not wait for this one, nor the server keep its log for so long. */
async function interleave(run: ShardRun, log: ShardLog): Promise<void> {
  if (run.now() - log.pulledAt >= run.interleaveMillis) await log.follow(await run.shard.head());
}

/** The cursors of a snapshot's chunks; drains within them, and goes back to null when the engine starts over. */
async function* snapshot(
  run: ShardRun,
  selection: Selection,
  cursor: SnapshotRequest['cursor'],
  mode: SnapshotRequest['mode'],
  key: number,
): AsyncGenerator<SnapshotRequest['cursor']> {
  const { shard, records, output, log } = run;
  const request = { selection, cursor, mode, chunkMillis: run.interleaveMillis };
  records.snapshotRows(key, nowMicros(run));
  for await (const event of shard.snapshot(request, records)) {
    if (event.kind === 'full') {
      await drain(run);
      continue;
    }
    if (event.kind === 'restart') {
      log.warn(`${tableLabel(selection.table.id)} was rewritten while it was read: its snapshot starts over.`);
    }
    yield event.kind === 'chunk' ? event.cursor : null;
    if (output.full) await drain(run);
    records.snapshotRows(key, nowMicros(run));
  }
}
