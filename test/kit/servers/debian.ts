import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRoot } from '../paths.ts';
import { exclusively } from './lock.ts';
import { once, runTool, sleep } from './process.ts';

/** Packages of Debian's archive, with what they depend on. */
export interface DebianPackages {
  /** Where they come from, and all that they depend on. */
  readonly suites: readonly string[];
  readonly packages: readonly string[];
  /** Packages of which only their own files are wanted, none of what they depend on. */
  readonly alone?: readonly string[];
  /** Packages that are taken from one suite, where it has them, and from the others else. */
  readonly preferred?: { readonly suite: string; readonly packages: readonly string[] };
}

/** The archive has answered, and has no such packages, or none that can be installed as they are today. */
export class NotOffered extends Error {}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const fetchAttempts = 4;

/** TRIBUTARY_DEBIAN_MIRROR, else the first Debian archive that this machine's own apt reads. */
const debianMirror = (): string | null => {
  const named = process.env['TRIBUTARY_DEBIAN_MIRROR'];
  if (named !== undefined) return named;
  const folder = '/etc/apt/sources.list.d';
  const parts = existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : [];
  for (const file of [...parts, '/etc/apt/sources.list']) {
    if (!/\.(sources|list)$/.test(file) || !existsSync(file)) continue;
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const found = /^[^#]*?\b(https?:\/\/\S+\/debian\/?)(?=\s|$)/.exec(line);
      if (found?.[1] !== undefined) return found[1];
    }
  }
  return null;
};

/** Why nothing can be fetched from Debian here, or null. */
export const notFetchable = (): string | null => {
  if (process.platform !== 'linux') return 'the kit fetches servers on Linux only';
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return 'no apt-get and dpkg-deb';
  if (!existsSync(keyring)) return `no ${keyring}, against which packages are verified`;
  return debianMirror() === null ? 'no Debian archive in the apt sources (TRIBUTARY_DEBIAN_MIRROR)' : null;
};

/** apt with lists, state and archives of its own under `folder`: what this machine has installed does not count. */
const fetchPackages = async (wanted: DebianPackages, folder: string): Promise<string> => {
  const { suites, packages, alone = [], preferred } = wanted;
  const archives = join(folder, 'archives');
  await mkdir(join(folder, 'lists/partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  const sources = suites.map(suite => `deb [signed-by=${keyring}] ${debianMirror()} ${suite} main\n`);
  await writeFile(join(folder, 'sources.list'), sources.join(''));
  await writeFile(join(folder, 'status'), '');
  const pin =
    preferred === undefined
      ? ''
      : `Package: ${preferred.packages.join(' ')}\nPin: release a=${preferred.suite}\nPin-Priority: 990\n`;
  await writeFile(join(folder, 'preferences'), pin);
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': join(folder, 'preferences'),
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::State::extended_states': join(folder, 'extended_states'),
    'Dir::Cache::archives': archives,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Install-Recommends': 'false',
    // Root's apt downloads as an account that may not enter a folder of root's own.
    ...(isRoot ? { 'APT::Sandbox::User': 'root' } : {}),
  };
  const settings = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (...args: string[]): Promise<string> => runTool('apt-get', [...settings, '-qq', ...args], { cwd: archives });
  for (let attempt = 1; ; attempt++) {
    try {
      await apt('update', '--error-on=any');
      await apt('install', '--simulate', ...packages).catch((error: unknown) => {
        throw new NotOffered(`Debian's archive (${suites.join(', ')}) offers no ${packages.join(', ')} today`, { cause: error });
      });
      await apt('install', '--yes', '--download-only', ...packages);
      if (alone.length > 0) await apt('download', ...alone);
      return archives;
    } catch (error) {
      // A mirror in the middle of an update answers with files that do not fit its own index: a minute later it does.
      if (error instanceof NotOffered || attempt === fetchAttempts) throw error;
      await sleep(1000 * 2 ** attempt);
    }
  }
};

/**
 * Unpacks the packages into `folder`, once for all processes of this machine; `finish` does the rest before anybody sees it.
 * Throws NotOffered, or whatever apt says.
 */
export const fetchRoot = (
  folder: string,
  wanted: DebianPackages,
  finish: (root: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> => {
  if (existsSync(folder)) return Promise.resolve(folder);
  return exclusively(`${folder}.lock`, () =>
    once(folder, async aside => {
      const work = `${aside}.apt`;
      try {
        const archives = await fetchPackages(wanted, work);
        for (const name of await readdir(archives)) {
          if (name.endsWith('.deb')) await runTool('dpkg-deb', ['-x', join(archives, name), aside]);
        }
        for (const name of ['doc', 'man', 'locale', 'perl', 'icu'])
          await rm(join(aside, 'usr/share', name), { recursive: true, force: true });
        await finish(aside);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    }),
  );
};

/** The dynamic loader of an unpacked root, and the folders of its libraries; null where it has none. */
export const loaderIn = (root: string): { readonly file: string; readonly libraries: readonly string[] } | null => {
  const libraries = ['usr/lib', 'lib']
    .filter(place => existsSync(join(root, place)))
    .flatMap(place => readdirSync(join(root, place)).map(name => join(root, place, name)))
    .filter(place => place.endsWith('-linux-gnu'));
  const file = libraries
    .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
    .find(place => /\/ld-linux-[^/]*\.so\.\d+$/.test(place));
  return file === undefined ? null : { file, libraries };
};

/** An error's message, short enough for the name of a group of tests. */
export const inShort = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split('\n')
    .filter(line => line !== '')
    .slice(0, 3)
    .join(' ');
