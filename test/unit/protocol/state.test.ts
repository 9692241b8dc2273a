import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../src/contract/errors.ts';
import type { Json, JsonObject, Position, ShardId, SnapshotCursor, TableId } from '../../../src/contract/ids.ts';
import { tableKey } from '../../../src/contract/ids.ts';
import { type AirbyteState, encodeMessage, stateMessage } from '../../../src/protocol/messages.ts';
import { Packer } from '../../../src/protocol/packing.ts';
import {
  type Checkpoint,
  emptyCheckpoint,
  globalState,
  parseState,
  type ShardCheckpoint,
  streamState,
  type TableCheckpoint,
  type TableShard,
} from '../../../src/protocol/state.ts';

const name = fc.oneof(
  fc.constantFrom('main', 'a', '-80', '__proto__', 'constructor'),
  fc.string({ minLength: 1, unit: 'grapheme' }),
);
const count = fc.maxSafeNat();
const blob = fc
  .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ noUnicodeString: false }))
  .map(value => JSON.parse(JSON.stringify(value)) as JsonObject);
const position = blob as fc.Arbitrary<Position>;
const cursor = fc.option(blob as fc.Arbitrary<SnapshotCursor>);
const place: fc.Arbitrary<ShardCheckpoint> = fc.record({ position, clock: count });
const identity = fc.string();
/** As it stands in a state, and too long for that. */
const memo = fc.oneof(
  blob,
  blob.map(some => ({ ...some, long: 'long '.repeat(500) })),
);
const snapshotPhase = fc.record({ phase: fc.constant('snapshot' as const), cursor, asOf: fc.option(position), key: count });
const streamingPhase = fc.record({ phase: fc.constant('streaming' as const), since: fc.option(position) });
const followed: fc.Arbitrary<TableShard> = fc
  .tuple(fc.record({ identity, memo }, { requiredKeys: ['identity'] }), fc.oneof(snapshotPhase, streamingPhase))
  .map(([head, phase]) => ({ ...head, ...phase }));
const refreshed: fc.Arbitrary<TableShard> = fc.oneof(
  fc.record({ identity, phase: fc.constant('refresh' as const), cursor, job: fc.option(fc.string()) }),
  fc.record({ identity, phase: fc.constant('refreshed' as const), job: fc.option(fc.string()) }),
);
const id: fc.Arbitrary<TableId> = fc.record({
  namespace: fc.constantFrom('', 'public', 'Größe "x"'),
  name: fc.string({ minLength: 1, unit: 'grapheme' }),
});
const ids = fc.uniqueArray(id, { selector: tableKey, minLength: 1, maxLength: 4 });
const shardIds = fc.uniqueArray(name as fc.Arbitrary<ShardId>, { minLength: 1, maxLength: 3 });

const checkpoint: fc.Arbitrary<Checkpoint> = fc.tuple(ids, shardIds).chain(([tables, shards]) =>
  fc
    .tuple(
      fc.array(place, { minLength: shards.length, maxLength: shards.length }),
      fc.array(fc.array(fc.option(fc.oneof(followed, refreshed)), { minLength: shards.length, maxLength: shards.length }), {
        minLength: tables.length,
        maxLength: tables.length,
      }),
    )
    .map(([places, phases]) => {
      const result = emptyCheckpoint();
      for (const [index, shard] of shards.entries()) result.shards.set(shard, places[index] as ShardCheckpoint);
      for (const [row, table] of tables.entries()) {
        const entry: TableCheckpoint = { id: table, shards: new Map() };
        for (const [index, shard] of shards.entries()) {
          const phase = phases[row]?.[index];
          if (phase != null) entry.shards.set(shard, phase);
        }
        result.tables.set(tableKey(table), entry);
      }
      return result;
    }),
);

const throughStdout = (states: readonly Parameters<typeof stateMessage>[0][]): string =>
  JSON.stringify(states.map(state => (JSON.parse(encodeMessage(stateMessage(state, 3))) as { state: unknown }).state));

