/**
 * `npm run profile -- <postgres|mysql|mariadb> <snapshot|log|idle> [--rows N]`: runs the connector once under Node's CPU
 * profiler, on the data of the benchmark, and prints the ten hottest functions. Keeps the profile for Chrome's DevTools.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measure } from '../bench/measure.ts';
import { MysqlScene } from '../bench/mysql-scene.ts';
import { PostgresScene } from '../bench/postgres-scene.ts';
import { stateOf } from '../bench/rows.ts';
import { type Files, readCommand, type Scene } from '../bench/scene.ts';
import { type CpuProfile, hottest, type Locate } from './hottest.ts';

const SCENES: Readonly<Record<string, () => Promise<Scene>>> = {
  postgres: () => PostgresScene.start(),
  mysql: () => MysqlScene.start('mysql'),
  mariadb: () => MysqlScene.start('mariadb'),
};
const JOBS = ['snapshot', 'log', 'idle'] as const;
const FEW_ROWS = 1000;
/** In one transaction: what decoding costs, not what commits do. */
const INTERVAL_MICROS = 250;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rows: { type: 'string', default: '1000000' } } });
const [engine = '', named = ''] = positionals;
const start = SCENES[engine];
const job = JOBS.find(each => each === named);
const rows = Number(values.rows);
if (start === undefined || job === undefined || !Number.isSafeInteger(rows) || rows < 1) {
  throw new Error(`usage: npm run profile -- <${Object.keys(SCENES).join('|')}> <${JOBS.join('|')}> [--rows N]`);
}

const maps = new Map<string, SourceMap | null>();
/** Finds the line of the source: a build is a few files of long lines. */
const locate: Locate = ({ url, lineNumber, columnNumber }) => {
  let map = maps.get(url);
  if (map === undefined) {
    const path = url.startsWith('file:') ? `${fileURLToPath(url)}.map` : '';
    map = existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, 'utf8'))) : null;
    maps.set(url, map);
  }
  const entry = map?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !('originalSource' in entry)) return `${url.split('/').at(-1)}:${lineNumber + 1}`;
  return `${entry.originalSource.replace(/^.*?(?=(?:src|node_modules)\/)/, '')}:${entry.originalLine + 1}`;
};

const folder = mkdtempSync(join(tmpdir(), 'tributary-profile-'));
await using scene = await start();
const database = await scene.database('profiled', job === 'snapshot' ? rows : FEW_ROWS);
const files = scene.files(database);
const read = [...(await commandFor(job, files))];
// The node of the command line, with its profiler switched on.
read.splice(1, 0, '--cpu-prof', '--cpu-prof-interval', String(INTERVAL_MICROS), '--cpu-prof-dir', folder);
const done = await measure(read as [string, ...string[]]);
const [name = ''] = readdirSync(folder);
const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
console.log(
  `${engine} ${job}: ${done.seconds.toFixed(2)} s, ${done.cpuSeconds.toFixed(2)} s of CPU, ${done.rssMb.toFixed(0)} MB`,
);
for (const { share, millis, name: hot } of hottest(profile, locate)) {
  console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${millis.toFixed(0).padStart(6)} ms  ${hot}`);
}
console.log(`The whole profile, for Chrome's DevTools: ${join(folder, name)}`);

/** The command whose run is profiled; what it needs to be there is made first. */
async function commandFor(what: (typeof JOBS)[number], given: Files): Promise<readonly string[]> {
  const command = readCommand(scene, given);
  if (what === 'snapshot') return command;
  const first = await measure(command, { wantState: true });
  writeFileSync(given.state, `[${stateOf(first)}]`);
  if (what === 'log') await scene.insert(database, FEW_ROWS + 1, FEW_ROWS + rows, rows);
  return [...command, '--state', given.state];
}
