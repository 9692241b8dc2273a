import { describe, expect, it } from 'vitest';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';
import { decoderOf, read, unreadable } from './decode.ts';

const { join, u8, u16, u32, u64, packed, varint, event } = encoder;

describe('transactions', () => {
  const sid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const uuid = '00112233-4455-6677-8899-aabbccddeeff';
  const micros = (value: number, origin: boolean): Buffer => {
    const bytes = u64(value).subarray(0, 7);
    if (origin) bytes[6] = (bytes[6] ?? 0) | 0x80;
    return bytes;
  };

  it('begin with a GTID, of 5.6 to 9', () => {
    const decoder = decoderOf();
    const head = join(u8(1), sid, u64(0x1f_ffff_ffff_ffff));
    expect(read(decoder, event(events.GTID_EVENT, head))).toBe(events.GTID);
    expect(decoder.gtid).toMatchObject({
      flavor: 'mysql',
      sid: uuid,
      gno: Number.MAX_SAFE_INTEGER,
      flags: 1,
      originalCommitMicros: 0,
    });
    const clock = join(head, u8(2), u64(3), u64(4));
    read(decoder, event(events.GTID_EVENT, clock));
    expect(decoder.gtid).toMatchObject({ lastCommitted: 3, sequenceNumber: 4, transactionLength: 0 });
    read(decoder, event(events.GTID_EVENT, join(clock, micros(1_795_501_953_982_419, false), packed(70_000), u32(80036))));
    expect(decoder.gtid).toMatchObject({
      immediateCommitMicros: 1_795_501_953_982_419,
      originalCommitMicros: 1_795_501_953_982_419,
      transactionLength: 70_000,
    });
    expect(decoder.gtid).toMatchObject({ immediateServerVersion: 80036, originalServerVersion: 80036 });
    const replica = join(
      clock,
      micros(1_795_501_953_982_419, true),
      micros(1_500_000_000_123_456, false),
      packed(9),
      u32(0x8000_0000 + 90704),
      u32(80011),
      u64(5),
    );
    read(decoder, event(events.GTID_EVENT, replica));
    expect(decoder.gtid).toMatchObject({
      immediateCommitMicros: 1_795_501_953_982_419,
      originalCommitMicros: 1_500_000_000_123_456,
      transactionLength: 9,
    });
    expect(decoder.gtid).toMatchObject({ immediateServerVersion: 90704, originalServerVersion: 80011 });
    read(decoder, event(events.ANONYMOUS_GTID_EVENT, clock));
    expect(decoder.gtid).toMatchObject({ flavor: 'anonymous', originalCommitMicros: 0, originalServerVersion: 0, tag: '' });
    expect(unreadable(decoder, event(events.GTID_EVENT, join(u8(1), sid, u64(2 ** 53))))).toContain('beyond 2^53');
  });

  const tagged = (fields: readonly (readonly [number, Uint8Array])[], lastRequired = 0): Buffer => {
    const body = join(varint(lastRequired), ...fields.flatMap(([id, value]) => [varint(id), value]));
    for (let size = body.length + 2; ; size++) {
      const head = join(varint(1), varint(size));
      if (head.length + body.length === size) return join(head, body);
    }
  };
  const bytes = join(...[...sid].map(byte => varint(byte)));
  const signed = (value: number): Buffer => varint(BigInt(value) * 2n);

  it('begin with a tagged GTID', () => {
    const decoder = decoderOf();
    const fields: (readonly [number, Uint8Array])[] = [
      [0, varint(1)],
      [1, bytes],
      [2, signed(0x1_0000_0000_0000)],
      [3, join(varint(7), 'my_tag1')],
      [4, signed(5)],
      [5, signed(6)],
    ];
    const rest: (readonly [number, Uint8Array])[] = [
      [6, varint(1_795_502_261_873_287)],
      [7, varint(1_500_000_000_123_456)],
      [8, varint(366)],
      [9, varint(90704)],
      [10, varint(80400)],
      [11, varint(3)],
    ];
    expect(read(decoder, event(events.GTID_TAGGED_EVENT, tagged([...fields, ...rest])))).toBe(events.GTID);
    expect(decoder.gtid).toMatchObject({
      flavor: 'mysql',
      sid: uuid,
      tag: 'my_tag1',
      gno: 0x1_0000_0000_0000,
      flags: 1,
      lastCommitted: 5,
      sequenceNumber: 6,
    });
    expect(decoder.gtid).toMatchObject({
      immediateCommitMicros: 1_795_502_261_873_287,
      originalCommitMicros: 1_500_000_000_123_456,
      transactionLength: 366,
    });
    expect(decoder.gtid).toMatchObject({ immediateServerVersion: 90704, originalServerVersion: 80400 });
    read(
      decoder,
      event(
        events.GTID_TAGGED_EVENT,
        tagged([
          [1, bytes],
          [2, signed(1)],
          [6, varint(7)],
          [30, varint(1)],
        ]),
      ),
    );
    expect(decoder.gtid).toMatchObject({
      tag: '',
      gno: 1,
      flags: 0,
      immediateCommitMicros: 7,
      originalCommitMicros: 7,
      originalServerVersion: 0,
    });
  });

  it('refuse a tagged GTID that they cannot understand', () => {
    const bad = (body: Uint8Array): string => unreadable(decoderOf(), event(events.GTID_TAGGED_EVENT, body));
    expect(
      bad(
        tagged(
          [
            [1, bytes],
            [2, signed(1)],
            [12, varint(1)],
          ],
          13,
        ),
      ),
    ).toContain('must be known');
    expect(bad(tagged([[1, bytes]]))).toContain('names no transaction');
    expect(bad(tagged([[2, signed(1)]]))).toContain('names no transaction');
    expect(
      bad(
        tagged([
          [2, signed(1)],
          [1, bytes],
        ]),
      ),
    ).toContain('out of order');
    expect(
      bad(
        tagged([
          [1, bytes],
          [2, varint(3)],
        ]),
      ),
    ).toContain('negative');
    expect(
      bad(
        tagged([
          [1, bytes],
          [2, varint(2n ** 60n)],
        ]),
      ),
    ).toContain('beyond 2^53');
    expect(
      bad(
        tagged([
          [1, bytes],
          [2, signed(1)],
          [3, join(varint(33), 'x'.repeat(33))],
        ]),
      ),
    ).toContain('33 bytes');
    expect(bad(join(varint(2), varint(3), varint(0)))).toContain('version 2');
    expect(bad(join(varint(1), varint(200), varint(0)))).toContain('another length');
  });

  it('read numbers of mysql::serialization of every length', () => {
    for (let size = 1; size <= 9; size++) {
      const most = size >= 8 ? 2n ** 53n - 1n : (1n << BigInt(7 * size)) - 1n;
      for (const value of [0n, 1n, most]) {
        const decoder = decoderOf();
        read(
          decoder,
          event(
            events.GTID_TAGGED_EVENT,
            tagged([
              [1, bytes],
              [2, signed(1)],
              [8, varint(value, size)],
            ]),
          ),
        );
        expect(BigInt(decoder.gtid.transactionLength)).toBe(value);
      }
    }
  });

  it('begin with a GTID of MariaDB', () => {
    const decoder = decoderOf('mariadb');
    const head = (flags: number): Buffer => join(u64(42), u32(7), u8(flags));
    const mariadb = (body: Uint8Array): number => read(decoder, event(events.MARIADB_GTID_EVENT, body, { serverId: 99 }));
    expect(mariadb(join(head(0x29), Buffer.alloc(6)))).toBe(events.GTID);
    expect(decoder.gtid).toMatchObject({ flavor: 'mariadb', gno: 42, domainId: 7, serverId: 99, flags: 0x29, extraFlags: 0 });
    mariadb(join(head(0x02), u64(123)));
    mariadb(join(head(0x40), u32(1), u8(2), u8(1), 'abc', u8(0)));
    expect(decoder.gtid).toMatchObject({ flags: 0x40, extraFlags: 0 });
    mariadb(join(head(0x2b), u64(1), u8(0x05), u8(2), u64(41)));
    expect(decoder.gtid).toMatchObject({ extraFlags: 5, alterSequence: 41 });
  });

  it('may be XA transactions', () => {
    const decoder = decoderOf();
    const xid = (onePhase: number): Buffer =>
      event(events.XA_PREPARE_EVENT, join(u8(onePhase), u32(0xffff_ffff), u32(2), u32(1), 'ab', 'c'));
    expect(read(decoder, xid(0))).toBe(events.XA_PREPARE);
    expect([decoder.xaName, decoder.xaOnePhase]).toEqual(["X'6162',X'63',-1", false]);
    read(decoder, xid(1));
    expect(decoder.xaOnePhase).toBe(true);
  });

  it('are listed at the head of a file', () => {
    const decoder = decoderOf();
    const one = join(sid, u64(2), u64(1), u64(6), u64(8), u64(9));
    expect(read(decoder, event(events.PREVIOUS_GTIDS_EVENT, join(u64(1), one)))).toBe(events.PREVIOUS_GTIDS);
    expect(decoder.previousGtids).toEqual([
      {
        sid: uuid,
        tag: '',
        intervals: [
          [1, 5],
          [8, 8],
        ],
      },
    ]);
    const count = join(u8(1), u32(2), u16(0), u8(1));
    read(
      decoder,
      event(
        events.PREVIOUS_GTIDS_EVENT,
        join(count, sid, u8(0), u64(1), u64(1), u64(2), sid, u8(6), 'tag', u64(1), u64(3), u64(5)),
      ),
    );
    expect(decoder.previousGtids).toEqual([
      { sid: uuid, tag: '', intervals: [[1, 1]] },
      { sid: uuid, tag: 'tag', intervals: [[3, 4]] },
    ]);
    expect(unreadable(decoder, event(events.PREVIOUS_GTIDS_EVENT, u64(5)))).toContain('too early');
    expect(unreadable(decoder, event(events.PREVIOUS_GTIDS_EVENT, join(u64(1), sid, u64(1), u64(5), u64(5))))).toContain('empty');
    const list = join(u32(0x2000_0002), u32(0), u32(1), u64(5), u32(7), u32(2), u64(2 ** 40));
    expect(read(decoder, event(events.GTID_LIST_EVENT, list))).toBe(events.GTID_LIST);
    expect(decoder.gtidList).toEqual([
      { domainId: 0, serverId: 1, sequence: 5 },
      { domainId: 7, serverId: 2, sequence: 2 ** 40 },
    ]);
  });
});
