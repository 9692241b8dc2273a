import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import { type RowImage, VALUE_ABSENT, VALUE_JSON_DIFFS, VALUE_NULL } from '../../../../../src/engines/mysql/binlog/rows.ts';
import * as encoder from './binlog-encoder.ts';
import { decoderOf, read, refusal } from './decode.ts';
import { SAMPLES, type Sample } from './type-samples.ts';

const { event, join, rowsEvent, tableMap, u16, u32, u8 } = encoder;

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
    expect(refusal(() => rowsOf(decoder))).toContain('options 2');
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
      expect(refusal(() => rowsOf(decoder))).toContain('compressed');
    }
  });

  it('that do not fit their table are refused', () => {
    const decoder = decoderOf();
    read(decoder, tableMap(7, 'shop', 'items', three));
    const refuse = (packet: Buffer): string =>
      refusal(() => {
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
      expect(refusal(() => read(decoder, body(id, 0)))).toContain('not announced');
    }
  });
});
