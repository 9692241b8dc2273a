import type { EngineContext } from '../../src/contract/engine.ts';
import type { EpochMillis } from '../../src/contract/ids.ts';
import { dial } from '../../src/net/dial.ts';

export interface Logged {
  readonly context: EngineContext;
  /** `level: message`, debug left out. */
  readonly lines: string[];
}

/** What the core hands to an engine, with a memory of what was logged. */
export function engineContext(signal: AbortSignal = new AbortController().signal): Logged {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level}: ${message}`);
    };
  const log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  return { context: { log, signal, now: () => Date.now() as EpochMillis, dial }, lines };
}