describe('state', () => {
  it('survives the way out as GLOBAL and back', () => {
    fc.assert(
      fc.property(checkpoint, before => {
        expect(parseState(throughStdout([globalState('postgres', before, new Packer())]), 'postgres')).toEqual(before);
      }),
    );
  });

  it('survives the way out as GLOBAL and back, with positions of tables by themselves', () => {
    fc.assert(
      fc.property(checkpoint, fc.nat(2), (from, kept) => {
        const [first] = [...from.shards].slice(kept);
        const shards = new Map(first === undefined ? [] : [first]);
        const places = [...from.tables].map(([key, table]) => {
          const apart = [...from.shards].filter(([shard]) => !shards.has(shard) && table.shards.has(shard));
          return [key, new Map(apart)] as const;
        });
        const before = { shards, tables: from.tables, streams: new Map(places.filter(([, apart]) => apart.size > 0)) };
        expect(parseState(throughStdout([globalState('postgres', before, new Packer())]), 'postgres')).toEqual(before);
      }),
    );
  });

  it('survives the way out as STREAM and back', () => {
    fc.assert(
      fc.property(checkpoint, before => {
        const packer = new Packer();
        const states = [...before.tables.values()].map(table => streamState('postgres', table, before.shards, packer));
        const after = parseState(throughStdout(states), 'postgres');
        const streams = [...before.tables].map(([key, table]) => {
          const shards = [...before.shards].filter(([shard]) => table.shards.has(shard));
          return [key, new Map(shards)] as const;
        });
        expect(after).toEqual({
          shards: new Map(),
          tables: before.tables,
          streams: new Map(streams.filter(([, shards]) => shards.size > 0)),
        });
      }),
    );
  });

  it('writes the documented shape', () => {
    const tables = new Map<string, TableCheckpoint>();
    const orders: TableId = { namespace: 'shop', name: 'orders' };
    const main = 'main' as ShardId;
    const lsn = (text: string): Position => ({ lsn: text }) as unknown as Position;
    tables.set(tableKey(orders), {
      id: orders,
      shards: new Map([
        [
          main,
          { identity: '16384', phase: 'snapshot', cursor: { page: 7 } as unknown as SnapshotCursor, asOf: lsn('0/1'), key: 5 },
        ],
      ]),
    });
    const shards = new Map([[main, { position: lsn('0/2'), clock: 9 }]]);
    expect(globalState('postgres', { shards, tables, streams: new Map() }, new Packer())).toEqual({
      type: 'GLOBAL',
      global: {
        shared_state: { version: 1, engine: 'postgres', shards: { main: { position: { lsn: '0/2' }, clock: 9 } } },
        stream_states: [
          {
            stream_descriptor: { namespace: 'shop', name: 'orders' },
            stream_state: {
              version: 1,
              shards: { main: { identity: '16384', phase: 'snapshot', cursor: { page: 7 }, as_of: { lsn: '0/1' }, key: 5 } },
            },
          },
        ],
      },
    });
  });

  describe('with memos of many tables', () => {
    const main = 'main' as ShardId;
    const position = { at: 5 } as JsonObject as Position;
    const words = 'customer order item price created updated name city zip country total note flag source status'.split(' ');
    const memoOf = (seed: number): JsonObject => {
      const column = (at: number): readonly Json[] => [
        `${words[(seed + at) % 15]}_${words[(seed * at) % 13]}`,
        'varchar(80)',
        'utf8mb4',
        at % 2,
      ];
      return { charset: 'utf8mb4', columns: Array.from({ length: 41 }, (_, at) => column(at)) };
    };
    const stateOf = (memos: readonly JsonObject[], packer = new Packer()): AirbyteState => {
      const tables = memos.map((memo, at): [string, TableCheckpoint] => {
        const id = { namespace: 'shop', name: `table_${at}` };
        return [tableKey(id), { id, shards: new Map([[main, { identity: '', phase: 'streaming', since: null, memo }]]) }];
      });
      return globalState(
        'mysql',
        { shards: new Map([[main, { position, clock: 1 }]]), tables: new Map(tables), streams: new Map() },
        packer,
      );
    };
    const bytesOf = (state: AirbyteState): number => JSON.stringify(state).length;

    it('is small: 1,000 of 41 columns, alike or not, take less than 300 kB', () => {
      expect(JSON.stringify(memoOf(3)).length).toBeGreaterThan(1000);
      const alike = Array.from({ length: 1000 }, () => memoOf(3));
      expect(bytesOf(stateOf(alike))).toBeLessThan(200_000);
      const unlike = Array.from({ length: 1000 }, (_, at) => memoOf(at));
      expect(bytesOf(stateOf(unlike))).toBeLessThan(300_000);
    });

    it('shows them as they are as long as they are few', () => {
      const text = JSON.stringify(stateOf([{ columns: ['id'] }, { columns: ['id', 'name'] }]));
      expect(text).toContain('"memo":{"columns":["id","name"]}');
      expect(text).not.toContain('packed');
    });

    it('says the same again while nothing changes, and the new where one does', () => {
      const packer = new Packer();
      const memos = [1, 2, 3, 4].map(memoOf);
      const first = JSON.stringify(stateOf(memos, packer));
      expect(JSON.stringify(stateOf(memos, packer))).toBe(first);
      const changed = [...memos.slice(0, 3), memoOf(9)];
      const read = parseState(throughStdout([stateOf(changed, packer)]), 'mysql');
      expect([...(read?.tables.values() ?? [])].map(({ shards }) => shards.get(main)?.memo)).toEqual(changed);
    });

    it('stands alone in a STREAM state, packed where it is long', () => {
      const id = { namespace: '', name: 'a' };
      const long = { ...memoOf(1), more: 'x'.repeat(5000) };
      const table = { id, shards: new Map([[main, { identity: '', phase: 'streaming' as const, since: null, memo: long }]]) };
      const state = streamState('mysql', table, new Map([[main, { position, clock: 1 }]]), new Packer());
      expect(bytesOf(state)).toBeLessThan(1200);
      expect(parseState(throughStdout([state]), 'mysql')?.tables.get(tableKey(id))).toEqual(table);
    });

    it.each([
      [
        (text: string) => text.replace(/"packed":"[^"]*"/, '"packed":"AAAA"'),
        '/global/shared_state/packed: this text is damaged',
      ],
      [
        (text: string) => text.replace(/"packed":"([^"]{200})[^"]*"/, '"packed":"$1"'),
        '/global/shared_state/packed: this text is damaged',
      ],
      [
        (text: string) => text.replace(/"memo_ref":"[^"]*"/, '"memo_ref":"other"'),
        '/memo_ref: shared_state has nothing by this reference',
      ],
      [(text: string) => text.replace(/,"packed":"[^"]*"/, ''), '/memo_ref: shared_state has nothing by this reference'],
    ])('is refused where it is damaged (%#)', (damage, message) => {
      const text = damage(throughStdout([stateOf([1, 2, 3].map(memoOf))]));
      expect(() => parseState(text, 'mysql')).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }));
      expect(() => parseState(text, 'mysql')).toThrow(message);
    });
  });

  it.each([
    '',
    ' \n',
    '\uFEFF',
    'null',
    '{}',
    '[]',
    '[{}]',
    '[null]',
    '[{"type":"LEGACY","data":{}}]',
    '[{"type":"LEGACY","data":null}]',
    '[{"type":"GLOBAL","global":{"shared_state":{},"stream_states":[]}}]',
    '[{"type":"GLOBAL","global":{"shared_state":null,"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{}}]}}]',
    '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a","namespace":"b"},"stream_state":{}}}]',
    '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a","namespace":null},"stream_state":null}}]',
  ])('takes %j for no state', text => {
    expect(parseState(text, 'postgres')).toBeNull();
  });

  const stream = (state: unknown): string =>
    JSON.stringify([{ type: 'STREAM', stream: { stream_descriptor: { name: 'a' }, stream_state: state } }]);
  const streaming = {
    version: 1,
    engine: 'postgres',
    shards: { main: { identity: 'x', phase: 'streaming', position: { p: 1 }, clock: 4 } },
  };

  it('looks past extra keys and null siblings', () => {
    const item = {
      id: 7,
      type: 'STREAM',
      global_: null,
      data: null,
      sourceStats: { recordCount: 3.0, rejectedRecordCount: null },
      stream: { stream_descriptor: { name: 'a', namespace: null, extra: 1 }, stream_state: { ...streaming, extra: {} } },
    };
    const plain = parseState(stream(streaming), 'postgres');
    expect(plain?.tables.size).toBe(1);
    expect(parseState(JSON.stringify([item]), 'postgres')).toEqual(plain);
  });

  it('takes a single state, and a whole STATE message as it was printed', () => {
    const [state] = JSON.parse(stream(streaming)) as unknown[];
    const expected = parseState(stream(streaming), 'postgres');
    expect(expected).not.toBeNull();
    expect(parseState(JSON.stringify(state), 'postgres')).toEqual(expected);
    expect(parseState(JSON.stringify({ type: 'STATE', state }), 'postgres')).toEqual(expected);
    expect(parseState(JSON.stringify([{ type: 'STATE', state }]), 'postgres')).toEqual(expected);
  });

  const global = (shared: unknown, streams: unknown = []): string =>
    JSON.stringify([{ type: 'GLOBAL', global: { shared_state: shared, stream_states: streams } }]);
  const shared = { version: 1, engine: 'postgres', shards: { main: { position: { p: 1 }, clock: 4 } } };

  it.each([
    ['cut in the middle', global(shared).slice(0, 60), 'the JSON ends too early, at line 1, column 61'],
    ['not JSON', 'state', 'not valid JSON at line 1, column 1'],
    ['a number', '7', 'this is not a state that this connector wrote'],
    [
      'of another engine',
      global({ ...shared, engine: 'mysql' }),
      'at /0/global/shared_state/engine: the state was written by the engine mysql',
    ],
    [
      'of another engine, by stream',
      stream({ ...streaming, engine: 'mysql' }),
      'at /0/stream/stream_state/engine: the state was written by',
    ],
    [
      'without an engine',
      stream({ ...streaming, engine: undefined }),
      'at /0/stream/stream_state/engine: expected the name of the engine',
    ],
    [
      'of a newer version',
      global({ ...shared, version: 2 }),
      'at /0/global/shared_state/version: the state has version 2, written by a newer release',
    ],
    [
      'of a newer version, by stream',
      stream({ ...streaming, version: 9 }),
      'at /0/stream/stream_state/version: the state has version 9',
    ],
    [
      'of another connector',
      global({ state: { '["shop"]': '{"lsn":1}' } }),
      'at /0/global/shared_state: this is not a state that this connector wrote',
    ],
    ['LEGACY', '{"cursor":"2026-01-01"}', 'this is not a state that this connector wrote'],
    ['LEGACY with a type', '[{"type":"LEGACY","data":{"cursor":1}}]', 'at /0: this is not a state that this connector wrote'],
    [
      'two GLOBAL states',
      JSON.stringify([JSON.parse(global(shared)), JSON.parse(global(shared))].flat()),
      'more than one GLOBAL state',
    ],
    [
      'mixed',
      JSON.stringify([JSON.parse(global(shared)), JSON.parse(stream(streaming))].flat()),
      'GLOBAL and STREAM states cannot be mixed',
    ],
    [
      'one stream twice',
      JSON.stringify([JSON.parse(stream(streaming)), JSON.parse(stream(streaming))].flat()),
      'at /1/stream: the stream a has more than one state',
    ],
    [
      'no descriptor',
      '[{"type":"STREAM","stream":{"stream_state":{}}}]',
      'at /0/stream/stream_descriptor: expected an object, found nothing',
    ],
    [
      'no name',
      '[{"type":"STREAM","stream":{"stream_descriptor":{}}}]',
      'at /0/stream/stream_descriptor/name: expected a string, found nothing',
    ],
    ['no stream', '[{"type":"STREAM","stream":null}]', 'at /0/stream: expected an object, found nothing'],
    [
      'a clock of text',
      global({ ...shared, shards: { main: { position: {}, clock: '4' } } }),
      'at /0/global/shared_state/shards/main/clock: expected a whole number, found a value of type string',
    ],
    ['a negative clock', global({ ...shared, shards: { main: { position: {}, clock: -1 } } }), '/clock: expected a whole number'],
    [
      'a position of text',
      global({ ...shared, shards: { 'a/b~': { position: '0/1', clock: 1 } } }),
      'at /0/global/shared_state/shards/a~1b~0/position: expected an object',
    ],
    [
      'an unknown phase',
      stream({ ...streaming, shards: { main: { identity: 'x', phase: 'done' } } }),
      '/shards/main/phase: "done" is not one of snapshot, streaming, refresh, refreshed',
    ],
    [
      'a follower without position',
      stream({ ...streaming, shards: { main: { identity: 'x', phase: 'streaming' } } }),
      '/shards/main/position: expected an object, found nothing',
    ],
    [
      'a follower of an unknown shard',
      global(shared, [
        { stream_descriptor: { name: 'a' }, stream_state: { version: 1, shards: { b: { identity: 'x', phase: 'streaming' } } } },
      ]),
      'at /0/global/stream_states/0/stream_state/shards/b: the phase is streaming, but shared_state has no position for this shard',
    ],
  ])('refuses a state: %s', (_what, text, detail) => {
    expect(() => parseState(text, 'postgres')).toThrow(ConnectorError);
    try {
      parseState(text, 'postgres');
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_INVALID' });
      expect((error as ConnectorError).detail).toContain(detail);
    }
  });

  it('reads a full refresh under way, with its job and, from earlier releases, without', () => {
    const at = { identity: 'x', phase: 'refresh', cursor: { key: ['7'] } };
    for (const [written, job] of [[{ ...at, job: '12' }, '12'] as const, [at, null] as const]) {
      const read = parseState(stream({ version: 1, engine: 'postgres', shards: { main: written } }), 'postgres');
      expect(read?.tables.get('\0a')?.shards.get('main' as ShardId)).toEqual({ ...at, job });
    }
  });

  it('reads a full refresh, which has no position', () => {
    const state = stream({ version: 1, engine: 'postgres', shards: { main: { identity: 'x', phase: 'refreshed', job: '7' } } });
    const read = parseState(state, 'postgres');
    expect(read?.streams.size).toBe(0);
    expect(read?.tables.get('\0a')?.shards.get('main' as ShardId)).toEqual({ identity: 'x', phase: 'refreshed', job: '7' });
  });
});
