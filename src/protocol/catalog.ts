/** Tables as the streams that `discover` prints, and the configured catalog that `read` is given. */
import * as z from 'zod';
import { ConnectorError } from '../contract/errors.ts';
import type { JsonObject, TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Column, Table } from '../contract/table.ts';
import type { LogicalType } from '../values/logical-type.ts';
import { jsonSchema, parseSchema } from '../values/logical-type.ts';
import { describeIssues } from './issues.ts';
import { describeFlaw, parseJson } from './json-text.ts';
import type { AirbyteStream, SyncMode } from './messages.ts';
import { descriptor } from './messages.ts';

/** The column that says which shard a record came from, on sources with more than one. */
export const SHARD_COLUMN = '_ab_source_shard';
export const UPDATED_AT_COLUMN = '_ab_cdc_updated_at';
export const DELETED_AT_COLUMN = '_ab_cdc_deleted_at';

export interface StreamOptions {
  /** `Engine.cursorColumn`. */
  readonly cursorColumn: string;
  /** `Engine.originColumns`. */
  readonly originColumns: readonly Column[];
  /** Whether the source reads more than one shard. */
  readonly sharded: boolean;
}

/** The columns that records carry beside the table's own, in the order in which they are written. */
export function addedColumns(table: Pick<Table, 'follow'>, options: StreamOptions): readonly Column[] {
  const shard: Column = { name: SHARD_COLUMN, type: { kind: 'string' }, nullable: false };
  const log: readonly Column[] = [
    { name: options.cursorColumn, type: { kind: 'integer' }, nullable: false },
    { name: UPDATED_AT_COLUMN, type: { kind: 'timestamp_tz' }, nullable: false },
    { name: DELETED_AT_COLUMN, type: { kind: 'timestamp_tz' }, nullable: true },
    ...options.originColumns,
  ];
  return [...(table.follow === true ? log : []), ...(options.sharded ? [shard] : [])];
}

/** Added columns win over a column of the same name in the table: a destination relies on their meaning. */
export function toStream(table: Table, options: StreamOptions): AirbyteStream {
  const properties: Record<string, JsonObject> = Object.create(null) as Record<string, JsonObject>;
  for (const column of [...table.columns, ...addedColumns(table, options)]) {
    properties[column.name] = jsonSchema(column.type, column.nullable);
  }
  const followed = table.follow === true;
  const key = table.primaryKey.map(name => [name]);
  return {
    ...descriptor(table.id),
    json_schema: { type: 'object', properties },
    supported_sync_modes: followed ? ['full_refresh', 'incremental'] : ['full_refresh'],
    source_defined_cursor: followed,
    ...(followed ? { default_cursor_field: [options.cursorColumn] } : {}),
    ...(key.length === 0 ? {} : { source_defined_primary_key: options.sharded ? [[SHARD_COLUMN], ...key] : key }),
    is_resumable: table.resumable,
  };
}

export interface ConfiguredStream {
  readonly id: TableId;
  readonly syncMode: SyncMode;
  /**
   * The columns that the destination expects, in the types that the catalog promises it; null for a schema that says
   * nothing we can read. Includes the added columns. Null instead of a map: the schema names no columns, all are meant.
   */
  readonly properties: ReadonlyMap<string, LogicalType | null> | null;
}

export interface ConfiguredCatalog {
  readonly streams: readonly ConfiguredStream[];
}

/** Handed through as it is: zod's own object types leave out a column named `__proto__`. */
const jsonObject = z.custom<Readonly<Record<string, unknown>>>(
  value => typeof value === 'object' && value !== null && !Array.isArray(value),
  'Invalid input: expected object',
);

/**
 * Only what a source needs is demanded. The platform adds fields and values of its own (`overwrite_dedup`, nulls for
 * absent ids), and later versions will add more: what is not used here is not looked at.
 */
const configuredCatalog = z.object({
  streams: z.array(
    z.object({
      stream: z.object({
        name: z.string().min(1),
        namespace: z.string().nullish(),
        json_schema: jsonObject.nullish(),
      }),
      sync_mode: z.enum(['full_refresh', 'incremental']),
    }),
  ),
});

/** Throws CATALOG_INVALID naming every place that is wrong by JSON pointer. */
export function parseConfiguredCatalog(text: string): ConfiguredCatalog {
  const json = parseJson(text);
  if ('flaw' in json) throw new ConnectorError('CATALOG_INVALID', `${describeFlaw(json.flaw)}.`);
  return toConfiguredCatalog(json.value);
}

/** As `parseConfiguredCatalog`, from JSON that is parsed already. */
export function toConfiguredCatalog(value: unknown): ConfiguredCatalog {
  const parsed = configuredCatalog.safeParse(value);
  if (!parsed.success) throw new ConnectorError('CATALOG_INVALID', `${describeIssues(parsed.error.issues).join('; ')}.`);
  const seen = new Map<string, number>();
  const streams = parsed.data.streams.map(({ stream, sync_mode }, index): ConfiguredStream => {
    const id: TableId = { namespace: stream.namespace ?? '', name: stream.name };
    const before = seen.get(tableKey(id));
    if (before !== undefined) {
      const detail = `at /streams/${index}: the stream ${tableLabel(id)} stands at /streams/${before} already.`;
      throw new ConnectorError('CATALOG_INVALID', detail, { table: id });
    }
    seen.set(tableKey(id), index);
    const properties = propertiesOf(stream.json_schema?.['properties'], index);
    return {
      id,
      syncMode: sync_mode,
      properties: properties.length === 0 ? null : new Map(properties.map(([name, schema]) => [name, parseSchema(schema)])),
    };
  });
  return { streams };
}

function propertiesOf(value: unknown, index: number): readonly (readonly [string, unknown])[] {
  const parsed = jsonObject.nullish().safeParse(value);
  if (parsed.success) return Object.entries(parsed.data ?? {});
  const where = ['streams', index, 'stream', 'json_schema', 'properties'];
  throw new ConnectorError('CATALOG_INVALID', `${describeIssues(parsed.error.issues, where).join('; ')}.`);
}
