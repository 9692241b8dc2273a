import pg from 'pg';
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
import { type PostgresMajor, type PostgresServer, postgresUnavailable } from '../../kit/servers/postgres.ts';
import { freePort, sleep } from '../../kit/servers/process.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { brokenConfigs, compactJson, rowsOfTexts, SqlSession } from '../../kit/sql-backend.ts';

const quote = (name: string): string => pg.escapeIdentifier(name);

const nativeTypes: Readonly<Record<ColumnKind, string>> = {
  integer: 'bigint',
  text: 'text',
  decimal: 'numeric(20,2)',
  boolean: 'boolean',
  json: 'jsonb',
  bytes: 'bytea',
  timestamp: 'timestamptz',
  integers: 'integer[]',
};

/** From the server's text (`TimeZone UTC`, `DateStyle ISO`, `bytea_output hex`) to what a record must say: docs/types. */
const canonical: Readonly<Record<ColumnKind, (text: string) => Json>> = {
  integer: digits,
  decimal: digits,
  text: text => text,
  boolean: text => text === 'true',
  json: compactJson,
  bytes: text => Buffer.from(text.slice(2), 'hex').toString('base64'),
  timestamp: text => text.replace(' ', 'T').replace(/\+00$/, 'Z'),
  integers: text =>
    text === '{}'
      ? []
      : text
          .slice(1, -1)
          .split(',')
          .map(element => (element === 'NULL' ? null : digits(element))),
};

const parameter = (value: Value): unknown =>
  value instanceof Uint8Array ? Buffer.from(value) : Array.isArray(value) ? `{${value.join(',')}}` : value;

class PostgresSession extends SqlSession {
  readonly #client: pg.Client;
  readonly #schema: string;

  constructor(client: pg.Client, schema: string) {
    super();
    this.#client = client;
    this.#schema = schema;
  }

  async insert(table: TableSpec, rows: readonly Values[]): Promise<void> {
    const columns = Object.keys(table.columns);
    const values: unknown[] = [];
    const tuples = rows.map(row => {
      const places = columns.map(column => `$${values.push(parameter(row[column] ?? null))}`);
      return `(${places.join(', ')})`;
    });
    await this.#client.query(
      `INSERT INTO ${this.#name(table)} (${columns.map(quote).join(', ')}) VALUES ${tuples.join(', ')}`,
      values,
    );
  }

  async update(table: TableSpec, key: Values, set: Values): Promise<void> {
    const values: unknown[] = [];
    const assignments = Object.entries(set).map(([column, value]) => `${quote(column)} = $${values.push(parameter(value))}`);
    const sql = `UPDATE ${this.#name(table)} SET ${assignments.join(', ')} WHERE ${this.#where(key, values)}`;
    await this.one(sql, values);
  }

  async delete(table: TableSpec, key: Values): Promise<void> {
    const values: unknown[] = [];
    await this.one(`DELETE FROM ${this.#name(table)} WHERE ${this.#where(key, values)}`, values);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  protected async run(sql: string, values?: unknown[]): Promise<number | null> {
    return (await this.#client.query(sql, values)).rowCount;
  }

  #name(table: TableSpec): string {
    return `${quote(this.#schema)}.${quote(table.name)}`;
  }

  #where(key: Values, values: unknown[]): string {
    return Object.entries(key)
      .map(([column, value]) => `${quote(column)} = $${values.push(parameter(value))}`)
      .join(' AND ');
  }
}

export class PostgresDatabase implements TestDatabase {
  readonly namespace = 'public';
  readonly server: PostgresServer;
  /** Also the name of the replication slot and of the publication. */
  readonly name: string;
  readonly #closedPort: number;

  constructor(server: PostgresServer, name: string, closedPort: number) {
    this.server = server;
    this.name = name;
    this.#closedPort = closedPort;
  }

  get endpoint(): Endpoint {
    return { host: this.server.host, port: this.server.port };
  }

  config(options: { readonly endpoint?: Endpoint; readonly more?: JsonObject; readonly source?: JsonObject } = {}): JsonObject {
    const { host, port } = options.endpoint ?? this.endpoint;
    return {
      source: {
        engine: 'postgres',
        host,
        port,
        database: this.name,
        username: this.server.username,
        password: this.server.password,
        schemas: [this.namespace],
        replication_slot: this.name,
        publication: this.name,
        ...options.source,
      },
      ssl_mode: { mode: 'disable' },
      checkpoint_interval_seconds: 0,
      ...options.more,
    };
  }

