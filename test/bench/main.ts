/** `npm run bench -- [postgres|mysql|mariadb] [--rows N] [--changes N] [--rounds N]`: measures, prints, writes docs/benchmarks.md. */
import { parseArgs } from 'node:util';
import { benchMysql } from './mysql.ts';
import { benchPostgres } from './postgres.ts';
import { report } from './report.ts';
import type { BenchOptions, BenchRow } from './rows.ts';

/** In one transaction where that is the job: 300 MB of MySQL's or MariaDB's log, and what a walsender sends in ten seconds. */
const CHANGES: Readonly<Record<string, number>> = { postgres: 1_000_000, mysql: 2_500_000, mariadb: 2_500_000 };

const ENGINES: Readonly<Record<string, (options: BenchOptions, say: (text: string) => void) => Promise<readonly BenchRow[]>>> = {
  postgres: benchPostgres,
  mysql: (options, say) => benchMysql('mysql', options, say),
  mariadb: (options, say) => benchMysql('mariadb', options, say),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '2000000' },
    changes: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
});
for (const engine of positionals.length === 0 ? Object.keys(ENGINES) : positionals) {
  const bench = ENGINES[engine];
  if (bench === undefined) throw new Error(`no engine "${engine}": there are ${Object.keys(ENGINES).join(', ')}`);
  const changes = Number(values.changes ?? CHANGES[engine]);
  const options = { rows: Number(values.rows), changes, rounds: Number(values.rounds) };
  const rows = await bench(options, text => console.error(`… ${engine}: ${text}`));
  console.table(
    rows.map(({ job, limitSeconds, seconds, ratio, goal, met, rate, rssMb }) => ({
      job,
      limit: limitSeconds?.toFixed(2),
      ours: seconds.toFixed(2),
      ratio: ratio?.toFixed(3),
      goal,
      met,
      rate,
      rss: Math.round(rssMb),
    })),
  );
  report(engine, rows);
}
