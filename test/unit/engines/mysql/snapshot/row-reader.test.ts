import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../../../src/bytes/json-writer.ts';
import type { EpochMicros, JsonObject } from '../../../../../src/contract/ids.ts';
import { RowReader } from '../../../../../src/engines/mysql/snapshot/row-reader.ts';
import { columnType } from '../../../../../src/engines/mysql/types.ts';
import { intTable, recordsOn } from '../fake-log.ts';
import { END_OF_FILE, FakeServer, packet, rawOn } from '../wire/fake-server.ts';
import { textRow } from '../wire/lenenc.ts';

type Field = Buffer | string | null;
interface Read {
  readonly data: readonly JsonObject[];
  readonly key: readonly string[];
}

/** Columns of `longtext`, each selected by its name. */
function textTable(names: readonly string[]): ReturnType<typeof intTable> {
  const table = intTable('t', names);
  const columns = table.columns.map(column => {
    const layout = { ...column.layout, columnType: 'longtext', charset: 'utf8mb4' };
    const types = columnType(layout, { flavor: 'mysql', tinyint1: 'boolean', nativeJson: false });
    return { ...column, layout, types, type: types.logical };
  });
  return { ...table, columns };
}

/** What comes of rows: the data of the records, and the key of the last of them. */
async function read(names: readonly string[], key: readonly string[], rows: readonly Buffer[]): Promise<Read> {
  const table = textTable(names);
  const out = new JsonWriter(1000);
  const records = recordsOn(out, false);
  records.snapshotRows(7, 0 as EpochMicros);
  const width = names.length + key.filter(name => !names.includes(name)).length || 1;
  const packets = [Buffer.from([width]), ...Array.from({ length: width }, () => Buffer.from('def')), Buffer.from(END_OF_FILE)];
  const all = [...packets, ...rows, Buffer.from(END_OF_FILE)];
  const server = new FakeServer([Buffer.concat(all.map((payload, at) => packet((at + 1) & 0xff, payload)))]);
  const raw = rawOn(server);
  const reader = new RowReader(raw, { table, columns: table.columns }, records, key);
  await reader.begin(`SELECT ${reader.selectList} FROM t`);
  for (;;) {
    while (reader.next()) if (reader.count === rows.length) reader.keepKey();
    if (raw.done) break;
    await raw.fill();
  }
  const lines = out.bytes.toString('utf8', 0, out.length).split('\n').slice(0, rows.length);
  const data = lines.map(line => (JSON.parse(line) as { record: { data: JsonObject } }).record.data);
  return { data, key: reader.key.map(value => value.toString()) };
}

const field = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.nat(70_000).map(length => 'x'.repeat(length)),
  ),
);

describe('RowReader', () => {
  it('writes every field, short, long or NULL, and keeps the key, whether it is selected or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field, fc.string({ maxLength: 400 }), fc.string({ maxLength: 5 })), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.boolean(),
        async (rows, isSelected) => {
          const names = isSelected ? ['a', 'b', 'k'] : ['a', 'b'];
          const sent = rows.map(([a, b, k, second]) =>
            textRow([a, b, k, second].map(text => (text === null ? null : Buffer.from(text)))),
          );
          const { data, key } = await read(names, ['k', 'j'], sent);
          expect(data.map(record => names.map(name => record[name]))).toEqual(
            rows.map(row => row.slice(0, names.length).map(value => value?.replaceAll('\0', '\ufffd') ?? null)),
          );
          expect(key).toEqual(rows.at(-1)?.slice(2));
        },
      ),
      { numRuns: 100 },
    );
  });

  it('selects something where no column is', async () => {
    expect((await read([], [], [textRow(['1']), textRow(['1'])])).data).toEqual([{}, {}]);
  });

  it.each<[string, readonly string[], readonly Field[] | Buffer]>([
    ['fewer fields', ['a', 'b'], ['x']],
    ['more fields', ['a'], ['x', null]],
    ['a field beyond its end', ['a'], Buffer.from([5, 0x61])],
    ['a length cut off', ['a'], Buffer.from([0xfc, 1])],
    ['a key cut off', ['a'], Buffer.from([1, 0x61, 3, 0x61])],
  ])('refuses a row with %s', async (what, names, row) => {
    const bytes = Buffer.isBuffer(row) ? row : textRow(row);
    const key = what.startsWith('a key') ? ['k'] : [];
    await expect(read(names, key, [bytes])).rejects.toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }));
  });
});
