import { type MysqlFlavor, type OwnMysqlServer, startMysql } from '../kit/servers/mysql.ts';
import { type Files, type Scene, SceneFolder } from './scene.ts';

const TABLE = `
  CREATE TABLE \`lines\` (id bigint PRIMARY KEY, quantity int, product varchar(60), price decimal(12,2), note text,
                        placed timestamp NULL, paid boolean, details json)`;
/** So many rows a statement: the digits of `numbers`, squared. */
const BLOCK = 100_000;
const fillSql = (from: number, to: number): string => `
  INSERT INTO \`lines\` SELECT n, n % 97, concat('product number ', n % 5000), (n % 100000) / 7.0,
         concat('a note with "quotes" in it, number ', n), timestamp('2024-01-01 00:00:00') + interval n second, n % 3 = 0,
         json_object('tags', json_array('a', 'b'), 'n', n % 10)
    FROM (SELECT ${from} + a.i + 1000 * b.i AS n FROM numbers a, numbers b WHERE b.i <= ${Math.floor((to - from) / 1000)}) x WHERE n <= ${to}`;

/** MySQL or MariaDB. */
export class MysqlScene implements Scene {
  readonly server: OwnMysqlServer;
  readonly #place: SceneFolder;

  private constructor(server: OwnMysqlServer, place: SceneFolder) {
    this.server = server;
    this.#place = place;
  }

  static async start(flavor: MysqlFlavor): Promise<MysqlScene> {
    const settings = { innodb_buffer_pool_size: '2G', max_allowed_packet: '1G', binlog_row_metadata: 'FULL' };
    return new MysqlScene(await startMysql({ flavor, settings }), await SceneFolder.make());
  }

  get cli(): string {
    return this.#place.cli;
  }
  get folder(): string {
    return this.#place.folder;
  }

  async database(name: string, rows: number): Promise<string> {
    await this.server.createDatabase(name);
    const client = await this.server.client(name);
    await client.query('CREATE TABLE numbers (i int PRIMARY KEY)');
    await client.query(`INSERT INTO numbers VALUES ${Array.from({ length: 1000 }, (_, i) => `(${i})`).join(',')}`);
    await client.query(TABLE);
    await client.end();
    await this.insert(name, 1, rows, BLOCK);
    const again = await this.server.client(name);
    await again.query('ANALYZE TABLE `lines`');
    await again.end();
    return name;
  }

  async insert(database: string, from: number, to: number, perTransaction: number): Promise<void> {
    const client = await this.server.client(database);
    for (let first = from; first <= to; first += perTransaction) {
      const last = Math.min(first + perTransaction - 1, to);
      await client.query('BEGIN');
      for (let block = first; block <= last; block += BLOCK)
        await client.query(fillSql(block, Math.min(block + BLOCK - 1, last)));
      await client.query('COMMIT');
    }
    await client.end();
  }

  files(database: string): Files {
    const { host, port, username, password } = this.server.address;
    const source = { engine: 'mysql', host, port, databases: [database], username, password, ssl_mode: { mode: 'disabled' } };
    return this.#place.files(database, { source }, ['lines']);
  }

  /** The server keeps nothing. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.#place.remove();
  }
}
