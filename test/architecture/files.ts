import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repository } from '../kit/paths.ts';

const LEFT_OUT = new Set(['.git', 'node_modules', '.build', '.cache']);

/** Every file that is, or is about to be, in the repository; paths relative to it, in order. */
export const repositoryFiles: readonly string[] = (() => {
  try {
    const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const present = new Set(allBelow('.'));
    return list.split('\0').filter(path => present.has(path));
  } catch {
    return allBelow('.'); // an unpacked archive
  }
})().toSorted();

function allBelow(folder: string): string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap(entry => {
    const path = relative('.', join(folder, entry.name));
    if (LEFT_OUT.has(entry.name)) return [];
    return entry.isDirectory() ? allBelow(path) : [path];
  });
}

export const textOf = (path: string): string => readFileSync(join(repository, path), 'utf8');

/** Null for a file that is not text. */
export function textOrNull(path: string): string | null {
  const bytes = readFileSync(join(repository, path));
  return bytes.includes(0) ? null : bytes.toString('utf8');
}
