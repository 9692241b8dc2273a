import { writeFileSync } from 'node:fs';
import { type Measured, measure, median } from './measure.ts';

/** One line of the table: what was done, against what, how often as long. */
export interface BenchRow {
  readonly job: string;
  readonly limit: string;
  readonly limitSeconds: number | null;
  readonly seconds: number;
  readonly ratio: number | null;
  readonly goal: string;
  readonly met: boolean;
  readonly rate: string;
  readonly rssMb: number;
}

export interface BenchOptions {
  readonly rows: number;
  readonly changes: number;
  readonly rounds: number;
}

export const rate = (count: number, seconds: number): string => `${Math.round(count / seconds / 1000)} k rows/s`;

/** Ours against the limit, in turn. */
export function row(
  job: string,
  limitName: string,
  limit: readonly Measured[],
  ours: readonly Measured[],
  ratio: number,
  goal: number,
  speed: string,
): BenchRow {
  const { rssMb } = middle(ours);
  return {
    job,
    limit: limitName,
    limitSeconds: median(limit.map(each => each.seconds)),
    seconds: median(ours.map(each => each.seconds)),
    ratio,
    goal: `≤ ${goal} ×, RSS ≤ 150 MB`,
    met: ratio <= goal && rssMb <= 150,
    rate: speed,
    rssMb,
  };
}

/** A figure of ours alone. */
export const alone = (job: string, done: Measured, goal: string, met: boolean, speed: string): BenchRow => ({
  job,
  limit: '',
  limitSeconds: null,
  seconds: done.seconds,
  ratio: null,
  goal,
  met,
  rate: speed,
  rssMb: done.rssMb,
});

export function middle(runs: readonly Measured[]): Measured {
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds);
  const found = sorted[sorted.length >> 1];
  if (found === undefined) throw new Error('nothing was measured');
  return found;
}

export function stateOf(run: Measured): string {
  if (run.state === null) throw new Error('the read printed no STATE');
  return JSON.stringify((JSON.parse(run.state) as { state: unknown }).state);
}

/** A read that finds nothing new, again and again from the last state; the first round warms up and is not counted. */
export async function nothingNew(read: readonly [string, ...string[]], statePath: string, rounds: number): Promise<BenchRow> {
  let last = await measure(read, { wantState: true });
  const runs: Measured[] = [];
  for (let round = 0; round < rounds + 1; round++) {
    writeFileSync(statePath, `[${stateOf(last)}]`);
    last = await measure([...read, '--state', statePath], { wantState: true });
    if (round > 0) runs.push(last);
  }
  const done = middle(runs);
  return alone('nothing new', done, '≤ 0.5 s', done.seconds <= 0.5, '');
}
