import { appendFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { TestBackend, TestDatabase } from './backend.ts';
import { phaseOf } from './destination.ts';
import { isRecord, isState, type StateBody } from './messages.ts';
import { Platform } from './platform.ts';
import { Random, seedOfRun } from './random.ts';
import { describeRun, type RunOptions, type RunResult } from './run-connector.ts';
import { sleep } from './servers/process.ts';
import { fill, Workload, workloadTables } from './workload.ts';

export interface KillRunOptions {
  readonly backend: TestBackend;
  /** How often the connector is killed. */
  readonly kills: number;
  readonly seed: number;
  /** Rows in each table at the beginning. */
  readonly rows?: number;
}

export interface KillReport {
  /** The server's. */
  version: string;
  seed: number;
  kills: number;
  /** Runs that came to their end before the kill. */
  completed: number;
  /** Runs that ended with a transient error, and were simply started again. */
  transient: number;
  /** Kills before a table's snapshot was over, and kills when all tables were streaming, as far as the states say. */
  inSnapshot: number;
  inLog: number;
  /** Kills after which the destination had stored less than was printed. */
  olderStates: number;
  clearedStreams: number;
  records: number;
  /** Changes that the workload made meanwhile. */
  changes: number;
}

/**
 * How many kills there are for each version of a server: few in CI, where every run has another seed, and a thousand in
 * `npm run test:long`.
 */
export const killsOfRun = Number(process.env['TRIBUTARY_KILLS'] ?? 40);

/** Rows in each table, so that a snapshot takes long enough to be met by a kill. */
const ROWS = 1500;

/** The test of an engine. The report goes to the terminal, and as a line of JSON to the file TRIBUTARY_KILL_REPORT. */
export function killTest(backend: TestBackend, kills = killsOfRun): void {
  it(
    `${backend.label}: loses no row and keeps none too many over ${kills} kills`,
    async () => {
      const report = await killRun({ backend, kills, seed: seedOfRun(), rows: ROWS });
      const line = JSON.stringify({ label: backend.label, ...report });
      console.log(line);
      const file = process.env['TRIBUTARY_KILL_REPORT'];
      if (file !== undefined) appendFileSync(file, `${line}\n`);
      expect(report.kills).toBe(kills);
      // A run that never met a snapshot, or never the log, has proven little.
      expect(report.inSnapshot).toBeGreaterThan(kills / 10);
      expect(report.inLog).toBeGreaterThan(kills / 10);
    },
    60_000 + kills * 6000,
  );
}

const allStreaming = (line: string): boolean => isState(line) && line.split('"phase":"streaming"').length > workloadTables.length;

interface KillChoice {
  /** How long a run takes that comes to its end, and what such a run prints when there is nothing but the log to read. */
  readonly usual: { milliseconds: number; changes: number; states: number };
  /** Where no other moment will do: runs that end before it prove nothing more. */
  readonly only: 'snapshot' | 'log' | null;
  /** All tables are streaming when the run begins. */
  readonly streaming: boolean;
  /** Rows of a table. */
  readonly rows: number;
}

/**
 * When a run is killed: after a time, after so many lines, behind a STATE, in the middle of records, or, so that the log
 * gets its share, some records or states after all snapshots are over.
 */
const killMoment = (random: Random, { usual, only, streaming, rows }: KillChoice): NonNullable<RunOptions['killAfter']> => {
  if (only === 'snapshot') return { lines: random.between(1, rows) };
  const dice = only === 'log' ? 1 : random.next();
  if (dice < 0.2) return { milliseconds: random.between(1, Math.ceil(usual.milliseconds)) };
  if (dice < 0.35) return { lines: random.magnitude(1, streaming ? Math.ceil(usual.changes) : 2 * rows) };
  const behindState = random.chance(0.4);
  let left = random.magnitude(1, Math.ceil(behindState ? usual.states : usual.changes));
  let armed = dice < 0.45 || streaming;
  return {
    when: line => {
      if (!armed && allStreaming(line)) armed = true;
      else if (armed && (behindState ? isState(line) : isRecord(line))) left--;
      return armed && left <= 0;
    },
  };
};

const inSnapshot = (states: readonly StateBody[]): boolean =>
  workloadTables.some(table => phaseOf(states, table.name) !== 'streaming');

/** Which STATE of a killed run the platform has stored: mostly the last, sometimes an older one, sometimes none. */
const storedOrdinal = (random: Random, run: RunResult): number => {
  const last = run.states.length - 1;
  const dice = random.next();
  if (dice < 0.6 || last < 0) return last;
  return dice < 0.85 ? random.between(0, last) : -1;
};

/**
 * A long life of a connection, in which the connector is killed (SIGKILL) again and again at moments that the seed
 * chooses, in snapshots and in the log, and started again with the state that the platform has stored, which may be older
 * than the last one printed; now and then a stream is cleared, so that it is read anew. Rows live on all the while.
 * At the end the database stands still, one read comes to its end, and both destinations must equal the database row
 * for row. Every run must keep every invariant. Throws with the seed when something is wrong.
 *
 * The seed fixes all choices; how they meet in time is up to the machine, so a replay is a strong hint, not a proof.
 */
export const killRun = async (options: KillRunOptions): Promise<KillReport> => {
  const { seed, backend } = options;
  const database = await backend.open();
  try {
    const report = await live(options, database);
    await database.drop();
    return report;
  } catch (error) {
    // The database stays for a look; its name is in the config.
    const replay = `TRIBUTARY_SEED=${seed} npm run test:servers -- kill`;
    throw new Error(`${backend.label}, seed ${seed} (replay: ${replay}): ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
};

const live = async ({ backend, kills, seed, rows = 400 }: KillRunOptions, database: TestDatabase): Promise<KillReport> => {
  const random = new Random(seed);
  const tables = workloadTables;
  for (const table of tables) {
    await database.createTable(table);
    await fill(database, table, 1, rows, random.fork(`rows of ${table.name}`));
  }
  const platform = await Platform.connect(database, backend.cursorColumn);
  const workload = await Workload.start({ database, tables, random: random.fork('workload'), rows, pauseMilliseconds: 100 });
  const counts = {
    version: await database.version(),
    seed,
    kills: 0,
    completed: 0,
    transient: 0,
    inSnapshot: 0,
    inLog: 0,
    olderStates: 0,
    clearedStreams: 0,
    records: 0,
    changes: 0,
  };
  const moments = random.fork('moments');
  const usual = { milliseconds: 1500, changes: 100, states: 10 };
  try {
    while (counts.kills < kills) {
      // How runs meet the life of rows in time is up to the machine: what has had too few kills gets more of them.
      const scarce = (count: number): boolean => counts.kills > 5 && count * 4 < counts.kills;
      const streaming = !inSnapshot(platform.stored);
      const only = scarce(counts.inLog) ? 'log' : scarce(counts.inSnapshot) && !streaming ? 'snapshot' : null;
      const killAfter = killMoment(moments, { usual, only, streaming, rows });
      const run = await platform.run({ killAfter, mayFail: true });
      counts.records += run.records.length;
      if (run.signal === 'SIGKILL') {
        counts.kills++;
        const ordinal = storedOrdinal(moments, run);
        if (ordinal < run.states.length - 1) counts.olderStates++;
        platform.store(run, ordinal);
        counts[inSnapshot(run.states.length > 0 ? run.states : platform.stored) ? 'inSnapshot' : 'inLog']++;
      } else if (run.exitCode === 0) {
        counts.completed++;
        usual.milliseconds = (usual.milliseconds * 3 + run.milliseconds * 1.2) / 4;
        if (streaming) {
          usual.changes = (usual.changes * 3 + run.records.length) / 4;
          usual.states = (usual.states * 3 + run.states.length) / 4;
        }
        platform.store(run);
      } else {
        onlyTransient(run);
        if (++counts.transient > 5 + kills / 5) throw new Error(`too many transient errors\n${describeRun(run)}`);
        platform.store(run);
        await sleep(50);
      }
      if (platform.stored.length === 0 && backend.lacks.includes('memory of the first read')) {
        for (const { name } of tables) platform.clear(name);
      }
      if (moments.chance(scarce(counts.inSnapshot) ? 0.5 : 0.08)) {
        const { name } = moments.pick(tables);
        platform.clear(name);
        counts.clearedStreams++;
      }
    }
  } finally {
    await workload.stop();
  }
  counts.changes = workload.changes;
  for (let attempt = 0; ; attempt++) {
    const run = await platform.run({ mayFail: true });
    platform.store(run);
    if (run.exitCode === 0) break;
    onlyTransient(run);
    if (attempt > 5) throw new Error(`the last read does not come to its end\n${describeRun(run)}`);
    await sleep(500);
  }
  await platform.expectEqual(tables);
  return counts;
};

const onlyTransient = (run: RunResult): void => {
  const failure = run.traces.find(trace => trace.error !== undefined)?.error;
  if (failure?.failure_type !== 'transient_error') throw new Error(`a run failed\n${describeRun(run)}`);
};
