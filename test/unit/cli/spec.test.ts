import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { discriminatorOf, type JsonRecord, type Schema } from '../../../src/cli/schema.ts';
import { portablePattern, specification } from '../../../src/cli/spec.ts';
import type { Engine } from '../../../src/contract/engine.ts';
import { repository } from '../../kit/paths.ts';

const spec = JSON.parse(readFileSync(join(repository, 'spec/spec.json'), 'utf8')) as JsonRecord;
const root = spec['connectionSpecification'] as JsonRecord;

interface Place {
  readonly path: string;
  readonly schema: JsonRecord;
}

/** Every schema in the specification, with its path. */
function* places(schema: JsonRecord, path = ''): Generator<Place> {
  yield { path, schema };
  for (const [name, inner] of Object.entries((schema['properties'] ?? {}) as JsonRecord))
    yield* places(inner as JsonRecord, `${path}/${name}`);
  for (const [index, inner] of ((schema['oneOf'] ?? []) as readonly JsonRecord[]).entries())
    yield* places(inner, `${path}#${index}`);
  if (schema['items'] !== undefined) yield* places(schema['items'] as JsonRecord, `${path}[]`);
}
const all = [...places(root)];

describe('spec.json follows the rules of the form', () => {
  it('is a JSON Schema: reads rely on it and do not look again', () => {
    const ajv = new Ajv({ strict: false });
    expect(ajv.validateSchema(root)).toBe(true);
    expect(ajv.validateSchema({ type: 'no such type' })).toBe(false);
  });

  it.each(['not', 'anyOf', 'allOf', 'patternProperties', 'prefixItems', 'if', 'then', 'else', '$ref', 'dependentSchemas'])(
    'has no %s',
    word => {
      expect(all.filter(({ schema }) => word in schema)).toEqual([]);
    },
  );

  it('has one type everywhere, never refuses additional properties, and has no empty objects', () => {
    for (const { path, schema } of all) {
      expect(schema['type'], path).toBeTypeOf('string');
      expect(schema['additionalProperties'], path).toBeUndefined();
      if (schema['type'] === 'object') expect('properties' in schema || 'oneOf' in schema, path).toBe(true);
      if (schema['type'] === 'array') expect(schema['items'], path).toBeTypeOf('object');
    }
  });

  it('has one discriminator in each oneOf, with values of its own and no default', () => {
    for (const { path, schema } of all.filter(({ schema }) => 'oneOf' in schema)) {
      const options = schema['oneOf'] as readonly Schema[];
      expect(schema['type'], path).toBe('object');
      const name = discriminatorOf(options);
      expect(name, path).toBeDefined();
      const tags = options.map(option => option.properties?.[name as string] as JsonRecord);
      expect(new Set(tags.map(tag => tag['const'])).size, path).toBe(options.length);
      for (const tag of tags) expect(tag).not.toHaveProperty('default');
      const constants = options.map(
        option => Object.values(option.properties ?? {}).filter(property => 'const' in property).length,
      );
      expect(constants, path).toEqual(options.map(() => 1));
      for (const option of options) expect(option.title, path).toBeTypeOf('string');
    }
  });

  it('orders the fields of each object, titles and describes them', () => {
    for (const { path, schema } of all.filter(({ schema }) => 'properties' in schema)) {
      const properties = Object.entries(schema['properties'] as Readonly<Record<string, JsonRecord>>);
      const orders = properties.map(([, property]) => property['order']);
      expect(orders.every(Number.isInteger), path).toBe(true);
      expect(new Set(orders).size, path).toBe(orders.length);
      for (const [name, property] of properties) {
        if ('const' in property) continue;
        expect(property['title'], `${path}/${name}`).toBeTypeOf('string');
        expect(property['description'], `${path}/${name}`).toMatch(/[.:)]$/);
      }
    }
  });

  it('marks every secret, and only strings', () => {
    const names =
      /^(?:client_token|access_token|api_token|token|secret|client_secret|password|key|service_account.*|certificate|jwt|credentials)$/;
    for (const { path, schema } of all) {
      const name = path.split('/').at(-1) ?? '';
      if (names.test(name) || /(?:password|_key|_certificate)$/.test(name)) expect(schema['airbyte_secret'], path).toBe(true);
      if (schema['airbyte_secret'] === true) expect(schema['type'], path).toBe('string');
    }
  });

  it('groups top-level fields only, in groups that exist', () => {
    const groups = (root['groups'] as readonly { id: string }[]).map(({ id }) => id);
    for (const { path, schema } of all) {
      const topLevel = /^\/[^/#[]+$/.test(path);
      if (topLevel) expect(groups, path).toContain(schema['group']);
      else expect(schema['group'], path).toBeUndefined();
    }
  });

  it('has patterns that Java, Python and JavaScript read alike', () => {
    for (const { path, schema } of all) {
      const pattern = schema['pattern'];
      if (typeof pattern !== 'string') continue;
      expect(portablePattern(pattern), path).toBe(pattern);
      expect(pattern, path).not.toMatch(/\(\?<|&&|\\p/);
      expect(schema['pattern_descriptor'], path).toBeTypeOf('string');
    }
  });

  it('asks a newcomer for host, database, username and password, and shows them', () => {
    expect(root['required']).toEqual(['source']);
    const [postgres] = (root['properties'] as Readonly<Record<string, Schema>>)['source']?.oneOf ?? [];
    expect(postgres?.required).toEqual(['engine', 'host', 'database', 'username']);
    expect(postgres?.properties?.['password']).toHaveProperty('always_show', true);
  });

  it('is a SPEC message of the protocol', () => {
    const ajv = new Ajv({ strict: false });
    formats.default(ajv);
    const protocol = JSON.parse(readFileSync(join(repository, 'spec/airbyte-protocol.json'), 'utf8')) as object;
    expect(ajv.validate(protocol, { type: 'SPEC', spec })).toBe(true);
  });
});

describe('portablePattern', () => {
  it.each([
    ['^[^[]$', '^[^\\[]$'],
    ['^[[\\]]$', '^[\\[\\]]$'],
    ['\\[[a-z]+\\]', '\\[[a-z]+\\]'],
    ['^a$', '^a$'],
  ])('of %s is %s', (pattern, expected) => {
    expect(portablePattern(pattern)).toBe(expected);
  });
});

describe('specification', () => {
  const engine = (name: string, config: z.ZodType): Engine => ({
    name,
    title: name.toUpperCase(),
    config,
    cursorColumn: '_ab_cdc_cursor',
    originColumns: [],
    timeOfClock: () => null,
    connect: () => Promise.reject(new Error('not here')),
  });
  const source = (name: string): z.ZodType => z.strictObject({ engine: z.literal(name).meta({ order: 0 }), host: z.string() });
  const mode = (...modes: readonly [string, ...string[]]): z.ZodType => {
    const [first, ...others] = modes.map(name => z.strictObject({ mode: z.literal(name) }));
    return z.discriminatedUnion('mode', [first as z.ZodObject<{ mode: z.ZodLiteral<string> }>, ...others]);
  };
  const connection = (...engines: readonly Engine[]): JsonRecord =>
    specification(engines)['connectionSpecification'] as JsonRecord;

  it('puts the engines side by side and keeps what they share once', () => {
    const count = z.int().default(3).meta({ order: 1, group: 'advanced' });
    const merged = connection(
      engine('a', z.strictObject({ source: source('a'), count })),
      engine('b', z.strictObject({ source: source('b'), count })),
    );
    expect(merged).toMatchObject({
      required: ['source'],
      groups: [{ id: 'db' }, { id: 'advanced' }],
      properties: {
        source: {
          type: 'object',
          oneOf: [
            { title: 'A', properties: { engine: { const: 'a' } } },
            { title: 'B', properties: { engine: { const: 'b' } } },
          ],
        },
        count: { type: 'integer', default: 3 },
      },
    });
    expect(JSON.stringify(merged)).not.toMatch(/additionalProperties|9007199254740991/);
  });

  it('adds up the options of a choice', () => {
    const merged = connection(
      engine('a', z.strictObject({ source: source('a'), ssl_mode: mode('off', 'on') })),
      engine('b', z.strictObject({ source: source('b'), ssl_mode: mode('on', 'strict') })),
    );
    const options = ((merged['properties'] as JsonRecord)['ssl_mode'] as Schema).oneOf;
    expect(options?.map(option => option.properties?.['mode']?.const)).toEqual(['off', 'on', 'strict']);
  });

  it('refuses fields that differ, words that the form does not know, and a wrong discriminator', () => {
    const a = engine('a', z.strictObject({ source: source('a'), x: z.int() }));
    expect(() => specification([a, engine('b', z.strictObject({ source: source('b'), x: z.string() }))])).toThrow('b: x differs');
    expect(() =>
      specification([engine('a', z.strictObject({ source: source('a'), x: z.union([z.int(), z.string()]) }))]),
    ).toThrow('anyOf');
    expect(() => specification([engine('c', z.strictObject({ source: source('a') }))])).toThrow('must be the constant c');
  });
});
