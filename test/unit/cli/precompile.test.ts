import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { precompile } from '../../../src/cli/precompile.ts';
import { describeProblems } from '../../../src/cli/problems.ts';
import { withoutNulls } from '../../../src/cli/schema.ts';
import { CATALOG, FILE_SHAPES, STATE, STATES } from '../../../src/cli/shapes.ts';
import { schemaKey } from '../../../src/cli/validate.ts';
import { canonicalConfig } from '../../../src/contract/common-config.ts';
import { repository } from '../../kit/paths.ts';

type Check = (value: unknown) => boolean;

const read = (path: string): unknown => JSON.parse(readFileSync(join(repository, path), 'utf8'));
const { connectionSpecification } = read('spec/spec.json') as { connectionSpecification: object };

/** Configurations as they are when they are checked. */
const configs = (folder: string): readonly (readonly [string, unknown])[] =>
  readdirSync(join(repository, 'spec/examples', folder))
    .filter(file => file.endsWith('.json'))
    .map(file => {
      const json = read(join('spec/examples', folder, file));
      const config = folder === 'accepted' ? json : (json as { config: unknown }).config;
      return [file, canonicalConfig(withoutNulls(config))];
    });

describe('what the build makes of the schemas', () => {
  let checks: Readonly<Record<string, Check>> = {};

  beforeAll(async () => {
    const stdin = { contents: precompile(connectionSpecification), resolveDir: repository };
    const { outputFiles } = await build({ stdin, bundle: true, format: 'esm', platform: 'node', write: false });
    const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
    checks = ((await import(`data:text/javascript;base64,${code}`)) as { PRECOMPILED: typeof checks }).PRECOMPILED;
  });

  const check = (schema: object): Check => checks[schemaKey(schema)] as Check;

  it('knows each schema', () => {
    expect(Object.keys(checks).sort()).toEqual([connectionSpecification, ...FILE_SHAPES].map(schemaKey).sort());
  });

  it.each(configs('accepted'))('accepts %s', (_file, config) => {
    expect(check(connectionSpecification)(config)).toBe(true);
  });

  it.each([...configs('rejected'), ...configs('rejected/by-engine')])('agrees with ajv on %s', (_file, config) => {
    expect(check(connectionSpecification)(config)).toBe(describeProblems(connectionSpecification, config).length === 0);
  });

  it.each([
    [CATALOG, { streams: [] }],
    [CATALOG, { streams: [{ stream: { name: 'a', json_schema: null }, sync_mode: 'incremental', more: 1 }] }],
    [CATALOG, { streams: [{ stream: { name: '' }, sync_mode: 'incremental' }] }],
    [CATALOG, { streams: [{ stream: { name: 'a' }, sync_mode: 'sideways' }] }],
    [CATALOG, {}],
    [CATALOG, []],
    [STATE, null],
    [STATE, {}],
    [STATE, 7],
    [STATE, { type: 'GLOBAL', global: { stream_states: [] } }],
    [STATE, { type: 'GLOBAL', global: {} }],
    [STATE, { type: 'STREAM' }],
    [STATES, []],
    [STATES, [{ type: 'STREAM', stream: { stream_descriptor: { name: 'a' } } }]],
    [STATES, [{ type: 'STREAM', stream: { stream_descriptor: {} } }]],
  ])('agrees with ajv: case %#', (schema, value) => {
    expect(check(schema)(value)).toBe(describeProblems(schema, value).length === 0);
  });
});
