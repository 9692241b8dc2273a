// npm run release -- VERSION: writes the version wherever it stands and turns Unreleased in the changelog into it. Commits nothing.
// Refuses while the changelog says nothing: whoever upgrades reads it first.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The changelog in which the entries under Unreleased are those of `version`. Throws when there are none, or when it has that version already.
 * @param {string} changelog
 * @param {string} version
 * @param {string} date as YYYY-MM-DD
 * @returns {string}
 */
export function released(changelog, version, date) {
  const section = /^## Unreleased\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(changelog);
  if (section === null) throw new Error('docs/CHANGELOG.md has no section "Unreleased".');
  if (!/^- \S/m.test(section[1] ?? ''))
    throw new Error('docs/CHANGELOG.md says nothing under "Unreleased". Say what changes for users.');
  if (changelog.includes(`\n## ${version} `)) throw new Error(`docs/CHANGELOG.md has version ${version} already.`);
  return changelog.replace(/^## Unreleased$/m, `## ${version} (${date})`);
}

/**
 * The text with `version` in the place of the version that it has. Throws when it has it more or less often than `times`.
 * @param {string} text
 * @param {string} before
 * @param {string} version
 * @param {number} times
 * @returns {string}
 */
export function renumbered(text, before, version, times) {
  const parts = text.split(before);
  if (parts.length !== times + 1) throw new Error(`${before} stands ${parts.length - 1} times instead of ${times}.`);
  return parts.join(version);
}

/** @param {string} version */
function release(version) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('usage: npm run release -- MAJOR.MINOR.PATCH');
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const at = (/** @type {string} */ path) => join(root, path);
  const read = (/** @type {string} */ path) => readFileSync(at(path), 'utf8');
  const known = JSON.parse(read('package.json')).version;
  const head = (/** @type {string} */ number) => `"name": "source-tributary",\n  "version": "${number}"`;
  const inner = (/** @type {string} */ number) => `"name": "source-tributary",\n      "version": "${number}"`;
  const files = new Map([
    ['docs/CHANGELOG.md', released(read('docs/CHANGELOG.md'), version, new Date().toISOString().slice(0, 10))],
    ['package.json', renumbered(read('package.json'), head(known), head(version), 1)],
    [
      'package-lock.json',
      renumbered(renumbered(read('package-lock.json'), head(known), head(version), 1), inner(known), inner(version), 1),
    ],
    ['Dockerfile', renumbered(read('Dockerfile'), `.version="${known}"`, `.version="${version}"`, 2)],
  ]);
  for (const [path, text] of files) writeFileSync(at(path), text);
  console.log(`${known} → ${version}. Look at the changes, run the tests, commit, and build the image (docs/airbyte.md).`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) release(process.argv[2] ?? '');
