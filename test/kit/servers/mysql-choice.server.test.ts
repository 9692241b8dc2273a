import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { describeMysql } from '../mysql-engines.ts';
import { startMysql } from './mysql.ts';
import { mysqlInstallation, mysqlUnavailable } from './mysql-binaries.ts';
import { acquireMysql } from './mysql-shared.ts';

describeMysql(flavor => {
  const variable = `TRIBUTARY_${flavor.toUpperCase()}`;
  afterEach(() => vi.unstubAllEnvs());

  it('tests run on the server that a URL names, and say so where its metadata is not what they need', async () => {
    const server = await startMysql({ flavor });
    try {
      const url = new URL(`mysql://${server.host}:${server.port}`);
      url.username = encodeURIComponent(server.username);
      url.password = encodeURIComponent(server.password);
      vi.stubEnv(`${variable}_URL`, url.href);
      vi.stubEnv(`${variable}_ROOT`, '/nowhere'); // nobody asks for binaries
      expect(await mysqlUnavailable(flavor)).toBeNull();
      const shared = await acquireMysql(flavor);
      expect(await shared.variable('server_id')).toBe(await server.variable('server_id'));
      expect(shared).toMatchObject({ flavor, port: server.port });
      await expect(acquireMysql(flavor, 'MINIMAL')).rejects.toThrow(
        `the server of ${url.host} has binlog_row_metadata FULL, this test needs MINIMAL`,
      );
    } finally {
      await server.stop();
    }
  });

  it('servers are started from the folder that is named, and a folder without one is a reason', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-root-'));
    await chmod(folder, 0o755); // servers are not run by root
    try {
      const { prefix } = await mysqlInstallation(flavor);
      await symlink(prefix.replace(/\/usr$/, ''), join(folder, 'root'));
      vi.stubEnv(`${variable}_ROOT`, join(folder, 'root'));
      const server = await startMysql({ flavor });
      try {
        expect(server.installation.prefix.startsWith(folder)).toBe(true);
        expect(await server.query(undefined, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      } finally {
        await server.stop();
      }
      vi.stubEnv(`${variable}_ROOT`, join(folder, 'nothing'));
      expect(await mysqlUnavailable(flavor)).toBe(`${folder}/nothing has no ${flavor === 'mysql' ? 'mysqld' : 'mariadbd'}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
