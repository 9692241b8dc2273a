import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from './backend.ts';
import { event, tables } from './conformance/scene.ts';
import { describeServer } from './engines.ts';
import { Platform } from './platform.ts';
import { ChaosProxy } from './proxy.ts';
import { Random } from './random.ts';
import { describeRun, type Running, type RunResult } from './run-connector.ts';
import { sleep } from './servers/process.ts';
import { fill, MANY_LARGE, randomRow, Workload } from './workload.ts';

const ROWS = 1500;

/** A server of the suite's own, that may be hurt. */
export interface ChaosServer<Database extends TestDatabase> {
  start(): Promise<void>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
  /** The ways in which it may go away, data kept; `start` brings it back. */
  readonly ways: Readonly<Record<string, () => Promise<void>>>;
  open(): Promise<Database>;
  /** Ends the connections that the connector has to this database, as an administrator would. */
  endConnections(database: Database): Promise<void>;
  /** Whether somebody reads this database's log right now, as the server sees it. */
  logIsRead(database: Database): Promise<boolean>;
}

export interface ChaosOptions<Database extends TestDatabase> {
  readonly label: string;
  readonly unavailable: string | null;
  /** An orderly shutdown does not end before readers of the log have what was sent to them. */
  readonly waitsForReaders: boolean;
  readonly cursorColumn: string;
  readonly ways: readonly string[];
  /** How long the server waits for a reader that does not read, by its own settings. */
  readonly patienceMilliseconds: number;
  create(): Promise<ChaosServer<Database>>;
  /** Changes every row once and deletes some, so that the log holds more than fits into buffers on the way. */
  touchAll(database: Database): Promise<void>;
  /** Changes by which much is written to the log, each under a name of its own. */
  readonly writings: Readonly<Record<string, (database: Database) => Promise<void>>>;
}

export const expectTransient = (run: RunResult): void => {
  const error = run.traces.find(trace => trace.error !== undefined)?.error;
  expect([run.exitCode, error?.failure_type], describeRun(run)).toEqual([1, 'transient_error']);
};

/** Fills the tables of the suite in a new database, with more bytes than buffers on the way can hold. */
export const withRows = async <Database extends TestDatabase>(database: Database): Promise<Database> => {
  const random = new Random(4711);
  for (const table of tables) {
    await database.createTable(table);
    await fill(database, table, 1, ROWS, random.fork(table.name), MANY_LARGE);
  }
  return database;
};

const writeLast = async (database: TestDatabase, payload: string): Promise<void> => {
  const session = await database.session();
  try {
    await session.insert(event, [{ ...randomRow(event, 99_999, new Random(4711)), payload }]);
  } finally {
    await session.close();
  }
};

/** The last sync of a test: nothing may be missing behind it, and nothing may be too many. */
export const finish = async (platform: Platform, database: TestDatabase): Promise<void> => {
  await platform.sync();
  await platform.expectEqual(tables);
  await database.drop();
};

