import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCli } from '../kit/build-cli.ts';
import { repository } from '../kit/paths.ts';
import { type OwnPostgresServer, startPostgres } from '../kit/servers/postgres.ts';
import { type CommandOptions, inTurn, type Measured, measure, median } from './measure.ts';
import { alone, type BenchOptions, type BenchRow, middle, nothingNew, rate, row, stateOf } from './rows.ts';

/** The table of the measurements: a key, numbers, short and quoted text, a time, a boolean, JSON; about 170 bytes a row. */
const TABLE = `
  CREATE TABLE lines (id bigint PRIMARY KEY, quantity int, product varchar(60), price numeric(12,2), note text,
                      placed timestamp, paid boolean, details jsonb);
  ALTER TABLE lines SET (autovacuum_enabled = false)`;
const fillSql = (from: number, to: number): string => `
  INSERT INTO lines SELECT g, g % 97, 'product number ' || g % 5000, (g % 100000) / 7.0, 'a note with "quotes" in it, number ' || g,
         timestamp '2024-01-01' + g * interval '1 second', g % 3 = 0, jsonb_build_object('tags', ARRAY['a','b'], 'n', g % 10)
    FROM generate_series(${from}, ${to}) g`;

/** Runs everything for PostgreSQL. Needs `psql` and `pg_recvlogical` on the PATH or in a Debian folder; says so when absent. */
export async function benchPostgres(options: BenchOptions, say: (text: string) => void): Promise<readonly BenchRow[]> {
  const settings = { shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '1h', autovacuum: 'off' };
  const server = await startPostgres({ major: 18, settings });
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    return await new PostgresBench(server, folder, options, await builtCli(), say).run();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

class PostgresBench {
  readonly #server: OwnPostgresServer;
  readonly #folder: string;
  readonly #options: BenchOptions;
  readonly #cli: string;
  readonly #say: (text: string) => void;
  readonly #psql = tool('psql');
  readonly #recvlogical = tool('pg_recvlogical');

  constructor(server: OwnPostgresServer, folder: string, options: BenchOptions, cli: string, say: (text: string) => void) {
    this.#server = server;
    this.#folder = folder;
    this.#options = options;
    this.#cli = cli;
    this.#say = say;
  }

  async run(): Promise<readonly BenchRow[]> {
    const { rows } = this.#options;
    const big = await this.#database('big', rows);
    const small = await this.#database('small', 100_000);
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
    const copy = [this.#psql, '-X', '-q', '-d', this.#server.url(database), '-c', 'COPY lines TO STDOUT'] as const;
    const files = this.#files(database);
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
    const script = join(this.#folder, 'objects.mjs');
    writeFileSync(script, OBJECTS);
    const environment = { NODE_PATH: join(repository, 'node_modules'), TRIBUTARY_ROOT: repository };
    const done = await measure([process.execPath, script, this.#server.url(database), String(some)], { environment });
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
    const done = await this.#fresh(database, this.#files(database));
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
      const database = await this.#database(`drain_${perTransaction}`, 1000);
      const files = this.#files(database);
      const first = await measure([...this.#read(files)], { wantState: true });
      const client = await this.#server.client(database);
      await client.query(`SELECT pg_create_logical_replication_slot('limit_${perTransaction}', 'pgoutput')`);
      for (let from = 1001; from <= changes + 1000; from += perTransaction) {
        await client.query(fillSql(from, Math.min(from + perTransaction - 1, changes + 1000)));
      }
      const end: string = (await client.query('SELECT pg_current_wal_flush_lsn()::text AS lsn')).rows[0].lsn;
      await client.end();
      writeFileSync(files.state, `[${stateOf(first)}]`);
      // pg_recvlogical moves its slot on, so each round gets a copy of the one that stands before the changes.
      let round = 0;
      const receive = async (): Promise<Measured> => {
        const slot = `limit_${perTransaction}_${round++}`;
        await this.#server.query(database, `SELECT pg_copy_logical_replication_slot('limit_${perTransaction}', '${slot}')`);
        return await measure([
          this.#recvlogical,
          ...['-d', this.#server.url(database), '--slot', slot, '--start', '--no-loop', '--endpos', end],
          ...['-o', 'proto_version=1', '-o', `publication_names=${files.publication}`, '-f', '-'],
        ] as [string, ...string[]]);
      };
      const { limit, ours, ratio } = await inTurn(rounds, receive, () => measure([...this.#read(files), '--state', files.state]));
      const seconds = median(ours.map(each => each.seconds));
      results.push(
        row(`log, ${changes} inserts, ${label}`, 'pg_recvlogical, pgoutput', limit, ours, ratio, 1.03, rate(changes, seconds)),
      );
    }
    return results;
  }

  async #hugeRow(): Promise<BenchRow> {
    this.#say('one row of 100 MB');
    const database = await this.#server.createDatabase('huge');
    await this.#server.query(database, 'CREATE TABLE huge (id int PRIMARY KEY, body text)');
    await this.#server.query(database, "INSERT INTO huge VALUES (1, repeat('0123456789', 10485760))");
    const done = await this.#fresh(database, this.#files(database), { wantBytes: true });
    const passed = done.bytes > 100 * 1024 * 1024;
    return alone('one row of 100 MB', done, 'passes', passed, `${Math.round(done.bytes / 1e6)} MB`);
  }

  async #idle(database: string): Promise<BenchRow> {
    this.#say('nothing new');
    const files = this.#files(database);
    return await nothingNew(this.#read(files), files.state, this.#options.rounds);
  }

  async #spec(): Promise<BenchRow> {
    const runs: Measured[] = [];
    for (let round = 0; round < 5; round++) runs.push(await measure([process.execPath, this.#cli, 'spec']));
    const done = middle(runs);
    return alone('spec', done, '≤ 0.2 s', done.seconds <= 0.2, '');
  }

  async #database(name: string, rows: number): Promise<string> {
    const database = await this.#server.createDatabase(name);
    const client = await this.#server.client(database);
    await client.query(TABLE);
    await client.query(fillSql(1, rows));
    await client.query('VACUUM (ANALYZE, FREEZE) lines');
    await client.query('CHECKPOINT');
    await client.end();
    return database;
  }

  /** A first read of a database: slot and publication are made by it, and taken away again before. */
  async #fresh(database: string, files: Files, options: CommandOptions = {}): Promise<Measured> {
    await this.#server.query(
      database,
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${files.slot}'`,
    );
    return await measure([...this.#read(files)], options);
  }

  #read(files: Files): readonly [string, ...string[]] {
    return [process.execPath, this.#cli, 'read', '--config', files.config, '--catalog', files.catalog];
  }

  #files(database: string): Files {
    const { host, port, username, password } = this.#server;
    const slot = `ours_${database}`;
    const files: Files = {
      config: join(this.#folder, `${database}.config.json`),
      catalog: join(this.#folder, `${database}.catalog.json`),
      state: join(this.#folder, `${database}.state.json`),
      slot,
      publication: slot,
    };
    const source = { engine: 'postgres', host, port, database, username, password, replication_slot: slot, publication: slot };
    writeFileSync(files.config, JSON.stringify({ source, ssl_mode: { mode: 'disable' } }));
    const output = execFileSync(process.execPath, [this.#cli, 'discover', '--config', files.config], { encoding: 'utf8' });
    const found = output.split('\n').find(line => line.startsWith('{"type":"CATALOG"')) ?? '';
    const { catalog } = JSON.parse(found) as { catalog: { streams: readonly unknown[] } };
    const streams = catalog.streams.map(stream => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }));
    writeFileSync(files.catalog, JSON.stringify({ streams }));
    return files;
  }
}

interface Files {
  readonly config: string;
  readonly catalog: string;
  readonly state: string;
  readonly slot: string;
  readonly publication: string;
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
