import { existsSync } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../paths.ts';
import { fetchRoot, inShort, loaderIn, notFetchable } from './debian.ts';
import { runTool } from './process.ts';

/** The two families that the engine reads. */
export const mysqlFlavors = ['mysql', 'mariadb'] as const;
export type MysqlFlavor = (typeof mysqlFlavors)[number];

export const flavorNames: Readonly<Record<MysqlFlavor, string>> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/** A program and the arguments that stand before one's own. */
export type Command = readonly [file: string, ...args: string[]];

/**
 * Where the binaries come from. Debian 12 has MariaDB 10.11 and no MySQL; Debian unstable has MySQL 9.7. `alone` are
 * packages of which only their own files are wanted, none of what they depend on.
 */
const debian: Readonly<Record<MysqlFlavor, { suite: string; packages: readonly string[]; alone: readonly string[] }>> = {
  mysql: { suite: 'sid', packages: ['mysql-server-core', 'mysql-client-core'], alone: [] },
  mariadb: { suite: 'bookworm', packages: ['mariadb-server-core', 'mariadb-client-core'], alone: ['mariadb-client'] },
};
const serverNames: Readonly<Record<MysqlFlavor, string>> = { mysql: 'mysqld', mariadb: 'mariadbd' };

/** An unpacked server: under a private root with libraries of its own, or under a prefix like /usr. */
export class MysqlInstallation {
  readonly flavor: MysqlFlavor;
  /** The folder above `bin` and `share`. */
  readonly prefix: string;
  /** The root's own dynamic loader with the root's own libraries; empty where the system's are right. */
  readonly #loader: readonly string[];

  constructor(flavor: MysqlFlavor, root: string) {
    this.flavor = flavor;
    this.prefix = existsSync(join(root, 'usr/sbin', serverNames[flavor])) ? join(root, 'usr') : root;
    const loader = root === '/' ? null : loaderIn(root);
    this.#loader = loader === null ? [] : [loader.file, '--library-path', loader.libraries.join(':')];
  }

  /** How a program of the installation is called: `mysqld` (`mariadbd`), `mysql`, `mysqlbinlog`, `mariadb-binlog`. */
  command(program: string): Command {
    const file = [`bin/${program}`, `sbin/${program}`, `libexec/${program}`]
      .map(place => join(this.prefix, place))
      .find(place => existsSync(place));
    if (file === undefined) throw new Error(`${this.prefix} has no ${program}`);
    return [...this.#loader, file] as unknown as Command;
  }

  get server(): Command {
    return this.command(serverNames[this.flavor]);
  }

  /** Error messages, character sets and, for MariaDB, the SQL that makes the system tables. */
  get share(): string {
    const places = ['share/mysql', 'share/mariadb', 'share'].map(place => join(this.prefix, place));
    return places.find(place => existsSync(join(place, 'english/errmsg.sys')) || existsSync(join(place, 'charsets'))) ?? '';
  }

  /** Options without which the server does not find its own files. */
  get ownPlaces(): readonly string[] {
    const plugins = ['lib/mysql/plugin', 'lib/plugin'].map(place => join(this.prefix, place)).find(place => existsSync(place));
    return [
      `--basedir=${this.prefix}`,
      ...(this.share === '' ? [] : [`--lc-messages-dir=${this.share}`, `--character-sets-dir=${join(this.share, 'charsets')}`]),
      ...(plugins === undefined ? [] : [`--plugin-dir=${plugins}`]),
    ];
  }
}

const variable = (flavor: MysqlFlavor, what: 'URL' | 'ROOT'): string | undefined =>
  process.env[`TRIBUTARY_${flavor.toUpperCase()}_${what}`];

/** The running server that TRIBUTARY_MYSQL_URL or TRIBUTARY_MARIADB_URL names. */
export const ownMysqlUrl = (flavor: MysqlFlavor): URL | null => {
  const text = variable(flavor, 'URL');
  return text === undefined ? null : new URL(text);
};

const cached = (flavor: MysqlFlavor): string => join(cacheFolder(), `${flavor}-of-debian-${debian[flavor].suite}`);

/** The server's binaries: one's own by TRIBUTARY_MYSQL_ROOT or TRIBUTARY_MARIADB_ROOT, else Debian's, fetched once. */
export const mysqlInstallation = async (flavor: MysqlFlavor): Promise<MysqlInstallation> => {
  const own = variable(flavor, 'ROOT');
  if (own !== undefined) return new MysqlInstallation(flavor, own);
  if (!existsSync(cached(flavor))) {
    const reason = notFetchable();
    if (reason !== null) throw new Error(`${flavorNames[flavor]} is not available: ${reason}`);
  }
  const { suite, packages, alone } = debian[flavor];
  return new MysqlInstallation(flavor, await fetchRoot(cached(flavor), { suites: [suite], packages, alone }));
};

/** Why no server of this flavor can be had here, or null when one can. Fetches it where it must be fetched. */
export const mysqlUnavailable = async (flavor: MysqlFlavor): Promise<string | null> => {
  if (ownMysqlUrl(flavor) !== null) return null;
  try {
    const { server } = await mysqlInstallation(flavor);
    await access(server[0]);
    return null;
  } catch (error) {
    return inShort(error);
  }
};

/**
 * A client program with no options but one's own: `mysql` and `mysqlbinlog` of MySQL, `mariadb` and `mariadb-binlog` of
 * MariaDB. It reads no option files.
 */
export const mysqlTool = async (
  flavor: MysqlFlavor,
  program: 'mysql' | 'mysqlbinlog' | 'mariadb' | 'mariadb-binlog',
): Promise<Command> => [...(await mysqlInstallation(flavor)).command(program), '--no-defaults'];

/** For a folder's name: which server and which version of it. */
export const mysqlVersion = async (installation: MysqlInstallation): Promise<string> => {
  const [file, ...args] = installation.server;
  const text = await runTool(file, [...args, '--no-defaults', '--version']);
  const version = /\bVer (\d+\.\d+\.\d+)/.exec(text)?.[1];
  if (version === undefined) throw new Error(`${file} does not say its version: ${text}`);
  return version;
};

/** The SQL by which `mariadb-install-db` makes the system tables, in its order. Newer versions call it otherwise; 10.5 has no `sys`. */
export const mariadbSystemTables = async (installation: MysqlInstallation): Promise<string> => {
  const names = [
    'mysql_system_tables',
    'mysql_performance_tables',
    'mysql_system_tables_data',
    'maria_add_gis_sp_bootstrap',
    'mysql_sys_schema',
  ];
  const files = names.map(name => {
    const places = [name, name.replace('mysql_', 'mariadb_')].map(each => join(installation.share, `${each}.sql`));
    const file = places.find(place => existsSync(place));
    if (file === undefined && name !== 'mysql_sys_schema') throw new Error(`${places.join(' or ')} is not there`);
    return file;
  });
  const texts = await Promise.all(files.map(file => (file === undefined ? '' : readFile(file, 'utf8'))));
  return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @skip_auth_anonymous=1;', 'SET @auth_root_socket=NULL;', ...texts].join(
    '\n',
  );
};
