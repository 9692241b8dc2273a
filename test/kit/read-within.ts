import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/run.ts';
import type { Dial, Engine } from '../../src/contract/engine.ts';
import type { EpochMillis } from '../../src/contract/ids.ts';
import { repository } from './paths.ts';
import type { Platform } from './platform.ts';
import { type RunResult, summarise } from './run-connector.ts';
import { sleep } from './servers/process.ts';

export interface ReadOptions {
  readonly config?: unknown;
  /** Opens the sockets instead of the connector's own way. */
  readonly dial?: Dial;
  /** How long stdout takes for the first large piece that it is given. */
  readonly slowMilliseconds?: number;
  readonly onLine?: (line: string) => void;
}

export interface LimitedRead<Limits> extends ReadOptions {
  /** Those that are other than the engine's own. */
  readonly limits: Partial<Limits>;
}

/** A read as the executable does it, but within this process, by an engine that differs from the real one in what it waits for. */
export const readWithin = async <Config>(
  platform: Platform,
  engine: Engine<Config>,
  options: ReadOptions,
): Promise<RunResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-limited-'));
  const path = async (name: string, content: unknown): Promise<string> => {
    await writeFile(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const dialing: Engine<Config> = {
    ...engine,
    connect: (config, context) => engine.connect(config, { ...context, dial: options.dial ?? context.dial }),
  };
  const args = ['read', '--config', await path('config', options.config ?? platform.config)];
  args.push('--catalog', await path('catalog', platform.catalog));
  if (platform.stored.length > 0) args.push('--state', await path('state', platform.stored));
  let text = '';
  let pause = options.slowMilliseconds ?? 0;
  const take = (piece: string): void => {
    text += piece;
    for (const line of piece.split('\n')) options.onLine?.(line);
  };
  const began = performance.now();
  try {
    const exitCode = await run(
      {
        args,
        env: {},
        now: () => Date.now() as EpochMillis,
        print: take,
        sink: async bytes => {
          take(bytes.toString());
          if (bytes.length < 100_000) return;
          await sleep(pause);
          pause = 0;
        },
        terminal: null,
        specification: () => readFileSync(join(repository, 'spec/spec.json'), 'utf8'),
        signal: new AbortController().signal,
      },
      { [engine.name]: () => Promise.resolve(dialing as Engine) },
    );
    const end = { exitCode, signal: null, partialLine: '', stdoutClosed: false, invalidUtf8: false, stderr: '' };
    return { ...summarise(text.split('\n').slice(0, -1)), ...end, command: 'read', milliseconds: performance.now() - began };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
