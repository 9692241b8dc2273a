// Runs a TypeScript file on any supported Node: node .config/run.mjs FILE.ts [ARG ...]
// (Node 20 has no type stripping.) The bundle lands in .build/run and keeps import.meta.url of the source folder.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [file, ...args] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: node .config/run.mjs FILE.ts [ARG ...]');
const source = resolve(root, file);
const outdir = join(root, '.build/run', `${basename(dirname(source))}-${process.pid}`);
await mkdir(outdir, { recursive: true });
const outfile = join(outdir, `${basename(source, '.ts')}.mjs`);
await build({
  absWorkingDir: root,
  entryPoints: [source],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], {
  stdio: 'inherit',
  cwd: process.cwd(),
  env: { ...process.env, TRIBUTARY_ROOT: root },
});
/** @type {NodeJS.Signals[]} */
const signals = ['SIGINT', 'SIGTERM'];
for (const signal of signals) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  rmSync(outdir, { recursive: true, force: true });
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
