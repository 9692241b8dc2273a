import type { Engine, EngineContext, Session, Shard } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { EpochMillis, ShardId } from '../contract/ids.ts';
import { tableKey } from '../contract/ids.ts';
import { RecordTemplate, StreamCounter } from '../contract/record-template.ts';
import { RecordWriter } from '../contract/record-writer.ts';
import type { Table } from '../contract/table.ts';
import type { ConfiguredCatalog } from '../protocol/catalog.ts';
import { estimateMessage, streamStatusMessage } from '../protocol/messages.ts';
import type { Checkpoint } from '../protocol/state.ts';
import { Checkpointer } from './checkpointer.ts';
import { BUFFER_LIMIT, type Output } from './output.ts';
import { plan, refused, type StreamPlan, select } from './plan.ts';
import { LogProgress, Progress } from './progress.ts';
import { readShard } from './read-shard.ts';
import { awayShards } from './restore.ts';
import type { ShardStream } from './shard-run.ts';

export interface ReadRequest<Config> {
  readonly engine: Engine<Config>;
  readonly config: Config;
  readonly catalog: ConfiguredCatalog;
  readonly checkpoint: Checkpoint | null;
  readonly output: Output;
  readonly context: EngineContext;
  readonly settings: ReadSettings;
  /** Where live progress goes; null: nowhere. */
  readonly terminal: ((text: string) => void) | null;
}

export interface ReadSettings {
  readonly checkpointIntervalSeconds: number;
  readonly invalidPosition: 'fail' | 'resnapshot';
  readonly stateType: 'global' | 'per_stream';
  /** Positions at which shards begin that have no state. */
  readonly seeds: ReadonlyMap<ShardId, string>;
  /** Names the job of which this read is an attempt; null where nobody says. */
  readonly job: string | null;
}

/** A stream while it is read: its plan, what it has sent, and what the platform has been told. */
interface Stream {
  readonly plan: StreamPlan;
  readonly counter: StreamCounter;
  running: boolean;
  /** Why it could not be read, on some shard, while the others were. */
  failure: ConnectorError | null;
  /** How much its snapshots of this run may bring, as far as they have begun. */
  readonly estimate: { rows: number; bytes: number };
}

/**
 * Reads all streams of the catalog: shards side by side over one output. A shard that fails does not stop the others; the
 * read then ends with its error, after what the others could do. Throws ConnectorError, or what writing to stdout threw.
 */
export async function read<Config>(request: ReadRequest<Config>): Promise<void> {
  const { engine, config, context } = request;
  await using session = await engine.connect(config, context);
  await new Read(request, session).run();
}

class Read<Config> {
  readonly #request: ReadRequest<Config>;
  readonly #session: Session;
  readonly #streams = new Map<string, Stream>();

  constructor(request: ReadRequest<Config>, session: Session) {
    this.#request = request;
    this.#session = session;
  }

