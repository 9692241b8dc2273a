/** `npm run bench [-- --rows N --changes N --rounds N]`: measures, prints a table, writes docs/benchmarks.md. */
import { parseArgs } from 'node:util';
import { benchPostgres } from './postgres.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    changes: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
  },
});
const options = { rows: Number(values.rows), changes: Number(values.changes), rounds: Number(values.rounds) };
const rows = await benchPostgres(options, text => console.error(`… ${text}`));
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
report(rows, 'npm run bench');
