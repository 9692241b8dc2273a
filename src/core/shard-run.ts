import type { Logger, Shard } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { EpochMicros, JsonObject, Position } from '../contract/ids.ts';
import type { RecordWriter } from '../contract/record-writer.ts';
import type { Selection } from '../contract/table.ts';
import type { TableShard } from '../protocol/state.ts';
import type { Checkpointer } from './checkpointer.ts';
import type { Output } from './output.ts';
import type { LogProgress } from './progress.ts';

/** One stream as this shard has it. */
export interface ShardStream {
  readonly selection: Selection;
  readonly follow: boolean;
}

/** All that the reading of one shard needs. */
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
  /** For whoever watches: how far the log has been read. */
  readonly progress: LogProgress;
  /** How long a snapshot may go on before the log is followed again; also what a chunk should take at most. */
  readonly interleaveMillis: number;
  /** Called when the first records of a stream may come. */
  readonly onStart: (stream: ShardStream) => void;
  /** Called when a stream of its own cannot be read; all others are. */
  readonly onFailure: (stream: ShardStream, error: ConnectorError) => void;
  /** Called before a snapshot of a stream, also before the rest of one. */
  readonly onSnapshot: (stream: ShardStream) => void;
}

/** At a safe place: a STATE line if it is time for one, and no more bytes in memory than there may be. */
export async function settle(run: ShardRun): Promise<void> {
  const { state, output } = run;
  if (state.due(output)) state.write(output);
  if (output.full) await drain(run);
  stopIfAsked(run);
}

/** Anywhere between two records: the back-pressure. */
export async function drain(run: ShardRun): Promise<void> {
  await run.output.drain();
  run.records.stamp();
  stopIfAsked(run);
}

function stopIfAsked(run: ShardRun): void {
  if (run.signal.aborted) throw new ConnectorError('STOPPED', 'A signal asked for it.');
}

type DistributiveOmit<T, K extends keyof T> = T extends unknown ? Omit<T, K> : never;
export type Phase = DistributiveOmit<TableShard, 'identity' | 'memo'>;

/** Notes how far a table has come, with what the engine wants remembered of it. */
export function note(run: ShardRun, selection: Selection, phase: Phase, memo: JsonObject | null): void {
  const { id, identity } = selection.table;
  run.state.setTable(run.shard.id, id, { ...phase, identity, ...(memo === null ? {} : { memo }) });
}

export const nowMicros = (run: ShardRun): EpochMicros => (run.now() * 1000) as EpochMicros;

/** The step of the clock where a wall clock cannot serve. 2^53 leaves room for thousands of such steps. */
const CLOCK_STEP = 2 ** 40;

/**
 * The clock when tables are read anew, from `position` on. Runs that died may have printed keys that no state remembers,
 * counted up from where such a run began, one or two for each change; and they may have begun with the very state that we
 * have. The microseconds of the wall clock are beyond all of them: no run prints half a million changes a second.
 */
export function afterLoss(run: ShardRun, position: Position): number {
  const known = run.records.clock;
  const beyond = Math.max(run.shard.clockAt(position), nowMicros(run));
  return beyond > known ? beyond : known + CLOCK_STEP;
}
