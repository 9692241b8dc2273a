import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { repository } from '../kit/paths.ts';
import type { BenchRow } from './postgres.ts';

/** Writes docs/benchmarks.md and the plot beside it. */
export function report(rows: readonly BenchRow[], command: string): void {
  const compared = rows.filter(row => row.ratio !== null);
  writeFileSync(join(repository, 'docs/benchmarks.svg'), plot(compared));
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
  const [cpu] = cpus();
  const text = `# Benchmarks

Written by \`${command}\`. Speed is a ratio in one run on one machine, against the tool that marks the limit for the job: both
run in turn, several rounds, and the median of the pairs' ratios counts. Absolute figures are of this machine alone:
${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, server and client together on loopback,
stdout read by a process that throws it away.

| job | limit | limit, s | ours, s | ratio | goal | met | rate | RSS, MB |
|---|---|---|---|---|---|---|---|---|
${lines.map(line => `| ${line} |`).join('\n')}

![ours against the limit](benchmarks.svg)

The rows are about 170 bytes: a bigint key, an int, a varchar, a numeric, a text with quotes, a timestamp, a boolean and jsonb.
"For comparison" is the way most connectors go, an object for each row and JSON.stringify.
`;
  writeFileSync(join(repository, 'docs/benchmarks.md'), text);
}

/** Two bars a job, as long as their seconds. */
function plot(rows: readonly BenchRow[]): string {
  const most = Math.max(...rows.flatMap(row => [row.seconds, row.limitSeconds ?? 0]), 0.001);
  const width = (seconds: number): number => Math.max(1, Math.round((seconds / most) * 420));
  const parts = rows.map((row, at) => {
    const top = 30 + at * 62;
    const limit = row.limitSeconds ?? 0;
    return `  <text x="10" y="${top}">${xml(row.job)}</text>
  <rect x="10" y="${top + 6}" width="${width(limit)}" height="14" fill="#9aa5b1"/><text x="${18 + width(limit)}" y="${top + 17}">${xml(row.limit)} ${limit.toFixed(2)} s</text>
  <rect x="10" y="${top + 22}" width="${width(row.seconds)}" height="14" fill="#2b6cb0"/><text x="${18 + width(row.seconds)}" y="${top + 33}">source-tributary ${row.seconds.toFixed(2)} s</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="${40 + rows.length * 62}" font-family="sans-serif" font-size="12">
  <rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

const xml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
