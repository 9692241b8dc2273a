import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './paths.ts';

/** A family of tests on a machine where its server cannot be had. */
const without = (project: 'mysql' | 'mariadb', require: boolean): { code: number | null; output: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(repository, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      join(repository, '.config/vitest.config.ts'),
      '--project',
      project,
      'values-special',
    ],
    {
      cwd: repository,
      encoding: 'utf8',
      env: {
        ...process.env,
        NO_COLOR: '1',
        [`TRIBUTARY_${project.toUpperCase()}_ROOT`]: '/nowhere',
        TRIBUTARY_REQUIRE_ENGINES: require ? '1' : '0',
      },
    },
  );
  return { code: status, output: stdout + stderr };
};

describe('tests of a family whose server cannot be had', () => {
  it('are skipped by name, and counted', { timeout: 60_000 }, () => {
    const { code, output } = without('mysql', false);
    expect(output).toMatch(/^skipped: MySQL \(not available: \/nowhere has no mysqld\) \([1-9]\d* tests\)$/m);
    expect(output).toMatch(/^OK: 0 passed, 0 failed, [1-9]\d* skipped$/m);
    expect(code).toBe(0);
  });

  it('fail where every engine is required', { timeout: 60_000 }, () => {
    const { code, output } = without('mariadb', true);
    expect(output).toContain('MariaDB is required and not available: /nowhere has no mariadbd');
    expect(output).toMatch(/^FAILED: 0 passed, [1-9]\d* failed, 0 skipped$/m);
    expect(code).toBe(1);
  });
});
