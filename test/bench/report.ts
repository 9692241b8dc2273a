import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { repository } from '../kit/paths.ts';
import type { BenchRow } from './rows.ts';

/** What was measured last, by engine: a run of one engine keeps the figures of the others. */
type Results = Record<string, { readonly date: string; readonly machine: string; readonly rows: readonly BenchRow[] }>;

const baseline = join(repository, 'test/bench/baseline.json');

/** Keeps the rows in baseline.json, and writes docs/benchmarks.md and a plot for each engine from all that is there. */
export function report(engine: string, rows: readonly BenchRow[]): void {
  const results: Results = existsSync(baseline) ? (JSON.parse(readFileSync(baseline, 'utf8')) as Results) : {};
  results[engine] = { date: new Date().toISOString().slice(0, 10), machine: machine(), rows };
  writeFileSync(baseline, `${JSON.stringify(results, null, 2)}\n`);
  const sections = Object.entries(results)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, result]) => {
      writeFileSync(join(repository, `docs/benchmarks-${name}.svg`), plot(result.rows.filter(row => row.ratio !== null)));
      return section(name, result);
    });
  writeFileSync(join(repository, 'docs/benchmarks.md'), INTRODUCTION + sections.join('\n'));
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench -- postgres\` and its like. Speed is a ratio in one run on one machine, against the tool that marks
the limit for the job: both run in turn, several rounds, and the median of the pairs' ratios counts. Server, limit and
connector share the machine, on loopback; stdout goes to /dev/null for both. Absolute figures are of the
machine that is named, and say little about another.

The rows are about 170 bytes: a bigint key, an int, a varchar, a decimal, a text with quotes, a timestamp, a boolean and JSON.

Our start, an eighth of a second on the image's Node, is part of every figure, and weighs more where there is less to read: of a million
changes in MariaDB's log (119 MB) we take about as long as \`mariadb-binlog -v\`, of two and a half less. Node 20 starts slower and compiles slower.

`;

const TITLES: Readonly<Record<string, string>> = { postgres: 'PostgreSQL', mysql: 'MySQL', mariadb: 'MariaDB' };

const NOTES: Readonly<Record<string, string>> = {
  postgres: `
The snapshot is as fast as the server's COPY, which keeps one core busy; what is over is our start, and that on two cores the two take turns.
On a machine of half the speed the ratio went from 1.03 (25 rounds) to 1.16 (9 rounds) within an hour. Five million rows took 0.99 × in an earlier version.
`,
  mariadb: `
\`mariadb-binlog\` prints the same rows in half the time of MySQL's \`mysqlbinlog\`. With \`-v\` both print each event in BASE64 as well.
`,
};

function section(name: string, { date, machine: where, rows }: Results[string]): string {
  const lines = rows.map(row =>
    [
      row.job,
      row.limit,
      row.limitSeconds === null ? '' : row.limitSeconds.toFixed(2),
      row.seconds.toFixed(2),
      row.ratio === null ? '' : `**${row.ratio.toFixed(2)}**`,
      row.goal,
      row.goal === '' ? '' : row.met ? 'yes' : 'no',
      row.rate,
      Math.round(row.rssMb),
    ].join(' | '),
  );
  return `## ${TITLES[name] ?? name}

${date}, ${where}.

| job | against | it, s | ours, s | ratio | goal | met | rate | RSS, MB |
|---|---|---|---|---|---|---|---|---|
${lines.map(line => `| ${line} |`).join('\n')}

![ours against the limit](benchmarks-${name}.svg)
${NOTES[name] ?? ''}`;
}

function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${memory} GB, Node ${process.versions.node}`;
}

/** Two bars a job, as long as their seconds. */
function plot(rows: readonly BenchRow[]): string {
  const most = Math.max(...rows.flatMap(row => [row.seconds, row.limitSeconds ?? 0]), 0.001);
  const width = (seconds: number): number => Math.max(1, Math.round((seconds / most) * 420));
  const bar = (top: number, seconds: number, colour: string, label: string): string =>
    `  <rect x="10" y="${top}" width="${width(seconds)}" height="14" fill="${colour}"/>` +
    `<text x="${18 + width(seconds)}" y="${top + 11}">${xml(label)} ${seconds.toFixed(2)} s</text>`;
  const parts = rows.map((row, at) => {
    const top = 30 + at * 62;
    const limit = bar(top + 6, row.limitSeconds ?? 0, '#9aa5b1', row.limit);
    return `  <text x="10" y="${top}">${xml(row.job)}</text>\n${limit}\n${bar(top + 22, row.seconds, '#2b6cb0', 'source-tributary')}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="${40 + rows.length * 62}" font-family="sans-serif" font-size="12">
  <rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
