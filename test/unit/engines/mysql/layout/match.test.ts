import { describe, expect, it } from 'vitest';
import * as types from '../../../../../src/engines/mysql/binlog/column-types.ts';
import type { TableMap, TableMapColumn } from '../../../../../src/engines/mysql/binlog/table-map.ts';
import type { ColumnLayout, TableLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';
import { layoutFromTableMap } from '../../../../../src/engines/mysql/layout/from-table-map.ts';
import { mismatch } from '../../../../../src/engines/mysql/layout/match.ts';
import { column } from './columns.ts';

const LATIN1 = 8;
const UTF8MB4 = 255;
const BINARY = 63;
const known = (columnType: string, more?: Partial<ColumnLayout>): ColumnLayout => column('c', columnType, more);
const layoutOf = (...columns: readonly ColumnLayout[]): TableLayout => ({
  schema: 's',
  name: 't',
  columns,
  defaultCharset: 'latin1',
  defaultCollation: null,
});
const mapOf = (...columns: readonly (Partial<TableMapColumn> & { readonly type: number })[]): TableMap => ({
  tableId: 1,
  schema: 's',
  table: 't',
  columns: columns.map(column => ({ metadata: 0, nullable: true, ...column })),
  widths: new Int8Array(columns.length),
  jsonColumns: [],
  unreadable: null,
});
const latin1 = { charset: 'latin1' };
const utf8mb4 = { charset: 'utf8mb4' };

describe('a TABLE_MAP', () => {
  it.each<[string, ColumnLayout, Partial<TableMapColumn> & { readonly type: number }]>([
    ['int', known('int(11)'), { type: types.TYPE_LONG }],
    ['bigint unsigned', known('bigint unsigned'), { type: types.TYPE_LONGLONG, unsigned: true }],
    ['decimal', known('decimal(10,2)'), { type: types.TYPE_NEWDECIMAL, metadata: 10 * 256 + 2, unsigned: false }],
    ['varchar', known('varchar(20)', utf8mb4), { type: types.TYPE_VARCHAR, metadata: 80, charset: UTF8MB4 }],
    ['char', known('char(255)', utf8mb4), { type: types.TYPE_STRING, metadata: 1020, charset: 45 }],
    ['binary', known('binary(16)'), { type: types.TYPE_STRING, metadata: 16, charset: BINARY }],
    ['uuid', known('uuid'), { type: types.TYPE_STRING, metadata: 16, charset: BINARY }],
    ['text', known('text', latin1), { type: types.TYPE_BLOB, metadata: 2, charset: LATIN1 }],
    [
      'compressed text',
      known('text /*M!100301 COMPRESSED*/', { ...latin1, compressed: true }),
      { type: types.TYPE_BLOB_COMPRESSED, metadata: 2 },
    ],
    ['datetime of MariaDB 5.3', known('datetime(3) /* mariadb-5.3 */'), { type: types.TYPE_DATETIME }],
    ['datetime', known('datetime(3)'), { type: types.TYPE_DATETIME2, metadata: 3 }],
    ['bit', known('bit(13)'), { type: types.TYPE_BIT, metadata: 256 + 5 }],
    [
      'enum',
      known("enum('a','b')", latin1),
      { type: types.TYPE_ENUM, metadata: 1, labelBytes: [Buffer.from('a'), Buffer.from('b')] },
    ],
    ['set', known("set('1','2','3','4','5','6','7','8','9')", latin1), { type: types.TYPE_SET, metadata: 2 }],
    ['point', known('point'), { type: types.TYPE_GEOMETRY, metadata: 4, geometryType: 1 }],
    ['json', known('json'), { type: types.TYPE_JSON, metadata: 4 }],
  ])('fits %s', (_, column, sent) => {
    expect(mismatch(mapOf(sent), layoutOf(column), 'mysql')).toBeNull();
    expect(mismatch(mapOf({ ...sent, name: 'c' }), layoutOf(column), 'mysql')).toBeNull();
  });

  it.each<[string, ColumnLayout, Partial<TableMapColumn> & { readonly type: number }, RegExp]>([
    ['another type', known('int'), { type: types.TYPE_LONGLONG }, /column 1, c: it is known as int/],
    ['another name', known('int'), { type: types.TYPE_LONG, name: 'd' }, /the log calls it d/],
    ['another sign', known('int'), { type: types.TYPE_LONG, unsigned: true }, /unsigned/],
    [
      'another sign of a decimal',
      known('decimal(5,0) unsigned'),
      { type: types.TYPE_NEWDECIMAL, metadata: 5 * 256, unsigned: false },
      /signed/,
    ],
    ['another length', known('varchar(20)', latin1), { type: types.TYPE_VARCHAR, metadata: 21 }, /varchar/],
    ['another scale', known('decimal(10,2)'), { type: types.TYPE_NEWDECIMAL, metadata: 10 * 256 + 3 }, /decimal/],
    [
      'another character set',
      known('varchar(20)', latin1),
      { type: types.TYPE_VARCHAR, metadata: 20, charset: BINARY },
      /character set latin1, the log has binary/,
    ],
    [
      'bytes that are text',
      known('varbinary(20)'),
      { type: types.TYPE_VARCHAR, metadata: 20, charset: LATIN1 },
      /the log has latin1/,
    ],
    [
      'other labels',
      known("enum('a','b')", latin1),
      { type: types.TYPE_ENUM, metadata: 1, labelBytes: [Buffer.from('b'), Buffer.from('a')] },
      /labels b, a/,
    ],
    [
      'more labels',
      known("set('a')", latin1),
      { type: types.TYPE_SET, metadata: 1, labelBytes: [Buffer.from('a'), Buffer.from('b')] },
      /labels/,
    ],
    ['the older form of a time', known('timestamp'), { type: types.TYPE_TIMESTAMP }, /timestamp/],
    [
      'the newer form of a time',
      known('datetime(6) /* mariadb-5.3 */'),
      { type: types.TYPE_DATETIME2, metadata: 6 },
      /mariadb-5.3/,
    ],
    ['other digits', known('time(3)'), { type: types.TYPE_TIME2, metadata: 2 }, /time/],
    ['another figure', known('point'), { type: types.TYPE_GEOMETRY, metadata: 4, geometryType: 2 }, /point/],
    [
      'a text that is not compressed',
      known('text', { ...latin1, compressed: true }),
      { type: types.TYPE_BLOB, metadata: 2 },
      /text/,
    ],
    ['a type that is not known', known('frobnicate'), { type: types.TYPE_LONG }, /frobnicate/],
  ])('with %s does not fit', (_, column, sent, why) => {
    expect(mismatch(mapOf(sent), layoutOf(column), 'mysql')).toEqual({ column: 0, why: expect.stringMatching(why) });
  });

  it('has as many columns as the layout, but for the hidden ones of MariaDB', () => {
    const int = { type: types.TYPE_LONG };
    const hash = { type: types.TYPE_LONGLONG, unsigned: true };
    expect(mismatch(mapOf(int), layoutOf(known('int'), known('int')), 'mysql')).toMatchObject({ column: null });
    expect(mismatch(mapOf(int, int), layoutOf(known('int')), 'mariadb')).toMatchObject({ column: null });
    expect(mismatch(mapOf(int, hash), layoutOf(known('int')), 'mysql')).toMatchObject({ column: null });
    expect(mismatch(mapOf(int, hash), layoutOf(known('int')), 'mariadb')).toBeNull();
    expect(mismatch(mapOf(int, { ...hash, name: 'x' }), layoutOf(known('int')), 'mariadb')).toMatchObject({ column: null });
    expect(mismatch(mapOf(int, { ...hash, name: 'DB_ROW_HASH_1' }), layoutOf(known('int')), 'mariadb')).toBeNull();
  });

  it('with names is a layout of its own, and says what it leaves open', () => {
    const sent = mapOf(
      { type: types.TYPE_TINY, name: 'flag', unsigned: false },
      { type: types.TYPE_LONG, name: 'n', unsigned: true, nullable: false },
      { type: types.TYPE_VARCHAR, name: 'v', metadata: 80, charset: UTF8MB4 },
      { type: types.TYPE_VARCHAR, name: 'b', metadata: 80, charset: BINARY },
      { type: types.TYPE_ENUM, name: 'e', metadata: 1, charset: LATIN1, labelBytes: [Buffer.from([0xe9]), Buffer.from("it's")] },
      { type: types.TYPE_BIT, name: 'bits', metadata: 256 + 5 },
    );
    const made = layoutFromTableMap(sent, null);
    expect(made?.layout.columns.map(({ name, columnType, charset }) => `${name} ${columnType} ${charset ?? ''}`.trim())).toEqual([
      'flag tinyint',
      'n int unsigned',
      'v varchar(20) utf8mb4',
      'b varbinary(80)',
      "e enum('é','it''s') latin1",
      'bits bit(13)',
    ]);
    expect(made?.ambiguous).toEqual(['flag']);
    expect(mismatch(sent, made?.layout ?? layoutOf(), 'mysql')).toBeNull();
    const before = layoutOf(known('tinyint(1)', { name: 'flag' }), known('bigint', { name: 'n' }));
    const kept = layoutFromTableMap(sent, before);
    expect(kept?.layout.columns[0]?.columnType).toBe('tinyint(1)');
    expect(kept?.layout.columns[1]?.columnType).toBe('int unsigned');
    expect(kept?.ambiguous).toEqual([]);
    expect(layoutFromTableMap(mapOf({ type: types.TYPE_LONG }), before)).toBeNull();
  });
});
