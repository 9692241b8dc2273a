import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, repository } from '../kit/paths.ts';
import { type Measured, measure } from './measure.ts';

/** A published reader of the binary log for Node, as a peer: what the object for each row costs. */
export interface NodeReader {
  readonly name: string;
  /** A folder whose node_modules has it. */
  readonly folder: () => string;
}

export const nodeReaders: readonly NodeReader[] = [
  { name: '@vlasky/zongji', folder: () => repository },
  { name: '@powersync/mysql-zongji', folder: () => installed('@powersync/mysql-zongji@0.6.2') },
];

export interface LogToRead {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The file of the log. */
  readonly file: string;
  /** Rows after which it is read. */
  readonly rows: number;
}

/** Lets `reader` read the log and write a line of JSON for each row. The script is kept in `folder`. */
export async function readBy(reader: NodeReader, log: LogToRead, folder: string): Promise<Measured> {
  const script = join(folder, 'node-reader.mjs');
  writeFileSync(script, SCRIPT);
  const environment = { READER: reader.name, READER_FOLDER: reader.folder(), LOG: JSON.stringify(log) };
  return await measure([process.execPath, script], { environment });
}

/** In the cache rather than among the development dependencies: it asks for a newer Node than we do, though it runs on ours. */
function installed(packageAtVersion: string): string {
  const folder = join(cacheFolder(), 'node-readers');
  const name = packageAtVersion.slice(0, packageAtVersion.lastIndexOf('@'));
  if (existsSync(join(folder, 'node_modules', name))) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--engine-strict=false', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, packageAtVersion], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return folder;
}

const SCRIPT = `
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const { READER, READER_FOLDER, LOG } = process.env;
const require = createRequire(READER_FOLDER + '/package.json');
const { default: ZongJi } = await import(pathToFileURL(require.resolve(READER)).href);
const { host, port, username: user, password, file: filename, rows: wanted } = JSON.parse(LOG);
const reader = new ZongJi({ host, port, user, password });
let rows = 0;
const write = text => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try { at += writeSync(1, bytes, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
};
reader.on('binlog', event => {
  if (event.getTypeName() !== 'WriteRows') return;
  let text = '';
  for (const data of event.rows) text += JSON.stringify({ type: 'RECORD', record: { stream: 'lines', namespace: 'drain', data, emitted_at: Date.now() } }) + '\\n';
  write(text);
  rows += event.rows.length;
  if (rows >= wanted) process.exit(0);
});
reader.on('error', error => { console.error(error); process.exit(1); });
reader.start({ filename, position: 4, includeEvents: ['tablemap', 'writerows', 'rotate'], serverId: 4711 });
`;
