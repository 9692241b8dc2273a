import { expect, it } from 'vitest';
import { bagDifferences, Destination, linesUpToState, type Row, rowsOf } from './destination.ts';
import { madeUpRun } from './made-up-run.ts';
import type { ConfiguredCatalog } from './messages.ts';
import { digits } from './messages.ts';
import type { RunResult } from './run-connector.ts';

const properties = { id: {}, text: {}, _ab_cdc_lsn: {}, _ab_cdc_deleted_at: {} };
const catalog: ConfiguredCatalog = {
  streams: [
    {
      stream: {
        name: 't',
        json_schema: { properties },
        supported_sync_modes: ['incremental'],
        source_defined_primary_key: [['id']],
      },
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
    },
  ],
};
const record = (id: number, text: string | null, lsn: number, deleted = false): string => {
  const data = { id, text, _ab_cdc_lsn: lsn, _ab_cdc_deleted_at: deleted ? '2024-01-01T00:00:00Z' : null };
  return JSON.stringify({ type: 'RECORD', record: { stream: 't', data, emitted_at: 1 } });
};
const state = '{"type":"STATE","state":{"type":"GLOBAL"}}';
const run = (...lines: string[]): RunResult => madeUpRun(lines);
const row = (id: number, text: string | null): Row => ({ id: digits(String(id)), text });
const differences = (lines: readonly string[], expected: readonly Row[]): string => {
  const destination = new Destination(catalog, '_ab_cdc_lsn');
  destination.apply(run(...lines));
  return destination.differences('t', expected).join('\n');
};

it('keeps the record with the largest ordering key, of equals the later, and drops what was deleted', () => {
  const lines = [
    record(1, 'a', 5),
    record(1, 'b', 9),
    record(1, 'old', 7),
    record(2, 'x', 5),
    record(2, 'y', 5),
    record(3, 'z', 5),
  ];
  expect(differences([...lines, record(3, null, 6, true)], [row(1, 'b'), row(2, 'y')])).toBe('');
});

it('says what differs', () => {
  expect(differences([], [row(1, 'a')])).toMatch(/t .*1.* is missing/);
  expect(differences([record(1, 'a', 1)], [])).toMatch(/too many/);
  expect(differences([record(1, 'a', 1)], [row(1, 'b')])).toMatch(/text: "a" \(order 1\), database "b"/);
  expect(differences([record(1, 'a', 1), record(1, null, 2, true)], [row(1, 'a')])).toMatch(/deleted at 2/);
});

it('tells large integers apart', () => {
  const line = record(1, 'a', 1).replace('"id":1', '"id":9007199254740993');
  expect(differences([line], [{ id: digits('9007199254740992'), text: 'a' }])).not.toBe('');
  expect(differences([line], [{ id: digits('9007199254740993'), text: 'a' }])).toBe('');
});

it('commits up to a STATE', () => {
  const life = run(record(1, 'a', 1), state, record(1, 'b', 2), state, record(1, 'c', 3));
  expect([-1, 0, 1].map(ordinal => linesUpToState(life, ordinal))).toEqual([0, 2, 4]);
});

it('notes ordering keys that go backwards, but for those of a snapshot', () => {
  const destination = new Destination(catalog, '_ab_cdc_lsn');
  destination.apply(run(record(1, 'a', 5), record(2, 'a', 5), record(1, 'b', 9), record(1, 'moved', 5)));
  expect(destination.backwards).toEqual([]);
  // The log has said more of the very first row before the snapshot begins again.
  destination.apply(run(record(3, 'new', 11), record(3, 'first', 8), record(4, 'second', 8)));
  expect(destination.backwards).toEqual([]);
  destination.apply(run(record(1, 'c', 12), record(1, 'late', 10)));
  expect(destination.backwards).toEqual(['t ["\\u00001"]: ordering key 10 after 12']);
});

it('compares rows without a key as a bag', () => {
  const life = run(record(1, 'a', 1), record(1, 'a', 1), record(2, 'b', 1));
  expect(bagDifferences(rowsOf(life, 't'), [row(1, 'a'), row(2, 'b'), row(1, 'a')])).toEqual([]);
  expect(bagDifferences(rowsOf(life, 't'), [row(1, 'a'), row(2, 'b'), row(3, 'c')]).length).toBe(2);
});
