import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exclusively } from './lock.ts';
import { sleep } from './process.ts';

const deadProcess = (): Promise<number> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, ['-e', '']);
    child.on('exit', () => resolve(child.pid ?? 0));
  });

describe('a lock between processes', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-lock-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('lets one at a time work, and is gone when all have', async () => {
    const file = join(folder, 'lock');
    let inside = 0;
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      seen.push(++inside);
      await sleep(30);
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => exclusively(file, work)));
    expect(seen).toEqual([1, 1, 1]);
    expect(existsSync(file)).toBe(false);
  });

  it('is given back by work that fails', async () => {
    const file = join(folder, 'lock');
    await expect(exclusively(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await exclusively(file, () => Promise.resolve(7))).toBe(7);
  });

  it.each(['of a process that is gone', 'without a name'])('%s is taken over', async which => {
    const file = join(folder, 'lock');
    await writeFile(file, which === 'without a name' ? '' : String(await deadProcess()));
    expect(await exclusively(file, () => Promise.resolve(7))).toBe(7);
  });

  it('of a living process is waited for', async () => {
    const file = join(folder, 'lock');
    await writeFile(file, String(process.ppid));
    const working = exclusively(file, () => Promise.resolve(7));
    expect(await Promise.race([working, sleep(400)])).toBe(undefined);
    await rm(file);
    expect(await working).toBe(7);
  });
});
