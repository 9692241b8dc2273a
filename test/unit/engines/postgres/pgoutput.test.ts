import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../src/contract/errors.ts';
import {
  BEGIN,
  COMMIT,
  DELETE,
  INSERT,
  MESSAGE,
  OLD_FULL,
  OLD_KEY,
  OLD_NONE,
  ORIGIN,
  PgoutputDecoder,
  RELATION,
  TRUNCATE,
  TRUNCATE_CASCADE,
  TRUNCATE_RESTART_IDENTITY,
  TYPE,
  UPDATE,
} from '../../../../src/engines/postgres/wire/pgoutput.ts';
import type { Relation } from '../../../../src/engines/postgres/wire/relation.ts';
import {
  COLUMN_NULL,
  COLUMN_TEXT,
  COLUMN_UNCHANGED,
  MAX_COLUMNS,
  type Tuple,
} from '../../../../src/engines/postgres/wire/tuple.ts';
import { type Cell, encode, type Row, u32, u64 } from './pgoutput-encoder.ts';

const table = (columns: number, id = 16_384, name = 't'): Relation => ({
  id,
  namespace: 'public',
  name,
  replicaIdentity: 'd',
  columns: Array.from({ length: columns }, (_, i) => ({ name: `c${i}`, typeOid: 25, typmod: -1, isKey: i === 0 })),
});

const read = (decoder: PgoutputDecoder, bytes: Uint8Array): number => decoder.read(bytes, 0, bytes.length);

const decoderWith = (...relations: Relation[]): PgoutputDecoder => {
  const decoder = new PgoutputDecoder();
  for (const relation of relations) read(decoder, encode.relation(relation));
  return decoder;
};

const cells = (bytes: Buffer, tuple: Tuple): Cell[] =>
  Array.from({ length: tuple.count }, (_, i) => {
    const [start, end] = [tuple.starts[i], tuple.ends[i]];
    if (tuple.kinds[i] === COLUMN_NULL) return null;
    if (tuple.kinds[i] === COLUMN_UNCHANGED) return { unchanged: true };
    if (tuple.kinds[i] === COLUMN_TEXT) return bytes.toString('utf8', start, end);
    return { binary: new Uint8Array(bytes.subarray(start, end)) };
  });

const failure = (run: () => unknown): ConnectorError => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  throw new Error('it was accepted');
};

const text = fc.string({ unit: 'binary', maxLength: 40 }).map(value => Buffer.from(value.replaceAll('\0', '')).toString());
const anyCell: fc.Arbitrary<Cell> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant({ unchanged: true } as const) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map(binary => ({ binary })) },
);
const rows = (columns: number): fc.Arbitrary<Row> => fc.array(anyCell, { minLength: columns, maxLength: columns });
const lsns = fc.maxSafeInteger().map(Math.abs);
const times = fc.integer({ min: -1_000_000, max: Number.MAX_SAFE_INTEGER - 1 });
const oids = fc.integer({ min: 1, max: 0xffff_ffff });

