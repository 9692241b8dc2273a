import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './paths.ts';

/** A family of tests on a machine where its server cannot be had. */
const without = (project: 'mysql' | 'mariadb', require: boolean): Promise<{ code: number | null; output: string }> =>
  new Promise((resolve, reject) => {
    const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
    const config = join(repository, '.config/vitest.config.ts');
    const env = {
      ...process.env,
      NO_COLOR: '1',
      [`TRIBUTARY_${project.toUpperCase()}_ROOT`]: '/nowhere',
      TRIBUTARY_REQUIRE_ENGINES: require ? '1' : '0',
    };
    const args = [vitest, 'run', '--config', config, '--project', project, 'values-special'];
    const child = spawn(process.execPath, args, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text: Buffer) => {
        output += text.toString();
      });
    }
    child.on('error', reject);
    child.on('close', code => resolve({ code, output }));
  });

describe('tests of a family whose server cannot be had', () => {
  it('are skipped by name, and counted', { timeout: 120_000 }, async () => {
    const { code, output } = await without('mysql', false);
    expect(output).toMatch(/^skipped: MySQL \(not available: \/nowhere has no mysqld\) \([1-9]\d* tests\)$/m);
    expect(output).toMatch(/^OK: 0 passed, 0 failed, [1-9]\d* skipped$/m);
    expect(code).toBe(0);
  });

  it('fail where every engine is required', { timeout: 120_000 }, async () => {
    const { code, output } = await without('mariadb', true);
    expect(output).toContain('MariaDB is required and not available: /nowhere has no mariadbd');
    expect(output).toMatch(/^FAILED: 0 passed, [1-9]\d* failed, 0 skipped$/m);
    expect(code).toBe(1);
  });
});
