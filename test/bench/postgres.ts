import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../kit/paths.ts';
import { type CommandOptions, inTurn, type Measured, measure, median } from './measure.ts';
import { PostgresScene } from './postgres-scene.ts';
import { alone, type BenchOptions, type BenchRow, middle, nothingNew, rate, row, stateOf } from './rows.ts';
import { type Files, readCommand } from './scene.ts';

/** Runs everything for PostgreSQL. Needs `psql` and `pg_recvlogical` on the PATH or in a Debian folder; says so when absent. */
export async function benchPostgres(options: BenchOptions, say: (text: string) => void): Promise<readonly BenchRow[]> {
  await using scene = await PostgresScene.start();
  return await new PostgresBench(scene, options, say).run();
}

class PostgresBench {
  readonly #scene: PostgresScene;
  readonly #options: BenchOptions;
  readonly #say: (text: string) => void;
  readonly #psql = tool('psql');
  readonly #recvlogical = tool('pg_recvlogical');

  constructor(scene: PostgresScene, options: BenchOptions, say: (text: string) => void) {
    this.#scene = scene;
    this.#options = options;
    this.#say = say;
  }

  async run(): Promise<readonly BenchRow[]> {
    const { rows } = this.#options;
    const big = await this.#scene.database('big', rows);
    const small = await this.#scene.database('small', 100_000);
    return [
      await this.#snapshot(big, rows),
      await this.#objects(big, rows),
      await this.#memory(small),
      ...(await this.#drain()),
      await this.#hugeRow(),
      await this.#idle(small),
      await this.#spec(),
    ];
  }

  async #snapshot(database: string, rows: number): Promise<BenchRow> {
    this.#say(`snapshot of ${rows} rows`);
    const copy = [this.#psql, '-X', '-q', '-d', this.#scene.server.url(database), '-c', 'COPY lines TO STDOUT'] as const;
    const files = this.#scene.files(database);
    await measure(copy);
    const { limit, ours, ratio } = await inTurn(
      this.#options.rounds,
      () => measure(copy),
      () => this.#fresh(database, files),
    );
    const seconds = median(ours.map(each => each.seconds));
    return row(`snapshot, ${rows} rows`, 'psql COPY', limit, ours, ratio, 1.05, rate(rows, seconds));
  }

  /** What most connectors do: a driver's row objects and JSON.stringify. For comparison only. */
  async #objects(database: string, rows: number): Promise<BenchRow> {
    this.#say('the same by an object for each row');
    const some = Math.min(rows, 1_000_000);
    const script = join(this.#scene.folder, 'objects.mjs');
    writeFileSync(script, OBJECTS);
    const environment = { NODE_PATH: join(repository, 'node_modules'), TRIBUTARY_ROOT: repository };
    const done = await measure([process.execPath, script, this.#scene.server.url(database), String(some)], { environment });
    return {
      job: `for comparison: pg row objects + JSON.stringify, ${some} rows`,
      limit: '',
      limitSeconds: null,
      seconds: done.seconds,
      ratio: null,
      goal: '',
      met: true,
      rate: rate(some, done.seconds),
      rssMb: done.rssMb,
    };
  }

  async #memory(database: string): Promise<BenchRow> {
    this.#say('memory for 100 thousand rows');
    const done = await this.#fresh(database, this.#scene.files(database));
    return alone('snapshot, 100000 rows', done, 'RSS ≤ 150 MB', done.rssMb <= 150, rate(100_000, done.seconds));
  }

  /** The same changes, drained twice: by pg_recvlogical through a slot of its own, and by us. */
  async #drain(): Promise<readonly BenchRow[]> {
    const { changes, rounds } = this.#options;
    const results: BenchRow[] = [];
    for (const [label, perTransaction] of [
      ['transactions of 1000 rows', 1000],
      ['one transaction', changes],
    ] as const) {
      this.#say(`drain of ${changes} inserts, ${label}`);
      const database = await this.#scene.database(`drain_${perTransaction}`, 1000);
      const files = this.#scene.files(database);
      const first = await measure([...readCommand(this.#scene, files)], { wantState: true });
      const client = await this.#scene.server.client(database);
      await client.query(`SELECT pg_create_logical_replication_slot('limit_${perTransaction}', 'pgoutput')`);
      await this.#scene.insert(database, 1001, changes + 1000, perTransaction);
      const end: string = (await client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn')).rows[0].lsn;
      await client.end();
      writeFileSync(files.state, `[${stateOf(first)}]`);
      // pg_recvlogical moves its slot on, so each round gets a copy of the one that stands before the changes.
      let round = 0;
      const receive = async (): Promise<Measured> => {
        const slot = `limit_${perTransaction}_${round++}`;
        await this.#scene.server.query(database, `SELECT pg_copy_logical_replication_slot('limit_${perTransaction}', '${slot}')`);
        return await measure([
          this.#recvlogical,
          ...['-d', this.#scene.server.url(database), '--slot', slot, '--start', '--no-loop', '--endpos', end],
          ...['-o', 'proto_version=1', '-o', `publication_names=${this.#scene.slot(database)}`, '-f', '-'],
        ] as [string, ...string[]]);
      };
      const { limit, ours, ratio } = await inTurn(rounds, receive, () =>
        measure([...readCommand(this.#scene, files), '--state', files.state]),
      );
      const seconds = median(ours.map(each => each.seconds));
      results.push(
        row(`log, ${changes} inserts, ${label}`, 'pg_recvlogical, pgoutput', limit, ours, ratio, 1.03, rate(changes, seconds)),
      );
    }
    return results;
  }

  async #hugeRow(): Promise<BenchRow> {
    this.#say('one row of 100 MB');
    const database = await this.#scene.server.createDatabase('huge');
    await this.#scene.server.query(database, 'CREATE TABLE huge (id int PRIMARY KEY, body text)');
    await this.#scene.server.query(database, "INSERT INTO huge VALUES (1, repeat('0123456789', 10485760))");
    const done = await this.#fresh(database, this.#scene.files(database), { wantBytes: true });
    const passed = done.bytes > 100 * 1024 * 1024;
    return alone('one row of 100 MB', done, 'passes', passed, `${Math.round(done.bytes / 1e6)} MB`);
  }

  async #idle(database: string): Promise<BenchRow> {
    this.#say('nothing new');
    const files = this.#scene.files(database);
    return await nothingNew(readCommand(this.#scene, files), files.state, this.#options.rounds);
  }

  async #spec(): Promise<BenchRow> {
    const runs: Measured[] = [];
    for (let round = 0; round < 5; round++) runs.push(await measure([process.execPath, this.#scene.cli, 'spec']));
    const done = middle(runs);
    return alone('spec', done, '≤ 0.2 s', done.seconds <= 0.2, '');
  }

  /** A first read of a database: slot and publication are made by it, and taken away again before. */
  async #fresh(database: string, files: Files, options: CommandOptions = {}): Promise<Measured> {
    await this.#scene.forget(database);
    return await measure([...readCommand(this.#scene, files)], options);
  }
}

function tool(name: string): string {
  const candidates = [name, ...[18, 17, 16, 15, 14].map(major => `/usr/lib/postgresql/${major}/bin/${name}`)];
  for (const candidate of candidates) {
    try {
      execFileSync(candidate, ['--version'], { stdio: 'ignore' });
      return candidate;
    } catch {}
  }
  throw new Error(`${name} is needed to measure the limit (Debian: postgresql-client, postgresql)`);
}

const OBJECTS = `
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';
const require = createRequire(process.env.TRIBUTARY_ROOT + '/package.json');
const pg = require('pg');
const client = new pg.Client({ connectionString: process.argv[2] });
await client.connect();
await client.query('BEGIN');
await client.query('DECLARE c CURSOR FOR SELECT * FROM lines LIMIT ' + process.argv[3]);
for (;;) {
  const { rows } = await client.query('FETCH 5000 FROM c');
  if (rows.length === 0) break;
  let text = '';
  for (const data of rows) text += JSON.stringify({ type: 'RECORD', record: { stream: 'lines', namespace: 'public', data, emitted_at: Date.now() } }) + '\\n';
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try { at += writeSync(1, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
}
await client.end();
`;
