import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account, document, event, tables } from '../../kit/conformance/scene.ts';
import { describePostgres } from '../../kit/engines.ts';
import { Platform } from '../../kit/platform.ts';
import { ChaosProxy } from '../../kit/proxy.ts';
import { Random } from '../../kit/random.ts';
import { describeRun, type Running, type RunResult } from '../../kit/run-connector.ts';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';
import { freePort, sleep } from '../../kit/servers/process.ts';
import { fill, Workload } from '../../kit/workload.ts';
import { PostgresDatabase } from './backend.ts';

const cursorColumn = '_ab_cdc_lsn';
const walSenderTimeoutMilliseconds = 2000;
const ROWS = 1500;

const expectTransient = (run: RunResult): void => {
  const error = run.traces.find(trace => trace.error !== undefined)?.error;
  expect([run.exitCode, error?.failure_type], describeRun(run)).toEqual([1, 'transient_error']);
};

describePostgres(major => {
  let server: OwnPostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ major, settings: { wal_sender_timeout: `${walSenderTimeoutMilliseconds}ms` } });
  });
  afterAll(() => server.stop());

  /** A database with rows in three tables, and a connection that has read nothing yet. */
  const newDatabase = async (): Promise<PostgresDatabase> => {
    const database = new PostgresDatabase(server, await server.createDatabase(), await freePort());
    const random = new Random(4711);
    for (const table of tables) {
      await database.createTable(table);
      await fill(database, table, 1, ROWS, random.fork(table.name));
    }
    return database;
  };

  /** Changes every row once, so that the log holds more than fits into buffers on the way. */
  const touchAll = async (database: PostgresDatabase): Promise<void> => {
    await database.query(`UPDATE account SET balance = balance + 1; UPDATE event SET payload = payload || '!';
      UPDATE document SET edited = edited + interval '1 day'; DELETE FROM account WHERE id % 7 = 0`);
  };

  const finish = async (platform: Platform, database: PostgresDatabase): Promise<void> => {
    await platform.sync();
    await platform.expectEqual(tables);
    await database.drop();
  };

  describe('a server in trouble', () => {
    it.each(['killed', 'stopped at once', 'restarted'] as const)(
      'is %s in the snapshot and in the log, and nothing is lost',
      async how => {
        const database = await newDatabase();
        const platform = await Platform.connect(database, cursorColumn);
        const hurt = async (run: Running): Promise<void> => {
          // Stdout stands still, so that the run is in the middle of something. But not for long where the shutdown is an
          // orderly one: that waits for a walsender whose reader lags behind.
          run.child.stdout?.pause();
          setTimeout(() => run.child.stdout?.resume(), 300);
          if (how === 'killed') await server.kill9();
          else await server.halt(how === 'restarted' ? 'fast' : 'immediate');
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
      },
    );

    it('ends our connections by hand of the administrator', async () => {
      const database = await newDatabase();
      const platform = await Platform.connect(database, cursorColumn);
      await platform.sync();
      await touchAll(database);
      let ended: Promise<unknown> = Promise.resolve();
      const run = await platform.run({
        mayFail: true,
        slowReader: { afterLines: 100, milliseconds: 500 },
        onLine: (_, { lines }) => {
          const sql = 'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1';
          if (lines.length === 100) ended = database.query(sql, [database.name]);
        },
      });
      await ended;
      expectTransient(run);
      platform.store(run);
      await finish(platform, database);
    });
  });

  describe('a reader in trouble', () => {
    it('that reads nothing for longer than wal_sender_timeout does not cost us the connection', async () => {
      const database = await newDatabase();
      const platform = await Platform.connect(database, cursorColumn);
      const slowReader = { afterLines: 100, milliseconds: 2 * walSenderTimeoutMilliseconds + 500 };
      const snapshot = await platform.sync({ slowReader });
      expect(snapshot.records.length).toBe(ROWS * tables.length);
      await touchAll(database);
      await platform.sync({ slowReader });
      await finish(platform, database);
    });

    it('that was killed leaves its slot to the next one, who waits for it', async () => {
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
      for (;;) {
        const [slot] = await database.query('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [database.name]);
        if (slot?.['active'] === true) break;
        await sleep(20);
      }
      const next = await platform.run();
      expect((await holder).signal).toBe('SIGKILL');
      platform.store(next);
      await finish(platform, database);
    });
  });

  describe('a network in trouble', () => {
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

    // Rows written anew stand in the log whole; of rows changed in part, large values are read again by key meanwhile.
    const writings = [
      ['rows written anew', 'INSERT INTO event SELECT id + 10000, payload, tags, at FROM event'],
      ['rows changed in part', 'UPDATE document SET edited = edited + interval $$1 day$$'],
    ] as const;
    it.each(writings)('that goes silent in the middle of the log is noticed, and the next read goes on (%s)', async (_, sql) => {
      const database = await newDatabase();
      const platform = await Platform.connect(database, cursorColumn);
      await platform.sync();
      await database.query(sql);
      const proxy = await ChaosProxy.start(database.endpoint);
      // Slow enough that the log is not all on our side when the line goes silent.
      proxy.bandwidth = 500_000;
      try {
        const run = await platform.run({
          config: database.config({ endpoint: proxy }),
          mayFail: true,
          onLine: (_line, { lines }) => {
            if (lines.length === 100) proxy.setMode('freeze');
          },
        });
        expectTransient(run);
        platform.store(run);
      } finally {
        await proxy.stop();
      }
      await finish(platform, database);
    });

    it('that breaks again and again, while rows live on, loses nothing', async () => {
      const database = await newDatabase();
      const platform = await Platform.connect(database, cursorColumn);
      const random = new Random(815);
      const workload = await Workload.start({
        database,
        tables: [account, document, event],
        random,
        rows: ROWS,
        pauseMilliseconds: 20,
      });
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
