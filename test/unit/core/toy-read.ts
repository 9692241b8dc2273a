import type { EpochMillis, ShardId } from '../../../src/contract/ids.ts';
import { Output } from '../../../src/core/output.ts';
import { type ReadSettings, read } from '../../../src/core/read.ts';
import { dial } from '../../../src/net/dial.ts';
import { toConfiguredCatalog } from '../../../src/protocol/catalog.ts';
import { parseState } from '../../../src/protocol/state.ts';
import { fullState } from '../../kit/catalog.ts';
import type { Message, StateBody } from '../../kit/messages.ts';
import { type ToyServer, toyEngine } from './toy.ts';

export interface ToyRun {
  readonly messages: readonly Message[];
  readonly logs: readonly string[];
  /** What the read threw. */
  readonly error: unknown;
}

export interface ToyRequest {
  readonly shards: Readonly<Record<string, ToyServer>>;
  readonly modes: Readonly<Record<string, 'incremental' | 'full_refresh'>>;
  readonly state?: readonly StateBody[];
  readonly settings?: Partial<ReadSettings>;
  readonly terminal?: (text: string) => void;
}

/** One read of the core over servers in memory, with a STATE at every safe place unless told. */
export async function toyRead({ shards, modes, state = [], settings, terminal }: ToyRequest): Promise<ToyRun> {
  let text = '';
  const logs: string[] = [];
  const note = (line: string): void => {
    logs.push(line);
  };
  const output = new Output(bytes => {
    text += bytes.toString();
    return Promise.resolve();
  });
  const streams = Object.entries(modes).map(([name, sync_mode]) => ({ stream: { name }, sync_mode }));
  let error: unknown;
  try {
    await read({
      engine: toyEngine(shards),
      config: null,
      catalog: toConfiguredCatalog({ streams }),
      checkpoint: parseState(JSON.stringify(state), 'toy'),
      output,
      context: {
        log: { debug: note, info: note, warn: note, error: note },
        signal: new AbortController().signal,
        now: () => Date.now() as EpochMillis,
        dial,
      },
      settings: {
        checkpointIntervalSeconds: 0,
        invalidPosition: 'fail',
        stateType: 'global',
        seeds: new Map<ShardId, string>(),
        job: null,
        ...settings,
      },
      terminal: terminal ?? null,
    });
  } catch (thrown) {
    error = thrown;
  }
  const lines = text.split('\n').slice(0, -1);
  return { messages: lines.map(line => JSON.parse(line) as Message), logs, error };
}

export const statesOf = (run: ToyRun): readonly StateBody[] => run.messages.flatMap(message => message.state ?? []);

/** `stream id text key`, of the records of a run. */
export const recordsOf = (
  run: ToyRun,
): readonly { readonly stream: string; readonly id: number; readonly text: string | null }[] =>
  run.messages.flatMap(({ record }) =>
    record === undefined
      ? []
      : [{ stream: record.stream, id: Number(record.data['id']), text: (record.data['text'] as string | undefined) ?? null }],
  );

/** What a platform has stored once all STATE lines of these runs have come. */
export const stored = (...runs: readonly ToyRun[]): StateBody[] => fullState(runs.flatMap(statesOf));
