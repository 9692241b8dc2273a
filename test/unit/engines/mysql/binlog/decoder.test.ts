import { describe, expect, it } from 'vitest';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';
import { decoderOf, failure, read, unreadable } from './decode.ts';

const { join, u8, u16, u32, u64, packed, event } = encoder;

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
    for (const type of [0, 1, 8, 20, 43, 99, 172, 255]) {
      expect(unreadable(decoderOf(), event(type, Buffer.alloc(12)))).toContain('not known');
      expect(read(decoderOf(), event(type, Buffer.alloc(12), { flags: events.FLAG_IGNORABLE }))).toBe(events.IGNORED);
    }
  });

  // Bodies made by hand from the servers' sources: no server of the tests can be made to write all of them.
  it.each([
    ['STOP', events.STOP_EVENT, Buffer.alloc(0), events.STOP],
    ['INTVAR', events.INTVAR_EVENT, join(u8(2), u64(7)), events.STATEMENT_CONTEXT],
    ['RAND', events.RAND_EVENT, join(u64(1), u64(2)), events.STATEMENT_CONTEXT],
    ['APPEND_BLOCK', events.APPEND_BLOCK_EVENT, join(u32(1), 'a,b'), events.STATEMENT_CONTEXT],
    ['DELETE_FILE', events.DELETE_FILE_EVENT, u32(1), events.STATEMENT_CONTEXT],
    ['BEGIN_LOAD_QUERY', events.BEGIN_LOAD_QUERY_EVENT, join(u32(1), 'a,b'), events.STATEMENT_CONTEXT],
    ['IGNORABLE', events.IGNORABLE_EVENT, Buffer.from('anything'), events.IGNORED],
    [
      'TRANSACTION_CONTEXT',
      events.TRANSACTION_CONTEXT_EVENT,
      join(u8(36), u32(1), u8(0), u32(0), u32(0), u32(0)),
      events.IGNORED,
    ],
    ['VIEW_CHANGE', events.VIEW_CHANGE_EVENT, join(Buffer.alloc(40), u64(1), u32(0)), events.IGNORED],
    ['ANNOTATE_ROWS', events.ANNOTATE_ROWS_EVENT, Buffer.from('INSERT INTO t VALUES (1)'), events.IGNORED],
    ['BINLOG_CHECKPOINT', events.BINLOG_CHECKPOINT_EVENT, join(u32(8), 'bin.0001'), events.IGNORED],
    ['START_ENCRYPTION', events.START_ENCRYPTION_EVENT, join(u8(1), u32(1), Buffer.alloc(12)), events.IGNORED],
  ])('passes over %s, and what stands behind it is read', (_, type, body, kind) => {
    const decoder = decoderOf();
    expect(read(decoder, event(type, body))).toBe(kind);
    expect(read(decoder, event(events.XID_EVENT, u64(5)))).toBe(events.XID);
  });

  it('ends at an incident: the server lost changes', () => {
    const error = failure(() => read(decoderOf(), event(events.INCIDENT_EVENT, join(u16(1), u8(4), 'lost'), { position: 777 })));
    expect(error.code).toBe('POSITION_LOST');
    expect(error.detail).toContain('binlog.000007 before 777');
  });
});

describe('positions', () => {
  it('#30 follow the headers beyond 4 GiB and start anew with a file', () => {
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
