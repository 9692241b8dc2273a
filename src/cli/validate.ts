import { Ajv, type ErrorObject } from 'ajv';
import formats from 'ajv-formats';
import { pointer } from '../protocol/issues.ts';
import { nearest } from './nearest.ts';
import { allPaths, chosen, discriminatorOf, isRecord, type Schema, unknownKeys } from './schema.ts';

/** Airbyte's own words in a connection specification: they describe the form, not the value. */
const ANNOTATIONS = [
  'airbyte_hidden',
  'airbyte_secret',
  'always_show',
  'display_type',
  'group',
  'groups',
  'multiline',
  'order',
  'pattern_descriptor',
];

/** Everything in which `config` departs from the connection specification: sentences that name places, never values. */
export function validateConfig(specification: Schema, config: unknown): readonly string[] {
  const problems = problemsIn(narrowed(specification, config) as object, config);
  const unknown = unknownKeys(specification, config).map(({ path, siblings }) => {
    const suggestion = suggest(specification, path, siblings);
    return `at ${pointer(path.slice(0, -1)) || 'the top level'}: unknown key ${JSON.stringify(path.at(-1))}${suggestion}`;
  });
  return [...problems, ...unknown];
}

/** One for all schemas. They are ours, and tests hold them against the meta-schema: doing that in every run costs a tenth of a second. */
const ajv = new Ajv({
  allErrors: true,
  discriminator: true,
  verbose: true,
  strictSchema: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  validateSchema: false,
  meta: false,
  // Each is compiled for one value: the time that it takes is longer than what it saves.
  code: { optimize: false },
});
formats.default(ajv);
ajv.addVocabulary(ANNOTATIONS);

/** What ajv has to say about `value`, all of it, as sentences with JSON pointers. */
export function problemsIn(schema: object, value: unknown): readonly string[] {
  const validate = ajv.compile(schema);
  validate(value);
  return [...new Set((validate.errors ?? []).map(describe).filter(problem => problem !== undefined))];
}

/**
 * The part of the schema that is about this value: of each `oneOf` the option that the value names, so that errors are about
 * that one only, and so that no other has to be compiled. Where it names none, ajv's `discriminator` says so.
 */
function narrowed(schema: Schema, value: unknown): Schema {
  const { oneOf, properties, items, ...rest } = schema;
  const inner = {
    ...rest,
    ...(properties === undefined ? {} : { properties: narrowedProperties(properties, value) }),
    ...(items === undefined ? {} : { items: withDiscriminators(items) as Schema }),
  };
  if (oneOf === undefined) return inner;
  const option = chosen(schema, value);
  if (option === undefined) return { ...inner, ...(withDiscriminators({ oneOf }) as Schema) };
  return { ...inner, allOf: [narrowed(option, value)] } as Schema;
}

function narrowedProperties(properties: Readonly<Record<string, Schema>>, value: unknown): Readonly<Record<string, Schema>> {
  const record = isRecord(value) ? value : {};
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, narrowed(schema, record[name])]));
}

/** With the `discriminator` keyword ajv reports the errors of the chosen option, not those of all of them. */
function withDiscriminators(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withDiscriminators);
  if (!isRecord(schema)) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withDiscriminators(value)]));
  const propertyName = Array.isArray(schema['oneOf']) ? discriminatorOf(schema['oneOf'] as readonly Schema[]) : undefined;
  return propertyName === undefined ? copy : { ...copy, discriminator: { propertyName } };
}

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

/** Undefined for what another error says better. */
function describe(error: ErrorObject): string | undefined {
  const problem = sentence(error);
  return problem === undefined ? undefined : `at ${error.instancePath || 'the top level'}: ${problem}`;
}

function sentence(error: ErrorObject): string | undefined {
  const parameters = error.params as Readonly<Record<string, unknown>>;
  const schema = (error.parentSchema ?? {}) as Schema;
  switch (error.keyword) {
    case 'required':
      return `${String(parameters['missingProperty'])} is missing`;
    case 'type':
      return `expected ${typesOf(parameters['type'])}, found ${article(typeName(error.data))}`;
    case 'enum':
      return `expected one of ${(parameters['allowedValues'] as readonly unknown[]).join(', ')}`;
    case 'const':
      return `expected ${JSON.stringify(parameters['allowedValue'])}`;
    case 'discriminator': {
      const tag = String(parameters['tag']);
      if (schema.pattern_descriptor !== undefined) return `${tag} must be ${schema.pattern_descriptor}`;
      const options = (schema.oneOf ?? []).map(option => String(option.properties?.[tag]?.const));
      return `${tag} must be one of ${options.join(', ')}`;
    }
    case 'pattern':
      if (error.data === '' && schema.minLength !== undefined) return undefined;
      return schema.pattern_descriptor === undefined
        ? `must match ${String(parameters['pattern'])}`
        : `must be ${schema.pattern_descriptor}`;
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maximum':
    case 'exclusiveMaximum':
      return `must be ${String(parameters['comparison'])} ${String(parameters['limit'])}`;
    case 'minLength':
    case 'minItems':
      return parameters['limit'] === 1 ? 'must not be empty' : `needs at least ${String(parameters['limit'])}`;
    case 'maxLength':
      return `must have at most ${String(parameters['limit'])} characters`;
    case 'oneOf':
    case 'if':
      return undefined;
    default:
      return error.message ?? 'is not valid';
  }
}

const typesOf = (type: unknown): string => (Array.isArray(type) ? type : [type]).map(name => article(String(name))).join(' or ');

const typeName = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'array'
      : typeof value === 'number' && !Number.isInteger(value)
        ? 'number with a fraction'
        : typeof value;

const article = (name: string): string => (name === 'null' ? name : /^[aeio]/.test(name) ? `an ${name}` : `a ${name}`);
