/** The four commands, up to the point where the engines and the core take over. */
import type * as z from 'zod';
import { leftOutNotices, offered } from '../contract/added-columns.ts';
import { type commonConfig, startOfShards } from '../contract/common-config.ts';
import type { Engine, EngineContext, Problem, Session } from '../contract/engine.ts';
import { ConnectorError, ERRORS } from '../contract/errors.ts';
import { fullRefreshReasons } from '../contract/findings.ts';
import { logLevel, ProtocolLogger, type Redact } from '../core/log.ts';
import { Output } from '../core/output.ts';
import { read } from '../core/read.ts';
import { dial } from '../net/dial.ts';
import { toStream } from '../protocol/catalog.ts';
import { type AirbyteMessage, encodeMessage } from '../protocol/messages.ts';
import { inFile, readText } from './files.ts';
import { type Host, StdoutClosed } from './host.ts';
import { loadCatalog, loadState } from './inputs.ts';
import { loadConfig } from './load.ts';
import type { Engines } from './registry.ts';
import { asConnectorError, failed, traceOf } from './report.ts';
import type { Schema } from './schema.ts';

const STILL: Redact = text => text;

export interface Command {
  readonly host: Host;
  readonly engines: Engines;
  /** Hides the secrets of the configuration as soon as one has been read. */
  redact: Redact;
}

export const newCommand = (host: Host, engines: Engines): Command => ({ host, engines, redact: STILL });

const say = (command: Command, message: AirbyteMessage): void => command.host.print(encodeMessage(message));

/** The SPEC message. `text` is spec/spec.json. */
export const specLine = (text: string): string => `{"type":"SPEC","spec":${JSON.stringify(JSON.parse(text))}}\n`;

interface Loaded {
  readonly engine: Engine;
  readonly config: unknown;
}

async function load(command: Command, path: string): Promise<Loaded | { readonly problems: readonly string[] }> {
  const specification = JSON.parse(command.host.specification()) as { readonly connectionSpecification: Schema };
  const text = await readText('--config', path);
  const result = await loadConfig(text, {
    engines: command.engines,
    specification: specification.connectionSpecification,
  });
  command.redact = result.redact;
  return 'loaded' in result ? result.loaded : { problems: result.problems };
}

async function loadOrThrow(command: Command, path: string): Promise<Loaded> {
  const loaded = await load(command, path);
  if ('problems' in loaded) throw new ConnectorError('CONFIG_INVALID', inFile(path, `${loaded.problems.join('; ')}.`));
  return loaded;
}

function contextOf(command: Command, emit: (message: AirbyteMessage) => void): EngineContext & { readonly log: ProtocolLogger } {
  const { host } = command;
  const log = new ProtocolLogger({ level: logLevel(host.env['LOG_LEVEL']), redact: command.redact, emit });
  return { log, signal: host.signal, now: host.now, dial };
}

/** One CONNECTION_STATUS, whatever is wrong; a transient failure also as TRACE ERROR in front of it, so that a platform may retry. */
export async function check(command: Command, configPath: string): Promise<void> {
  let problems: readonly Problem[];
  let thrownError: ConnectorError | undefined;
  try {
    problems = await findProblems(command, configPath);
  } catch (thrown) {
    if (command.host.signal.aborted) throw thrown;
    const error = asConnectorError(thrown);
    problems = [{ code: error.code, detail: error.detail }];
    thrownError = error;
  }
  // A problem that the user has to mend makes a retry useless, whatever else there is.
  const [first] = problems.some(({ code }) => ERRORS[code].type === 'config_error') ? [] : problems;
  if (first !== undefined) {
    const error = thrownError ?? new ConnectorError(first.code, first.detail, { table: first.table });
    say(command, traceOf(error, command.redact, command.host.now()));
  }
  const status = problems.length === 0 ? ({ status: 'SUCCEEDED' } as const) : failed(problems, command.redact);
  say(command, { type: 'CONNECTION_STATUS', connectionStatus: status });
}

