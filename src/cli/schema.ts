/** The part of JSON Schema (draft 7) that `spec/spec.json` is written in, and walks along it beside a value. */
import { nearest } from './nearest.ts';

export interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly minLength?: number;
  readonly pattern_descriptor?: string;
  readonly airbyte_secret?: boolean;
}

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The property whose constant tells the options of a `oneOf` apart: the one that has a `const` in all of them. */
export function discriminatorOf(options: readonly Schema[]): string | undefined {
  const [first, ...rest] = options;
  return Object.entries(first?.properties ?? {}).find(
    ([name, schema]) => 'const' in schema && rest.every(option => 'const' in (option.properties?.[name] ?? {})),
  )?.[0];
}

/** What `value` is to be read by: of a `oneOf` the option that its discriminator names, if it names one. */
export function chosen(schema: Schema, value: unknown): Schema | undefined {
  if (schema.oneOf === undefined) return schema;
  const name = discriminatorOf(schema.oneOf);
  if (name === undefined || !isRecord(value)) return undefined;
  return schema.oneOf.find(option => option.properties?.[name]?.const === value[name]);
}

/** With the `discriminator` keyword ajv reports the errors of the chosen option, not those of all of them. */
export function withDiscriminators(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withDiscriminators);
  if (!isRecord(schema)) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withDiscriminators(value)]));
  const propertyName = Array.isArray(schema['oneOf']) ? discriminatorOf(schema['oneOf'] as readonly Schema[]) : undefined;
  return propertyName === undefined ? copy : { ...copy, discriminator: { propertyName } };
}

const own = (schemas: Readonly<Record<string, Schema>>, name: string): Schema | undefined =>
  Object.hasOwn(schemas, name) ? schemas[name] : undefined;

export interface UnknownKey {
  readonly path: readonly (string | number)[];
  /** The object that holds it. */
  readonly siblings: readonly string[];
}

/** Keys that the schema does not have, at any depth. Options of a `oneOf` that cannot be told apart are passed over. */
export function unknownKeys(schema: Schema, value: unknown, path: readonly (string | number)[] = []): readonly UnknownKey[] {
  if (Array.isArray(value)) {
    const items = schema.items;
    return items === undefined
      ? []
      : (value as readonly unknown[]).flatMap((item, index) => unknownKeys(items, item, [...path, index]));
  }
  const properties = chosen(schema, value)?.properties;
  if (!isRecord(value) || properties === undefined) return [];
  const siblings = Object.keys(properties);
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = own(properties, key);
    return known === undefined ? [{ path: [...path, key], siblings }] : unknownKeys(known, inner, [...path, key]);
  });
}

/** Every path of property names in the schema, arrays and options of a `oneOf` included. */
export function allPaths(schema: Schema, path: readonly string[] = []): readonly (readonly string[])[] {
  const properties = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const here = [...path, name];
    return [here, ...allPaths(inner, here)];
  });
  const inItems = schema.items === undefined ? [] : allPaths(schema.items, [...path, '-']);
  return [...properties, ...inItems, ...(schema.oneOf ?? []).flatMap(option => allPaths(option, path))];
}

/** A key of this name holds a secret, also where the schema does not know it. */
const SECRET_NAME = /pass|secret|token|credential|private|certificate|(?:^|[_-])key/i;

/** The strings of a configuration, valid or not, that must never be shown: also under misspelt and misplaced keys. */
export function secretsOf(specification: Schema, config: unknown): readonly string[] {
  const names = new Set(secretNames(specification));
  const isSecretName = (key: string): boolean => SECRET_NAME.test(key) || nearest(key, names) !== undefined;
  const collect = (schema: Schema | undefined, value: unknown, secret: boolean): readonly string[] => {
    if (typeof value === 'string' || typeof value === 'number') return secret ? [String(value)] : [];
    if (Array.isArray(value)) return (value as readonly unknown[]).flatMap(item => collect(schema?.items, item, secret));
    if (!isRecord(value)) return [];
    const options = schema === undefined ? [] : [schema, ...(schema.oneOf ?? [])];
    return Object.entries(value).flatMap(([key, inner]) => {
      const known = options.map(option => own(option.properties ?? {}, key)).filter(found => found !== undefined);
      const hidden = known.length === 0 ? isSecretName(key) : known.some(found => found.airbyte_secret === true);
      return collect(known.length > 1 ? { oneOf: known } : known[0], inner, secret || hidden);
    });
  };
  return collect(specification, config, false);
}

function secretNames(schema: Schema): readonly string[] {
  const properties = Object.entries(schema.properties ?? {});
  const here = properties.filter(([, property]) => property.airbyte_secret === true).map(([name]) => name);
  const deeper = [
    ...properties.map(([, property]) => property),
    ...(schema.oneOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
  return [...here, ...deeper.flatMap(secretNames)];
}

/** Keys set to null are the same as absent ones: forms and stores write them for what the user left empty. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return (value as readonly unknown[]).map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}
