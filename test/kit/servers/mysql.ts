import { appendFile, mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flavorNames, type MysqlFlavor, type MysqlInstallation, mysqlInstallation } from './mysql-binaries.ts';
import { type MysqlAddress, MysqlServer } from './mysql-server.ts';
import { mysqlTemplate, rememberedSettings, superuser } from './mysql-template.ts';
import { type Account, freePort, give, newServerFolder, serverAccount, sleep, writeFor } from './process.ts';
import { ServerProcess } from './server-process.ts';

export { type Command, flavorNames, type MysqlFlavor, mysqlFlavors, mysqlTool, mysqlUnavailable } from './mysql-binaries.ts';
export { type MysqlAddress, MysqlServer, query, type Reader, type Rows } from './mysql-server.ts';
export { superuser } from './mysql-template.ts';

export interface MysqlOptions {
  readonly flavor: MysqlFlavor;
  /** Lines of the server's option file, in addition to those of the kit; an empty value stands for the bare name. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * PEM texts. Without it MySQL answers TLS with the certificate that it made for itself, and MariaDB does not answer
   * TLS before 11.4. `ca` is what client certificates are verified against.
   */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly ca?: string };
}

/** `orderly` lets the server write everything and takes a second or two; `abrupt` is SIGKILL. */
export type StopMode = 'orderly' | 'abrupt';

/**
 * What a commit wrote is in the operating system's hands when it returns, so it outlives the server's SIGKILL, though not
 * the machine: nothing waits for a disk.
 */
const defaults: Readonly<Record<string, string>> = {
  bind_address: '127.0.0.1',
  skip_name_resolve: 'ON',
  log_bin: 'binlog',
  binlog_row_image: 'FULL',
  binlog_row_metadata: 'FULL',
  sync_binlog: '0',
  innodb_flush_log_at_trx_commit: '2',
  innodb_doublewrite: 'OFF',
  innodb_buffer_pool_size: '64M',
  max_allowed_packet: '64M',
  max_connections: '200',
  performance_schema: 'OFF',
  local_infile: 'ON',
};
const flavorDefaults: Readonly<Record<MysqlFlavor, Readonly<Record<string, string>>>> = {
  mysql: { gtid_mode: 'ON', enforce_gtid_consistency: 'ON', mysqlx: 'OFF', secure_file_priv: 'NULL' },
  mariadb: { binlog_format: 'ROW', log_slave_updates: 'ON' },
};

const optionLine = ([name, value]: readonly [string, string]): string =>
  value === '' ? `${name}\n` : `${name} = "${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"\n`;

export class OwnMysqlServer extends MysqlServer {
  readonly folder: string;
  readonly dataFolder: string;
  readonly installation: MysqlInstallation;
  readonly #process: ServerProcess;

  constructor(address: MysqlAddress, folder: string, installation: MysqlInstallation, account: Account | null) {
    super(address);
    this.folder = folder;
    this.dataFolder = join(folder, 'data');
    this.installation = installation;
    const [file, ...loading] = installation.server;
    this.#process = new ServerProcess({
      file,
      args: [...loading, `--defaults-file=${this.#optionFile}`],
      account,
      cwd: this.dataFolder,
      logFile: this.logFile,
      folder,
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get logFile(): string {
    return join(this.folder, 'log');
  }

  get #optionFile(): string {
    return join(this.folder, 'my.cnf');
  }

  /** PEM text of the authority that signed the server's certificate, where MySQL made both for itself. */
  caCertificate(): Promise<string> {
    return readFile(join(this.dataFolder, 'ca.pem'), 'utf8');
  }

  /** Adds lines to the option file; later ones win. They hold from the next start. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    await appendFile(this.#optionFile, Object.entries(settings).map(optionLine).join(''));
  }

  async start(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const before = await stat(this.logFile).then(
        ({ size }) => size,
        () => 0,
      );
      const ready = async (): Promise<boolean> => (await this.#logged(before)).includes('ready for connections');
      if (await this.#process.start(ready, 90_000)) return;
      const text = await this.#logged(before);
      // Somebody's connection may hold the port for a moment: it is one of those that connections leave from.
      if (attempt >= 50 || !/Address already in use/.test(text)) {
        throw new Error(`${flavorNames[this.flavor]} did not start:\n${text.slice(-3000)}`);
      }
      await sleep(200);
    }
  }

  /** What was logged from byte `from` on. */
  async #logged(from: number): Promise<string> {
    const file = await open(this.logFile);
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - from));
      await file.read(bytes, 0, bytes.length, from);
      return bytes.toString();
    } finally {
      await file.close();
    }
  }

  /** Stops the server and keeps its data. */
  async halt(mode: StopMode = 'orderly'): Promise<void> {
    await this.#process.end(mode === 'orderly' ? 'SIGTERM' : 'SIGKILL');
  }

  /** SIGKILL: what was not committed is gone, clients see a broken connection. */
  async kill9(): Promise<void> {
    await this.halt('abrupt');
  }

  async restart(mode: StopMode = 'orderly'): Promise<void> {
    await this.halt(mode);
    await this.start();
  }

  /** Holds the process still (SIGSTOP): connections stay open and nobody answers. `thaw` lets it go on. */
  freeze(): void {
    this.#process.signal('SIGSTOP');
  }
  thaw(): void {
    this.#process.signal('SIGCONT');
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    await this.halt('abrupt');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const highestServerId = 0x7fff_ffff;

/**
 * Starts a server of one's own on a free port of 127.0.0.1, with a fresh data folder, a server id, and for MySQL a UUID,
 * that no other server has. The superuser logs in by password (`superuser`) from anywhere. Its log begins with this
 * start, in ROW format. Call `stop` at the end; should this process die, the server dies with it. Throws when the flavor
 * is not available here: see `mysqlUnavailable`.
 */
export const startMysql = async (options: MysqlOptions): Promise<OwnMysqlServer> => {
  const { flavor, tls } = options;
  const installation = await mysqlInstallation(flavor);
  const template = await mysqlTemplate(flavor);
  const account = await serverAccount();
  const folder = await newServerFolder(flavor, template);
  const port = await freePort();
  const address: MysqlAddress = { flavor, host: '127.0.0.1', port, username: superuser.name, password: superuser.password };
  const server = new OwnMysqlServer(address, folder, installation, account);
  try {
    await give(folder, account);
    // A server that starts deletes what looks left over in a folder that it shares with others.
    const temporary = join(folder, 'tmp');
    await mkdir(temporary);
    await give(temporary, account);
    const pem: Record<string, string> = {};
    const files: Record<string, string> =
      tls === undefined ? {} : { cert: tls.certificate, key: tls.key, ...(tls.ca === undefined ? {} : { ca: tls.ca }) };
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, `${name}.pem`);
      await writeFor(account, path, text);
      pem[`ssl_${name}`] = path;
    }
    const places = installation.ownPlaces.map(option => option.slice(2).split('=', 2) as [string, string]);
    await writeFile(join(folder, 'my.cnf'), '[mysqld]\n', { mode: 0o644 });
    await server.configure({
      ...Object.fromEntries(places),
      datadir: server.dataFolder,
      tmpdir: temporary,
      port: String(port),
      socket: join(folder, 'socket'),
      pid_file: join(folder, 'pid'),
      server_id: String(1 + Math.floor(Math.random() * highestServerId)),
      ...defaults,
      ...flavorDefaults[flavor],
      ...rememberedSettings[flavor],
      ...pem,
      ...options.settings,
    });
    await server.start();
    return server;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};