describe('PgoutputDecoder', () => {
  it('reads begin, commit, origin, type and logical messages', () => {
    const decoder = new PgoutputDecoder();
    fc.assert(
      fc.property(lsns, lsns, times, oids, text, text, (a, b, micros, id, first, second) => {
        expect(read(decoder, encode.begin(a, micros, id))).toBe(BEGIN);
        expect([decoder.finalLsn, decoder.commitMicros, decoder.xid]).toEqual([a, micros, id]);
        expect(read(decoder, encode.commit(a, b, micros))).toBe(COMMIT);
        expect([decoder.commitLsn, decoder.endLsn, decoder.commitMicros]).toEqual([a, b, micros]);
        expect(read(decoder, encode.origin(b, first))).toBe(ORIGIN);
        expect([decoder.originLsn, decoder.originName]).toEqual([b, first]);
        expect(read(decoder, encode.type(id, first, second))).toBe(TYPE);
        expect([decoder.typeOid, decoder.typeNamespace, decoder.typeName]).toEqual([id, first || 'pg_catalog', second]);
        const content = Buffer.from(second);
        const bytes = encode.message(id % 2 === 0, b, first, content);
        expect(read(decoder, bytes)).toBe(MESSAGE);
        expect([decoder.messageTransactional, decoder.messageLsn, decoder.messagePrefix]).toEqual([id % 2 === 0, b, first]);
        expect(bytes.subarray(decoder.messageStart, decoder.messageEnd).equals(content)).toBe(true);
      }),
    );
  });

  it('reads relations, with unsigned oids and signed type modifiers', () => {
    const column = fc.record({
      name: text,
      typeOid: oids,
      typmod: fc.integer({ min: -1, max: 0x7fff_ffff }),
      isKey: fc.boolean(),
    });
    const relation = fc.record({
      id: oids,
      namespace: text.filter(name => name !== ''),
      name: text,
      replicaIdentity: fc.constantFrom('d' as const, 'n' as const, 'f' as const, 'i' as const),
      columns: fc.array(column, { maxLength: 20 }),
    });
    fc.assert(
      fc.property(relation, expected => {
        const decoder = new PgoutputDecoder();
        expect(read(decoder, encode.relation(expected))).toBe(RELATION);
        expect(decoder.relation).toEqual(expected);
      }),
    );
  });

  it('finds every column of inserts, updates and deletes, anywhere in a buffer', () => {
    const shaped = fc
      .integer({ min: 0, max: 12 })
      .chain(columns => fc.tuple(rows(columns), rows(columns), fc.integer({ min: 0, max: 9 })));
    fc.assert(
      fc.property(shaped, ([row, old, shift]) => {
        const relation = table(row.length);
        const decoder = decoderWith(relation);
        const check = (message: Buffer, kind: number, oldKind: number, newRow: Row, oldRow: Row): void => {
          const bytes = Buffer.concat([Buffer.alloc(shift, 'N'), message, Buffer.alloc(shift, 't')]);
          expect(decoder.read(bytes, shift, shift + message.length)).toBe(kind);
          expect(decoder.relation).toEqual(relation);
          expect(decoder.oldKind).toBe(oldKind);
          expect(cells(bytes, decoder.newTuple)).toEqual(newRow);
          expect(cells(bytes, decoder.oldTuple)).toEqual(oldRow);
        };
        check(encode.update(relation.id, row, ['O', old]), UPDATE, OLD_FULL, row, old);
        check(encode.insert(relation.id, row), INSERT, OLD_NONE, row, []);
        check(encode.update(relation.id, row, ['K', old]), UPDATE, OLD_KEY, row, old);
        check(encode.update(relation.id, row), UPDATE, OLD_NONE, row, []);
        check(encode.delete(relation.id, 'O', old), DELETE, OLD_FULL, [], old);
        check(encode.delete(relation.id, 'K', old), DELETE, OLD_KEY, [], old);
      }),
    );
  });

  it('refuses every message that is cut short or has bytes left over', () => {
    const one = table(3);
    const messages = [
      encode.begin(1, 2, 3),
      encode.commit(1, 2, 3),
      encode.origin(1, 'o'),
      encode.type(1, 'n', 't'),
      encode.relation(one),
      encode.insert(one.id, ['a', null, { unchanged: true }]),
      encode.update(one.id, ['a', '', null], ['K', ['k', null, null]]),
      encode.update(one.id, ['a', '', null]),
      encode.delete(one.id, 'O', ['a', 'b', 'c']),
      encode.truncate([one.id, one.id], 0),
      encode.message(true, 1, 'p', Buffer.from('content')),
    ];
    for (const message of messages) {
      const decoder = decoderWith(one);
      read(decoder, message);
      const longer = Buffer.concat([message, message]);
      for (let length = 0; length < longer.length; length++) {
        if (length === message.length) continue;
        expect(failure(() => decoder.read(longer, 0, length)).code).toBe('VALUE_UNREADABLE');
        expect(decoder.kind).toBe(0);
      }
      expect(failure(() => decoder.read(message, 0, message.length + 1)).code).toBe('VALUE_UNREADABLE');
    }
  });

  it('refuses what the protocol does not define, naming the kind of message', () => {
    const decoder = decoderWith(table(1));
    const refused = (bytes: Buffer): string => {
      const error = failure(() => read(decoder, bytes));
      expect(error.code).toBe('VALUE_UNREADABLE');
      return error.detail;
    };
    for (const kind of 'SEcAp\0Zwk') expect(refused(Buffer.from(`${kind}1234`))).toContain('not known');
    expect(refused(encode.insert(99, ['a']))).toContain('relation 99 was not announced');
    expect(refused(encode.truncate([16_384, 99], 0))).toContain('relation 99 was not announced');
    expect(refused(encode.truncate([16_384], 4))).toContain('options 4');
    expect(refused(encode.insert(16_384, ['a', 'b']))).toContain('2 columns instead of 1');
    expect(refused(encode.insert(16_384, []))).toContain('0 columns instead of 1');
    const flags = encode.relation(table(1));
    flags[flags.indexOf('c0') - 1] = 2;
    expect(refused(flags)).toContain('unknown flags 2');
    const withKind = (kind: string): Buffer => Buffer.concat([encode.insert(16_384, [null]).subarray(0, -1), Buffer.from(kind)]);
    expect(refused(withKind('x'))).toContain('unknown kind 120');
    const flagged = encode.commit(1, 2, 3);
    flagged[1] = 1;
    expect(refused(flagged)).toContain("'C'");
    expect(refused(encode.relation(table(MAX_COLUMNS + 1)))).toContain('1601 columns');
    expect(refused(encode.relation({ ...table(1), replicaIdentity: 'x' as 'd' }))).toContain('replica identity');
  });

  it('refuses lengths that lie: negative, too long, near 2^31', () => {
    const decoder = decoderWith(table(1));
    for (const length of [-1, 2, 3, 0x7fff_ffff, -0x8000_0000]) {
      const message = Buffer.concat([
        encode.insert(16_384, [null]).subarray(0, -1),
        Buffer.from('t'),
        u32(length),
        Buffer.from('x'),
      ]);
      expect(failure(() => read(decoder, message)).code).toBe('VALUE_UNREADABLE');
    }
  });

  it('does not walk backwards', () => {
    // Were a negative length taken, the third column would begin within the first and end with the message.
    const inner = Buffer.concat([Buffer.from('t'), u32(5)]);
    const back = Buffer.concat([Buffer.from('t'), u32(-10)]);
    const columns = Buffer.concat([Buffer.from('t'), u32(inner.length), inner, back]);
    const message = Buffer.concat([encode.insert(16_384, [null, null, null]).subarray(0, -3), columns]);
    expect(failure(() => read(decoderWith(table(3)), message)).code).toBe('VALUE_UNREADABLE');
  });

  it('takes times that a number holds exactly, and no others', () => {
    const begin = (since2000: bigint): Buffer => Buffer.concat([Buffer.from('B'), u64(1n), u64(since2000), u32(1)]);
    const decoder = new PgoutputDecoder();
    read(decoder, begin(-(2n ** 53n) + 1n));
    expect(decoder.commitMicros).toBe(Number.MIN_SAFE_INTEGER + Date.UTC(2000, 0, 1) * 1000);
    for (const micros of [-(2n ** 53n) - 1n, 2n ** 53n - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(failure(() => read(decoder, begin(micros))).code).toBe('VALUE_UNREADABLE');
    }
  });

  it('takes WAL positions that a number holds exactly, and no others', () => {
    const decoder = new PgoutputDecoder();
    const begin = (lsn: bigint): Buffer => Buffer.concat([Buffer.from('B'), u64(lsn), u64(0n), u32(1)]);
    read(decoder, begin(2n ** 53n - 1n));
    expect(decoder.finalLsn).toBe(Number.MAX_SAFE_INTEGER);
    expect(decoder.commitMicros).toBe(Date.UTC(2000, 0, 1) * 1000);
    for (const lsn of [2n ** 53n, -1n]) expect(failure(() => read(decoder, begin(lsn))).code).toBe('INVARIANT');
  });

  it('reads truncates of several tables with their options', () => {
    const decoder = decoderWith(table(1, 1, 'a'), table(2, 2, 'b'));
    expect(read(decoder, encode.truncate([2, 1], 3))).toBe(TRUNCATE);
    expect(decoder.truncated.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(decoder.truncateOptions).toBe(TRUNCATE_CASCADE | TRUNCATE_RESTART_IDENTITY);
    read(decoder, encode.truncate([], 0));
    expect(decoder.truncated).toEqual([]);
  });

  it('changes shape with each relation message, and keeps relations apart', () => {
    const decoder = decoderWith(table(1, 1), table(2, 2));
    read(decoder, encode.insert(1, ['a']));
    const before = decoder.relation;
    read(decoder, encode.insert(2, ['a', 'b']));
    expect(decoder.relation?.id).toBe(2);
    read(decoder, encode.insert(1, ['a']));
    expect(decoder.relation).toBe(before);
    read(decoder, encode.relation(table(3, 1)));
    expect(failure(() => read(decoder, encode.insert(1, ['a']))).code).toBe('VALUE_UNREADABLE');
    read(decoder, encode.insert(1, ['a', 'b', 'c']));
    expect(decoder.relation).not.toBe(before);
    expect(decoder.newTuple.count).toBe(3);
  });

  it('does not keep a relation whose message was refused', () => {
    const decoder = decoderWith(table(1, 1));
    const longer = Buffer.concat([encode.relation(table(2, 1)), Buffer.from('x')]);
    expect(failure(() => read(decoder, longer)).code).toBe('VALUE_UNREADABLE');
    read(decoder, encode.insert(1, ['a']));
    expect(decoder.newTuple.count).toBe(1);
  });

  it('takes the widest table there can be', () => {
    const relation = table(MAX_COLUMNS);
    const row = relation.columns.map((_, i) => (i % 2 === 0 ? String(i) : null));
    const bytes = encode.insert(relation.id, row);
    const decoder = decoderWith(relation);
    read(decoder, bytes);
    expect(cells(bytes, decoder.newTuple)).toEqual(row);
  });
});
