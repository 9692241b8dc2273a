/** What is wrong with a value, in sentences. Loaded when something is: compiling a schema takes longer than most runs have. */
import type { ErrorObject } from 'ajv';
import { newAjv } from './ajv.ts';
import { chosen, isRecord, type Schema, withDiscriminators } from './schema.ts';

// Each is compiled for one value: optimizing takes longer than what it saves.
const ajv = newAjv({ allErrors: true, verbose: true, code: { optimize: false } });

/** All that ajv has to say about `value`, as sentences with JSON pointers. */
export function describeProblems(schema: object, value: unknown): readonly string[] {
  const validate = ajv.compile(narrowed(schema as Schema, value) as object);
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

/** Undefined for what another error says better. */
function describe(error: ErrorObject): string | undefined {
  const problem = sentence(error);
  return problem === undefined ? undefined : `at ${placeOf(error) || 'the top level'}: ${problem}`;
}

/** Where the value is that is wrong: ajv names the object of a tag, not the tag. */
function placeOf({ keyword, instancePath, params, data, parentSchema }: ErrorObject): string {
  if (keyword !== 'discriminator') return instancePath;
  const { tag } = params as { readonly tag: string };
  const described = (parentSchema as Schema | undefined)?.pattern_descriptor !== undefined;
  return isRecord(data) && tag in data && !described ? `${instancePath}/${tag}` : instancePath;
}

function sentence(error: ErrorObject): string | undefined {
  const parameters = error.params as Readonly<Record<string, unknown>>;
  const schema = (error.parentSchema ?? {}) as Schema;
  const value = schema.airbyte_secret === true ? undefined : quoted(error.data);
  const found = value === undefined ? '' : `, found ${value}`;
  switch (error.keyword) {
    case 'required':
      return `${String(parameters['missingProperty'])} is missing`;
    case 'type':
      return value === undefined
        ? `expected ${typesOf(parameters['type'])}, found ${article(typeName(error.data))}`
        : `${value} is ${article(typeName(error.data))}; expected ${typesOf(parameters['type'])}`;
    case 'enum':
      return notOneOf(value, parameters['allowedValues'] as readonly unknown[]);
    case 'const':
      return `expected ${JSON.stringify(parameters['allowedValue'])}${found}`;
    case 'discriminator': {
      const tag = String(parameters['tag']);
      const named = isRecord(error.data) ? quoted(error.data[tag]) : undefined;
      const options = (schema.oneOf ?? []).map(option => String(option.properties?.[tag]?.const));
      if (schema.pattern_descriptor !== undefined) return `${tag} must be ${schema.pattern_descriptor}`;
      return named === undefined ? `${tag} must be one of ${options.join(', ')}` : notOneOf(named, options);
    }
    case 'pattern':
      if (error.data === '' && schema.minLength !== undefined) return undefined;
      return schema.pattern_descriptor === undefined
        ? `must match ${String(parameters['pattern'])}${found}`
        : `must be ${schema.pattern_descriptor}${found}`;
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maximum':
    case 'exclusiveMaximum':
      return `must be ${String(parameters['comparison'])} ${String(parameters['limit'])}${found}`;
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

const notOneOf = (value: string | undefined, allowed: readonly unknown[]): string =>
  value === undefined ? `expected one of ${allowed.join(', ')}` : `${value} is not one of ${allowed.join(', ')}`;

/** Longer texts say no more. */
const LONGEST_QUOTED = 60;
/** A URL or an address with a user: there may be a password in it, wherever it was put. */
const MAY_HOLD_SECRET = /@|:\/\/|[\r\n]/;

/** The value as JSON where it is short, and cannot hold a secret; undefined otherwise. */
function quoted(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value !== 'string' || value.length > LONGEST_QUOTED || MAY_HOLD_SECRET.test(value)) return undefined;
  return JSON.stringify(value);
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