/** Registers the tests of servers, readers and networks in trouble: a read may fail, but rows may not be lost. */
export const chaosTests = <Database extends TestDatabase>(options: ChaosOptions<Database>): void => {
  const { cursorColumn, touchAll } = options;
  describeServer(options.label, options.unavailable, () => {
    let server: ChaosServer<Database>;
    beforeAll(async () => {
      server = await options.create();
    });
    afterAll(() => server.stop());
    const newDatabase = async (): Promise<Database> => withRows(await server.open());

    describe('a server in trouble', () => {
      it.each(options.ways)('is %s in the snapshot and in the log, and nothing is lost', async way => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        const hurt = async (run: Running): Promise<void> => {
          // Stdout stands still, so that the run is in the middle of something. But not for long where a server that shuts
          // down in an orderly way waits for a reader that lags behind.
          run.child.stdout?.pause();
          if (options.waitsForReaders) setTimeout(() => run.child.stdout?.resume(), 300);
          await server.ways[way]?.();
          run.child.stdout?.resume();
          await server.start();
        };
        for (const round of ['snapshot', 'log']) {
          if (round === 'log') {
            await platform.sync();
            await touchAll(database);
          }
          let hurting: Promise<void> = Promise.resolve();
          const run = await platform.run({
            mayFail: true,
            onLine: (_, running) => {
              if (running.lines.length === 200) hurting = hurt(running);
            },
          });
          await hurting;
          expectTransient(run);
          platform.store(run);
        }
        await finish(platform, database);
      });

      it('ends our connections by hand of the administrator', async () => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        await platform.sync();
        // More than all buffers on the way can hold: the end of it must not have left the server yet.
        for (let round = 0; round < 4; round++) await touchAll(database);
        let ended: Promise<void> = Promise.resolve();
        const run = await platform.run({
          mayFail: true,
          onLine: (_, { lines, child }) => {
            if (lines.length !== 100) return;
            child.stdout?.pause();
            ended = server.endConnections(database).finally(() => child.stdout?.resume());
          },
        });
        await ended;
        expectTransient(run);
        platform.store(run);
        await finish(platform, database);
      });
    });

    describe('a reader in trouble', () => {
      it('that reads nothing for longer than the server waits does not cost us the connection', async () => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        const slowReader = { afterLines: 100, milliseconds: 2 * options.patienceMilliseconds + 500 };
        const snapshot = await platform.sync({ slowReader });
        expect(snapshot.records.length).toBe(ROWS * tables.length);
        await touchAll(database);
        await platform.sync({ slowReader });
        await finish(platform, database);
      });

      it('that was killed does not keep the next one out', async () => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        await platform.sync();
        await touchAll(database);
        const holder = platform.run({
          mayFail: true,
          onLine: (_, { lines, child }) => {
            if (lines.length === 50) {
              child.kill('SIGSTOP');
              setTimeout(() => child.kill('SIGKILL'), 1500);
            }
          },
        });
        while (!(await server.logIsRead(database))) await sleep(20);
        const next = await platform.run();
        expect((await holder).signal).toBe('SIGKILL');
        platform.store(next);
        await finish(platform, database);
      });
    });

    // They mostly wait, each in a database of its own.
    describe.concurrent('a network in trouble', () => {
      it('where nobody answers is said to be unreachable, in less than half a minute', async () => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        const proxy = await ChaosProxy.start(database.endpoint);
        proxy.setMode('stall');
        try {
          const run = await platform.run({ config: database.config({ endpoint: proxy }), mayFail: true });
          expectTransient(run);
          expect(run.milliseconds).toBeLessThan(30_000);
          expect(run.records).toEqual([]);
        } finally {
          await proxy.stop();
        }
        await database.drop();
      });

      it.each(Object.keys(options.writings))(
        'that goes silent in the middle of the log is noticed, and the next read goes on (%s)',
        async name => {
          const database = await newDatabase();
          const platform = await Platform.connect(database, cursorColumn);
          await platform.sync();
          await options.writings[name]?.(database);
          const end = `the end of ${name}`;
          await writeLast(database, end);
          const proxy = await ChaosProxy.start(database.endpoint);
          // The log does not get to our side whole, however late the line goes silent.
          proxy.bandwidth = 500_000;
          proxy.holdText = end;
          try {
            const run = await platform.run({
              config: database.config({ endpoint: proxy }),
              mayFail: true,
              onLine: (_line, { lines }) => {
                if (lines.length === 100) proxy.setMode('freeze');
              },
            });
            expect(proxy.mode, describeRun(run)).toBe('freeze');
            expectTransient(run);
            platform.store(run);
          } finally {
            await proxy.stop();
          }
          await finish(platform, database);
        },
      );

      it('that breaks again and again, while rows live on, loses nothing', async () => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        const random = new Random(815);
        const workload = await Workload.start({ database, tables, random, rows: ROWS, pauseMilliseconds: 20 });
        const proxy = await ChaosProxy.start(database.endpoint);
        const config = database.config({ endpoint: proxy });
        try {
          for (let round = 0; round < 12; round++) {
            proxy.bytesDown = 0;
            proxy.cutAfterBytes = random.magnitude(5_000, 4_000_000);
            const run = await platform.run({ config, mayFail: true });
            if (run.exitCode !== 0) expectTransient(run);
            platform.store(run);
          }
        } finally {
          await workload.stop();
          await proxy.stop();
        }
        await finish(platform, database);
      });
    });
  });
};
