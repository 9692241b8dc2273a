import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../src/cli/run.ts';
import type { Dial, Engine } from '../../../src/contract/engine.ts';
import type { EpochMillis } from '../../../src/contract/ids.ts';
import type { PostgresConfig } from '../../../src/engines/postgres/config.ts';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { LIMITS, type Limits } from '../../../src/engines/postgres/limits.ts';
import { openSession } from '../../../src/engines/postgres/session.ts';
import { repository } from '../../kit/paths.ts';
import type { Platform } from '../../kit/platform.ts';
import { type RunResult, summarise } from '../../kit/run-connector.ts';
import { sleep } from '../../kit/servers/process.ts';

export interface LimitedRead {
  readonly limits: Partial<Limits>;
  readonly config?: unknown;
  /** Opens the sockets instead of the connector's own way. */
  readonly dial?: Dial;
  /** How long stdout takes for the first large piece that it is given. */
  readonly slowMilliseconds?: number;
  readonly onLine?: (line: string) => void;
}

/** A read as the executable does it, but within this process, and with other limits to its patience. */
export const readWithin = async (platform: Platform, options: LimitedRead): Promise<RunResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-limited-'));
  const path = async (name: string, content: unknown): Promise<string> => {
    await writeFile(join(folder, name), JSON.stringify(content));
    return join(folder, name);
  };
  const engine: Engine<PostgresConfig> = {
    ...postgres,
    connect: (config, context) =>
      openSession(config, { ...context, dial: options.dial ?? context.dial }, { ...LIMITS, ...options.limits }),
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
      { postgres: () => Promise.resolve(engine as Engine) },
    );
    const end = { exitCode, signal: null, partialLine: '', stdoutClosed: false, invalidUtf8: false, stderr: '' };
    return { ...summarise(text.split('\n').slice(0, -1)), ...end, command: 'read', milliseconds: performance.now() - began };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
