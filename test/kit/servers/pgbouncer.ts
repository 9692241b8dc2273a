import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../paths.ts';
import { fetchRoot, inShort, loaderIn, notFetchable } from './debian.ts';
import type { PostgresAddress } from './postgres.ts';
import { freePort, give, serverAccount, writeFor } from './process.ts';
import { ServerProcess } from './server-process.ts';

/** Debian stable has an older one, which lets no replication through; from 1.23 on it does. */
const packages = { suites: ['sid'], packages: ['pgbouncer'] };
const root = (): string => join(cacheFolder(), 'pgbouncer-of-debian-sid');

/** Debian's package wants a whole system; the program and the libraries are enough. */
const prune = async (folder: string): Promise<void> => {
  const needless = ['etc', 'var', 'usr/share', 'usr/libexec', 'usr/bin', 'usr/lib/x86_64-linux-gnu/perl-base', 'usr/lib/systemd'];
  for (const name of needless) await rm(join(folder, name), { recursive: true, force: true });
};

/** Why there is no PgBouncer here, or null. Fetches it where it must be fetched. */
export const pgbouncerUnavailable = async (): Promise<string | null> => {
  if (existsSync(root())) return null;
  const impossible = notFetchable();
  if (impossible !== null) return impossible;
  try {
    await fetchRoot(root(), packages, prune);
    return null;
  } catch (error) {
    return inShort(error);
  }
};

export type PoolMode = 'session' | 'transaction' | 'statement';

/** A PgBouncer in front of one server, which knows the server's superuser and `users`. */
export interface PgBouncerOptions {
  readonly server: PostgresAddress;
  readonly mode: PoolMode;
  /** Lines of the section [pgbouncer]. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class PgBouncer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly folder: string;
  readonly #process: ServerProcess;

  constructor(port: number, folder: string, process: ServerProcess) {
    this.port = port;
    this.folder = folder;
    this.#process = process;
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGQUIT');
    await rm(this.folder, { recursive: true, force: true });
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.end();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

export const startPgBouncer = async ({ server, mode, settings = {} }: PgBouncerOptions): Promise<PgBouncer> => {
  const loader = loaderIn(root());
  if (loader === null) throw new Error('the packages of PgBouncer came without a dynamic loader');
  const account = await serverAccount();
  const folder = await mkdtemp(join(tmpdir(), 'tributary-pgbouncer-'));
  await give(folder, account);
  const port = await freePort();
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    pool_mode: mode,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const databases = `* = host=${server.host} port=${server.port}`;
  const ini = join(folder, 'pgbouncer.ini');
  await writeFor(account, ini, `[databases]\n${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
  await writeFor(account, all.auth_file, `"${server.username}" "${server.password}"\n`);
  const logFile = join(folder, 'log');
  const program = join(root(), 'usr/sbin/pgbouncer');
  const args = ['--library-path', loader.libraries.join(':'), program, ini];
  const process = new ServerProcess({ file: loader.file, args, account, cwd: folder, logFile, folder });
  if (!(await process.start(() => listens(port), 20_000)))
    throw new Error(`PgBouncer did not start:\n${await readFile(logFile, 'utf8')}`);
  return new PgBouncer(port, folder, process);
};
