import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Host } from '../../src/cli/host.ts';
import type { EpochMillis } from '../../src/contract/ids.ts';
import { builtCli } from './build-cli.ts';
import type { Catalog } from './messages.ts';
import { repository } from './paths.ts';
import {
  describeRun,
  endless,
  environment,
  expectSuccess,
  type RunOptions,
  type RunResult,
  runConnector,
  TIMEOUT_MILLIS,
  withInput,
} from './run-connector.ts';
import { RunOutput, summarise } from './run-output.ts';
import { sleep } from './servers/process.ts';

export interface WithinOptions
  extends Pick<RunOptions, 'command' | 'config' | 'catalog' | 'state' | 'env' | 'timeoutMilliseconds'> {
  /** How long stdout takes for the first large piece that it is given. */
  readonly slowMilliseconds?: number;
  readonly onLine?: (line: string) => void;
}

type Command = (host: Host) => Promise<number>;

const LARGE_PIECE_BYTES = 100_000;

let loaded: Promise<Command> | null = null;

/** The commands of the built connector: the chunk that its main.js loads for all but `spec`. */
const builtCommand = (): Promise<Command> => {
  loaded ??= builtCli().then(async main => {
    const folder = dirname(main);
    const chunk = readdirSync(folder).find(name => /^run-\w+\.js$/.test(name));
    if (chunk === undefined) throw new Error(`no run-….js in ${folder}`);
    const { run } = (await import(pathToFileURL(join(folder, chunk)).href)) as { run: Command };
    return run;
  });
  return loaded;
};

/**
 * Runs the connector as `runConnector` does, but within this process, which saves the start: most of what a short run takes.
 * `command` is run instead of what was built.
 */
export const runWithin = (options: WithinOptions, command?: Command): Promise<RunResult> =>
  withInput(options, async args => {
    const run = command ?? (await builtCommand());
    const output = new RunOutput(line => options.onLine?.(line));
    let pause = options.slowMilliseconds ?? 0;
    const stop = new AbortController();
    const began = performance.now();
    const running = run({
      args,
      env: { ...environment, ...options.env },
      now: () => Date.now() as EpochMillis,
      print: text => output.take(Buffer.from(text)),
      sink: async bytes => {
        output.take(Buffer.from(bytes));
        if (bytes.length < LARGE_PIECE_BYTES) return;
        await sleep(pause);
        pause = 0;
      },
      terminal: null,
      specification: () => readFileSync(join(repository, 'spec/spec.json'), 'utf8'),
      signal: stop.signal,
    });
    const timer = setTimeout(() => {
      stop.abort(new Error(endless(args, output.lines)));
    }, options.timeoutMilliseconds ?? TIMEOUT_MILLIS);
    const exitCode = await running;
    clearTimeout(timer);
    if (stop.signal.aborted) throw stop.signal.reason;
    const { lines, partialLine, invalidUtf8 } = output;
    const end = { command: options.command, exitCode, signal: null, partialLine, stdoutClosed: false, invalidUtf8, stderr: '' };
    return { ...summarise(lines), ...end, milliseconds: performance.now() - began };
  });

/** Whether a run has to be a process: something is done to it as one, or an executable was given to be tested. */
const needsProcess = (options: RunOptions): boolean =>
  process.env['TRIBUTARY_CLI'] !== undefined ||
  [options.killAfter, options.slowReader, options.closeStdoutAfterLines, options.onLine, options.args].some(
    option => option !== undefined,
  ) ||
  options.keepRecords === false;

/** Runs the connector within this process where nothing is done to it that only a process can bear, else as a process. */
export const runEither = (options: RunOptions): Promise<RunResult> => {
  if (needsProcess(options)) return runConnector(options);
  const { onLine: _, ...rest } = options;
  return runWithin(rest);
};

/** The catalog that `discover` prints; throws when there is none. */
export const discoverCatalog = async (config: unknown): Promise<Catalog> => {
  const run = expectSuccess(await runEither({ command: 'discover', config }));
  const catalog = run.messages.find(message => message?.type === 'CATALOG')?.catalog;
  if (catalog === undefined) throw new Error(`no CATALOG\n${describeRun(run)}`);
  return catalog;
};
