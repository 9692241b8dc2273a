import { writeFileSync } from 'node:fs';
import { type MysqlFlavor, mysqlTool, query } from '../kit/servers/mysql.ts';
import { inTurn, type Measured, measure, median, untilIdle } from './measure.ts';
import { MysqlScene } from './mysql-scene.ts';
import { nodeReaders, readBy } from './node-readers.ts';
import { alone, type BenchOptions, type BenchRow, nothingNew, rate, row, stateOf } from './rows.ts';
import { readCommand } from './scene.ts';

/** Runs everything for one flavor of server. */
export async function benchMysql(
  flavor: MysqlFlavor,
  options: BenchOptions,
  say: (text: string) => void,
): Promise<readonly BenchRow[]> {
  await using scene = await MysqlScene.start(flavor);
  return await new MysqlBench(flavor, scene, options, say).run();
}

class MysqlBench {
  readonly #flavor: MysqlFlavor;
  readonly #scene: MysqlScene;
  readonly #options: BenchOptions;
  readonly #say: (text: string) => void;

  constructor(flavor: MysqlFlavor, scene: MysqlScene, options: BenchOptions, say: (text: string) => void) {
    this.#flavor = flavor;
    this.#scene = scene;
    this.#options = options;
    this.#say = say;
  }

  async run(): Promise<readonly BenchRow[]> {
    const { rows } = this.#options;
    await this.#scene.database('big', rows);
    await this.#scene.database('small', 100_000);
    return [await this.#snapshot('big', rows), await this.#memory('small'), ...(await this.#drain()), await this.#idle('small')];
  }

  async #snapshot(database: string, rows: number): Promise<BenchRow> {
    this.#say(`snapshot of ${rows} rows`);
    const client = await mysqlTool(this.#flavor, 'mysql');
    const select = [
      ...client,
      ...this.#scene.server.clientOptions,
      '--quick',
      '-N',
      database,
      '-e',
      'SELECT * FROM `lines`',
    ] as const;
    const files = this.#scene.files(database);
    await measure(select as unknown as [string, ...string[]]);
    const { limit, ours, ratio } = await inTurn(
      this.#options.rounds,
      () => measure(select as unknown as [string, ...string[]]),
      () => measure([...readCommand(this.#scene, files)]),
    );
    const seconds = median(ours.map(each => each.seconds));
    return row(`snapshot, ${rows} rows`, 'mysql --quick', limit, ours, ratio, 1.05, rate(rows, seconds));
  }

  async #memory(database: string): Promise<BenchRow> {
    this.#say('memory for 100 thousand rows');
    const done = await measure(readCommand(this.#scene, this.#scene.files(database)));
    return alone('snapshot, 100000 rows', done, 'RSS ≤ 150 MB', done.rssMb <= 150, rate(100_000, done.seconds));
  }

  /** One large transaction, drained by mysqlbinlog (decoding), by published readers for Node, and by us. */
  async #drain(): Promise<readonly BenchRow[]> {
    const { changes, rounds } = this.#options;
    this.#say(`drain of ${changes} inserts in one transaction`);
    await this.#scene.database('drain', 1000);
    const files = this.#scene.files('drain');
    const first = await measure([...readCommand(this.#scene, files)], { wantState: true });
    writeFileSync(files.state, `[${stateOf(first)}]`);
    const client = await this.#scene.server.client('drain');
    await client.query('FLUSH BINARY LOGS');
    const logs = await query(client, 'SHOW BINARY LOGS');
    const file = String(logs.at(-1)?.['Log_name']);
    await client.end();
    await this.#scene.insert('drain', 1001, changes + 1000, changes);
    await untilIdle(this.#scene.server.pid);
    const tool = await mysqlTool(this.#flavor, this.#flavor === 'mysql' ? 'mysqlbinlog' : 'mariadb-binlog');
    const decode = [...tool, ...this.#scene.server.clientOptions, '--read-from-remote-server', '-v'];
    const ours = (): Promise<Measured> => measure([...readCommand(this.#scene, files), '--state', files.state]);
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
    const { host, port, username, password } = this.#scene.server.address;
    for (const reader of nodeReaders) {
      this.#say(`the same by ${reader.name}`);
      const peer = await readBy(reader, { host, port, username, password, file, rows: changes }, this.#scene.folder);
      const job = `for comparison: ${reader.name} + JSON.stringify, the same log`;
      results.push({ ...alone(job, peer, '', true, rate(changes, peer.seconds)) });
    }
    return results;
  }

  async #idle(database: string): Promise<BenchRow> {
    this.#say('nothing new');
    const files = this.#scene.files(database);
    return await nothingNew(readCommand(this.#scene, files), files.state, this.#options.rounds);
  }
}
