import { describe, expect, it } from 'vitest';
import { ZSTDDecoder } from 'zstddec';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import type { DumpedEvent } from '../../../../golden/mysql-dump.ts';
import { dumpOf, recordedPackets, recordedScenarios, storyOf } from '../../../../golden/mysql-recordings.ts';
import { mysqlFlavors } from '../../../../kit/servers/mysql.ts';
import { event, join, packed, payloadBody, u8, u16 } from './binlog-encoder.ts';

const version2 =
  'MariaDB writes rows of version 1 alone ("ROWS_EVENT_V1/V2" in its documentation; Write_rows_compressed_log_event and its ' +
  'like in log_event_server.cc); derived below from recorded ones';

/** Types that no recording holds though the decoder has a case for them, and why that is so. */
const NOT_RECORDED: ReadonlyMap<number, string> = new Map([
  [events.IGNORABLE_EVENT, 'the base class of ROWS_QUERY (Ignorable_event in control_events.h): no server makes one'],
  [
    events.TRANSACTION_CONTEXT_EVENT,
    'what members of a replication group tell each other; Applier_handler keeps it out of their logs',
  ],
  [
    events.VIEW_CHANGE_EVENT,
    'a replication group logs it only while a member is older than 8.3 (is_view_change_log_event_required in plugin.cc): not ' +
      'the 9.7 of the tests, whose log has none when a group of its own begins',
  ],
  [events.WRITE_ROWS_COMPRESSED_EVENT, version2],
  [events.UPDATE_ROWS_COMPRESSED_EVENT, version2],
  [events.DELETE_ROWS_COMPRESSED_EVENT, version2],
]);

/** Whether the decoder has a case for this type: an empty event of it is at least not refused as unknown. */
const isKnown = (type: number): boolean => {
  const decoder = new BinlogDecoder({ flavor: 'mysql', hasChecksums: false });
  const packet = event(type, Buffer.alloc(0), { plain: true });
  try {
    void decoder.open(packet, 0, packet.length);
    decoder.next();
    return true;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    return !error.detail.endsWith('this type of event is not known');
  }
};

/** All types that recordings hold, those inside of compressed transactions included. */
const recordedTypes = async (): Promise<Set<number>> => {
  const types = new Set<number>();
  for (const flavor of mysqlFlavors) {
    for (const name of recordedScenarios(flavor)) {
      for (const packet of recordedPackets(flavor, name)) types.add(packet[4] ?? 0);
      for (const { type } of await dumpOf(flavor, name)) types.add(Number(type));
    }
  }
  return types;
};
const ascending = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

/** The same event with another type, body and position in its header. */
const remade = (packet: Buffer, type: number, body: Uint8Array, position = packet.readUInt32LE(13)): Buffer =>
  event(type, body, {
    timestamp: packet.readUInt32LE(0),
    serverId: packet.readUInt32LE(5),
    position,
    flags: packet.readUInt16LE(17),
  });
const bodyOf = (packet: Buffer): Buffer => packet.subarray(events.HEADER_LENGTH, -events.CHECKSUM_LENGTH);

describe('every type of event', () => {
  const known = Array.from({ length: 256 }, (_, type) => type).filter(isKnown);

  it('that the decoder knows has a name, and the other way round', () => {
    const named = Object.entries(events).flatMap(([name, code]) => (/_EVENT(_V\d)?$/.test(name) ? [code] : []));
    expect(ascending(named)).toEqual(known);
  });

  it('that the decoder knows was recorded, or cannot be', async () => {
    expect(ascending([...(await recordedTypes()), ...NOT_RECORDED.keys()])).toEqual(known);
  });
});

