import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../src/contract/errors.ts';
import type { Table } from '../../../src/contract/table.ts';
import { parseConfiguredCatalog, toStream } from '../../../src/protocol/catalog.ts';

const orders: Table = {
  id: { namespace: 'public', name: 'orders' },
  columns: [
    { name: 'id', type: { kind: 'integer' }, nullable: false },
    { name: '__proto__', type: { kind: 'json' }, nullable: true },
  ],
  primaryKey: ['id'],
  follow: true,
  resumable: true,
  identity: '1',
};
const options = { cursorColumn: '_ab_cdc_lsn', originColumns: [], sharded: false };

describe('toStream', () => {
  it('offers both modes for a table that the log covers', () => {
    expect(JSON.parse(JSON.stringify(toStream(orders, options)))).toEqual(
      JSON.parse(`{
        "name": "orders",
        "namespace": "public",
        "json_schema": {
          "type": "object",
          "properties": {
            "id": { "type": "number", "airbyte_type": "integer" },
            "__proto__": { "type": ["null", "string"] },
            "_ab_cdc_lsn": { "type": "number", "airbyte_type": "integer" },
            "_ab_cdc_updated_at": { "type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone" },
            "_ab_cdc_deleted_at": { "type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone" }
          }
        },
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": true,
        "default_cursor_field": ["_ab_cdc_lsn"],
        "source_defined_primary_key": [["id"]],
        "is_resumable": true
      }`),
    );
  });

  it('offers only full refresh for a table that cannot be followed, without the columns of the log', () => {
    const stream = toStream({ ...orders, follow: { reason: 'no key' }, primaryKey: [], resumable: false }, options);
    expect(stream.supported_sync_modes).toEqual(['full_refresh']);
    expect(stream).toMatchObject({ source_defined_cursor: false, is_resumable: false });
    expect(stream).not.toHaveProperty('default_cursor_field');
    expect(stream).not.toHaveProperty('source_defined_primary_key');
    expect(Object.keys(stream.json_schema['properties'] as object)).toEqual(['id', '__proto__']);
  });

  it('puts the shard first in the key, and leaves a table without key without one', () => {
    const stream = toStream(orders, { ...options, sharded: true });
    expect(stream.source_defined_primary_key).toEqual([['_ab_source_shard'], ['id']]);
    expect(stream.json_schema['properties']).toHaveProperty('_ab_source_shard', { type: 'string' });
    const keyless = toStream({ ...orders, primaryKey: [] }, { ...options, sharded: true });
    expect(keyless).not.toHaveProperty('source_defined_primary_key');
  });

  it('keeps the meaning of an added column when a table has one of that name', () => {
    const columns = [{ name: '_ab_cdc_lsn', type: { kind: 'string' }, nullable: true }] as const;
    const stream = toStream({ ...orders, columns }, options);
    expect(stream.json_schema['properties']).toHaveProperty('_ab_cdc_lsn', { type: 'number', airbyte_type: 'integer' });
  });

  it('leaves out columns that differ from an added one in case alone, but not where nothing is added', () => {
    const columns = [{ name: '_AB_CDC_LSN', type: { kind: 'string' }, nullable: true }] as const;
    const namesIn = (table: Table): string[] => Object.keys(toStream(table, options).json_schema['properties'] as object);
    expect(namesIn({ ...orders, columns })).toEqual(['_ab_cdc_lsn', '_ab_cdc_updated_at', '_ab_cdc_deleted_at']);
    expect(namesIn({ ...orders, columns, follow: { reason: 'a view' } })).toEqual(['_AB_CDC_LSN']);
  });

  it('offers no key that would lose a column to an added one', () => {
    const keyed = (name: string): Table => ({
      ...orders,
      columns: [...orders.columns, { name, type: { kind: 'string' }, nullable: false }],
      primaryKey: ['id', name],
    });
    const modes = { supported_sync_modes: ['full_refresh'], source_defined_cursor: false };
    const lsn = toStream(keyed('_Ab_cdc_lsn'), { ...options, sharded: true });
    expect(lsn).toMatchObject({ ...modes, source_defined_primary_key: [['_ab_source_shard'], ['id'], ['_Ab_cdc_lsn']] });
    const shard = toStream(keyed('_ab_source_shard'), { ...options, sharded: true });
    expect(shard).toMatchObject(modes);
    expect(shard).not.toHaveProperty('source_defined_primary_key');
    expect(toStream(keyed('_ab_source_shard'), options).supported_sync_modes).toContain('incremental');
  });
});

