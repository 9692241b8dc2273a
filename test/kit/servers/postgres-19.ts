import { existsSync } from 'node:fs';
import { chmod, readdir, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { cacheFolder } from '../paths.ts';
import { fetchRoot, inShort, loaderIn, NotOffered, notFetchable } from './debian.ts';

/** Why there is no PostgreSQL 19. */
export interface Lacking {
  readonly reason: string;
  /** False where Debian's archive has answered, and offers none. */
  readonly offered: boolean;
}

/** No npm package has version 19: it is Debian's, from experimental for as long as unstable has none. */
const packages = {
  suites: ['sid', 'experimental'],
  packages: ['postgresql-19'],
  preferred: { suite: 'experimental', packages: ['postgresql-19', 'postgresql-client-19', 'libpq5'] },
};
/** The packages are built with this place for time zones, whatever folder they are unpacked into. */
const timeZones = '/usr/share/zoneinfo';
const programs = ['postgres', 'initdb'];

export const postgres19Folder = (): string => join(cacheFolder(), 'postgres-19-of-debian');

/** Fetches PostgreSQL 19 where it must be fetched; null when it can be had. */
export const fetchPostgres19 = async (): Promise<Lacking | null> => {
  const lacking = (reason: string): Lacking => ({ reason, offered: true });
  if (process.env['TRIBUTARY_POSTGRES_19_URL'] !== undefined) return null;
  const own = process.env['TRIBUTARY_POSTGRES_19_BIN'];
  if (own !== undefined) return existsSync(join(own, 'postgres')) ? null : lacking('TRIBUTARY_POSTGRES_19_BIN has no postgres');
  if (existsSync(postgres19Folder())) return null;
  const impossible = notFetchable() ?? (existsSync(timeZones) ? null : `no ${timeZones} (package tzdata)`);
  if (impossible !== null) return lacking(impossible);
  try {
    await fetchRoot(postgres19Folder(), packages, wrapPrograms);
    return null;
  } catch (error) {
    return { reason: inShort(error), offered: !(error instanceof NotOffered) };
  }
};

/**
 * Puts a shell script in each program's place, which calls it through the root's own dynamic loader: this machine's C
 * library may be older than what the program was built with. Programs that call each other by name find the scripts.
 */
const wrapPrograms = async (root: string): Promise<void> => {
  const loader = loaderIn(root);
  if (loader === null) throw new Error('the packages of PostgreSQL 19 came without a dynamic loader');
  const bin = join(root, 'usr/lib/postgresql/19/bin');
  const from = (path: string): string => `$here/${relative(bin, path)}`;
  for (const name of await readdir(bin)) {
    if (!programs.includes(name)) continue;
    await rename(join(bin, name), join(bin, `${name}.elf`));
    const libraries = loader.libraries.map(from).join(':');
    // The program looks for its other files beside the name that it is called by.
    const script = [
      '#!/bin/sh',
      'here=$(cd "$(dirname "$0")" && pwd -P)',
      `exec "${from(loader.file)}" --argv0 "$here/${name}" --library-path "${libraries}" "$here/${name}.elf" "$@"`,
    ];
    await writeFile(join(bin, name), `${script.join('\n')}\n`);
    await chmod(join(bin, name), 0o755);
  }
};
