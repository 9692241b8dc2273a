/**
 * `npm run test:long -- [postgres|mysql|mariadb] [--kills N]`: the kill runs with a thousand kills for each version of a
 * server. Writes what came of them into docs/reliability.md; a run of one engine keeps the lines of the others.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../kit/paths.ts';
import { type Campaign, withCampaigns } from './report.ts';

/** The vitest project that has an engine's kill runs. */
const PROJECTS: Readonly<Record<string, string>> = { postgres: 'postgres-trouble', mysql: 'mysql-kills', mariadb: 'mariadb' };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { kills: { type: 'string', default: '1000' } } });
const page = join(repository, 'docs/reliability.md');
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string };
const scratch = mkdtempSync(join(tmpdir(), 'tributary-long-'));
try {
  for (const engine of positionals.length === 0 ? Object.keys(PROJECTS) : positionals) {
    const project = PROJECTS[engine];
    if (project === undefined) throw new Error(`no engine "${engine}": there are ${Object.keys(PROJECTS).join(', ')}`);
    const report = join(scratch, `${engine}.ndjson`);
    writeFileSync(report, '');
    const { status } = spawnSync(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--config', '.config/vitest.config.ts', '--project', project, 'kill.server'],
      {
        cwd: repository,
        stdio: 'inherit',
        env: { ...process.env, TRIBUTARY_KILLS: values.kills, TRIBUTARY_KILL_REPORT: report, TRIBUTARY_REQUIRE_ENGINES: '1' },
      },
    );
    if (status !== 0) {
      process.exitCode = 1;
      continue; // the failed test has printed its seed
    }
    const date = new Date().toISOString().slice(0, 10);
    const lines = readFileSync(report, 'utf8').split('\n').filter(Boolean);
    const campaigns = lines.map((line): Campaign => ({ date, connector: version, ...JSON.parse(line) }));
    writeFileSync(page, withCampaigns(readFileSync(page, 'utf8'), campaigns));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
