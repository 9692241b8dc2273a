import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../paths.ts';
import { sleep } from './process.ts';

const gone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

/** Starts a server in a process of its own, kills that process, and tells what is left of the server after five seconds. */
export const orphansOf = async (kind: string): Promise<{ readonly process: boolean; readonly folder: boolean }> => {
  const child = spawn(process.execPath, [join(repository, '.config/run.mjs'), 'test/kit/servers/start-and-wait.ts', kind]);
  const started = await new Promise<{ pid: number; parent: number; folder: string }>((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('\n')) resolve(JSON.parse(output));
    });
    let problems = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      problems += text;
    });
    child.on('exit', () => reject(new Error(`ended early: ${problems}`)));
  });
  process.kill(started.parent, 'SIGKILL');
  for (let waited = 0; !(gone(started.pid) && !existsSync(started.folder)) && waited < 100; waited++) await sleep(50);
  return { process: !gone(started.pid), folder: existsSync(started.folder) };
};
