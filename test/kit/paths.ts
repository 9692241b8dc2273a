import { mkdirSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. `.config/run.mjs` bundles a file into another folder and says the root in TRIBUTARY_ROOT. */
export const repository = process.env['TRIBUTARY_ROOT'] ?? join(dirname(fileURLToPath(import.meta.url)), '../..');

export const isRoot = process.getuid?.() === 0;

/**
 * Where unpacked servers and builds are kept between runs: TRIBUTARY_CACHE, else a folder of the user's own. Root's
 * home is closed to the unprivileged user that database servers insist on, so root's cache is in the temporary folder.
 */
export const cacheFolder = (): string => {
  const named = process.env['TRIBUTARY_CACHE'];
  const folder =
    named ??
    (isRoot
      ? join(tmpdir(), 'source-tributary-cache')
      : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'source-tributary'));
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // Binaries are run out of it: a folder that somebody else laid down in /tmp is not ours to trust.
  const owner = statSync(folder).uid;
  if (named === undefined && process.getuid !== undefined && owner !== process.getuid()) {
    throw new Error(`${folder} belongs to uid ${owner}; set TRIBUTARY_CACHE to a folder of your own`);
  }
  return folder;
};
