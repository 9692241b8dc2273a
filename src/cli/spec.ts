/** `spec/spec.json` from the zod schemas of all engines. Runs in `npm run generate`; the connector only prints the file. */
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import type { Engine } from '../contract/engine.ts';
import { discriminatorOf, isRecord, type JsonRecord, type Schema } from './schema.ts';

/** Where the documentation is published: `homepage` of package.json. Without one the spec names no address. */
const homepage = (packageJson as JsonRecord)['homepage'] as string | undefined;

/** The cards of the form, in this order. */
const GROUPS = [
  { id: 'db', title: 'Database' },
  { id: 'security', title: 'Encryption' },
  { id: 'replication', title: 'Change data capture' },
  { id: 'advanced', title: 'Advanced' },
];

export function specification(engines: readonly Engine[]): JsonRecord {
  const schemas = engines.map(engine => ({ engine, schema: engineSchema(engine) }));
  const properties: Record<string, unknown> = {
    source: {
      type: 'object',
      title: 'Database',
      description: 'The kind of database, and where it is.',
      order: 0,
      group: 'db',
      oneOf: schemas.map(({ engine, schema }) => sourceOption(engine, schema)),
    },
  };
  for (const { engine, schema } of schemas) {
    for (const [name, property] of Object.entries(propertiesOf(schema))) {
      if (name === 'source') continue;
      properties[name] = name in properties ? merge(name, properties[name], property, engine) : property;
    }
  }
  const required = Object.keys(properties).filter(name =>
    schemas.every(({ schema }) => ((schema['required'] ?? []) as readonly string[]).includes(name)),
  );
  return {
    ...(homepage === undefined ? {} : { documentationUrl: homepage, changelogUrl: new URL('docs/CHANGELOG.md', homepage).href }),
    supportsIncremental: true,
    supported_destination_sync_modes: ['overwrite', 'append', 'append_dedup'],
    protocol_version: '0.2.0',
    connectionSpecification: {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'Tributary',
      type: 'object',
      groups: GROUPS.filter(({ id }) =>
        Object.values(properties).some(property => isRecord(property) && property['group'] === id),
      ),
      required,
      properties,
    },
  };
}

function engineSchema(engine: Engine): JsonRecord {
  const schema = z.toJSONSchema(engine.config, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'throw',
    // Zod leaves out the examples of what it transforms, since they might be of the result; ours are what a user types.
    override: ({ zodSchema, jsonSchema }) => {
      const examples = z.globalRegistry.get(zodSchema)?.['examples'];
      if (examples !== undefined) jsonSchema.examples ??= examples as NonNullable<typeof jsonSchema.examples>;
    },
  });
  return forAirbyte(schema as unknown as JsonRecord);
}

/** What is allowed in a schema but not in Airbyte's form: such a spec would not load. */
const FORBIDDEN = ['$ref', 'allOf', 'anyOf', 'not', 'patternProperties', 'prefixItems', 'if', 'dependentSchemas'];

/** Takes out what zod adds for its own sake. Unknown keys are refused by `validateConfig`, not by the schema. */
function forAirbyte(schema: JsonRecord): JsonRecord {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (FORBIDDEN.includes(key)) throw new Error(`${key} cannot stand in a connection specification: ${JSON.stringify(schema)}`);
    if (key === '$schema' || key === 'additionalProperties') continue;
    if ((key === 'minimum' || key === 'maximum') && Math.abs(value as number) === Number.MAX_SAFE_INTEGER) continue;
    if (key === 'properties') {
      result[key] = Object.fromEntries(
        Object.entries(value as JsonRecord).map(([name, inner]) => [name, forAirbyte(inner as JsonRecord)]),
      );
    } else if (key === 'oneOf') {
      result[key] = (value as readonly JsonRecord[]).map(forAirbyte);
    } else if (key === 'items') {
      result[key] = forAirbyte(value as JsonRecord);
    } else if (key === 'pattern') {
      result[key] = portablePattern(value as string);
    } else {
      result[key] = value;
    }
  }
  if (result['oneOf'] !== undefined) result['type'] = 'object';
  return result;
}

/** Airbyte's platform reads patterns as Java does: there `[` within a class opens a class of its own. */
export function portablePattern(pattern: string): string {
  let inClass = false;
  return pattern.replace(/\\.|[[\]]/gs, found => {
    if (found.length > 1) return found;
    if (found === ']') {
      inClass = false;
      return found;
    }
    if (inClass) return '\\[';
    inClass = true;
    return found;
  });
}

function sourceOption(engine: Engine, schema: JsonRecord): JsonRecord {
  const { order: _order, group: _group, ...option } = propertiesOf(schema)['source'] as JsonRecord;
  const discriminator = propertiesOf(option)['engine'] as JsonRecord | undefined;
  if (discriminator?.['const'] !== engine.name)
    throw new Error(`${engine.name}: source.engine must be the constant ${engine.name}`);
  return { ...option, title: engine.title };
}

/** One property of several engines: the same in all, or a choice whose options add up. */
function merge(name: string, existing: unknown, added: unknown, engine: Engine): unknown {
  if (isDeepStrictEqual(existing, added)) return existing;
  const before = isRecord(existing) ? (existing['oneOf'] as readonly Schema[] | undefined) : undefined;
  const more = isRecord(added) ? (added['oneOf'] as readonly Schema[] | undefined) : undefined;
  const tag = before === undefined ? undefined : discriminatorOf(before);
  if (before === undefined || more === undefined || tag === undefined) {
    throw new Error(
      `${engine.name}: ${name} differs from that of another engine; a field of one engine belongs in its source option`,
    );
  }
  const options = [...before];
  for (const option of more) {
    const same = options.find(known => known.properties?.[tag]?.const === option.properties?.[tag]?.const);
    if (same === undefined) options.push(option);
    else if (!isDeepStrictEqual(same, option)) throw new Error(`${engine.name}: two different options of ${name} share a ${tag}`);
  }
  return { ...(existing as JsonRecord), oneOf: options };
}

const propertiesOf = (schema: JsonRecord): JsonRecord => (schema['properties'] ?? {}) as JsonRecord;
