import { chown, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../paths.ts';
import { exclusively } from './lock.ts';
import { type MysqlFlavor, mariadbSystemTables, mysqlInstallation, mysqlVersion } from './mysql-binaries.ts';
import { once, runTool, serverAccount } from './process.ts';

/** Name and password of the superuser of every server that the kit starts; it may come from any host. */
export const superuser = { name: 'root', password: 'Super~Secret-4711' } as const;

/** Options that a data folder remembers: a server started with others would first rebuild what the template holds. */
export const rememberedSettings: Readonly<Record<MysqlFlavor, Readonly<Record<string, string>>>> = {
  mysql: { innodb_redo_log_capacity: '64M' },
  mariadb: { innodb_log_file_size: '64M' },
};

const account = `CREATE USER '${superuser.name}'@'%' IDENTIFIED BY '${superuser.password}';
GRANT ALL ON *.* TO '${superuser.name}'@'%' WITH GRANT OPTION;
`;

/** A data folder with system tables and the superuser, made once for each version and account; servers get copies of it. */
export const mysqlTemplate = async (flavor: MysqlFlavor): Promise<string> => {
  const installation = await mysqlInstallation(flavor);
  const runAs = await serverAccount();
  const name = `${flavor}-${await mysqlVersion(installation)}-template-${runAs?.uid ?? 'own'}`;
  const folder = join(cacheFolder(), name);
  const build = async (aside: string): Promise<void> => {
    if (runAs !== null) await chown(aside, runAs.uid, runAs.gid);
    const settings = Object.entries(rememberedSettings[flavor]).map(([option, value]) => `--${option}=${value}`);
    const server = [...installation.server, '--no-defaults', `--datadir=${aside}`, ...installation.ownPlaces, ...settings];
    const script = `${aside}.sql`;
    try {
      if (flavor === 'mysql') {
        await writeFile(script, account);
        await run([...server, '--initialize-insecure', `--init-file=${script}`], aside);
        // It holds the server's UUID: each copy makes its own at its first start.
        await rm(join(aside, 'auto.cnf'), { force: true });
      } else {
        // MariaDB's own superusers have no password, and one from 127.0.0.1 would come before ours from anywhere.
        const others = `DELETE FROM mysql.global_priv WHERE User = '${superuser.name}' AND Host <> 'localhost';`;
        // Bootstrapping knows no accounts until they are loaded.
        await writeFile(script, `${await mariadbSystemTables(installation)}\n${others}\nFLUSH PRIVILEGES;\n${account}`);
        const options = ['--bootstrap', '--max_allowed_packet=8M', '--net_buffer_length=16K'];
        await run(['/bin/sh', '-c', 'script=$1; shift; exec "$@" <"$script"', 'sh', script, ...server, ...options], aside);
      }
    } finally {
      await unlink(script).catch(() => {});
    }
  };
  const run = async ([file, ...args]: readonly string[], cwd: string): Promise<void> => {
    await runTool(file ?? '', args, { account: runAs, cwd });
  };
  return exclusively(`${folder}.lock`, () => once(folder, build));
};
