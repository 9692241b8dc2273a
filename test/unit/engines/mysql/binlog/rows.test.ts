import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import { type RowImage, VALUE_ABSENT, VALUE_JSON_DIFFS, VALUE_NULL } from '../../../../../src/engines/mysql/binlog/rows.ts';
import { skipValue } from '../../../../../src/engines/mysql/binlog/table-map.ts';
import * as encoder from './binlog-encoder.ts';

const { event, field, join, packed, u16, u32, u8, rowsEvent, tableMap } = encoder;

const decoderOf = (flavor: 'mysql' | 'mariadb' = 'mysql'): BinlogDecoder => {
  const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
  read(decoder, encoder.formatDescription());
  return decoder;
};
const read = (decoder: BinlogDecoder, packet: Uint8Array): number => {
  void decoder.open(packet, 0, packet.length);
  return decoder.next();
};
const unreadable = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'VALUE_UNREADABLE') return error.detail;
    throw error;
  }
  throw new Error('nothing was thrown');
};

type Said = (string | null | undefined)[];
const imageOf = (bytes: Uint8Array, image: RowImage): Said =>
  Array.from({ length: image.count }, (_, i) => {
    const mark = image.marks[i];
    if (mark === VALUE_ABSENT) return undefined;
    const text = Buffer.from(bytes.subarray(image.starts[i], image.ends[i])).toString('hex');
    if (mark === VALUE_NULL) return text === '' ? null : 'a NULL with bytes';
    return mark === VALUE_JSON_DIFFS ? `diffs ${text}` : text;
  });
const rowsOf = ({ rows }: BinlogDecoder): Said[][] => {
  const found: Said[][] = [];
  while (rows.next())
    found.push([rows.before, rows.after].filter(image => image.count > 0).map(image => imageOf(rows.bytes, image)));
  return found;
};
const hexRow = (row: encoder.Row): Said =>
  row.map(value => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value));

/** A type, the metadata in the event, what it becomes, and two values of it as they stand in a row. */
interface Sample {
  readonly name: string;
  readonly column: encoder.Column;
  readonly type: number;
  readonly metadata: number;
  readonly values: readonly Uint8Array[];
}
const sample = (
  name: string,
  type: number,
  bytes: readonly number[],
  metadata: number,
  values: readonly Uint8Array[],
  resolved = type,
): Sample => ({
  name,
  column: { type, metadata: bytes },
  type: resolved,
  metadata,
  values,
});
const fixed = (count: number): Uint8Array[] => [Buffer.alloc(count, 0xa5), Buffer.alloc(count)];
const counted = (bytes: number, lengths: readonly number[]): Uint8Array[] =>
  lengths.map(length => join(u32(length).subarray(0, bytes), Buffer.alloc(length, 0xff)));

const SAMPLES: readonly Sample[] = [
  sample('tinyint', 1, [], 0, fixed(1)),
  sample('smallint', 2, [], 0, fixed(2)),
  sample('int', 3, [], 0, fixed(4)),
  sample('float', 4, [4], 4, fixed(4)),
  sample('double', 5, [8], 8, fixed(8)),
  sample('null', 6, [], 0, fixed(0)),
  sample('timestamp of 5.5', 7, [], 0, fixed(4)),
  sample('bigint', 8, [], 0, fixed(8)),
  sample('mediumint', 9, [], 0, fixed(3)),
  sample('date', 10, [], 0, fixed(3)),
  sample('time of 5.5', 11, [], 0, fixed(3)),
  sample('datetime of 5.5', 12, [], 0, fixed(8)),
  sample('year', 13, [], 0, fixed(1)),
  sample('varchar(255)', 15, [255, 0], 255, counted(1, [0, 255])),
  sample('varchar(256)', 15, [0, 1], 256, counted(2, [0, 256])),
  sample('varchar(65000)', 15, [0xe8, 0xfd], 65000, counted(2, [65000])),
  sample('bit(1)', 16, [1, 0], 1, fixed(1)),
  sample('bit(17)', 16, [1, 2], 0x201, fixed(3)),
  sample('bit(64)', 16, [0, 8], 0x800, fixed(8)),
  ...[4, 5, 5, 6, 6, 7, 7].map((width, digits) => sample(`timestamp(${digits})`, 17, [digits], digits, fixed(width))),
  ...[5, 6, 6, 7, 7, 8, 8].map((width, digits) => sample(`datetime(${digits})`, 18, [digits], digits, fixed(width))),
  ...[3, 4, 4, 5, 5, 6, 6].map((width, digits) => sample(`time(${digits})`, 19, [digits], digits, fixed(width))),
  sample('blob compressed', 140, [2], 2, counted(2, [0, 700])),
  sample('varchar(300) compressed', 141, [0x2d, 1], 301, counted(2, [0, 300])),
  sample('vector', 242, [4], 4, counted(4, [0, 12])),
  sample('json', 245, [4], 4, counted(4, [5, 70000])),
  sample('decimal(1,0)', 246, [1, 0], 0x100, fixed(1)),
  sample('decimal(20,7)', 246, [20, 7], 0x1407, fixed(10)),
  sample('decimal(65,30)', 246, [65, 30], 0x411e, fixed(30)),
  sample('decimal(9,9)', 246, [9, 9], 0x909, fixed(4)),
  sample('enum', 254, [247, 1], 1, fixed(1), 247),
  sample('enum of 256', 254, [247, 2], 2, fixed(2), 247),
  sample('set of 64', 254, [248, 8], 8, fixed(8), 248),
  sample('blob', 252, [2], 2, counted(2, [0, 256])),
  sample('tinyblob', 252, [1], 1, counted(1, [0, 255])),
  sample('mediumblob', 252, [3], 3, counted(3, [0, 65536])),
  sample('longblob', 252, [4], 4, counted(4, [0, 65536])),
  sample('char(10)', 254, [254, 10], 10, counted(1, [0, 10])),
  sample('char(255) of utf8mb4', 254, [0xce, 0xfc], 1020, counted(2, [0, 1020])),
  sample('char(100) of utf8mb4', 254, [0xee, 0x90], 400, counted(2, [400])),
  sample('geometry', 255, [4], 4, counted(4, [25])),
];

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
          expect(unreadable(() => skipValue(padded, 2, 1 + value.length, type, metadata))).toContain('too early');
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
      expect(unreadable(() => skipValue(Buffer.alloc(100), 0, 100, type, metadata))).toContain('unknown type');
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
      expect(unreadable(() => decoder.rows.next())).toMatch(/event of type 30 on shop\.items, row 1: /);
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
    expect(unreadable(() => read(decoder, rowsEvent({ type: 30, columns: 1 }, [[[u32(1)]]])))).toContain('not announced');
  });
});