async function findProblems(command: Command, configPath: string): Promise<readonly Problem[]> {
  const loaded = await load(command, configPath);
  if ('problems' in loaded)
    return loaded.problems.map(problem => ({ code: 'CONFIG_INVALID', detail: inFile(configPath, problem) }));
  const context = contextOf(command, message => say(command, message));
  await using session = await loaded.engine.connect(loaded.config, context);
  const problems = await session.check();
  context.log.close();
  return problems;
}

export async function discover(command: Command, configPath: string): Promise<void> {
  const { engine, config } = await loadOrThrow(command, configPath);
  const context = contextOf(command, message => say(command, message));
  await using session: Session = await engine.connect(config, context);
  const { tables, failures } = await session.discover();
  for (const failure of failures.values()) throw failure;
  const { cursorColumn, originColumns } = engine;
  const options = { cursorColumn, originColumns, sharded: (await session.shards()).length > 1 };
  const streams = tables.map(table => offered(table, options));
  for (const reason of fullRefreshReasons(streams)) context.log.info(`Only as full refresh: ${reason}`);
  for (const notice of leftOutNotices(streams, options)) context.log.warn(notice);
  context.log.close();
  say(command, { type: 'CATALOG', catalog: { streams: streams.map(table => toStream(table, options)) } });
}

export interface ReadPaths {
  readonly config: string;
  readonly catalog: string;
  readonly state: string | undefined;
}

/** How long a log line may wait for company before it is sent. */
const LOG_DELAY_MILLIS = 200;

/** Everything goes through one buffer to stdout, the error included. Returns the exit code. Throws StdoutClosed. */
export async function readRecords(command: Command, paths: ReadPaths): Promise<number> {
  const { host } = command;
  const { engine, config } = await loadOrThrow(command, paths.config);
  const catalog = await loadCatalog(paths.catalog);
  const checkpoint = paths.state === undefined ? null : await loadState(paths.state, engine.name);
  const output = new Output(host.sink);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const context = contextOf(command, message => {
    output.message(message);
    // Between records, never inside one: a record is written without a pause. A failure is seen by the next drain.
    waiting ??= setTimeout(() => {
      waiting = undefined;
      output.drain().catch(() => {});
    }, LOG_DELAY_MILLIS);
  });
  // Every engine's schema is spread over these fields: see Engine.config.
  const common = config as z.output<z.ZodObject<typeof commonConfig>>;
  const work = read({
    engine,
    config,
    catalog,
    checkpoint,
    output,
    context,
    settings: {
      checkpointIntervalSeconds: common.checkpoint_interval_seconds,
      invalidPosition: common.invalid_position,
      stateType: common.state_type,
      seeds: startOfShards(common.starting_gtids),
      job: host.env['WORKER_JOB_ID'] ?? null,
    },
    terminal: host.terminal,
  });
  let failure: unknown;
  try {
    await withGrace(work, host.signal);
    failure = uncaught(host.signal);
  } catch (thrown) {
    failure = host.signal.aborted ? uncaught(host.signal) : thrown;
  }
  if (failure instanceof StdoutClosed) throw failure;
  context.log.close();
  clearTimeout(waiting);
  if (failure !== undefined) output.message(traceOf(asConnectorError(failure), command.redact, host.now()));
  await output.flush();
  return failure === undefined ? 0 : 1;
}

/** The error that nobody caught and that stopped the command; undefined when it was a signal, or nothing was. */
export function uncaught(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return signal.aborted && !(reason instanceof ConnectorError && reason.code === 'STOPPED') ? reason : undefined;
}

/** A stopped read flushes what it has and ends; one that does not within this time is left behind. */
const GRACE_MILLIS = 6_000;

export function withGrace<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      setTimeout(() => reject(signal.reason), GRACE_MILLIS).unref();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
