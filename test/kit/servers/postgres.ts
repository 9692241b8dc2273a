import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresMajor, postgresBinaries, postgresTemplate, renewSystemIdentifier, superuser } from './postgres-binaries.ts';
import { type Account, folderForFiles, freePort, newServerFolder, serverAccount, sleep, writeFor } from './process.ts';
import { ServerProcess } from './server-process.ts';

export { type PostgresMajor, postgresMajors, postgresUnavailable, superuser, type UsualMajor } from './postgres-binaries.ts';

/** How one reaches a server as its superuser. Plain data: it can be handed from one process to another. */
export interface PostgresAddress {
  readonly major: PostgresMajor;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

/** A running server, perhaps shared with others: work in a database of your own, and leave settings alone. */
export class PostgresServer implements PostgresAddress {
  readonly major: PostgresMajor;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;

  constructor(address: PostgresAddress) {
    this.major = address.major;
    this.host = address.host;
    this.port = address.port;
    this.username = address.username;
    this.password = address.password;
  }

  url(database = 'postgres'): string {
    return `postgresql://${this.username}:${encodeURIComponent(this.password)}@${this.host}:${this.port}/${database}`;
  }

  /** A connected client of the superuser, or of whom `options` names. The caller ends it. */
  async client(database = 'postgres', options: pg.ClientConfig = {}): Promise<pg.Client> {
    const { host, port, username: user, password } = this;
    const client = new pg.Client({ host, port, user, password, database, ...options });
    // A server that is stopped under a client is part of many tests; the query in flight rejects anyway.
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** One statement, or several without parameters, in a short connection. */
  async query(database: string, sql: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    const client = await this.client(database);
    try {
      return (await client.query(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Makes an empty UTF-8 database and returns its name: the one asked for, or one that nobody has. */
  async createDatabase(
    name = `t_${process.pid}_${Math.random().toString(36).slice(2, 10)}`,
    options = "ENCODING 'UTF8'",
  ): Promise<string> {
    await this.query('postgres', `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0 ${options}`);
    return name;
  }

  /** Removes a database with the replication slots in it and whoever is connected. */
  async dropDatabase(name: string): Promise<void> {
    const client = await this.client();
    try {
      const held = 'SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = $1';
      for (let attempt = 0; attempt < 100; attempt++) {
        const slots: { slot_name: string; active_pid: number | null }[] = (await client.query(held, [name])).rows;
        if (slots.length === 0) break;
        for (const slot of slots) {
          if (slot.active_pid !== null) await client.query('SELECT pg_terminate_backend($1)', [slot.active_pid]);
          else await client.query('SELECT pg_drop_replication_slot($1)', [slot.slot_name]).catch(() => {});
        }
        await sleep(20);
      }
      await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    } finally {
      await client.end();
    }
  }
}

export interface PostgresOptions {
  readonly major: PostgresMajor;
  /** Lines of postgresql.conf, in addition to those of the kit. `ALTER SYSTEM` still wins over them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** PEM texts; with it the server answers TLS (`ssl = on`). `ca` is what client certificates are verified against. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca?: string };
  /** Lines of pg_hba.conf that stand before the kit's own (`host all all 127.0.0.1/32 scram-sha-256`). */
  readonly hba?: readonly string[];
}

export type StopMode = 'smart' | 'fast' | 'immediate';
const signals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  fsync: 'off',
  max_replication_slots: '40',
  max_wal_senders: '40',
  max_connections: '120',
  max_prepared_transactions: '10',
  shared_buffers: '64MB',
  timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
};

/** A server that belongs to one test: it may be stopped, killed and set up at will. */
export class OwnPostgresServer extends PostgresServer {
  readonly dataFolder: string;
  readonly logFile: string;
  readonly #process: ServerProcess;

  constructor(address: PostgresAddress, folder: string, bin: string, account: Account | null) {
    super(address);
    this.dataFolder = join(folder, 'data');
    this.logFile = join(folder, 'log');
    this.#process = new ServerProcess({
      file: join(bin, 'postgres'),
      args: ['-D', this.dataFolder],
      account,
      cwd: this.dataFolder,
      logFile: this.logFile,
      folder,
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Adds lines to postgresql.conf; later ones win. They hold from the next start or reload. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
    await appendFile(join(this.dataFolder, 'postgresql.conf'), lines.join(''));
  }

  async start(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (await this.#process.start(pid => this.#ready(pid), 60_000)) return;
      // After a SIGKILL the old backends need a moment to notice; until then their shared memory is in the way.
      const text = await readFile(this.logFile, 'utf8');
      if (attempt >= 50 || !/pre-existing shared memory|lock file "postmaster.pid" already exists/.test(text.slice(-800))) {
        throw new Error(`PostgreSQL ${this.major} did not start:\n${text.slice(-3000)}`);
      }
      await sleep(100);
    }
  }

  /** postmaster.pid: line 1 is the process, line 8 its status (src/include/utils/pidfile.h). */
  async #ready(pid: number | undefined): Promise<boolean> {
    const lines = (await readFile(join(this.dataFolder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
  }

  /** Stops the server and keeps its data. */
  async halt(mode: StopMode = 'fast'): Promise<void> {
    await this.#process.end(signals[mode]);
  }

  /** SIGKILL of the postmaster: what was not written is gone, clients see a broken connection. */
  async kill9(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  async restart(mode: StopMode = 'fast'): Promise<void> {
    await this.halt(mode);
    await this.start();
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    await this.halt('immediate');
    await rm(join(this.dataFolder, '..'), { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Starts a server of one's own on a free port of 127.0.0.1, with a fresh data folder and a system identifier that no
 * other server has. The superuser logs in by password (`superuser`). Call `stop` at the end; should this process die,
 * the server dies with it. Throws when the major is not available here: see `postgresUnavailable`.
 */
export const startPostgres = async (options: PostgresOptions): Promise<OwnPostgresServer> => {
  const { major } = options;
  const { bin } = await postgresBinaries(major);
  const template = await postgresTemplate(major);
  const account = await serverAccount();
  const folder = await newServerFolder(`postgres-${major}`, template, await folderForFiles());
  const port = await freePort();
  const address: PostgresAddress = { major, host: '127.0.0.1', port, username: superuser.name, password: superuser.password };
  const server = new OwnPostgresServer(address, folder, bin, account);
  try {
    await renewSystemIdentifier(server.dataFolder);
    const write = (name: string, text: string): Promise<void> => writeFor(account, join(server.dataFolder, name), text);
    const { tls } = options;
    if (tls !== undefined) {
      await write('server.crt', tls.certificate);
      await write('server.key', tls.key);
      if (tls.ca !== undefined) await write('root.crt', tls.ca);
    }
    const local = ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'];
    await write('pg_hba.conf', `${[...(options.hba ?? []), ...local].join('\n')}\n`);
    await server.configure({
      ...defaults,
      port: String(port),
      ...(tls === undefined ? {} : { ssl: 'on', ssl_cert_file: 'server.crt', ssl_key_file: 'server.key' }),
      ...(tls?.ca === undefined ? {} : { ssl_ca_file: 'root.crt' }),
      ...options.settings,
    });
    await server.start();
    return server;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};
