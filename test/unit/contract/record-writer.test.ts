import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import type { EpochMicros, EpochMillis } from '../../../src/contract/ids.ts';
import { RecordTemplate, StreamCounter } from '../../../src/contract/record-template.ts';
import { type Operation, RecordWriter } from '../../../src/contract/record-writer.ts';
import type { Selection } from '../../../src/contract/table.ts';
import { REPAIRED } from '../../../src/values/value-writer.ts';

type Step =
  | { readonly kind: 'transaction'; readonly natural: number; readonly at: number; readonly origin: boolean }
  | { readonly kind: 'snapshot'; readonly at: number }
  | { readonly kind: 'time'; readonly passed: number }
  | { readonly kind: 'drain' }
  | {
      readonly kind: 'record';
      readonly table: number;
      readonly operation: Operation;
      readonly keys: number;
      readonly back: boolean;
      readonly repaired: boolean;
      readonly times: number;
    };

const NAMES = ['a', 'a name that is longer than the words of a constant can take, so that it is copied', 'plain', 'empty'];
const selections = NAMES.map((name, at) => {
  const columns = name === 'empty' ? [] : [{ name: 'id' }, { name: 'text' }];
  return { table: { id: { namespace: at === 0 ? '' : 'n', name }, follow: name !== 'plain' }, columns } as unknown as Selection;
});
const moment = (micros: number): string => {
  const text = new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, 19);
  return `${text}.${String(micros % 1e6).padStart(6, '0')}Z`;
};

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      natural: fc.nat(2 ** 40),
      at: fc.nat(2 ** 50),
      origin: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('snapshot' as const), at: fc.nat(2 ** 50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), passed: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'drain' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('record' as const),
      table: fc.nat(NAMES.length - 1),
      operation: fc.constantFrom<Operation>('c', 'u', 'd'),
      keys: fc.oneof(
        fc.constantFrom(1, 2),
        fc.nat(12).map(more => more + 1),
      ),
      back: fc.boolean(),
      repaired: fc.integer({ min: 0, max: 9 }).map(dice => dice === 0),
      times: fc.integer({ min: 1, max: 14 }),
    }),
  },
);

/** What a RecordWriter prints for the steps, and what it should, made the plain way. */
function both(
  steps: readonly Step[],
  clock: number,
  shard: string | null,
): { readonly printed: string; readonly expected: string } {
  let now = 1_700_000_000_000;
  let printed = '';
  let expected = '';
  const out = new JsonWriter(64);
  const counters = selections.map(() => new StreamCounter());
  const records = new RecordWriter(out, {
    cursorColumn: '_key',
    originColumns: ['_file', '_pos'],
    shard,
    limit: 1e9,
    now: () => now as EpochMillis,
    template: selection =>
      new RecordTemplate(selection, selection.table.follow === true, counters[selections.indexOf(selection)] as StreamCounter),
  });
  const templates = selections.map(selection => records.template(selection));
  records.clock = clock;
  records.snapshotRows(clock, 0 as EpochMicros);
  let model = { key: clock, natural: 0, at: 0, isSnapshot: true, origin: ',"_file":null,"_pos":null' };
  let last = clock;
  let emitted = now;
  const drain = (): void => {
    printed += out.bytes.toString('utf8', 0, out.length);
    out.swap(Buffer.alloc(200));
  };
  let id = 0;
  for (const each of steps) {
    if (each.kind === 'transaction') {
      const origin = each.origin ? ',"_file":"f","_pos":4' : '';
      records.transaction(each.natural, each.at as EpochMicros, Buffer.from(origin));
      model = { ...model, natural: each.natural, at: each.at, isSnapshot: false, origin };
      emitted = now;
    } else if (each.kind === 'snapshot') {
      records.snapshotRows(clock, each.at as EpochMicros);
      model = { ...model, key: clock, at: each.at, isSnapshot: true, origin: ',"_file":null,"_pos":null' };
      emitted = now;
    } else if (each.kind === 'time') {
      now += each.passed;
      records.stamp();
      emitted = now;
    } else if (each.kind === 'drain') drain();
    else {
      const { table: at, operation: wanted, keys, back, repaired, times } = each;
      const operation = model.isSnapshot ? 'r' : wanted;
      for (let time = 0; time < times; time++) {
        if (!model.isSnapshot) {
          records.advance(keys);
          last = Math.max(model.natural, last + 1) + keys - 1;
          model.key = last;
          if (back && keys > 1) {
            records.stepBack(1);
            model.key = last - 1;
          }
        }
        id += 1;
        const { columns } = selections[at] as Selection;
        const template = templates[at] as RecordTemplate;
        records.begin(template, operation);
        if (columns.length > 0) {
          out.constant(template.keys[0] as RecordTemplate['head']);
          out.integer(id);
          out.constant(template.keys[1] as RecordTemplate['head']);
          out.string('x'.repeat(id % 90));
          if (repaired) records.change(1, REPAIRED, 'SOURCE_SERIALIZATION_ERROR');
        }
        records.end();
        expected += line(selections[at] as Selection, {
          ...model,
          id,
          operation,
          repaired: repaired && columns.length > 0,
          shard,
          emitted,
        });
      }
    }
  }
  drain();
  expect(counters.reduce((sum, counter) => sum + counter.records, 0)).toBe(id);
  expect(counters.reduce((sum, counter) => sum + counter.bytes, 0)).toBe(Buffer.byteLength(printed));
  return { printed, expected };
}

interface Line {
  readonly key: number;
  readonly at: number;
  readonly origin: string;
  readonly id: number;
  readonly operation: Operation;
  readonly repaired: boolean;
  readonly shard: string | null;
  readonly emitted: number;
}

function line({ table, columns }: Selection, { key, at, origin, id, operation, repaired, shard, emitted }: Line): string {
  const { namespace, name } = table.id;
  const values = columns.length === 0 ? '' : `,"id":${id},"text":"${'x'.repeat(id % 90)}"`;
  const deleted = operation === 'd' ? `"${moment(at)}"` : 'null';
  const added =
    table.follow === true ? `,"_key":${key},"_ab_cdc_updated_at":"${moment(at)}","_ab_cdc_deleted_at":${deleted}${origin}` : '';
  const where = shard === null ? '' : `,"_ab_source_shard":${JSON.stringify(shard)}`;
  const meta = repaired
    ? ',"meta":{"changes":[{"field":"text","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}]}'
    : '';
  const space = namespace === '' ? '' : `"namespace":${JSON.stringify(namespace)},`;
  const data = `{${`${values}${added}${where}`.slice(1)}}`;
  return `{"type":"RECORD","record":{"stream":${JSON.stringify(name)},${space}"data":${data}${meta},"emitted_at":${emitted}}}\n`;
}

describe('RecordWriter', () => {
  it('prints every record as if it were the only one', () => {
    const clocks = fc.constantFrom(0, 8, 95, 99_999_999_990, 1_700_000_000_000_000);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), clocks, fc.constantFrom(null, 'a "shard"'), (steps, clock, shard) => {
        const { printed, expected } = both(steps, clock, shard);
        expect(printed).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });
});
