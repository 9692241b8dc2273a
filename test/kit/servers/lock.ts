import { open, readFile, unlink } from 'node:fs/promises';
import { sleep } from './process.ts';

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const take = async (file: string): Promise<boolean> => {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
};

/**
 * Does `work` while no other process of this machine holds `file`. A holder that died is noticed by its process id, and
 * its lock is taken over: two who take it over at the same moment both work, so the work must bear that.
 */
export const exclusively = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  for (let unreadable = 0; !(await take(file)); ) {
    const holder = Number(await readFile(file, 'utf8').catch(() => ''));
    // Between its making and its first byte a lock names nobody; one that stays so was left by a crash.
    const dead = holder > 0 ? !alive(holder) : ++unreadable > 20;
    if (dead) await unlink(file).catch(() => {});
    else await sleep(100);
  }
  try {
    return await work();
  } finally {
    await unlink(file).catch(() => {});
  }
};