  brokenConfigs(): readonly BrokenConfig[] {
    return brokenConfigs(source => this.config({ source }), { database: 'no_such_database' }, this.#closedPort);
  }

  /** SQL as the superuser in this database. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    return this.server.query(this.name, sql, values);
  }

  async createTable(table: TableSpec): Promise<void> {
    const columns = Object.entries(table.columns).map(([name, kind]) => `${quote(name)} ${nativeTypes[kind]}`);
    const key = table.primaryKey.length === 0 ? [] : [`PRIMARY KEY (${table.primaryKey.map(quote).join(', ')})`];
    await this.query(`CREATE TABLE ${quote(this.namespace)}.${quote(table.name)} (${[...columns, ...key].join(', ')})`);
  }

  async dropTable(name: string): Promise<void> {
    await this.query(`DROP TABLE ${quote(this.namespace)}.${quote(name)}`);
  }

  async session(): Promise<Session> {
    return new PostgresSession(await this.server.client(this.name), this.namespace);
  }

  async rows(table: TableSpec): Promise<Row[]> {
    const client = await this.server.client(this.name);
    try {
      await client.query("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = 'hex'; SET extra_float_digits = 1");
      const list = Object.keys(table.columns)
        .map(name => `${quote(name)}::text`)
        .join(', ');
      const sql = `SELECT ${list} FROM ${quote(this.namespace)}.${quote(table.name)}`;
      const result: { rows: (string | null)[][] } = await client.query({ text: sql, rowMode: 'array' });
      return rowsOfTexts(table, result.rows, canonical);
    } finally {
      await client.end();
    }
  }

  async createFailingView(name: string): Promise<void> {
    await this.query(`CREATE VIEW ${quote(name)} AS SELECT 1 / (random() * 0)::int AS n`);
  }

  async reload(table: TableSpec): Promise<{ readonly commit: () => Promise<void> }> {
    const client = await this.server.client(this.name);
    const name = quote(table.name);
    await client.query(`CREATE TEMPORARY TABLE held AS SELECT * FROM ${name}`);
    await client.query(`BEGIN; TRUNCATE ${name}; INSERT INTO ${name} SELECT * FROM held`);
    return {
      commit: async () => {
        await client.query('COMMIT');
        await client.end();
      },
    };
  }

  async rekey(table: TableSpec, key: readonly string[]): Promise<void> {
    const name = quote(table.name);
    await this.query(
      `ALTER TABLE ${name} DROP CONSTRAINT ${quote(`${table.name}_pkey`)}, ADD PRIMARY KEY (${key.map(quote).join(', ')})`,
    );
  }

  async outsideOfLog(table: TableSpec, during: () => Promise<void>): Promise<void> {
    await this.query(`ALTER PUBLICATION ${quote(this.name)} DROP TABLE ${quote(table.name)}`);
    await during();
    await this.query(`ALTER PUBLICATION ${quote(this.name)} ADD TABLE ${quote(table.name)}`);
  }

  async version(): Promise<string> {
    return String((await this.query('SHOW server_version'))[0]?.['server_version']);
  }

  async disconnected(): Promise<void> {
    const sql = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')`;
    for (let waited = 0; (await this.query(sql))[0]?.['n'] !== 0; waited++) {
      if (waited > 500) throw new Error('somebody is still connected');
      await sleep(20);
    }
  }

  async drop(): Promise<void> {
    await this.server.dropDatabase(this.name);
  }
}

export interface PostgresBackend extends TestBackend {
  open(): Promise<PostgresDatabase>;
}

/** PostgreSQL for the kit: each test gets a database of its own in a server that the whole test run shares. */
export const postgresBackend = (major: PostgresMajor): PostgresBackend => ({
  engine: 'postgres',
  label: `PostgreSQL ${major}`,
  unavailable: postgresUnavailable(major),
  cursorColumn: '_ab_cdc_lsn',
  lacks: [],
  noticesGaps: true,
  open: async () => {
    const server = await acquirePostgres(major);
    return new PostgresDatabase(server, await server.createDatabase(), await freePort());
  },
});
