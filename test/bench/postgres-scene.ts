import { type OwnPostgresServer, startPostgres } from '../kit/servers/postgres.ts';
import { type Files, type Scene, SceneFolder } from './scene.ts';

/** The table of the measurements: a key, numbers, short and quoted text, a time, a boolean, JSON; about 170 bytes a row. */
const TABLE = `
  CREATE TABLE lines (id bigint PRIMARY KEY, quantity int, product varchar(60), price numeric(12,2), note text,
                      placed timestamp, paid boolean, details jsonb);
  ALTER TABLE lines SET (autovacuum_enabled = false)`;
const fillSql = (from: number, to: number): string => `
  INSERT INTO lines SELECT g, g % 97, 'product number ' || g % 5000, (g % 100000) / 7.0, 'a note with "quotes" in it, number ' || g,
         timestamp '2024-01-01' + g * interval '1 second', g % 3 = 0, jsonb_build_object('tags', ARRAY['a','b'], 'n', g % 10)
    FROM generate_series(${from}, ${to}) g`;

export class PostgresScene implements Scene {
  readonly server: OwnPostgresServer;
  readonly #place: SceneFolder;

  private constructor(server: OwnPostgresServer, place: SceneFolder) {
    this.server = server;
    this.#place = place;
  }

  static async start(): Promise<PostgresScene> {
    const settings = { shared_buffers: '1GB', max_wal_size: '16GB', checkpoint_timeout: '1h', autovacuum: 'off' };
    return new PostgresScene(await startPostgres({ major: 18, settings }), await SceneFolder.make());
  }

  get cli(): string {
    return this.#place.cli;
  }
  get folder(): string {
    return this.#place.folder;
  }

  async database(name: string, rows: number): Promise<string> {
    const database = await this.server.createDatabase(name);
    const client = await this.server.client(database);
    await client.query(TABLE);
    await client.query(fillSql(1, rows));
    await client.query('VACUUM (ANALYZE, FREEZE) lines');
    await client.query('CHECKPOINT');
    await client.end();
    return database;
  }

  async insert(database: string, from: number, to: number, perTransaction: number): Promise<void> {
    const client = await this.server.client(database);
    for (let first = from; first <= to; first += perTransaction) {
      await client.query(fillSql(first, Math.min(first + perTransaction - 1, to)));
    }
    await client.end();
  }

  /** Slot and publication of a database's reads. */
  slot(database: string): string {
    return `ours_${database}`;
  }

  files(database: string): Files {
    const { host, port, username, password } = this.server;
    const slot = this.slot(database);
    const source = { engine: 'postgres', host, port, database, username, password, replication_slot: slot, publication: slot };
    return this.#place.files(database, { source, ssl_mode: { mode: 'disable' } });
  }

  async forget(database: string): Promise<void> {
    const sql = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${this.slot(database)}'`;
    await this.server.query(database, sql);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    this.#place.remove();
  }
}
