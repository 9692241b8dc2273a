import mysql from 'mysql2/promise';
import type {
  BrokenConfig,
  ColumnKind,
  Endpoint,
  Session,
  TableSpec,
  TestBackend,
  TestDatabase,
  Value,
  Values,
} from '../../kit/backend.ts';
import type { Row } from '../../kit/destination.ts';
import { digits, type Json, type JsonObject } from '../../kit/messages.ts';
import { mysqlLabel, mysqlUnavailable } from '../../kit/mysql-engines.ts';
import { type MysqlFlavor, type MysqlServer, query, type Reader, type Rows } from '../../kit/servers/mysql.ts';
import { acquireMysql, type RowMetadata } from '../../kit/servers/mysql-shared.ts';
import { freePort, sleep } from '../../kit/servers/process.ts';
import { brokenConfigs, compactJson, rowsOfTexts, SqlSession } from '../../kit/sql-backend.ts';

const quote = (name: string): string => mysql.escapeId(name, true);

/** Neither server has arrays: JSON stands in for them. */
const nativeTypes: Readonly<Record<ColumnKind, string>> = {
  integer: 'BIGINT',
  text: 'LONGTEXT',
  decimal: 'DECIMAL(20,2)',
  boolean: 'TINYINT(1)',
  json: 'JSON',
  bytes: 'LONGBLOB',
  timestamp: 'TIMESTAMP(6)',
  integers: 'JSON',
};
/** A key has to have a length, and two keys are one only when they are the same bytes. */
const keyText = 'VARCHAR(190) COLLATE utf8mb4_bin';

/** From the server's text (`time_zone +00:00`, bytes by HEX()) to what a record must say: docs/types. */
const canonical: Readonly<Record<ColumnKind, (text: string) => Json>> = {
  integer: digits,
  decimal: digits,
  text: text => text,
  boolean: text => text !== '0',
  json: compactJson,
  bytes: text => Buffer.from(text, 'hex').toString('base64'),
  timestamp: text => `${text.replace(' ', 'T')}Z`,
  integers: compactJson,
};

const parameter = (value: Value): unknown =>
  value instanceof Uint8Array ? Buffer.from(value) : Array.isArray(value) ? JSON.stringify(value) : value;

class MysqlSession extends SqlSession {
  readonly #client: mysql.Connection;

  constructor(client: mysql.Connection) {
    super();
    this.#client = client;
  }

  async insert(table: TableSpec, rows: readonly Values[]): Promise<void> {
    const columns = Object.keys(table.columns);
    const values: unknown[] = [];
    const tuples = rows.map(row => {
      for (const column of columns) values.push(parameter(row[column] ?? null));
      return `(${columns.map(() => '?').join(', ')})`;
    });
    const list = columns.map(quote).join(', ');
    await this.#client.query(`INSERT INTO ${quote(table.name)} (${list}) VALUES ${tuples.join(', ')}`, values);
  }

  async update(table: TableSpec, key: Values, set: Values): Promise<void> {
    const values = [...Object.values(set), ...Object.values(key)].map(parameter);
    const assignments = Object.keys(set).map(column => `${quote(column)} = ?`);
    await this.one(`UPDATE ${quote(table.name)} SET ${assignments.join(', ')} WHERE ${where(key)}`, values);
  }

  async delete(table: TableSpec, key: Values): Promise<void> {
    await this.one(`DELETE FROM ${quote(table.name)} WHERE ${where(key)}`, Object.values(key).map(parameter));
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  /** The driver counts rows that were found, also those that a change leaves as they are. */
  protected async run(sql: string, values?: unknown[]): Promise<number | null> {
    const [result] = await this.#client.query<mysql.ResultSetHeader>(sql, values);
    return result.affectedRows;
  }
}

const where = (key: Values): string =>
  Object.keys(key)
    .map(column => `${quote(column)} = ?`)
    .join(' AND ');

export class MysqlDatabase implements TestDatabase {
  readonly server: MysqlServer;
  /** Also the name of the account that the connector logs in with; it has the documented privileges and no more. */
  readonly name: string;
  readonly reader: Reader;
  readonly #closedPort: number;

  private constructor(server: MysqlServer, name: string, reader: Reader, closedPort: number) {
    this.server = server;
    this.name = name;
    this.reader = reader;
    this.#closedPort = closedPort;
  }

  /** A database of its own in `server`, and who may read it. */
  static async create(server: MysqlServer): Promise<MysqlDatabase> {
    const name = await server.createDatabase();
    return new MysqlDatabase(server, name, await server.createReader(name, [name]), await freePort());
  }

  get namespace(): string {
    return this.name;
  }

  get endpoint(): Endpoint {
    return { host: this.server.host, port: this.server.port };
  }

