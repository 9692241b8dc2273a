import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFrames } from '../golden/frames.ts';
import { copyScenarios } from '../golden/postgres-scenarios.ts';
import { repository } from '../kit/paths.ts';
import type { CopySample } from './copy-row.ts';

/** Longer ones would take all the time and are of the same make. */
const LONGEST = 1000;

const recordings = (prefix: string): { readonly name: string; readonly frames: Buffer[] }[] => {
  const folder = join(repository, 'test/golden/postgres');
  return readdirSync(folder).flatMap(major =>
    readdirSync(join(folder, major))
      .filter(file => file.startsWith(prefix) && file.endsWith('.bin'))
      .map(file => ({
        name: file.slice(prefix.length, -'.bin'.length),
        frames: readFrames(readFileSync(join(folder, major, file))),
      })),
  );
};

/** The recorded sessions of real servers, without those that hold very long messages. */
export const pgoutputSessions = (): Buffer[][] =>
  recordings('log-')
    .map(({ frames }) => frames)
    .filter(frames => !frames.some(frame => frame[0] === 'R'.charCodeAt(0) && frame.length > LONGEST))
    .map(frames => frames.filter(frame => frame.length <= LONGEST));

export const copySamples = (): CopySample[] =>
  recordings('copy-').flatMap(({ name, frames }) => {
    const columns = copyScenarios.find(scenario => scenario.name === name)?.columns ?? 0;
    return frames.filter(frame => frame.length <= LONGEST).map(bytes => ({ columns, bytes }));
  });
