import { createHash } from 'node:crypto';
import { pointer } from '../protocol/issues.ts';
import { nearest } from './nearest.ts';
import { PRECOMPILED } from './precompiled.ts';
import { allPaths, type Schema, unknownKeys } from './schema.ts';

/** Everything in which `config` departs from the connection specification: sentences that name places, never values. */
export async function validateConfig(specification: Schema, config: unknown): Promise<readonly string[]> {
  const problems = await problemsIn(specification, config);
  const unknown = unknownKeys(specification, config).map(({ path, siblings }) => {
    const suggestion = suggest(specification, path, siblings);
    return `at ${pointer(path.slice(0, -1)) || 'the top level'}: unknown key ${JSON.stringify(path.at(-1))}${suggestion}`;
  });
  return [...problems, ...unknown];
}

/**
 * What ajv has to say about `value`, all of it, as sentences with JSON pointers. Whether there is anything to say is told by
 * code that was made of the schema when the connector was built.
 */
export async function problemsIn(schema: object, value: unknown): Promise<readonly string[]> {
  if (PRECOMPILED[schemaKey(schema)]?.(value) === true) return [];
  const { describeProblems } = await import('./problems.ts');
  return describeProblems(schema, value);
}

/** Tells schemas apart: code made of one is never used for another. */
export const schemaKey = (schema: object): string =>
  createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16);

function suggest(specification: Schema, path: readonly (string | number)[], siblings: readonly string[]): string {
  const key = String(path.at(-1));
  const close = nearest(key, siblings);
  if (close !== undefined) return `; did you mean ${JSON.stringify(close)}?`;
  const paths = allPaths(specification);
  const elsewhere = paths.find(candidate => candidate.at(-1) === key);
  if (elsewhere !== undefined) return `; its place is ${pointer(elsewhere)}`;
  const name = nearest(
    key,
    paths.map(candidate => candidate.at(-1) ?? ''),
  );
  const found = paths.find(candidate => candidate.at(-1) === name);
  return found === undefined ? `; known here: ${siblings.join(', ')}` : `; did you mean ${pointer(found)}?`;
}
