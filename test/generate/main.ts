/** Writes the generated files; with `--check`, says which of them differ from what is committed, and fails. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { repository } from '../kit/paths.ts';
import { GENERATORS } from './generators.ts';

const check = process.argv.includes('--check');
const files = (await Promise.all(GENERATORS.map(generate => generate()))).flat();
let different = 0;
for (const { path, content } of files) {
  const file = join(repository, path);
  const present = await readFile(file, 'utf8').catch(() => null);
  if (present === content) continue;
  different++;
  if (check) {
    console.error(`${path} is out of date: run npm run generate`);
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    console.error(`wrote ${path}`);
  }
}
if (check && different > 0) process.exitCode = 1;
