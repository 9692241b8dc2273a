/** The part of JSON Schema (draft 7) that `spec/spec.json` is written in, and walks along it beside a value. */

export interface Schema {
  readonly type?: string;
  readonly title?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
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

/** A key of this name holds a secret, also where the schema does not know it: a misspelt or misplaced one. */
const SECRET_NAME = /pass|secret|token|credential|private|certificate|(?:^|[_-])key/i;

/** The strings of a configuration, valid or not, that must never be shown. */
export function secretsOf(schema: Schema | undefined, value: unknown, secret = false): readonly string[] {
  if (typeof value === 'string') return secret ? [value] : [];
  if (typeof value === 'number') return secret ? [String(value)] : [];
  if (Array.isArray(value)) return (value as readonly unknown[]).flatMap(item => secretsOf(schema?.items, item, secret));
  if (!isRecord(value)) return [];
  const options = schema === undefined ? [] : [schema, ...(schema.oneOf ?? [])];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = options.map(option => own(option.properties ?? {}, key)).filter(found => found !== undefined);
    const hidden = secret || known.some(found => found.airbyte_secret === true) || (known.length === 0 && SECRET_NAME.test(key));
    const merged: Schema | undefined = known.length > 1 ? { oneOf: known } : known[0];
    return secretsOf(merged, inner, hidden);
  });
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