  async run(): Promise<void> {
    const { catalog, output, context, terminal } = this.#request;
    const { tables: found, failures } = await this.#session.discover(catalog.streams.map(stream => stream.id));
    const shards = await this.#session.shards();
    const { cursorColumn, originColumns } = this.#request.engine;
    const { plans, notices } = plan(catalog, found, { cursorColumn, originColumns, sharded: shards.length > 1 });
    for (const notice of notices) context.log.warn(notice);
    for (const each of plans) {
      this.#streams.set(tableKey(each.id), {
        plan: each,
        counter: new StreamCounter(),
        running: false,
        failure: null,
        estimate: { rows: 0, bytes: 0 },
      });
      output.message(streamStatusMessage(each.id, 'STARTED', this.#now()));
    }
    const state = this.#checkpointer(new Set(shards.map(shard => shard.id)));
    const counters = new Map([...this.#streams.values()].map(stream => [stream.plan.id, stream.counter]));
    const logs = new Map(shards.map(shard => [shard.id, new LogProgress()]));
    const progress = terminal === null ? null : new Progress(terminal, { counters, logs }, context.now);
    let failure: unknown;
    try {
      const outcomes = await Promise.allSettled(
        shards.map(async shard => await this.#readShard(shard, logs, state, failures.get(shard.id))),
      );
      failure = worst(outcomes.filter(outcome => outcome.status === 'rejected').map(outcome => outcome.reason as unknown));
    } finally {
      progress?.end();
    }
    await this.#finish(state, failure);
  }

  /** `failure`: why the shard cannot be read, as far as it is known already. */
  async #readShard(shard: Shard, logs: ReadonlyMap<ShardId, LogProgress>, state: Checkpointer, failure: unknown): Promise<void> {
    const { output, context, settings, engine } = this.#request;
    await using open = shard;
    if (failure !== undefined) throw failure;
    const all = [...this.#streams.values()].map(stream => stream.plan);
    const stuck = all.filter(each => each.refusal !== null && isIncremental(each) && state.table(open.id, each.id) !== undefined);
    if (stuck.length > 0) throw refused(stuck, whyNothingMoves(open.id));
    const plans = all.filter(each => each.refusal === null);
    const tables = await open.tables(plans.map(each => each.id));
    const streams = plans.map((each, index): ShardStream => {
      const table = tables[index];
      if (table === undefined)
        throw new ConnectorError('INVARIANT', `shard ${open.id} gave ${tables.length} tables for ${plans.length}.`);
      return { selection: select(each, table), follow: each.follow };
    });
    const records = new RecordWriter(output.out, {
      cursorColumn: engine.cursorColumn,
      originColumns: engine.originColumns.map(column => column.name),
      shard: logs.size > 1 ? open.id : null,
      limit: BUFFER_LIMIT,
      now: context.now,
      template: selection => {
        const stream = this.#streams.get(tableKey(selection.table.id)) as Stream;
        return new RecordTemplate(selection, stream.plan.changes, stream.counter);
      },
    });
    await readShard({
      shard: open,
      streams,
      state,
      output,
      records,
      log: context.log,
      signal: context.signal,
      now: context.now,
      seed: settings.seeds.get(open.id) ?? null,
      whenPositionLost: settings.invalidPosition,
      job: settings.job,
      progress: logs.get(open.id) ?? new LogProgress(),
      interleaveMillis: settings.checkpointIntervalSeconds * 1000,
      onStart: stream => this.#announce(this.#streams.get(tableKey(stream.selection.table.id))),
      onFailure: ({ selection }, error) => {
        context.log.error(`${error.message} The other streams are read.`);
        const stream = this.#streams.get(tableKey(selection.table.id));
        if (stream !== undefined) stream.failure ??= error;
      },
      onSnapshot: ({ selection }) => this.#estimate(selection.table),
    });
  }

  /** A last STATE behind everything, then what became of each stream; then the error, if there was one. */
  async #finish(state: Checkpointer, failure: unknown): Promise<void> {
    const { output } = this.#request;
    if (isStdoutGone(failure)) throw failure;
    state.write(output);
    const streams = [...this.#streams.values()];
    const refusals = streams.map(stream => stream.plan).filter(each => each.refusal !== null);
    const failed = streams.map(stream => stream.failure).filter(error => error !== null);
    for (const stream of streams) {
      const complete = failure === undefined && stream.plan.refusal === null && stream.failure === null;
      if (complete) this.#announce(stream);
      output.message(streamStatusMessage(stream.plan.id, complete ? 'COMPLETE' : 'INCOMPLETE', this.#now()));
    }
    await output.flush();
    if (failure !== undefined) throw failure;
    if (refusals.length > 0)
      throw refused(refusals, [...failed.map(error => error.detail), 'All other streams were read.'].join(' '));
    if (failed.length > 0) throw together(failed);
  }

  #announce(stream: Stream | undefined): void {
    if (stream === undefined || stream.running) return;
    stream.running = true;
    this.#request.output.message(streamStatusMessage(stream.plan.id, 'RUNNING', this.#now()));
  }

  /** Says what is to be expected of a snapshot, with those of the same stream in other shards. A log has no estimate. */
  #estimate({ id, estimatedRows, estimatedBytes }: Table): void {
    const estimate = this.#streams.get(tableKey(id))?.estimate;
    if (estimate === undefined || estimatedRows === undefined) return;
    estimate.rows += estimatedRows;
    estimate.bytes += estimatedBytes ?? 0;
    const guess = { rows: estimate.rows, bytes: estimate.bytes > 0 ? estimate.bytes : undefined };
    this.#request.output.message(estimateMessage(id, guess, this.#now()));
  }

  /** Knows from the beginning what the state says that came in: none that is printed must know less. */
  #checkpointer(configured: ReadonlySet<ShardId>): Checkpointer {
    const { engine, settings, context, checkpoint } = this.#request;
    const followed = [...this.#streams.values()].some(stream => isIncremental(stream.plan));
    const state = new Checkpointer({
      engine: engine.name,
      form: followed && settings.stateType === 'global' ? 'global' : 'stream',
      intervalMillis: settings.checkpointIntervalSeconds * 1000,
      job: settings.job,
      now: context.now,
    });
    for (const { plan: each, counter } of this.#streams.values()) state.add(each.id, isIncremental(each), counter);
    if (checkpoint === null) return state;
    state.restore(checkpoint, configured);
    const away = awayShards(checkpoint, configured).map(shard => `"${shard}"`);
    if (away.length > 0) {
      context.log.warn(
        `The configuration no longer has these shards of the state: ${away.join(', ')}. Nothing is read from them, and their ` +
          'rows stay at the destination. The state keeps their places, so that they go on from there when they come back.',
      );
    }
    return state;
  }

  #now(): EpochMillis {
    return this.#request.context.now();
  }
}

/** One error for all streams that failed by themselves. */
function together(failed: readonly ConnectorError[]): ConnectorError {
  const [first] = failed;
  return new ConnectorError('STREAM_FAILED', failed.map(error => error.detail).join(' '), { cause: first, table: first?.table });
}

/** Its place in the log is kept also while it cannot be followed. */
const isIncremental = (each: StreamPlan): boolean => each.configured.syncMode === 'incremental';

const whyNothingMoves = (shard: ShardId): string =>
  `They were followed so far, so nothing is read from shard "${shard}": its log would move on without their changes. ` +
  'Once that is mended, the next run goes on from the state, and no change is missing. To go on without them, clear them, or read them as full refresh.';

const isStdoutGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EPIPE';

/** Of several shards' errors the one to show: stdout gone, then what the user must mend, then the others. */
function worst(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => {
    if (isStdoutGone(error)) return 0;
    if (!(error instanceof ConnectorError)) return 1;
    return { config_error: 2, system_error: 3, transient_error: 4 }[error.failureType];
  };
  return [...errors].sort((a, b) => rank(a) - rank(b))[0];
}
