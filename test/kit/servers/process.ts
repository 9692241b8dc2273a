import { spawn } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from '../paths.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account that servers run under: null is our own; for root, which database servers refuse, an unprivileged one.
 * It must stand in /etc/passwd, for `initdb` looks up its name.
 */
export const serverAccount = async (): Promise<Account | null> => {
  if (!isRoot) return null;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'));
  const usable = lines.filter(fields => Number(fields[2]) > 0 && fields[3] !== undefined);
  const found = ['postgres', 'mysql', 'nobody'].map(name => usable.find(fields => fields[0] === name)).find(Boolean) ?? usable[0];
  if (found === undefined) throw new Error('no unprivileged user in /etc/passwd to run a server under');
  return { uid: Number(found[2]), gid: Number(found[3]) };
};

/** Runs a tool to its end; throws with its output when it fails. */
export const runTool = (
  file: string,
  args: readonly string[],
  options: { readonly account?: Account | null; readonly cwd?: string } = {},
): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options.account, cwd: options.cwd ?? tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${file} ended with ${signal ?? code}:\n${output}`));
    });
  });

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Makes `folder` once, whoever asks and however many at a time: built aside, then renamed into place. */
export const once = async (folder: string, build: (aside: string) => Promise<void>): Promise<string> => {
  if (await exists(folder)) return folder;
  await mkdir(join(folder, '..'), { recursive: true });
  const aside = await mkdtemp(`${folder}.`);
  await chmod(aside, 0o755);
  try {
    await build(aside);
    await rename(aside, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return folder;
};

/** Copies what is inside one folder into another, with owners, modes and links. */
export const copyFolder = async (from: string, to: string): Promise<void> => {
  if (process.platform === 'win32') await cp(from, to, { recursive: true, verbatimSymlinks: true });
  else await runTool('cp', ['-a', `${from}/.`, to]);
};

/** What servers need of memory at most for their data, and what others need beside that. */
const DATA_BYTES = 8e9;
const OTHERS_BYTES = 4e9;

/**
 * Where data of many small files lies best: in memory, where there is enough of it and `TMPDIR` does not say otherwise. A
 * disk may take long to find room for a file (ext4 without a journal: once many were deleted), and a database of PostgreSQL
 * is three hundred of them.
 */
export const folderForFiles = async (): Promise<string> => {
  const memory = '/dev/shm';
  if (process.env['TMPDIR'] !== undefined || freemem() < DATA_BYTES + OTHERS_BYTES) return tmpdir();
  const room = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  return room < DATA_BYTES ? tmpdir() : memory;
};

/** A folder of a server's own in `parent`, in whose `data` is what is inside of `data`. */
export const newServerFolder = async (name: string, data: string, parent = tmpdir()): Promise<string> => {
  const folder = await mkdtemp(join(parent, `tributary-${name}-`));
  try {
    await chmod(folder, 0o755);
    await mkdir(join(folder, 'data'), { mode: 0o700 });
    await copyFolder(data, join(folder, 'data'));
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
};

/** Gives a path to the account that servers run under. */
export const give = async (path: string, account: Account | null): Promise<void> => {
  if (account !== null) await chown(path, account.uid, account.gid);
};

/** Writes a file that only this account can read. */
export const writeFor = async (account: Account | null, path: string, text: string): Promise<void> => {
  await writeFile(path, text, { mode: 0o600 });
  await give(path, account);
};

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/**
 * Ends the process `pid` and removes `folder` when this process is gone, in whatever way it went: the watchdog reads
 * from a pipe whose other end only we hold. `call off` the watch once the server was stopped in an orderly way.
 */
export const watchOver = (pid: number, folder: string | null): (() => void) => {
  const script =
    'trap "" INT TERM HUP; while read -r _; do :; done; kill -QUIT "$1" 2>/dev/null; ' +
    'for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done; ' +
    'kill -KILL "$1" 2>/dev/null; [ -z "$2" ] || rm -rf "$2"';
  const dog = spawn('/bin/sh', ['-c', script, 'tributary-watchdog', String(pid), folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  dog.unref();
  // The pipe must not keep the event loop alive; `unref` exists on the socket that a pipe is.
  (dog.stdin as unknown as { unref(): void }).unref();
  dog.stdin?.on('error', () => {});
  return () => {
    dog.kill('SIGKILL');
  };
};

export const sleep = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds));