describe('what servers could write and do not', () => {
  it('compressed rows of version 2 read as those of version 1', async () => {
    const remadeTypes: number[] = [];
    const packets = recordedPackets('mariadb', 'compressed-events').map(packet => {
      const type = packet[4] ?? 0;
      if (type < events.WRITE_ROWS_COMPRESSED_EVENT_V1 || type > events.DELETE_ROWS_COMPRESSED_EVENT_V1) return packet;
      remadeTypes.push(type + 3);
      const body = bodyOf(packet);
      return remade(packet, type + 3, join(body.subarray(0, 8), u16(2), body.subarray(8)));
    });
    const { WRITE_ROWS_COMPRESSED_EVENT, UPDATE_ROWS_COMPRESSED_EVENT, DELETE_ROWS_COMPRESSED_EVENT } = events;
    expect(new Set(remadeTypes)).toEqual(
      new Set([WRITE_ROWS_COMPRESSED_EVENT, UPDATE_ROWS_COMPRESSED_EVENT, DELETE_ROWS_COMPRESSED_EVENT]),
    );
    const asVersion1 = (dumped: DumpedEvent): DumpedEvent =>
      Number(dumped['type']) < WRITE_ROWS_COMPRESSED_EVENT
        ? dumped
        : { ...dumped, type: Number(dumped['type']) - 3, length: Number(dumped['length']) - 2 };
    const dump = await dumpOf('mariadb', 'compressed-events', packets);
    expect(dump.map(asVersion1)).toEqual(await dumpOf('mariadb', 'compressed-events'));
  });

  // No system variable sets `binlog_trx_compression_type`: it is zstd in every session of MySQL.
  it('transactions packed without compression read as those of zstd', async () => {
    const zstd = new ZSTDDecoder();
    await zstd.init();
    const recorded = recordedPackets('mysql', 'compressed-transactions');
    const plainOf = (packet: Buffer): Uint8Array => {
      const body = bodyOf(packet);
      const frame = body.indexOf(Buffer.from([0x28, 0xb5, 0x2f, 0xfd]));
      return zstd.decode(body.subarray(frame), 1_000_000);
    };
    const payloads = recorded.filter(packet => packet[4] === events.TRANSACTION_PAYLOAD_EVENT);
    expect(payloads).toHaveLength(3);
    const withSize = (plain: Uint8Array): Buffer => payloadBody(plain, 255, plain.length);
    const withoutSize = (plain: Uint8Array): Buffer => {
      const [none, size] = [packed(255), packed(plain.length)];
      return join(u8(2), u8(none.length), none, u8(1), u8(size.length), size, u8(0), plain);
    };
    for (const body of [withSize, withoutSize]) {
      const packets = recorded.map(packet =>
        payloads.includes(packet) ? remade(packet, events.TRANSACTION_PAYLOAD_EVENT, body(plainOf(packet))) : packet,
      );
      expect(await dumpOf('mysql', 'compressed-transactions', packets)).toEqual(await dumpOf('mysql', 'compressed-transactions'));
    }
  });
});

