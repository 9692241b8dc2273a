import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, repository } from './paths.ts';
import { once, runTool } from './servers/process.ts';

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort();

const sourcesHash = (): string => {
  const hash = createHash('sha256');
  const single = ['package-lock.json', 'spec/spec.json'].map(name => join(repository, name));
  const folders = ['.config', 'src'].flatMap(name => filesBelow(join(repository, name)));
  for (const file of [...single, ...folders]) hash.update(file).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
};

const dayMilliseconds = 86_400_000;
let built: Promise<string> | null = null;

/**
 * What to spawn: TRIBUTARY_CLI when set (an executable), else `main.js` built from the sources as they stand, kept in
 * the cache under their hash, so that a test run builds once and never tests yesterday's code.
 */
export const builtCli = (): Promise<string> => {
  const own = process.env['TRIBUTARY_CLI'];
  if (own !== undefined) return Promise.resolve(own);
  built ??= build();
  return built;
};

const build = async (): Promise<string> => {
  const builds = join(cacheFolder(), 'cli');
  const folder = await once(join(builds, sourcesHash()), async aside => {
    await runTool(process.execPath, [join(repository, '.config/build.mjs'), join(aside, 'build')], { cwd: repository });
  });
  for (const name of readdirSync(builds)) {
    const old = join(builds, name);
    if (old !== folder && existsSync(old) && Date.now() - statSync(old).mtimeMs > dayMilliseconds) {
      rmSync(old, { recursive: true, force: true });
    }
  }
  return join(folder, 'build/main.js');
};
