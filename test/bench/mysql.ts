import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtCli } from '../kit/build-cli.ts';
import { type MysqlFlavor, mysqlTool, type OwnMysqlServer, query, startMysql } from '../kit/servers/mysql.ts';
import { inTurn, type Measured, measure, median, untilIdle } from './measure.ts';
import { nodeReaders, readBy } from './node-readers.ts';
import { alone, type BenchOptions, type BenchRow, nothingNew, rate, row, stateOf } from './rows.ts';

const TABLE = `
  CREATE TABLE \`lines\` (id bigint PRIMARY KEY, quantity int, product varchar(60), price decimal(12,2), note text,
                        placed timestamp NULL, paid boolean, details json)`;
/** Rows are made by doubling: quick on any version. */
const BLOCK = 100_000;
const fillSql = (table: string, from: number, to: number): string => `
  INSERT INTO ${table} SELECT n, n % 97, concat('product number ', n % 5000), (n % 100000) / 7.0,
         concat('a note with "quotes" in it, number ', n), timestamp('2024-01-01 00:00:00') + interval n second, n % 3 = 0,
         json_object('tags', json_array('a', 'b'), 'n', n % 10)
    FROM (SELECT ${from} + a.i + 1000 * b.i AS n FROM numbers a, numbers b WHERE b.i <= ${Math.floor((to - from) / 1000)}) x WHERE n <= ${to}`;