describe('rows', () => {
  const three = [{ type: 3 }, { type: 15, metadata: [20, 0], nullable: true }, { type: 245, metadata: [4], nullable: true }];
  const json = (text: string): Buffer => join(u32(text.length), text);
  const text = (value: string): Buffer => join(u8(value.length), value);

  it('are found in both versions and in all kinds', () => {
    const [one, two]: encoder.Row[] = [
      [u32(1), text('a'), null],
      [u32(2), null, json('xyz')],
    ] as encoder.Row[];
    for (const [version1, version2, pairs] of [
      [23, 30, false],
      [24, 31, true],
      [25, 32, false],
    ] as const) {
      for (const type of [version1, version2]) {
        const decoder = decoderOf();
        read(decoder, tableMap(7, 'shop', 'items', three));
        const rows = (
          pairs
            ? [
                [one, two],
                [two, one],
              ]
            : [[one], [two]]
        ) as encoder.Row[][];
        expect(read(decoder, rowsEvent({ type, columns: 3, extra: Buffer.from('partition') }, rows))).toBe(events.ROWS);
        expect(decoder.rows).toMatchObject({ kind: version1 - 22, isStatementEnd: true });
        expect(rowsOf(decoder)).toEqual(rows.map(images => images.map(hexRow)));
        expect([decoder.rows.before.count, decoder.rows.after.count]).toEqual([version1 === 23 ? 0 : 3, version1 === 25 ? 0 : 3]);
        expect(decoder.rows.next()).toBe(false);
      }
    }
  });

  it('of any shape come out as they went in', () => {
    const value = (sampled: Sample): fc.Arbitrary<Uint8Array | null> =>
      fc.oneof(fc.constantFrom(...sampled.values), fc.constant(null));
    const shapes = fc.array(fc.record({ of: fc.constantFrom(...SAMPLES), before: fc.boolean(), after: fc.boolean() }), {
      minLength: 1,
      maxLength: 40,
    });
    const cases = shapes.chain(shape => {
      const image = (which: 'before' | 'after'): fc.Arbitrary<(Uint8Array | null | undefined)[]> =>
        fc.tuple(
          ...shape.map((column, i) =>
            column[which] || (i === 0 && which === 'before') ? value(column.of) : fc.constant(undefined),
          ),
        );
      return fc.record({
        shape: fc.constant(shape),
        rows: fc.array(fc.tuple(image('before'), image('after')), { minLength: 1, maxLength: 5 }),
      });
    });
    fc.assert(
      fc.property(cases, ({ shape, rows }) => {
        const decoder = decoderOf();
        read(
          decoder,
          tableMap(
            7,
            'shop',
            'items',
            shape.map(({ of }) => of.column),
          ),
        );
        read(decoder, rowsEvent({ type: events.UPDATE_ROWS_EVENT, columns: shape.length }, rows));
        expect(rowsOf(decoder)).toEqual(rows.map(images => images.map(hexRow)));
      }),
      { numRuns: 150 },
    );
  });

  it('that were updated in part have their diffs marked', () => {
    const columns = [{ type: 245, metadata: [4] }, { type: 3 }, { type: 245, metadata: [4] }, { type: 245, metadata: [4] }];
    const [whole, diff] = [json('whole'), json('diff')];
    const before = [whole, u32(1), undefined, null];
    const rows = [
      [before, [diff, u32(2), undefined, null]],
      [before, [whole, u32(3), undefined, diff]],
      [before, [whole, u32(4), undefined, whole]],
    ];
    const decoder = decoderOf();
    read(decoder, tableMap(7, 'shop', 'items', columns));
    const options = [join(u8(1), u8(0b011)), join(u8(1), u8(0b100)), u8(0)];
    read(decoder, rowsEvent({ type: events.PARTIAL_UPDATE_ROWS_EVENT, columns: 4, options }, rows));
    const [w, d] = ['0500000077686f6c65', 'diffs 0400000064696666'];
    expect(rowsOf(decoder).map(([, after]) => after)).toEqual([
      [d, '02000000', undefined, null],
      [w, '03000000', undefined, d],
      [w, '04000000', undefined, w],
    ]);
    read(decoder, rowsEvent({ type: events.PARTIAL_UPDATE_ROWS_EVENT, columns: 4, options: [u8(2)] }, rows.slice(0, 1)));
    expect(unreadable(() => rowsOf(decoder))).toContain('options 2');
  });

  it('may be compressed by MariaDB, in both versions', () => {
    const rows = [[[u32(1), text('a'), null]], [[u32(2), null, json('x'.repeat(300))]]];
    for (const [plainType, type] of [
      [23, 166],
      [30, 169],
    ] as const) {
      const plain = encoder.rowsBody({ type: plainType, columns: 3 }, rows);
      const head = plainType === 23 ? 10 : 12;
      const rest = plain.subarray(head);
      const body = join(plain.subarray(0, head), u8(0x82), Buffer.of(rest.length >> 8, rest.length & 255), deflateSync(rest));
      const decoder = decoderOf('mariadb');
      read(decoder, tableMap(7, 'shop', 'items', three));
      expect(read(decoder, event(type, body))).toBe(events.ROWS);
      expect(rowsOf(decoder)).toEqual(rows.map(images => images.map(hexRow)));
      read(decoder, event(type, body.subarray(0, -3)));
      expect(unreadable(() => rowsOf(decoder))).toContain('compressed');
    }
  });

  it('that do not fit their table are refused', () => {
    const decoder = decoderOf();
    read(decoder, tableMap(7, 'shop', 'items', three));
    const refuse = (packet: Buffer): string =>
      unreadable(() => {
        read(decoder, packet);
        rowsOf(decoder);
      });
    const good = encoder.rowsBody({ type: 30, columns: 3 }, [[[u32(1), text('a'), null]], [[u32(2), text('b'), json('x')]]]);
    expect(refuse(rowsEvent({ type: 30, columns: 2 }, [[[u32(1), text('a')]]]))).toContain('it has 2 columns, the table 3');
    expect(refuse(rowsEvent({ type: 30, columns: 3, id: 9 }, [[[u32(1), null, null]]]))).toContain(
      'the table 9 was not announced',
    );
    expect(refuse(rowsEvent({ type: 30, columns: 3 }, [[[undefined, undefined, undefined]], [[u32(1)]]]))).toContain(
      'no columns',
    );
    const ends = [12, 19, 31]; // behind the bitmap and behind each row: there the event may end
    expect(good.length).toBe(ends.at(-1));
    for (let length = 8; length < good.length; length++) {
      if (ends.includes(length)) continue;
      expect(refuse(event(30, good.subarray(0, length)))).toMatch(/ends? too early|malformed/);
    }
    expect(refuse(event(30, join(good, u8(0))))).toContain('row 3: a row ends too early');
  });

  it('may be none: an event that only ends the statement', () => {
    const decoder = decoderOf();
    const body = (id: Buffer, flags: number): Buffer => event(30, join(id, u16(flags), u16(2), u8(1), u8(0xff), u8(0xff)));
    for (const id of [Buffer.of(255, 255, 255, 0, 0, 0), Buffer.alloc(6, 255)]) {
      expect(read(decoder, body(id, 1))).toBe(events.ROWS);
      expect([decoder.rows.table, decoder.rows.isStatementEnd, decoder.rows.next()]).toEqual([null, true, false]);
      expect(unreadable(() => read(decoder, body(id, 0)))).toContain('not announced');
    }
  });
});
