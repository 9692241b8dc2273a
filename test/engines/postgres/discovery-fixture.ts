import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { discoverTables } from '../../../src/engines/postgres/discovery.ts';
import { readPublication } from '../../../src/engines/postgres/replication/publication.ts';
import type { PgTable } from '../../../src/engines/postgres/table.ts';
import type { PostgresMajor, PostgresServer } from '../../kit/servers/postgres.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { engineConfig, engineContext, withQuery } from './engine-fixture.ts';

export interface DiscoverWish {
  readonly schemas?: readonly string[];
  readonly publication?: string;
  readonly nativeJson?: boolean;
  /** As the role without rights instead of the superuser. */
  readonly asReader?: boolean;
  /** Gets what is logged. */
  readonly lines?: string[];
}

/** A database of the test file's own, a role without rights in it, and schemas to fill one by one. */
export class DiscoveryFixture {
  readonly role: string;
  readonly #major: PostgresMajor;
  #server: PostgresServer | undefined;
  #admin: pg.Client | undefined;
  #database = '';
  #schemas = 0;

  constructor(major: PostgresMajor, name: string) {
    this.#major = major;
    this.role = `${name}_${process.pid}_${major}`;
    beforeAll(() => this.#begin());
    afterAll(() => this.#end());
  }

  async #begin(): Promise<void> {
    this.#server = await acquirePostgres(this.#major);
    this.#database = await this.#server.createDatabase();
    this.#admin = await this.#server.client(this.#database);
    await this.#admin.query(`CREATE ROLE ${this.role} LOGIN PASSWORD 'reader'`);
  }

  async #end(): Promise<void> {
    await this.#admin?.query(`DROP OWNED BY ${this.role}; DROP ROLE ${this.role}`);
    await this.#admin?.end();
    await this.#server?.dropDatabase(this.#database);
  }

  get server(): PostgresServer {
    if (this.#server === undefined) throw new Error('before beforeAll');
    return this.#server;
  }

  get database(): string {
    return this.#database;
  }

  /** Runs SQL as the superuser, with the newest schema on the search path. */
  async sql(sql: string): Promise<void> {
    await this.#admin?.query(sql);
  }

  /** Runs the statements in a schema of its own and gives its name. */
  async inSchema(sql: string, name = `s${this.#schemas++}`): Promise<string> {
    const schema = pg.escapeIdentifier(name);
    await this.sql(`CREATE SCHEMA ${schema}; SET search_path = ${schema}, public; ${sql}`);
    return name;
  }

  discover(schema: string, wish: DiscoverWish = {}): Promise<readonly PgTable[]> {
    const login = wish.asReader === true ? { username: this.role, password: 'reader' } : {};
    const { context, lines } = engineContext();
    return withQuery(engineConfig(this.server, this.#database, login), async query => {
      const publication = await readPublication(query, wish.publication ?? 'none');
      const { nativeJson = false, schemas = [schema] } = wish;
      const tables = await discoverTables(query, { schemas, publication, nativeJson, log: context.log });
      wish.lines?.push(...lines);
      return tables;
    });
  }
}

export const byName = (tables: readonly PgTable[]): ReadonlyMap<string, PgTable> =>
  new Map(tables.map(table => [table.id.name, table]));

/** Why the table cannot be followed; empty when it can. */
export const reasonOf = (table: PgTable | undefined): string => {
  if (table === undefined) return 'not offered';
  return table.follow === true ? '' : table.follow.reason;
};