describe('what servers write where something unusual happens', () => {
  const inserted = (id: string): object => ({ after: { id } });

  it.each(mysqlFlavors)('%s: the file of LOAD DATA stands in front of the statement, in blocks', async flavor => {
    const load = (table: string): string =>
      `LOAD DATA LOCAL INFILE 'lines' IGNORE INTO TABLE \`${table}\` FIELDS TERMINATED BY ',' ENCLOSED BY '' ` +
      `ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (\`id\`, @\`v\`) SET \`v\`= UPPER(@v)`;
    const { BEGIN_LOAD_QUERY_EVENT, APPEND_BLOCK_EVENT, EXECUTE_LOAD_QUERY_EVENT, DELETE_FILE_EVENT } = events;
    const types: unknown[] = [BEGIN_LOAD_QUERY_EVENT, APPEND_BLOCK_EVENT, EXECUTE_LOAD_QUERY_EVENT, DELETE_FILE_EVENT];
    const found = (await dumpOf(flavor, 'load-data')).filter(({ type }) => types.includes(type));
    expect(found.map(({ kind, type, text, schema }) => [kind, type, text, schema])).toEqual([
      ['statement_context', BEGIN_LOAD_QUERY_EVENT, undefined, undefined],
      ['query', EXECUTE_LOAD_QUERY_EVENT, load('l'), 'golden'],
      ['statement_context', BEGIN_LOAD_QUERY_EVENT, undefined, undefined],
      ['statement_context', APPEND_BLOCK_EVENT, undefined, undefined],
      ['query', EXECUTE_LOAD_QUERY_EVENT, load('m'), 'golden'],
      ['statement_context', BEGIN_LOAD_QUERY_EVENT, undefined, undefined],
      ['statement_context', DELETE_FILE_EVENT, undefined, undefined],
    ]);
  });

  it.each([
    ['mysql', 'heartbeat', events.HEARTBEAT_EVENT],
    ['mysql', 'heartbeat-2', events.HEARTBEAT_EVENT_V2],
    ['mariadb', 'heartbeat', events.HEARTBEAT_EVENT],
  ] as const)('%s: a heartbeat says where the log ends (%s)', async (flavor, name, type) => {
    const packets = recordedPackets(flavor, name);
    const end = (await dumpOf(flavor, name, packets.slice(0, -1))).at(-1);
    // straight behind the head of the file, so that the position can be its own only
    const alone = await dumpOf(flavor, name, [...packets.slice(0, 2), ...packets.slice(-1)]);
    expect(alone.at(-1)).toMatchObject({ kind: 'heartbeat', type, position: end?.['position'] });
    expect(end).toMatchObject({ kind: 'query', text: 'CREATE TABLE h (id int)' });
  });

  it('a heartbeat of version 2 needs no position in its header, which has no room for one beyond 4 GiB', async () => {
    const packets = recordedPackets('mysql', 'heartbeat-2');
    const heartbeat = packets.at(-1) ?? Buffer.alloc(0);
    const headless = remade(heartbeat, events.HEARTBEAT_EVENT_V2, bodyOf(heartbeat), 0);
    const alone = await dumpOf('mysql', 'heartbeat-2', [...packets.slice(0, 2), headless]);
    expect(alone.at(-1)?.['position']).toBe(heartbeat.readUInt32LE(13));
  });

  it('without GTIDs transactions have a beginning and no name', async () => {
    const gtids = (await dumpOf('mysql', 'anonymous')).filter(({ kind }) => kind === 'gtid');
    expect(gtids.map(({ type, flavor, gno, sequenceNumber }) => [type, flavor, gno, sequenceNumber])).toEqual([
      [events.ANONYMOUS_GTID_EVENT, 'anonymous', 0, 1],
      [events.ANONYMOUS_GTID_EVENT, 'anonymous', 0, 2],
      [events.ANONYMOUS_GTID_EVENT, 'anonymous', 0, 3],
    ]);
    expect(gtids[2]?.['originalCommitMicros']).toBe(1_500_000_000_123_456);
    expect(await storyOf('mysql', 'anonymous')).toEqual([
      'CREATE TABLE a (id int PRIMARY KEY)',
      ...['01000000', '02000000'].flatMap(id => ['BEGIN', ['insert', 'a', inserted(id)], 'commit']),
    ]);
  });

  it.each([
    ['mysql', 'Non-transactional changes were not written to the binlog.'],
    ['mariadb', 'error writing to the binary log'],
  ] as const)('%s: changes that the log has no room for leave an incident in it', async (flavor, message) => {
    const dump = await dumpOf(flavor, 'incident');
    const refused = dump.filter(({ kind }) => kind === 'refused');
    expect(refused).toEqual([
      expect.objectContaining({
        type: events.INCIDENT_EVENT,
        code: 'POSITION_LOST',
        detail: expect.stringContaining(`(incident 1: ${message})`) as unknown,
      }),
    ]);
    const rows = dump.filter(({ kind }) => kind === 'rows').map(({ rows: its }) => its);
    expect(rows).toEqual([[{ after: { id: '64000000', v: '010079' } }]]);
  });

  it.each(mysqlFlavors)('%s: a server that is shut down says so at the end of its file', async flavor => {
    const dump = await dumpOf(flavor, 'shutdown');
    const stop = dump.findIndex(({ kind }) => kind === 'stop');
    expect(dump[stop - 1]).toMatchObject({ kind: 'query', text: 'CREATE TABLE s (id int)' });
    expect(dump.slice(stop, stop + 3).map(({ type }) => type)).toEqual([
      events.STOP_EVENT,
      events.ROTATE_EVENT,
      events.FORMAT_DESCRIPTION_EVENT,
    ]);
    expect(dump[stop + 1]?.['file']).not.toBe(dump[0]?.['file']);
  });

  it.each([
    ['annotations', events.ANNOTATE_ROWS_EVENT, 'c'],
    ['encrypted', events.START_ENCRYPTION_EVENT, 'e'],
  ] as const)('mariadb: %s are passed over', async (name, type, table) => {
    expect((await dumpOf('mariadb', name)).filter(dumped => dumped['type'] === type)).toMatchObject([{ kind: 'ignored' }]);
    expect(await storyOf('mariadb', name)).toEqual([
      `CREATE TABLE ${table} (id int)`,
      ['insert', table, inserted('01000000')],
      'commit',
    ]);
  });
});
