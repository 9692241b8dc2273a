import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './paths.ts';

interface Lacking {
  readonly project: 'mysql' | 'mariadb' | 'postgres';
  /** What says where the server is. */
  readonly variable: string;
  readonly file: string;
}
const ofMysql: Lacking = { project: 'mysql', variable: 'TRIBUTARY_MYSQL_ROOT', file: 'values-special' };
const ofMariadb: Lacking = { project: 'mariadb', variable: 'TRIBUTARY_MARIADB_ROOT', file: 'values-special' };
const ofPostgres19: Lacking = { project: 'postgres', variable: 'TRIBUTARY_POSTGRES_19_BIN', file: 'postgres-19' };

/** A family of tests on a machine where its server cannot be had. */
const without = (
  { project, variable, file }: Lacking,
  require: boolean,
): Promise<{ readonly code: number | null; readonly output: string }> =>
  new Promise((resolve, reject) => {
    const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
    const config = join(repository, '.config/vitest.config.ts');
    const env = {
      ...process.env,
      NO_COLOR: '1',
      [variable]: '/nowhere',
      TRIBUTARY_REQUIRE_ENGINES: require ? '1' : '0',
    };
    const args = [vitest, 'run', '--config', config, '--project', project, file];
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
    const { code, output } = await without(ofMysql, false);
    expect(output).toMatch(/^skipped: MySQL \(not available: \/nowhere has no mysqld\) \([1-9]\d* tests\)$/m);
    expect(output).toMatch(/^OK: 0 passed, 0 failed, [1-9]\d* skipped$/m);
    expect(code).toBe(0);
  });

  it('fail where every engine is required', { timeout: 120_000 }, async () => {
    const { code, output } = await without(ofMariadb, true);
    expect(output).toContain('MariaDB is required and not available: /nowhere has no mariadbd');
    expect(output).toMatch(/^FAILED: 0 passed, [1-9]\d* failed, 0 skipped$/m);
    expect(code).toBe(1);
  });

  it('of a version that comes from an archive: the same, as long as the archive has not said that it offers none', {
    timeout: 120_000,
  }, async () => {
    const reason = 'TRIBUTARY_POSTGRES_19_BIN has no postgres';
    const skipped = await without(ofPostgres19, false);
    expect(skipped.output).toMatch(
      new RegExp(`^skipped: PostgreSQL 19 \\(not available: ${reason}\\) \\([1-9]\\d* tests\\)$`, 'm'),
    );
    expect(skipped.code).toBe(0);
    const required = await without(ofPostgres19, true);
    expect(required.output).toContain(`PostgreSQL 19 is required and not available: ${reason}`);
    expect(required.code).toBe(1);
  });
});
