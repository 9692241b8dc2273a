import mysql from 'mysql2/promise';
import type { MysqlFlavor } from './mysql-binaries.ts';

export type Rows = Record<string, unknown>[];

/** How one reaches a server as its superuser. Plain data: it can be handed from one process to another. */
export interface MysqlAddress {
  readonly flavor: MysqlFlavor;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** Name and password of an account that a connector logs in with. */
export interface Reader {
  readonly username: string;
  readonly password: string;
}

/** What the documentation tells a user to grant; on the databases that are read, SELECT comes on top. */
const readerPrivileges = 'REPLICATION SLAVE, REPLICATION CLIENT';

/** A running server, perhaps shared with others: work in a database of your own, and leave settings alone. */
export class MysqlServer implements MysqlAddress {
  readonly flavor: MysqlFlavor;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;

  constructor(address: MysqlAddress) {
    this.flavor = address.flavor;
    this.host = address.host;
    this.port = address.port;
    this.username = address.username;
    this.password = address.password;
  }

  get address(): MysqlAddress {
    const { flavor, host, port, username, password } = this;
    return { flavor, host, port, username, password };
  }

  url(database = ''): string {
    return `mysql://${this.username}:${encodeURIComponent(this.password)}@${this.host}:${this.port}/${database}`;
  }

  /** What command-line clients are given to connect as the superuser. */
  get clientOptions(): readonly string[] {
    return [
      '--protocol=TCP',
      `--host=${this.host}`,
      `--port=${this.port}`,
      `--user=${this.username}`,
      `--password=${this.password}`,
    ];
  }

  /**
   * A connected client of the superuser, or of whom `options` names; several statements may stand in one query, and
   * numbers, dates and decimals that JavaScript would round come as text. The caller ends it.
   */
  async client(database?: string, options: mysql.ConnectionOptions = {}): Promise<mysql.Connection> {
    const { host, port, username: user, password } = this;
    const exact = { supportBigNumbers: true, bigNumberStrings: false, dateStrings: true, multipleStatements: true };
    const where = database === undefined ? {} : { database };
    const client = await mysql.createConnection({
      host,
      port,
      user,
      password,
      ...where,
      ...exact,
      charset: 'utf8mb4',
      ...options,
    });
    // A server that is stopped under a client is part of many tests; the query in flight rejects anyway.
    client.on('error', () => {});
    return client;
  }

  /** The last file of the binary log, and the byte at which it ends. */
  async logEnd(): Promise<{ readonly file: string; readonly position: number }> {
    const sql = this.flavor === 'mysql' ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
    const [status] = await this.query(undefined, sql);
    return { file: String(status?.['File']), position: Number(status?.['Position']) };
  }

  /** SQL in a short connection; the rows are those of the last statement, none if it has no result set. */
  async query(database: string | undefined, sql: string, values?: unknown[]): Promise<Rows> {
    const client = await this.client(database);
    try {
      return await query(client, sql, values);
    } finally {
      await client.end().catch(() => client.destroy());
    }
  }

  /** The value of a global variable, as text. */
  async variable(name: string): Promise<string> {
    return String((await this.query(undefined, `SELECT @@global.${name} AS value`))[0]?.['value']);
  }

  /** MariaDB of before 11.0, which does some things otherwise. */
  async isMariadb10(): Promise<boolean> {
    return this.flavor === 'mariadb' && (await this.variable('version')).startsWith('10.');
  }

  /** Makes an empty database and returns its name: the one asked for, or one that nobody has. */
  async createDatabase(
    name = `t_${process.pid}_${Math.random().toString(36).slice(2, 10)}`,
    options = 'CHARACTER SET utf8mb4',
  ): Promise<string> {
    await this.query(undefined, `CREATE DATABASE ${mysql.escapeId(name)} ${options}`);
    return name;
  }

  /** An account named like `name` with just the privileges that reading `databases` and the log needs. */
  async createReader(name: string, databases: readonly string[]): Promise<Reader> {
    const password = 'Reader~Secret-0815';
    const who = `${mysql.escape(name)}@'%'`;
    const grants = databases.map(database => `GRANT SELECT ON ${mysql.escapeId(database)}.* TO ${who};`);
    const create = `CREATE USER ${who} IDENTIFIED BY ${mysql.escape(password)}; GRANT ${readerPrivileges} ON *.* TO ${who};`;
    await this.query(undefined, `${create} ${grants.join(' ')}`);
    return { username: name, password };
  }

  /** Connections that `keep` chooses of `SHOW PROCESSLIST`; binlog dumps are among them. */
  async connections(
    keep: (connection: { id: number; user: string; database: string | null; command: string }) => boolean,
  ): Promise<number[]> {
    const rows = await this.query(undefined, 'SHOW PROCESSLIST');
    return rows
      .map(row => ({
        id: Number(row['Id']),
        user: String(row['User']),
        database: row['db'] as string | null,
        command: String(row['Command']),
      }))
      .filter(keep)
      .map(({ id }) => id);
  }

  /** Ends connections of others; those that ended meanwhile are no error. */
  async kill(connections: readonly number[]): Promise<void> {
    for (const id of connections) await this.query(undefined, `KILL ${id}`).catch(() => {});
  }

  /** Removes a database and the reader of the same name, with whoever is connected to the one or as the other. */
  async dropDatabase(name: string): Promise<void> {
    const held = (): Promise<number[]> => this.connections(({ user, database }) => user === name || database === name);
    await this.query(undefined, `DROP USER IF EXISTS ${mysql.escape(name)}@'%'`);
    await this.kill(await held());
    await this.query(undefined, `DROP DATABASE IF EXISTS ${mysql.escapeId(name)}`);
  }
}

/** The rows of the last statement in `sql`. */
export const query = async (client: mysql.Connection, sql: string, values?: unknown[]): Promise<Rows> => {
  const [result] = await client.query(sql, values);
  const lists = Array.isArray(result) ? (result as unknown[]) : [];
  const last = lists.at(-1);
  // Several statements give a list of results, one gives its rows, and one without rows a header.
  const several = lists.some(
    entry => Array.isArray(entry) || (entry as object | undefined)?.constructor.name === 'ResultSetHeader',
  );
  const rows = several ? last : lists;
  return Array.isArray(rows) ? (rows as Rows) : [];
};
