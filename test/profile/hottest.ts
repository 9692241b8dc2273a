/** What Node writes with --cpu-prof, as far as it is used here: the "Profile" type of Chrome's DevTools protocol. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  /** Ids of nodes, one for each sample. */
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[];
}

export type CallFrame = CpuProfile['nodes'][number]['callFrame'];
/** Where a function stands, for people. */
export type Locate = (frame: CallFrame) => string;

export interface HotFunction {
  readonly name: string;
  /** Milliseconds in the function itself, without what it calls. */
  readonly millis: number;
  /** Share of the time in which the process was not idle. */
  readonly share: number;
}

/** Node's own entries for time that is nobody's work. */
const IDLE = new Set(['(idle)']);

/** The functions in which a process spent most of its time, the hottest first. */
export function hottest({ nodes, samples, timeDeltas }: CpuProfile, locate: Locate, count = 10): readonly HotFunction[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame, locate)]));
  const micros = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)';
    if (IDLE.has(name)) continue;
    // The time until the next sample is what the function at hand took.
    const took = timeDeltas[index + 1] ?? 0;
    busy += took;
    micros.set(name, (micros.get(name) ?? 0) + took);
  }
  return [...micros]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, took]) => ({ name, millis: took / 1000, share: busy === 0 ? 0 : took / busy }));
}

function nameOf(frame: CallFrame, locate: Locate): string {
  const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
  return frame.url === '' ? name : `${name}  ${locate(frame)}`;
}
