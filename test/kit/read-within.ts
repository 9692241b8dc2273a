import { run } from '../../src/cli/run.ts';
import type { Dial, Engine } from '../../src/contract/engine.ts';
import type { Platform } from './platform.ts';
import type { RunResult } from './run-connector.ts';
import { runWithin, type WithinOptions } from './run-within.ts';

export interface ReadOptions extends Pick<WithinOptions, 'config' | 'slowMilliseconds' | 'onLine'> {
  /** Opens the sockets instead of the connector's own way. */
  readonly dial?: Dial;
}

export interface LimitedRead<Limits> extends ReadOptions {
  /** Those that are other than the engine's own. */
  readonly limits: Partial<Limits>;
}

/** A read of a platform's connection within this process, by an engine that differs from the real one in what it waits for. */
export const readWithin = <Config>(platform: Platform, engine: Engine<Config>, options: ReadOptions): Promise<RunResult> => {
  const { dial, ...rest } = options;
  const dialing: Engine<Config> = {
    ...engine,
    connect: (config, context) => engine.connect(config, { ...context, dial: dial ?? context.dial }),
  };
  const engines = { [engine.name]: () => Promise.resolve(dialing as Engine) };
  return runWithin({ ...platform.input(), ...rest }, host => run(host, engines));
};
