/** Tables as the streams that `discover` prints, and the configured catalog that `read` is given. */
import * as z from 'zod';
import { type AddedOptions, addedColumns, offered, ownColumns, SHARD_COLUMN } from '../contract/added-columns.ts';
import { ConnectorError } from '../contract/errors.ts';
import type { JsonObject, TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import type { Table } from '../contract/table.ts';
import type { LogicalType } from '../values/logical-type.ts';
import { jsonSchema, parseSchema } from '../values/logical-type.ts';
import { describeIssues } from './issues.ts';
import { describeFlaw, parseJson } from './json-text.ts';
import type { AirbyteStream, SyncMode } from './messages.ts';
import { descriptor } from './messages.ts';

/** Added columns win over columns of such names in the table: a destination relies on their meaning. */
export function toStream(found: Table, options: AddedOptions): AirbyteStream {
  const table = offered(found, options);
  const added = addedColumns(table.follow === true, options);
  const properties: Record<string, JsonObject> = Object.create(null) as Record<string, JsonObject>;
  for (const column of [...ownColumns(table.columns, added).kept, ...added]) {
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
  /** The key that the source gave the stream when the catalog was made; empty where it gave none. */
  readonly key: readonly string[];
  /** The destination keeps one record for each key. */
  readonly deduplicated: boolean;
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
        source_defined_primary_key: z.array(z.array(z.string())).nullish(),
      }),
      destination_sync_mode: z.string().nullish(),
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
  const streams = parsed.data.streams.map(({ stream, sync_mode, destination_sync_mode }, index): ConfiguredStream => {
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
      key: (stream.source_defined_primary_key ?? []).map(path => path.join('.')),
      deduplicated: destination_sync_mode?.endsWith('dedup') === true,
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
