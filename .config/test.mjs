// All tests: those without servers first, then the families of servers side by side, each with a process of its own, for
// much of what such a test does is to wait. The output of a family is printed when it is through; one line closes all.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const total = { passed: 0, failed: 0, skipped: 0 };
let broken = false;

/** @type {NodeJS.Signals[]} */
const signals = ['SIGINT', 'SIGTERM'];

/**
 * Runs projects, one after the other, in a vitest of their own; `live`: its output is shown as it comes.
 * @param {readonly string[]} projects
 * @param {boolean} live
 * @returns {Promise<void>}
 */
function run(projects, live) {
  return new Promise(resolve => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--config', join(root, '.config/vitest.config.ts')];
    for (const project of projects) args.push('--project', project);
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const signal of signals) process.once(signal, () => child.kill(signal));
    /** @type {Buffer[]} */
    const output = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', chunk => {
        output.push(chunk);
        if (live) process.stdout.write(chunk);
      });
    }
    child.on('close', code => {
      const text = Buffer.concat(output).toString();
      if (!live) process.stdout.write(text);
      const closing = /^(?:OK|FAILED): (\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(text);
      if (closing === null || code !== 0) broken = true;
      total.passed += Number(closing?.[1] ?? 0);
      total.failed += Number(closing?.[2] ?? 0);
      total.skipped += Number(closing?.[3] ?? 0);
      resolve();
    });
  });
}

await run(['unit'], true);
await Promise.all([
  run(['postgres'], true),
  run(['postgres-trouble', 'mysql-kills'], false),
  run(['mysql'], false),
  run(['mariadb'], false),
]);
if (broken && total.failed === 0) total.failed = 1;
console.log(`${broken ? 'FAILED' : 'OK'}: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = broken ? 1 : 0;
