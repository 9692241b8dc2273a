import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConfigResult, loadConfig } from '../../../src/cli/load.ts';
import { ENGINES } from '../../../src/cli/registry.ts';
import { type Schema, secretsOf } from '../../../src/cli/schema.ts';
import { validateConfig } from '../../../src/cli/validate.ts';
import type { Engine } from '../../../src/contract/engine.ts';
import { repository } from '../../kit/paths.ts';

const spec = JSON.parse(readFileSync(join(repository, 'spec/spec.json'), 'utf8')) as { connectionSpecification: Schema };
const specification = spec.connectionSpecification;
const load = (text: string): Promise<ConfigResult> => loadConfig(text, { engines: ENGINES, specification });

/** The engine that a configuration names; PostgreSQL where it names none that there is. */
const engineOf = async (config: unknown): Promise<Engine> => {
  const { source } = (config ?? {}) as { readonly source?: { readonly engine?: string } };
  return (ENGINES[source?.engine ?? ''] ?? ENGINES['postgres'])?.() as Promise<Engine>;
};

const examples = (folder: string): readonly (readonly [string, string])[] =>
  readdirSync(join(repository, 'spec/examples', folder))
    .filter(file => file.endsWith('.json'))
    .map(file => [file, readFileSync(join(repository, 'spec/examples', folder, file), 'utf8')]);

async function problemsOf(text: string): Promise<readonly string[]> {
  const result = await load(text);
  return 'problems' in result ? result.problems : [];
}

describe('examples of configurations', () => {
  it.each(examples('accepted'))('accepts %s, by schema and by engine', async (_file, text) => {
    const result = await load(text);
    expect(result).not.toHaveProperty('problems');
    expect(result).toHaveProperty('loaded.engine', await engineOf(JSON.parse(text)));
  });

  interface Rejected {
    readonly says: readonly string[];
    readonly config: unknown;
  }

  it.each(examples('rejected'))('rejects %s, by schema and by engine', async (_file, text) => {
    const { says, config } = JSON.parse(text) as Rejected;
    const problems = await problemsOf(JSON.stringify(config));
    expect(problems).toHaveLength(says.length);
    for (const sentence of says) expect(problems).toContainEqual(expect.stringContaining(sentence));
    expect(await validateConfig(specification, config)).toEqual(problems);
    expect((await engineOf(config)).config.safeParse(config).success).toBe(false);
  });

  it.each(examples('rejected/by-engine'))('rejects %s, which only the engine can tell', async (_file, text) => {
    const { says, config } = JSON.parse(text) as Rejected;
    const problems = await problemsOf(JSON.stringify(config));
    expect(problems).toHaveLength(says.length);
    for (const sentence of says) expect(problems).toContainEqual(expect.stringContaining(sentence));
  });
});

describe('loadConfig', () => {
  it('names the place where JSON breaks, and quotes nothing', async () => {
    expect(await problemsOf('{"source": {\n  "password": "wonderland"\n  "host": "db"')).toEqual([
      'not valid JSON at line 3, column 3: expected a comma or the closing bracket',
    ]);
    expect(await problemsOf('')).toEqual(['the file is empty']);
  });

  it('shows the value that is wrong, but none that may be a secret', async () => {
    const config = {
      source: { engine: 'postgres', host: 'postgres://reader:wonderland@db/shop', port: 70000, database: 7, password: 4711 },
      ssl_mode: { mode: 'verify_ca', ca_certificate: 'rabbit-hole', client_key: 'tea' },
      pasword: 'wonderland',
    };
    const text = (await problemsOf(JSON.stringify(config))).join('\n');
    expect(text).toContain('at /source/port: must be <= 65535, found 70000');
    expect(text).toContain('at /source/database: 7 is a number; expected a string');
    expect(text).toContain('at /source/password: expected a string, found a number');
    expect(text).toContain('at /source/host: must be a host name');
    expect(text).toContain('at /source/ssl_mode/client_key: must be');
    expect(text).not.toMatch(/wonderland|4711|rabbit-hole|tea/);
  });

  it('fills in the defaults', async () => {
    const result = await load('{"source":{"engine":"postgres","host":"db","database":"shop","username":"reader"}}');
    expect(result).toHaveProperty('loaded.config.source.port', 5432);
    expect(result).toHaveProperty('loaded.config.state_type', 'global');
  });

  it('names all problems at once', async () => {
    const problems = await problemsOf('{"source":{"engine":"postgres","host":7,"prot":1},"ssl_mode":{"mode":"x"},"nonsense":1}');
    expect(problems).toHaveLength(6);
  });

  it('knows the secrets of a configuration that is not valid', async () => {
    const { redact } = await load(
      '{"source":{"engine":"postgres","pasword":"wonderland"},"ssl_mode":{"client_key":"rabbit-hole"}}',
    );
    expect(redact('wonderland rabbit-hole')).toBe('******** ********');
  });
});

describe('secretsOf', () => {
  it('finds them in options, arrays, and under misspelt names', () => {
    const config = {
      source: { engine: 'postgres', host: 'db', password: 's1', shards: [{ name: 'a', password: 's2' }, { passwrd: 's3' }] },
      ssl_mode: { mode: 'verify_full', ca_certificate: 's4', client_key: 's5', client_key_password: 's6' },
      api_token: { deep: ['s7', 8] },
    };
    expect([...secretsOf(specification, config)].sort()).toEqual(['8', 's1', 's2', 's3', 's4', 's5', 's6', 's7']);
  });
});
