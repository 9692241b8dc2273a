import { describe, expect, it } from 'vitest';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import { skipValue } from '../../../../../src/engines/mysql/binlog/table-map.ts';
import * as encoder from './binlog-encoder.ts';
import { decoderOf, read, refusal } from './decode.ts';
import { SAMPLES } from './type-samples.ts';

const { field, join, packed, rowsEvent, tableMap, u32, u8 } = encoder;

describe('table maps', () => {
  it('know every type and where its values end', () => {
    for (const { name, column, type, metadata, values } of SAMPLES) {
      const decoder = decoderOf();
      read(decoder, tableMap(7, 'shop', 'ö', [column]));
      expect([name, decoder.tableMap?.columns]).toEqual([name, [{ type, metadata, nullable: false }]]);
      expect(decoder.tableMap).toMatchObject({ tableId: 7, schema: 'shop', table: 'ö', unreadable: null });
      for (const value of values) {
        const padded = join('xx', value, 'y');
        expect([name, skipValue(padded, 2, padded.length, type, metadata)]).toEqual([name, 2 + value.length]);
        if (value.length > 0)
          expect(refusal(() => skipValue(padded, 2, 1 + value.length, type, metadata))).toContain('too early');
      }
    }
    for (const [type, metadata] of [
      [0, 0],
      [20, 0],
      [243, 0],
      [4, 5],
      [252, 5],
      [252, 0],
      [17, 7],
      [246, 0],
      [246, 0x4200],
      [247, 3],
      [248, 9],
      [16, 0x900],
    ] as const) {
      expect(refusal(() => skipValue(Buffer.alloc(100), 0, 100, type, metadata))).toContain('unknown type');
    }
  });

  it('have all the optional metadata of MySQL', () => {
    const columns: encoder.Column[] = [
      { type: 13 },
      { type: 3 },
      { type: 255, metadata: [4], nullable: true },
      { type: 242, metadata: [4] },
      { type: 252, metadata: [2] },
      { type: 15, metadata: [30, 0] },
      { type: 254, metadata: [247, 1] },
      { type: 254, metadata: [248, 1] },
      { type: 246, metadata: [5, 2] },
    ];
    const optional = join(
      field(1, u8(0b0100_0000)), // year, int, decimal: one byte
      field(2, packed(63), packed(1), packed(8), packed(2), packed(255)),
      field(7, packed(1)),
      field(13, packed(300)),
      field(4, ...['y', 'i', 'g', 'v', 't', 'ß', 'e', 's', 'n'].map(name => join(packed(Buffer.byteLength(name)), name))),
      field(10, packed(8), packed(1), packed(35)),
      field(5, packed(2), packed(2), '\0x', packed(2), '\0y'),
      field(6, packed(2), packed(1), 'a', packed(1), Buffer.of(0xe9)),
      field(9, packed(1), packed(0), packed(5), packed(10)),
      field(12, u8(0b1111_1110), u8(0x80)),
      field(99, 'of a later version'),
    );
    const decoder = decoderOf();
    read(decoder, tableMap(7, 'shop', 'items', columns, optional));
    const map = decoder.tableMap;
    expect(map?.columns.map(({ labelBytes, ...column }) => column)).toEqual([
      { type: 13, metadata: 0, nullable: false, unsigned: false, name: 'y', visible: true },
      { type: 3, metadata: 0, nullable: false, unsigned: true, name: 'i', visible: true, primaryKey: true },
      { type: 255, metadata: 4, nullable: true, geometryType: 1, name: 'g', visible: true },
      { type: 242, metadata: 4, nullable: false, charset: 63, dimension: 300, name: 'v', visible: true },
      { type: 252, metadata: 2, nullable: false, charset: 8, name: 't', visible: true },
      { type: 15, metadata: 30, nullable: false, charset: 255, name: 'ß', visible: true, primaryKey: true },
      { type: 247, metadata: 1, nullable: false, charset: 8, name: 'e', labels: ['a', 'é'], visible: true },
      { type: 248, metadata: 1, nullable: false, charset: 35, name: 's', labels: ['x', 'y'], visible: false },
      { type: 246, metadata: 0x502, nullable: false, unsigned: false, name: 'n', visible: true },
    ]);
    expect(map?.columns[6]?.labelBytes).toEqual([Uint8Array.of(0x61), Uint8Array.of(0xe9)]);
    expect([map?.primaryKey, map?.unreadable, map?.jsonColumns]).toEqual([[1, 5], null, []]);
    const simple = join(field(8, packed(5), packed(1)), field(3, ...[63, 8, 255].map(packed)), field(11, packed(45), packed(46)));
    read(decoder, tableMap(7, 'shop', 'items', columns, simple));
    expect(decoder.tableMap?.primaryKey).toEqual([5, 1]);
    expect(decoder.tableMap?.columns.map(({ charset }) => charset)).toEqual([
      undefined,
      undefined,
      undefined,
      63,
      8,
      255,
      45,
      46,
      undefined,
    ]);
  });

  it('count geometry among the character columns of MariaDB, and no vector', () => {
    const columns = [
      { type: 255, metadata: [4] },
      { type: 252, metadata: [2] },
      { type: 140, metadata: [2] },
      { type: 141, metadata: [9, 0] },
    ];
    const decoder = decoderOf('mariadb');
    read(decoder, tableMap(7, 'shop', 'items', columns, field(3, ...[63, 8, 9, 45].map(packed))));
    expect(decoder.tableMap?.columns.map(({ charset }) => charset)).toEqual([63, 8, 9, 45]);
    const mysql = decoderOf();
    read(mysql, tableMap(7, 'shop', 'items', columns, field(3, ...[8, 9, 45].map(packed))));
    expect(mysql.tableMap?.columns.map(({ charset }) => charset)).toEqual([undefined, 8, 9, 45]);
  });

  it('that cannot be understood trouble only who reads their rows', () => {
    const rows = rowsEvent({ type: 30, columns: 2 }, [[[u32(1), u32(2)]]]);
    const cases: (readonly [readonly encoder.Column[], Buffer, string])[] = [
      [[{ type: 3 }, { type: 20, metadata: [1, 2, 3] }], field(4, packed(1), 'a'), 'type 20'],
      [[{ type: 3 }, { type: 17, metadata: [9] }], Buffer.alloc(0), 'type 17'],
      [[{ type: 3 }, { type: 3 }], field(4, packed(1), 'a'), 'too early'],
      [[{ type: 3 }, { type: 3 }], field(3, packed(8)), 'does not fit'],
      [[{ type: 3 }, { type: 3 }], field(8, packed(2)), 'not there'],
      [[{ type: 15, metadata: [1, 0] }, { type: 3 }], field(2, packed(8), packed(1), packed(9)), 'not there'],
    ];
    for (const [columns, optional, why] of cases) {
      const decoder = decoderOf();
      expect(read(decoder, tableMap(7, 'shop', 'items', columns, optional))).toBe(events.TABLE_MAP);
      expect(decoder.tableMap?.unreadable).toContain(why);
      expect(read(decoder, rows)).toBe(events.ROWS);
      expect(refusal(() => decoder.rows.next())).toMatch(/event of type 30 on shop\.items, row 1: /);
      expect(read(decoder, encoder.query('COMMIT'))).toBe(events.QUERY);
    }
  });

  it('are the same object while they say the same, and copies of what is borrowed', () => {
    const decoder = decoderOf();
    const labels = join(field(10, packed(8)), field(6, packed(1), packed(1), 'a'));
    const bytes = tableMap(7, 'shop', 'items', [{ type: 254, metadata: [247, 1] }], labels);
    read(decoder, bytes);
    const first = decoder.tableMap;
    bytes.fill(0xff);
    expect(first?.columns[0]?.labelBytes).toEqual([Uint8Array.of(0x61)]);
    read(decoder, tableMap(8, 'shop', 'other', [{ type: 3 }]));
    read(decoder, tableMap(7, 'shop', 'items', [{ type: 254, metadata: [247, 1] }], labels));
    expect(decoder.tableMap).toBe(first);
    expect(read(decoder, rowsEvent({ type: 30, id: 8, columns: 1 }, [[[u32(1)]]]))).toBe(events.ROWS);
    expect(decoder.rows.table?.table).toBe('other');
    read(decoder, tableMap(7, 'shop', 'items', [{ type: 254, metadata: [247, 1] }, { type: 3 }]));
    expect(decoder.tableMap).not.toBe(first);
    read(decoder, encoder.formatDescription());
    expect(refusal(() => read(decoder, rowsEvent({ type: 30, columns: 1 }, [[[u32(1)]]])))).toContain('not announced');
  });
});
