/**
 * What a value means to Airbyte. One value of this type decides both the JSON Schema that `discover` prints and the
 * form in which `read` writes, so the two cannot drift apart.
 */
export type ScalarKind =
  | 'boolean'
  | 'integer'
  | 'number'
  | 'string'
  | 'binary'
  | 'json'
  | 'date'
  | 'time'
  | 'time_tz'
  | 'timestamp'
  | 'timestamp_tz';

/** `json` is a string holding JSON text; `object` is the JSON value itself (`json_columns: native`). */
export type LogicalType = { readonly kind: ScalarKind | 'object' } | { readonly kind: 'array'; readonly items: LogicalType };

type SchemaValue = string | readonly string[] | JsonSchema;
/** One property's JSON Schema in Airbyte's vocabulary (protocol, "Airbyte data types"). */
export type JsonSchema = { readonly [key: string]: SchemaValue };

/** The schema without `null`: its `type`, then what else it says. */
const SCHEMAS: { readonly [kind in ScalarKind | 'object']: JsonSchema & { readonly type: string } } = {
  boolean: { type: 'boolean' },
  integer: { type: 'number', airbyte_type: 'integer' },
  number: { type: 'number' },
  string: { type: 'string' },
  binary: { type: 'string', contentEncoding: 'base64' },
  json: { type: 'string' },
  object: { type: 'object' },
  date: { type: 'string', format: 'date' },
  time: { type: 'string', format: 'time', airbyte_type: 'time_without_timezone' },
  time_tz: { type: 'string', format: 'time', airbyte_type: 'time_with_timezone' },
  timestamp: { type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' },
  timestamp_tz: { type: 'string', format: 'date-time', airbyte_type: 'timestamp_with_timezone' },
};

/**
 * The JSON Schema of a column. Nullable ones have `"null"` first in `type`. Items of arrays are always nullable: no database
 * forbids null elements, and an element that cannot be said is one.
 */
export function jsonSchema(type: LogicalType, nullable: boolean): JsonSchema {
  const schema = type.kind === 'array' ? { type: 'array', items: jsonSchema(type.items, true) } : SCHEMAS[type.kind];
  return nullable ? { ...schema, type: ['null', schema.type] } : { ...schema };
}

/**
 * What a property's schema in a configured catalog promises to the destination; null when it promises nothing that we could
 * hold to: no type, several, or an array of unknown items. The reverse of `jsonSchema`, but for `json`, which has the
 * schema of a string and comes back as one. Schemas of other connectors and of older protocol versions are read as well.
 */
export function parseSchema(schema: unknown): LogicalType | null {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return null;
  const { type, airbyte_type, format, contentEncoding, items, oneOf, anyOf } = schema as { readonly [key: string]: unknown };
  const kind = onlyType(type);
  if (kind === null) return parseUnion(oneOf ?? anyOf);
  switch (kind) {
    case 'boolean':
    case 'integer':
    case 'object':
      return { kind };
    case 'number':
      return { kind: airbyte_type === 'integer' ? 'integer' : 'number' };
    case 'array': {
      const parsed = parseSchema(items);
      return parsed === null ? null : { kind: 'array', items: parsed };
    }
    case 'string':
      return { kind: contentEncoding === 'base64' ? 'binary' : stringKind(format, airbyte_type) };
    default:
      return null;
  }
}

/** The protocol takes a missing `airbyte_type` to mean "with timezone". */
function stringKind(format: unknown, airbyteType: unknown): ScalarKind {
  if (format === 'date') return 'date';
  if (format === 'date-time') return airbyteType === 'timestamp_without_timezone' ? 'timestamp' : 'timestamp_tz';
  if (format === 'time') return airbyteType === 'time_without_timezone' ? 'time' : 'time_tz';
  return 'string';
}

/** The one type besides `null` that `type` names. */
function onlyType(type: unknown): string | null {
  const names = (Array.isArray(type) ? type : [type]).filter(name => name !== 'null');
  const [name] = names;
  return names.length === 1 && typeof name === 'string' ? name : null;
}

/** The one alternative of `oneOf` or `anyOf` that is not null. */
function parseUnion(alternatives: unknown): LogicalType | null {
  if (!Array.isArray(alternatives)) return null;
  const others = alternatives.filter((schema: unknown) => {
    return !(typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'null');
  });
  return others.length === 1 ? parseSchema(others[0]) : null;
}

/** Whether a destination is promised the same: both have the same schema. `json` and `string` do. */
export function sameType(a: LogicalType, b: LogicalType): boolean {
  if (a.kind === 'array') return b.kind === 'array' && sameType(a.items, b.items);
  return schemaKind(a.kind) === schemaKind(b.kind);
}

function schemaKind(kind: LogicalType['kind']): LogicalType['kind'] {
  return kind === 'json' ? 'string' : kind;
}