/** Runs everything for one flavor of server. */
export async function benchMysql(
  flavor: MysqlFlavor,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<readonly BenchRow[]> {
  const settings = { innodb_buffer_pool_size: '2G', max_allowed_packet: '1G', binlog_row_metadata: 'FULL' };
  const server = await startMysql({ flavor, settings });
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  try {
    return await new MysqlBench(flavor, server, folder, options, await builtCli(), say).run();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Files {
  readonly config: string;
  readonly catalog: string;
  readonly state: string;
}

class MysqlBench {
  readonly #flavor: MysqlFlavor;
  readonly #server: OwnMysqlServer;
  readonly #folder: string;
  readonly #options: BenchOptions;
  readonly #cli: string;
  readonly #say: (text: string) => void;

  constructor(
    flavor: MysqlFlavor,
    server: OwnMysqlServer,
    folder: string,
    options: BenchOptions,
    cli: string,
    say: (text: string) => void,
  ) {
    this.#flavor = flavor;
    this.#server = server;
    this.#folder = folder;
    this.#options = options;
    this.#cli = cli;
    this.#say = say;
  }

  async run(): Promise<readonly BenchRow[]> {
    const { rows } = this.#options;
    await this.#database('big', rows);
    await this.#database('small', 100_000);
    return [await this.#snapshot('big', rows), await this.#memory('small'), ...(await this.#drain()), await this.#idle('small')];
  }

  async #snapshot(database: string, rows: number): Promise<BenchRow> {
    this.#say(`snapshot of ${rows} rows`);
    const client = await mysqlTool(this.#flavor, 'mysql');
    const select = [...client, ...this.#server.clientOptions, '--quick', '-N', database, '-e', 'SELECT * FROM `lines`'] as const;
    const files = this.#files(database);
    await measure(select as unknown as [string, ...string[]]);
    const { limit, ours, ratio } = await inTurn(
      this.#options.rounds,
      () => measure(select as unknown as [string, ...string[]]),
      () => measure([...this.#read(files)]),
    );
    const seconds = median(ours.map(each => each.seconds));
    return row(`snapshot, ${rows} rows`, 'mysql --quick', limit, ours, ratio, 1.05, rate(rows, seconds));
  }

  async #memory(database: string): Promise<BenchRow> {
    this.#say('memory for 100 thousand rows');
    const done = await measure([...this.#read(this.#files(database))]);
    return alone('snapshot, 100000 rows', done, 'RSS ≤ 150 MB', done.rssMb <= 150, rate(100_000, done.seconds));
  }

  /** One large transaction, drained by mysqlbinlog (decoding), by published readers for Node, and by us. */
  async #drain(): Promise<readonly BenchRow[]> {
    const { changes, rounds } = this.#options;
    this.#say(`drain of ${changes} inserts in one transaction`);
    await this.#database('drain', 1000);
    const files = this.#files('drain');
    const first = await measure([...this.#read(files)], { wantState: true });
    writeFileSync(files.state, `[${stateOf(first)}]`);
    const client = await this.#server.client('drain');
    await client.query('FLUSH BINARY LOGS');
    const logs = await query(client, 'SHOW BINARY LOGS');
    const file = String(logs.at(-1)?.['Log_name']);
    await client.query('BEGIN');
    for (let from = 1001; from <= changes + 1000; from += BLOCK) {
      await client.query(fillSql('`lines`', from, Math.min(from + BLOCK - 1, changes + 1000)));
    }
    await client.query('COMMIT');
    await client.end();
    await untilIdle(this.#server.pid);
    const tool = await mysqlTool(this.#flavor, this.#flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog');
    const decode = [...tool, ...this.#server.clientOptions, '--read-from-remote-server', '-v'];
    const ours = (): Promise<Measured> => measure([...this.#read(files), '--state', files.state]);
    const name = `${this.#flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog'} -v`;
    const against = async (job: string, limit: string, ...options: string[]): Promise<BenchRow> => {
      const command = [...decode, ...options, file] as unknown as [string, ...string[]];
      const runs = await inTurn(rounds, () => measure(command), ours);
      const seconds = median(runs.ours.map(each => each.seconds));
      return row(job, limit, runs.limit, runs.ours, runs.ratio, 1, rate(changes, seconds));
    };
    const results = [await against(`log, one transaction of ${changes} inserts`, name)];
    // Without the events in BASE64, which nobody reads beside the rows, the tool has less to do than the goal gives it.
    const bare = '--base64-output=decode-rows';
    results.push({ ...(await against('for comparison: the same log', `${name} ${bare}`, bare)), goal: '' });
    const { host, port, username, password } = this.#server.address;
    for (const reader of nodeReaders) {
      this.#say(`the same by ${reader.name}`);
      const peer = await readBy(reader, { host, port, username, password, file, rows: changes }, this.#folder);
      const job = `for comparison: ${reader.name} + JSON.stringify, the same log`;
      results.push({ ...alone(job, peer, '', true, rate(changes, peer.seconds)) });
    }
    return results;
  }

  async #idle(database: string): Promise<BenchRow> {
    this.#say('nothing new');
    const files = this.#files(database);
    return await nothingNew(this.#read(files), files.state, this.#options.rounds);
  }

  async #database(name: string, rows: number): Promise<void> {
    await this.#server.createDatabase(name);
    const client = await this.#server.client(name);
    await client.query('CREATE TABLE numbers (i int PRIMARY KEY)');
    await client.query(`INSERT INTO numbers VALUES ${Array.from({ length: 1000 }, (_, i) => `(${i})`).join(',')}`);
    await client.query(TABLE);
    for (let from = 1; from <= rows; from += BLOCK) {
      await client.query(fillSql('`lines`', from, Math.min(from + BLOCK - 1, rows)));
    }
    await client.query('ANALYZE TABLE `lines`');
    await client.end();
  }

  #read(files: Files): readonly [string, ...string[]] {
    return [process.execPath, this.#cli, 'read', '--config', files.config, '--catalog', files.catalog];
  }

  #files(database: string): Files {
    const { host, port, username, password } = this.#server.address;
    const files: Files = {
      config: join(this.#folder, `${database}.config.json`),
      catalog: join(this.#folder, `${database}.catalog.json`),
      state: join(this.#folder, `${database}.state.json`),
    };
    const source = { engine: 'mysql', host, port, databases: [database], username, password, ssl_mode: { mode: 'disabled' } };
    writeFileSync(files.config, JSON.stringify({ source }));
    const output = execFileSync(process.execPath, [this.#cli, 'discover', '--config', files.config], { encoding: 'utf8' });
    const found = output.split('\n').find(line => line.startsWith('{"type":"CATALOG"')) ?? '';
    const { catalog } = JSON.parse(found) as { catalog: { streams: readonly { name: string }[] } };
    const streams = catalog.streams
      .filter(stream => stream.name === 'lines')
      .map(stream => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append_dedup' }));
    writeFileSync(files.catalog, JSON.stringify({ streams }));
    return files;
  }
}
