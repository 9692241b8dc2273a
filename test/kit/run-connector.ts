import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCli } from './build-cli.ts';
import type { ConfiguredCatalog } from './messages.ts';
import { RunOutput, type Summary, summarise } from './run-output.ts';

export const TIMEOUT_MILLIS = 60_000;

export interface RunOptions {
  readonly command: 'spec' | 'check' | 'discover' | 'read';
  /** Objects are written as JSON, strings as they are, into files of their own. */
  readonly config?: unknown;
  readonly catalog?: ConfiguredCatalog | unknown;
  readonly state?: unknown;
  /** Further arguments. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** False: RECORD lines are shown to `onLine` and then forgotten, for runs of millions of them. */
  readonly keepRecords?: boolean;
  /** Called for each whole line of stdout; may act on the running process. */
  readonly onLine?: (line: string, run: Running) => void;
  /** Sends `signal` (SIGKILL unless told) at the first of the named moments, counted from the start of the process. */
  readonly killAfter?: {
    readonly lines?: number;
    readonly milliseconds?: number;
    readonly when?: (line: string, lines: number) => boolean;
    readonly signal?: NodeJS.Signals;
  };
  /** Stops reading stdout for a while after so many lines: what a slow destination does. */
  readonly slowReader?: { readonly afterLines: number; readonly milliseconds: number };
  /** Closes our end of stdout after so many lines: what a destination that died does. */
  readonly closeStdoutAfterLines?: number;
  /** After this long the process is killed and the run throws. Default: TIMEOUT_MILLIS. */
  readonly timeoutMilliseconds?: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  kill(signal: NodeJS.Signals): void;
}

export interface RunResult extends Summary {
  readonly command: RunOptions['command'];
  /** Null when the process ended by a signal. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether a whole line held bytes that are not UTF-8. */
  readonly invalidUtf8: boolean;
  /** What stood after the last line feed: empty unless the process was cut off. */
  readonly partialLine: string;
  /** Whether we closed our end of stdout: then there is no orderly end to expect. */
  readonly stdoutClosed: boolean;
  readonly stderr: string;
  readonly milliseconds: number;
}

/**
 * What the connector sees of our environment. Not the certificates that this machine trusts besides: no test may hang on
 * them, and to read them takes Node 20 longer than it needs to start.
 */
const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
export const environment: Readonly<Record<string, string | undefined>> = inherited;

/** Writes a run's input into files of a folder of its own, and hands over the arguments that name them. */
export const withInput = async <Result>(
  options: RunOptions,
  body: (args: string[], folder: string) => Promise<Result>,
): Promise<Result> => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-run-'));
  try {
    const args: string[] = [options.command];
    for (const name of ['config', 'catalog', 'state'] as const) {
      const content = options[name];
      if (content === undefined) continue;
      const path = join(folder, `${name}.json`);
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
      args.push(`--${name}`, path);
    }
    return await body([...args, ...(options.args ?? [])], folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Runs the connector as a platform would: a process of its own, its input in files, its output by a pipe. */
export const runConnector = async (options: RunOptions): Promise<RunResult> => {
  const executable = await builtCli();
  return withInput(options, (args, folder) => spawnAndRead(executable, args, folder, options));
};

const spawnAndRead = (executable: string, args: string[], folder: string, options: RunOptions): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const [file, all] = executable.endsWith('.js') ? [process.execPath, [executable, ...args]] : [executable, args];
    const startedAt = performance.now();
    const env = { ...environment, ...options.env };
    const child = spawn(file, all, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    let timedOut = false;
    const { killAfter, slowReader, closeStdoutAfterLines } = options;
    const output = new RunOutput((line, count) => {
      options.onLine?.(line, run);
      if (killAfter?.lines === count || killAfter?.when?.(line, count) === true) child.kill(deathSignal);
      if (slowReader?.afterLines === count) {
        child.stdout.pause();
        after(slowReader.milliseconds, () => child.stdout.resume());
      }
      if (closeStdoutAfterLines === count) child.stdout.destroy();
    }, options.keepRecords);
    const run: Running = { child, lines: output.lines, kill: signal => child.kill(signal) };
    const deathSignal = killAfter?.signal ?? 'SIGKILL';
    const timers: NodeJS.Timeout[] = [];
    const after = (milliseconds: number, action: () => void): void => {
      timers.push(setTimeout(action, milliseconds));
    };
    if (killAfter?.milliseconds !== undefined) after(killAfter.milliseconds, () => child.kill(deathSignal));
    after(options.timeoutMilliseconds ?? TIMEOUT_MILLIS, () => {
      timedOut = true;
      child.kill('SIGKILL');
    });
    child.stdout.on('data', (piece: Buffer) => output.take(piece));
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      stderr += text;
    });
    const finish = (action: () => void): void => {
      for (const timer of timers) clearTimeout(timer);
      action();
    };
    child.on('error', error => finish(() => reject(error)));
    child.on('close', (exitCode, signal) =>
      finish(() => {
        const milliseconds = performance.now() - startedAt;
        const { lines, count, partialLine, invalidUtf8 } = output;
        if (timedOut) {
          reject(new Error(`${endless(args, lines)}\n${stderr.slice(-2000)}`));
          return;
        }
        const stdoutClosed = closeStdoutAfterLines !== undefined && count >= closeStdoutAfterLines;
        const end = { command: options.command, exitCode, signal, partialLine, stdoutClosed, invalidUtf8, stderr, milliseconds };
        resolve({ ...summarise(lines), ...end });
      }),
    );
  });

/** What is said of a run that did not end in time. */
export const endless = ([command]: readonly string[], lines: readonly string[]): string => {
  const tail = lines.slice(-5).map(line => line.slice(0, 500));
  return `${command} did not end in time; ${lines.length} lines, last:\n${tail.join('\n')}`;
};

/** A run for people to read: what a failing test shows. */
export const describeRun = (run: RunResult): string => {
  const errors = run.traces.flatMap(trace => (trace.error === undefined ? [] : JSON.stringify(trace.error)));
  const end = run.signal ?? `exit code ${run.exitCode}`;
  const counts = `${run.records.length} records, ${run.states.length} states, ${Math.round(run.milliseconds)} ms`;
  return [`${run.command}: ${end}, ${counts}`, ...errors, ...run.logs.slice(-10), run.stderr.slice(-3000)].join('\n');
};

/** Throws, showing the run, unless it ended with exit code 0. */
export const expectSuccess = (run: RunResult): RunResult => {
  if (run.exitCode !== 0) throw new Error(`expected exit code 0\n${describeRun(run)}`);
  return run;
};
