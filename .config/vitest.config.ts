import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { ClosingLine } from '../test/kit/reporter.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const onServers = 'test/**/*.server.test.ts';
const onMysql = 'test/**/*mysql*/**/*.server.test.ts';
const mysqlKit = 'test/kit/servers/mysql*.server.test.ts';
// Families of their own, with servers of their own, so that all families take about as long as each other.
const postgresTrouble = ['chaos', 'faults', 'kill', 'patience'].map(name => `test/engines/postgres/${name}.server.test.ts`);
/** Their describe blocks are MariaDB's alone, and a file without a test is an error. */
const mariadbOnly = ['**/order.server.test.ts', '**/order-failover.server.test.ts', '**/system-versioning.server.test.ts'];
const mysqlKills = 'test/engines/mysql/kill.server.test.ts';

/**
 * Tests of one family of servers. All files take turns: they share servers, and what one holds open another waits for. And
 * they share a process, which leaves nothing behind either: to load all modules for each file would take a sixth of the time.
 */
const family = (
  name: string,
  { include, exclude = [], env = {} }: { include: string[]; exclude?: string[]; env?: Record<string, string> },
): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name,
    include,
    exclude: [...exclude, '**/node_modules/**'],
    env,
    globalSetup: [join(root, 'test/kit/global-setup.ts')],
    // A test that talks to a server, spawns the connector, and does so on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    isolate: false,
    // A server and a connector are enough for two cores.
    sequence: { groupOrder: 1 },
  },
});

export default defineConfig({
  root,
  cacheDir: join(root, 'node_modules/.vite'),
  test: {
    reporters: ['default', new ClosingLine()],
    // Tests that run the built connector within their process run it as it is.
    server: { deps: { external: [/\/build\/[\w-]+\.js$/] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [onServers, '**/node_modules/**'],
          globalSetup: [join(root, 'test/unit/scratch.ts')],
          testTimeout: 30_000,
          maxWorkers: 2,
          // They leave nothing behind, and half of their time would go into loading the same modules for each file.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      family('postgres', { include: [onServers], exclude: [onMysql, mysqlKit, ...postgresTrouble] }),
      family('postgres-trouble', { include: postgresTrouble }),
      family('mysql', {
        include: [onMysql, mysqlKit],
        exclude: [mysqlKills, ...mariadbOnly],
        env: { TRIBUTARY_FLAVOR: 'mysql' },
      }),
      family('mysql-kills', { include: [mysqlKills], env: { TRIBUTARY_FLAVOR: 'mysql' } }),
      family('mariadb', {
        include: [onMysql, mysqlKit],
        // They are of MySQL alone, and a file without tests is an error.
        exclude: ['gtid-set', 'log-status', 'encrypted-log', 'large-log'].map(name => `**/${name}.server.test.ts`),
        env: { TRIBUTARY_FLAVOR: 'mariadb' },
      }),
    ],
  },
});