const configured = (overrides: object = {}, streamOverrides: object = {}): object => ({
  stream: { name: 'orders', namespace: 'public', json_schema: { type: 'object', properties: {} }, ...streamOverrides },
  sync_mode: 'incremental',
  destination_sync_mode: 'append_dedup',
  ...overrides,
});
const catalog = (...streams: readonly unknown[]): string => JSON.stringify({ streams });

describe('parseConfiguredCatalog', () => {
  it('keeps the selected columns in the types that were promised', () => {
    const properties = { id: { type: 'number', airbyte_type: 'integer' }, note: { type: ['null', 'string'] }, odd: {} };
    const key = { source_defined_primary_key: [['_ab_source_shard'], ['id']] };
    const text = catalog(configured({}, { json_schema: { type: 'object', properties }, ...key }));
    expect(parseConfiguredCatalog(text).streams).toEqual([
      {
        id: { namespace: 'public', name: 'orders' },
        syncMode: 'incremental',
        key: ['_ab_source_shard', 'id'],
        deduplicated: true,
        properties: new Map([
          ['id', { kind: 'integer' }],
          ['note', { kind: 'string' }],
          ['odd', null],
        ]),
      },
    ]);
  });

  it('keeps a column called __proto__', () => {
    const text =
      '{"streams":[{"sync_mode":"full_refresh","stream":{"name":"a","json_schema":{"properties":{"__proto__":{"type":"string"}}}}}]}';
    expect([...(parseConfiguredCatalog(text).streams[0]?.properties ?? [])]).toEqual([['__proto__', { kind: 'string' }]]);
  });

  it('takes what platforms add: unknown fields and modes, nulls, absent parts', () => {
    const extra = { destination_sync_mode: 'overwrite_dedup', generation_id: null, sync_id: 3, primary_key: null, new_field: {} };
    const text = catalog(configured(extra, { namespace: null, json_schema: {}, is_resumable: null }));
    expect(parseConfiguredCatalog(text).streams).toEqual([
      { id: { namespace: '', name: 'orders' }, syncMode: 'incremental', key: [], deduplicated: true, properties: null },
    ]);
    expect(parseConfiguredCatalog('{"streams":[]}').streams).toEqual([]);
  });

  it.each([
    ['cut', catalog(configured()).slice(0, 30), 'the JSON ends too early, at line 1, column 31'],
    ['a list', '[]', 'expected object'],
    ['no streams', '{}', 'at /streams: '],
    ['no stream', '{"streams":[{"sync_mode":"incremental"}]}', 'at /streams/0/stream: '],
    ['no name', catalog(configured({}, { name: undefined })), 'at /streams/0/stream/name: '],
    ['an empty name', catalog(configured({}, { name: '' })), 'at /streams/0/stream/name: '],
    [
      'an unknown sync mode',
      catalog(configured(), configured({ sync_mode: 'INVALID' }, { name: 'b' })),
      'at /streams/1/sync_mode: ',
    ],
    ['no sync mode', catalog(configured({ sync_mode: undefined })), 'at /streams/0/sync_mode: '],
    ['a schema of text', catalog(configured({}, { json_schema: 'x' })), 'at /streams/0/stream/json_schema: '],
    [
      'properties as a list',
      catalog(configured({}, { json_schema: { properties: [] } })),
      'at /streams/0/stream/json_schema/properties: ',
    ],
    [
      'a stream twice',
      catalog(configured(), configured()),
      'at /streams/1: the stream public.orders stands at /streams/0 already',
    ],
  ])('refuses a catalog: %s', (_what, text, detail) => {
    try {
      parseConfiguredCatalog(text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'CATALOG_INVALID' });
      expect((error as ConnectorError).detail).toContain(detail);
      return;
    }
    expect.unreachable('was accepted');
  });

  it('names every place that is wrong', () => {
    try {
      parseConfiguredCatalog(catalog({ stream: {}, sync_mode: 'x' }));
      expect.unreachable('was accepted');
    } catch (error) {
      expect(error).toBeInstanceOf(ConnectorError);
      expect((error as ConnectorError).detail).toMatch(/\/stream\/name: .*; at \/streams\/0\/sync_mode: /);
    }
  });
});