  config(options: { readonly endpoint?: Endpoint; readonly more?: JsonObject; readonly source?: JsonObject } = {}): JsonObject {
    const { host, port } = options.endpoint ?? this.endpoint;
    return {
      source: { engine: 'mysql', host, port, databases: [this.name], ...this.reader, ...options.source },
      ssl_mode: { mode: 'disabled' },
      checkpoint_interval_seconds: 0,
      ...options.more,
    };
  }

  brokenConfigs(): readonly BrokenConfig[] {
    return brokenConfigs(source => this.config({ source }), { databases: ['no_such_database'] }, this.#closedPort);
  }

  /** SQL as the superuser in this database. */
  query(sql: string, values?: unknown[]): Promise<Rows> {
    return this.server.query(this.name, sql, values);
  }

  async createTable(table: TableSpec): Promise<void> {
    const isKey = (name: string): boolean => table.primaryKey.includes(name);
    const columns = Object.entries(table.columns).map(([name, kind]) => {
      const type = kind === 'text' && isKey(name) ? keyText : nativeTypes[kind];
      return `${quote(name)} ${type} ${isKey(name) ? 'NOT NULL' : 'NULL'}`;
    });
    const key = table.primaryKey.length === 0 ? [] : [`PRIMARY KEY (${table.primaryKey.map(quote).join(', ')})`];
    await this.query(`CREATE TABLE ${quote(table.name)} (${[...columns, ...key].join(', ')})`);
  }

  async dropTable(name: string): Promise<void> {
    await this.query(`DROP TABLE ${quote(name)}`);
  }

  async session(): Promise<Session> {
    const client = await this.server.client(this.name);
    // Under REPEATABLE READ two sessions that change rows beside each other wait for each other's gaps.
    await query(client, "SET time_zone = '+00:00'; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    return new MysqlSession(client);
  }

  async rows(table: TableSpec): Promise<Row[]> {
    const client = await this.server.client(this.name);
    try {
      await client.query("SET time_zone = '+00:00'");
      const list = Object.entries(table.columns)
        .map(([name, kind]) => (kind === 'bytes' ? `HEX(${quote(name)})` : quote(name)))
        .join(', ');
      const sql = `SELECT ${list} FROM ${quote(table.name)}`;
      const [rows] = await client.query({ sql, rowsAsArray: true, typeCast: field => field.string('utf8') });
      return rowsOfTexts(table, rows as (string | null)[][], canonical);
    } finally {
      await client.end();
    }
  }

  async createFailingView(name: string): Promise<void> {
    await this.query(`CREATE VIEW ${quote(name)} AS SELECT CAST(0 AS UNSIGNED) - 1 AS n`);
  }

  /** By DELETE: TRUNCATE commits at once. */
  async reload(table: TableSpec): Promise<{ readonly commit: () => Promise<void> }> {
    const client = await this.server.client(this.name);
    const name = quote(table.name);
    await client.query(`CREATE TEMPORARY TABLE held AS SELECT * FROM ${name}`);
    await client.query(`START TRANSACTION; DELETE FROM ${name}; INSERT INTO ${name} SELECT * FROM held`);
    return {
      commit: async () => {
        await client.query('COMMIT');
        await client.end();
      },
    };
  }

  async rekey(table: TableSpec, key: readonly string[]): Promise<void> {
    await this.query(`ALTER TABLE ${quote(table.name)} DROP PRIMARY KEY, ADD PRIMARY KEY (${key.map(quote).join(', ')})`);
  }

  version(): Promise<string> {
    return this.server.variable('version');
  }

  async disconnected(): Promise<void> {
    const ours = (): Promise<number[]> => this.server.connections(({ user }) => user === this.reader.username);
    // A dump of the log notices that nobody reads it any more only when it sends: at the next heartbeat.
    for (let waited = 0; (await ours()).length > 0; waited++) {
      if (waited > 600) throw new Error('somebody is still connected');
      await sleep(50);
    }
  }

  async drop(): Promise<void> {
    await this.server.dropDatabase(this.name);
  }
}

export interface MysqlBackend extends TestBackend {
  open(): Promise<MysqlDatabase>;
}

/** MySQL or MariaDB for the kit: each test gets a database of its own in a server that the whole test run shares. */
export const mysqlBackend = (flavor: MysqlFlavor, metadata: RowMetadata = 'FULL'): MysqlBackend => ({
  engine: 'mysql',
  label: mysqlLabel(flavor, metadata),
  unavailable: mysqlUnavailable(flavor),
  cursorColumn: '_ab_cdc_cursor',
  lacks: ['memory of the first read'],
  // A session with sql_log_bin = 0 leaves no trace.
  noticesGaps: false,
  open: async () => MysqlDatabase.create(await acquireMysql(flavor, metadata)),
});
