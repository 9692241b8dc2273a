import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One finished command. */
export interface Measured {
  readonly seconds: number;
  /** User and system time of the process itself, in seconds. */
  readonly cpuSeconds: number;
  /** Peak resident memory in MB. */
  readonly rssMb: number;
  /** Bytes on stdout. */
  readonly bytes: number;
  /** The last line on stdout that holds `"STATE"`, if any. */
  readonly state: string | null;
}

export interface CommandOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Keep the last STATE line; costs a little reading. */
  readonly wantState?: boolean;
  /** Count the bytes on stdout. */
  readonly wantBytes?: boolean;
}

const SAMPLE_MILLIS = 20;

/** Runs a command with stdout read by us and thrown away; throws with its stderr when it fails. */
export async function measure(command: readonly [string, ...string[]], options: CommandOptions = {}): Promise<Measured> {
  const [file, ...args] = command;
  const began = process.hrtime.bigint();
  // To nowhere, as a limit is measured: who reads a pipe takes time from the server on a machine of two cores.
  const stdout = options.wantState === true || options.wantBytes === true ? 'pipe' : 'ignore';
  const child = spawn(file, args, { stdio: ['ignore', stdout, 'pipe'], env: { ...process.env, ...options.environment } });
  let bytes = 0;
  let stderr = '';
  let tail = Buffer.alloc(0);
  let state: string | null = null;
  let peak: { rssMb: number; cpuSeconds: number } = { rssMb: 0, cpuSeconds: 0 };
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (options.wantState !== true) return;
    const joined = Buffer.concat([tail, chunk]);
    const last = joined.lastIndexOf(0x0a);
    for (const line of joined
      .subarray(0, last + 1)
      .toString('utf8')
      .split('\n'))
      if (line.startsWith('{"type":"STATE"')) state = line;
    tail = Buffer.from(joined.subarray(last + 1));
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const sampler = setInterval(() => {
    peak = sample(child.pid) ?? peak;
  }, SAMPLE_MILLIS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearInterval(sampler);
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr.slice(-2000)}`);
  return { seconds, bytes, state, ...peak };
}

/** VmHWM never goes down and the times only up, so the last sample is the peak (Linux; elsewhere zeros). */
function sample(pid: number | undefined): { rssMb: number; cpuSeconds: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const peak = /VmHWM:\s+(\d+)/.exec(status)?.[1];
    return peak === undefined ? null : { rssMb: Number(peak) / 1024, cpuSeconds: ticks / 100 };
  } catch {
    return null;
  }
}

const IDLE_CPU = 0.02;
const IDLE_CHECKS = 60;

/** Waits until a process has nothing to do: a server goes on for a while with what was written. A minute at most. */
export async function untilIdle(pid: number | undefined): Promise<void> {
  for (let before = Number.NaN, left = IDLE_CHECKS; left > 0; left--) {
    const now = sample(pid)?.cpuSeconds ?? 0;
    if (now - before <= IDLE_CPU) return;
    before = now;
    await new Promise(resolve => setTimeout(resolve, 1000));
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Runs both in turn, so that a machine that changes its pace changes it for both; the ratio is the median of the pairs'. */
export async function inTurn(
  rounds: number,
  limit: () => Promise<Measured>,
  ours: () => Promise<Measured>,
): Promise<{ limit: readonly Measured[]; ours: readonly Measured[]; ratio: number }> {
  const limits: Measured[] = [];
  const own: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    limits.push(await limit());
    own.push(await ours());
  }
  const ratio = median(own.map((each, at) => each.seconds / (limits[at]?.seconds ?? Number.NaN)));
  return { limit: limits, ours: own, ratio };
}
