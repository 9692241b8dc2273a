import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { ClosingLine } from '../test/kit/reporter.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const onServers = 'test/**/*.server.test.ts';

export default defineConfig({
  root,
  cacheDir: join(root, 'node_modules/.vite'),
  test: {
    reporters: ['default', new ClosingLine()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [onServers, '**/node_modules/**'],
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: [onServers],
          globalSetup: [join(root, 'test/kit/global-setup.ts')],
          // A test that talks to a server, spawns the connector, and does so on a busy machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Two cores are one for the server and one for the connector: files take turns.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
