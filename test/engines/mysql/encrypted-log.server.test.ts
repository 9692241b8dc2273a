import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { describeFlavor, mysqlLabel } from '../../kit/mysql-engines.ts';
import { startMysql } from '../../kit/servers/mysql.ts';
import { mysqlInstallation } from '../../kit/servers/mysql-binaries.ts';
import { serverAccount } from '../../kit/servers/process.ts';
import { inLab, series, table } from './lab.ts';

const run = promisify(execFile);
const ROOT = 'TRIBUTARY_MYSQL_ROOT';
const KEYRING = 'usr/lib/mysql/plugin/component_keyring_file';
/** A file of the log begins with it instead of 0xfe where it is encrypted. */
const ENCRYPTED = 0xfd;

/**
 * An installation of one's own whose server keeps keys in a file: which components are loaded stands beside the binary, what
 * they need beside them. Links, not copies, where the file system allows it.
 */
const withKeyring = async (root: string, folder: string): Promise<void> => {
  const copy = join(folder, 'root');
  await run('cp', ['-al', root, copy]).catch(() => run('cp', ['-a', root, copy]));
  // The server makes a second file beside it; as root it opens the first one before it becomes another user.
  const safe = join(folder, 'safe');
  const keys = join(safe, 'keyring');
  await mkdir(safe);
  await writeFile(keys, '', { mode: 0o600 });
  const account = await serverAccount();
  if (account !== null) for (const path of [safe, keys]) await chown(path, account.uid, account.gid);
  await writeFile(join(copy, 'usr/sbin/mysqld.my'), '{"components": "file://component_keyring_file"}', { mode: 0o444 });
  await writeFile(join(copy, `${KEYRING}.cnf`), JSON.stringify({ path: keys, read_only: false }), { mode: 0o444 });
};

// MariaDB's plugin for keys is in none of the packages that the tests use.
describeFlavor('mysql', mysqlLabel('mysql'), () => {
  it('a log that is encrypted on the disk is read as any other: the server decrypts it', async context => {
    const root = dirname((await mysqlInstallation('mysql')).prefix);
    if (root === '/' || !existsSync(join(root, `${KEYRING}.so`)) || !existsSync(join(root, 'usr/sbin/mysqld'))) {
      if (process.env['TRIBUTARY_REQUIRE_ENGINES'] === '1') throw new Error(`${root} has no keyring component`);
      return context.skip();
    }
    const folder = await mkdtemp(join(tmpdir(), 'tributary-keyring-'));
    const named = process.env[ROOT];
    try {
      await chmod(folder, 0o755);
      await withKeyring(root, folder);
      process.env[ROOT] = join(folder, 'root');
      const server = await startMysql({ flavor: 'mysql', settings: { binlog_encryption: 'ON' } });
      try {
        await inLab(
          () => server,
          async lab => {
            await lab.sql(`CREATE TABLE thing (id int PRIMARY KEY, n int); INSERT INTO thing SELECT i, i FROM ${series(300)}`);
            const platform = await lab.connect();
            await platform.sync();
            await lab.sql('UPDATE thing SET n = n + 1; FLUSH BINARY LOGS; ALTER INSTANCE ROTATE BINLOG MASTER KEY');
            await lab.sql('DELETE FROM thing WHERE id % 3 = 0');
            expect((await platform.sync()).records).toHaveLength(400);
            await platform.expectEqual([table('thing', { id: 'integer', n: 'integer' })]);
            const [log] = await lab.sql('SHOW BINARY LOGS');
            const file = await open(join(server.dataFolder, String(log?.['Log_name'])));
            const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 0);
            await file.close();
            expect(buffer[0]).toBe(ENCRYPTED);
          },
        )();
      } finally {
        await server.stop();
      }
    } finally {
      if (named === undefined) delete process.env[ROOT];
      else process.env[ROOT] = named;
      await rm(folder, { recursive: true, force: true });
    }
  });
});
