/** The edge of the process: arguments, stdout, signals, exit code. The only user of `process`. */
import { Console } from 'node:console';
import { readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import type { EpochMillis } from './contract/ids.ts';

const STDOUT = 1;
const STDERR = 2;
/** A platform that asks a process to end kills it after 10 seconds. */
const HARD_STOP_MILLIS = 8_000;
const EAGAIN_PAUSE_MILLIS = 5;

const args = process.argv.slice(2);
// `spec` has to be quick: nothing but this file is loaded for it.
if (!(args.length === 1 && args[0] === 'spec' && printSpec())) await main();

/** False when that did not work: then the long way says why. */
function printSpec(): boolean {
  try {
    writeWhole(STDOUT, `{"type":"SPEC","spec":${JSON.stringify(JSON.parse(specification()))}}\n`);
    return true;
  } catch (error) {
    return isBrokenPipe(error);
  }
}

async function main(): Promise<void> {
  // Drivers print warnings. Stdout carries nothing but messages; and a stream object of Node's is never made for it,
  // since that would make the descriptor non-blocking.
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      note(chunk.toString());
      done();
    },
  });
  globalThis.console = new Console(stderr);

  const [{ run, stopped }, { StdoutClosed }, { descriptorSink }] = await Promise.all([
    import('./cli/run.ts'),
    import('./cli/host.ts'),
    import('./core/output.ts'),
  ]);
  const stop = new AbortController();
  let received: NodeJS.Signals | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (received !== undefined) dieOf(signal);
      received = signal;
      stop.abort(stopped(signal));
      setTimeout(() => dieOf(signal), HARD_STOP_MILLIS);
    });
  }
  const onUncaught = (error: unknown): void => {
    if (stop.signal.aborted) return;
    stop.abort(error instanceof Error ? error : new Error(String(error)));
    setTimeout(() => {
      note(`source-tributary: ${String(error)}\n`);
      // Not by exit(): that waits for the write to stdout that nobody takes.
      process.kill(process.pid, 'SIGKILL');
    }, HARD_STOP_MILLIS);
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);

  const toStdout = descriptorSink(STDOUT);
  const code = await run({
    args,
    env: process.env,
    now: () => Date.now() as EpochMillis,
    print: text => {
      try {
        writeWhole(STDOUT, text);
      } catch (error) {
        throw isBrokenPipe(error) ? new StdoutClosed(error) : error;
      }
    },
    sink: async bytes => {
      try {
        await toStdout(bytes);
      } catch (error) {
        throw isBrokenPipe(error) ? new StdoutClosed(error) : error;
      }
    },
    terminal: isatty(STDERR) ? note : null,
    specification,
    signal: stop.signal,
  });
  if (received !== undefined) dieOf(received);
  else process.exit(code);
}

/** Ends as the signal would have ended us: a parent can tell. The kernel spares process 1, so that one exits by number. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
}

/** Beside main.js in a build, one folder up from the source, or where `.config/run.mjs` says that the repository is. */
function specification(): string {
  const root = process.env['TRIBUTARY_ROOT'];
  const places = [new URL('./spec/spec.json', import.meta.url), new URL('../spec/spec.json', import.meta.url)].map(url =>
    fileURLToPath(url),
  );
  if (root !== undefined) places.push(`${root}/spec/spec.json`);
  for (const place of places) {
    try {
      return readFileSync(place, 'utf8');
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`spec.json is not at ${places.join(' nor at ')}`);
}

/** For people; when nobody listens, that is no failure. */
function note(text: string): void {
  try {
    writeWhole(STDERR, text);
  } catch {
    return;
  }
}

/** EAGAIN comes when whoever started us made the pipe non-blocking. */
function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EAGAIN_PAUSE_MILLIS);
    }
  }
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
