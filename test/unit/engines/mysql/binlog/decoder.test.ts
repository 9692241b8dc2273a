import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';

const { join, u8, u16, u32, u64, packed, varint, event } = encoder;

const decoderOf = (flavor: 'mysql' | 'mariadb' = 'mysql'): BinlogDecoder => {
  const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
  read(decoder, encoder.rotate('binlog.000007', 4));
  read(decoder, encoder.formatDescription());
  return decoder;
};
/** The kind of the only event in the packet. */
const read = (decoder: BinlogDecoder, packet: Uint8Array): number => {
  void decoder.open(packet, 0, packet.length);
  return decoder.next();
};
const failure = (act: () => unknown): ConnectorError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
const unreadable = (decoder: BinlogDecoder, packet: Uint8Array): string => {
  const error = failure(() => {
    if (read(decoder, packet) === events.ROWS) while (decoder.rows.next());
  });
  expect(error.code).toBe('VALUE_UNREADABLE');
  expect(decoder.kind === events.END || decoder.kind === events.ROWS).toBe(true);
  return error.detail;
};

describe('event framing', () => {
  it('reads the header, and the packet only where it is told to', () => {
    const decoder = decoderOf();
    const bytes = event(events.XID_EVENT, u64(5), { position: 1234, serverId: 0xffff_fff0, timestamp: 0xffff_ffff, flags: 8 });
    void decoder.open(join('xxx', bytes, 'yyyy'), 3, 3 + bytes.length);
    expect(decoder.next()).toBe(events.XID);
    expect(decoder).toMatchObject({
      type: 16,
      timestamp: 0xffff_ffff,
      serverId: 0xffff_fff0,
      length: 31,
      flags: 8,
      position: 1234,
      file: 'binlog.000007',
    });
    expect(decoder.next()).toBe(events.END);
    expect(decoder.next()).toBe(events.END);
  });

  it('refuses every packet that is cut short or has something behind it', () => {
    const whole = [
      encoder.formatDescription(),
      encoder.rotate('binlog.000008', 4),
      encoder.query('BEGIN'),
      event(events.XID_EVENT, u64(1)),
      encoder.tableMap(7, 'shop', 'items', [{ type: 3 }, { type: 15, metadata: [20, 0] }]),
      event(
        events.GTID_EVENT,
        join(u8(0), Buffer.alloc(16, 1), u64(5), u8(2), u64(0), u64(1), Buffer.alloc(7, 1), u8(9), u32(90704)),
      ),
    ];
    for (const packet of whole) {
      for (let length = 0; length < packet.length; length++) unreadable(decoderOf(), packet.subarray(0, length));
      unreadable(decoderOf(), join(packet, u8(0)));
    }
  });

  it('verifies checksums', () => {
    const packet = encoder.query('INSERT');
    for (let at = 0; at < packet.length; at++) {
      const broken = Buffer.from(packet);
      broken[at] = (broken[at] ?? 0) ^ 0x10;
      expect(unreadable(decoderOf(), broken)).toMatch(/checksum|bytes and says|ends too early|not known/);
    }
    const decoder = decoderOf();
    const wrong = Buffer.from(packet);
    wrong[packet.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    expect(unreadable(decoder, wrong)).toMatch(/^binary log event of type 2: its checksum is wrong .*, after binlog\.000007:4$/);
  });

  it('knows a log without checksums, and one in use', () => {
    const decoder = decoderOf();
    expect(read(decoder, encoder.formatDescription({ checksums: false, version: '10.11.19-MariaDB-log' }))).toBe(
      events.FORMAT_DESCRIPTION,
    );
    expect(decoder.format).toEqual({ serverVersion: '10.11.19-MariaDB-log', hasChecksums: false });
    expect(read(decoder, event(events.XID_EVENT, u64(1), { plain: true }))).toBe(events.XID);
    expect(read(decoder, encoder.formatDescription({ flags: events.FLAG_BINLOG_IN_USE }))).toBe(events.FORMAT_DESCRIPTION);
    expect(read(decoder, event(events.XID_EVENT, u64(1)))).toBe(events.XID);
  });

  it('refuses formats that it would misread', () => {
    expect(unreadable(decoderOf(), encoder.formatDescription({ lengths: [[events.TABLE_MAP_EVENT, 6]] }))).toContain(
      'type 19 begin with 6 bytes',
    );
    const older = encoder.formatDescription({ checksums: false });
    older.writeUInt16LE(3, 19);
    expect(unreadable(decoderOf(), older)).toContain('version 3');
    const algorithm = encoder.formatDescription({ checksums: false });
    algorithm[algorithm.length - 5] = 2;
    expect(unreadable(decoderOf(), algorithm)).toContain('checksum algorithm 2');
  });

  it('refuses what it does not know unless it may be passed over', () => {
    for (const type of [0, 1, 8, 20, 43, 99, 164, 172, 255]) {
      expect(unreadable(decoderOf(), event(type, Buffer.alloc(12)))).toContain('not known');
      expect(read(decoderOf(), event(type, Buffer.alloc(12), { flags: events.FLAG_IGNORABLE }))).toBe(events.IGNORED);
    }
  });

  it('ends at an incident: the server lost changes', () => {
    const error = failure(() => read(decoderOf(), event(events.INCIDENT_EVENT, join(u16(1), u8(4), 'lost'), { position: 777 })));
    expect(error.code).toBe('POSITION_LOST');
    expect(error.detail).toContain('binlog.000007 before 777');
  });
});

describe('positions', () => {
  it('follow the headers beyond 4 GiB and start anew with a file', () => {
    const decoder = decoderOf();
    read(decoder, event(events.XID_EVENT, u64(1), { position: 0xffff_fff0 }));
    expect(decoder.position).toBe(0xffff_fff0);
    read(decoder, event(events.XID_EVENT, u64(1), { position: 0x10 }));
    expect(decoder.position).toBe(0x1_0000_0010);
    read(decoder, encoder.rotate('binlog.000008', 0x2_0000_0004));
    expect([decoder.file, decoder.position]).toEqual(['binlog.000008', 0x2_0000_0004]);
    read(decoder, event(events.XID_EVENT, u64(1), { position: 0x100 }));
    expect(decoder.position).toBe(0x2_0000_0100);
  });

  it('stay where they are in artificial events, and count on where the header has none', () => {
    const decoder = decoderOf('mariadb');
    read(decoder, event(events.XID_EVENT, u64(1), { position: 1000 }));
    read(decoder, event(events.GTID_LIST_EVENT, u32(0), { position: 500, flags: events.FLAG_ARTIFICIAL }));
    read(decoder, encoder.formatDescription());
    expect(decoder.position).toBe(1000);
    read(decoder, event(events.XID_EVENT, u64(1)));
    expect(decoder.position).toBe(1031);
  });

  it('come with heartbeats of both versions', () => {
    const decoder = decoderOf();
    expect(read(decoder, event(events.HEARTBEAT_EVENT, Buffer.from('binlog.000007'), { position: 4711 }))).toBe(events.HEARTBEAT);
    expect(decoder.position).toBe(4711);
    const fields = join(u8(1), packed(13), 'binlog.000007', u8(2), packed(9), packed(0x3_0000_0005), u8(0));
    expect(read(decoder, event(events.HEARTBEAT_EVENT_V2, fields))).toBe(events.HEARTBEAT);
    expect(decoder.position).toBe(0x3_0000_0005);
    const mariadb = decoderOf('mariadb');
    read(mariadb, event(events.HEARTBEAT_EVENT, join(u64(0x4_0000_0001), 'binlog.000007')));
    expect(mariadb.position).toBe(0x4_0000_0001);
  });
});

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

describe('statements', () => {
  it('say what they are to the transaction', () => {
    const decoder = decoderOf();
    const kinds = [
      'x',
      'BEGIN',
      'COMMIT',
      'ROLLBACK',
      'SAVEPOINT `s`',
      'ROLLBACK TO `s`',
      'RELEASE SAVEPOINT s',
      "XA START X'61'",
      "XA END X'61'",
      "XA PREPARE X''",
      "XA COMMIT X'61'",
      "XA ROLLBACK X'61'",
    ];
    for (const [kind, sql] of kinds.entries()) {
      expect(read(decoder, encoder.query(sql))).toBe(events.QUERY);
      expect([decoder.query.text(), decoder.query.kind, decoder.query.schema]).toEqual([sql, kind, 'shop']);
      read(decoder, encoder.query(sql.toLowerCase()));
      expect(decoder.query.kind).toBe(kind);
    }
    for (const sql of ['BEGINNING', '', 'commits', 'rollbacks', 'DROP TABLE begin']) {
      read(decoder, encoder.query(sql, ''));
      expect([decoder.query.kind, decoder.query.schema, decoder.query.text()]).toEqual([0, '', sql]);
    }
  });

  it('have status variables, known or not', () => {
    const decoder = decoderOf();
    const known = join(
      join(
        u8(0),
        u32(0),
        u8(1),
        u64(0x10_0004),
        u8(3),
        u32(1),
        u8(4),
        u16(45),
        u16(46),
        u16(255),
        u8(5),
        u8(3),
        'UTC',
        u8(6),
        u8(3),
        'std',
      ),
      join(
        u8(7),
        u16(0),
        u8(8),
        u16(33),
        u8(9),
        u64(0),
        u8(11),
        u8(2),
        'me',
        u8(1),
        '%',
        u8(12),
        u8(2),
        'a\0b\0',
        u8(13),
        Buffer.alloc(3),
      ),
      join(
        u8(16),
        u8(1),
        u8(17),
        u64(9),
        u8(18),
        u16(255),
        u8(19),
        u8(0),
        u8(20),
        u8(0),
        u8(128),
        Buffer.alloc(3),
        u8(129),
        u64(1),
        u8(130),
        u8(2),
      ),
      join(u8(130), u8(4), u64(1), u8(131), u8(1), u32(0)),
    );
    expect(read(decoder, encoder.query('SELECT 1', 'ä', join(known, u8(200), 'whatever')))).toBe(events.QUERY);
    const { sqlMode, clientCollation, serverCollation, databaseCollation, defaultUtf8mb4Collation, schema } = decoder.query;
    expect([sqlMode, clientCollation, serverCollation, databaseCollation, defaultUtf8mb4Collation, schema]).toEqual([
      0x10_0004,
      45,
      255,
      33,
      255,
      'ä',
    ]);
    expect(decoder.query.text()).toBe('SELECT 1');
    read(decoder, encoder.query('SELECT 2'));
    expect(decoder.query).toMatchObject({ sqlMode: 0, clientCollation: 0, databaseCollation: 0 });
    expect(unreadable(decoder, encoder.query('x', 'y', join(u8(1), u32(0))))).toContain('too early');
  });

  it('may be compressed by MariaDB, or of LOAD DATA', () => {
    const decoder = decoderOf('mariadb');
    const sql = 'CREATE TABLE t (a int) -- ä '.repeat(20);
    const head = join(u32(1), u32(0), u8(1), u16(0), u16(0), 'd', u8(0));
    const length = Buffer.byteLength(sql);
    const compressed = (size: number, body: Uint8Array): Buffer =>
      event(events.QUERY_COMPRESSED_EVENT, join(head, u8(0x82), u8(size >> 8), u8(size & 255), body));
    expect(read(decoder, compressed(length, deflateSync(sql)))).toBe(events.QUERY);
    expect([decoder.query.text(), decoder.query.schema]).toEqual([sql, 'd']);
    expect(unreadable(decoder, compressed(length - 1, deflateSync(sql)))).toContain('compressed');
    expect(unreadable(decoder, compressed(length + 1, deflateSync(sql)))).toContain('instead of');
    expect(unreadable(decoder, compressed(length, deflateSync(sql).subarray(0, 20)))).toContain('compressed');
    const load = join(u32(1), u32(0), u8(1), u16(0), u16(0), u32(1), u32(2), u32(3), u8(0), 'd', u8(0), 'LOAD DATA');
    expect(read(decoder, event(events.EXECUTE_LOAD_QUERY_EVENT, load))).toBe(events.QUERY);
    expect(decoder.query.text()).toBe('LOAD DATA');
    expect(read(decoder, event(events.RAND_EVENT, Buffer.alloc(16)))).toBe(events.STATEMENT_CONTEXT);
  });
});
