/** The commands with a host and an engine that are made up: nothing connects anywhere. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { Host } from '../../../src/cli/host.ts';
import { run } from '../../../src/cli/run.ts';
import type { Engine, Problem, Session } from '../../../src/contract/engine.ts';
import type { EpochMillis } from '../../../src/contract/ids.ts';
import type { Table } from '../../../src/contract/table.ts';
import { postgres } from '../../../src/engines/postgres/index.ts';
import { repository } from '../../kit/paths.ts';

export const folder = mkdtempSync(join(inject('scratch'), 'run-'));
let files = 0;
export function file(content: string | Uint8Array): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, content);
  return path;
}

export const SECRET = 'wonder"land';
export const config = file(
  JSON.stringify({
    source: { engine: 'postgres', host: 'db', database: 'shop', username: 'reader', password: SECRET },
    ssl_mode: { mode: 'disable' },
  }),
);
export const catalog = file('{"streams":[{"stream":{"name":"orders","namespace":"public"},"sync_mode":"incremental"}]}');

export interface Outcome {
  readonly code: number;
  readonly text: string;
  readonly messages: readonly { readonly type: string; readonly [key: string]: unknown }[];
}

export interface Fake {
  readonly check?: () => Promise<readonly Problem[]>;
  readonly discover?: () => Promise<readonly Table[]>;
  readonly connect?: Engine['connect'];
  readonly shards?: number;
}

export async function connector(args: readonly string[], fake: Fake = {}, overrides: Partial<Host> = {}): Promise<Outcome> {
  let text = '';
  const session: Session = {
    check: fake.check ?? (() => Promise.resolve([])),
    discover: async () => ({ tables: (await fake.discover?.()) ?? [], failures: new Map() }),
    shards: () => Promise.resolve(Array.from({ length: fake.shards ?? 1 }, () => ({}) as never)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const engine: Engine = { ...postgres, connect: fake.connect ?? (() => Promise.resolve(session)) };
  const code = await run(
    {
      args,
      env: {},
      now: () => 1_700_000_000_000 as EpochMillis,
      print: line => {
        text += line;
      },
      sink: bytes => {
        text += bytes.toString();
        return Promise.resolve();
      },
      terminal: null,
      specification: () => readFileSync(join(repository, 'spec/spec.json'), 'utf8'),
      signal: new AbortController().signal,
      ...overrides,
    },
    { postgres: () => Promise.resolve(engine) },
  );
  const lines = text.split('\n').slice(0, -1);
  const isText = args.includes('--help') || (args[0] === 'inspect' && code === 0);
  return {
    code,
    text,
    messages: isText ? [] : lines.map(line => JSON.parse(line) as Outcome['messages'][number]),
  };
}

export const statusText = (message: unknown): string =>
  (message as { connectionStatus: { message: string } }).connectionStatus.message;
export const refusing = (error: unknown): Fake => ({ connect: () => Promise.reject(error) });
export const traceError = (fields: object): object => ({ type: 'TRACE', trace: { type: 'ERROR', error: fields } });
