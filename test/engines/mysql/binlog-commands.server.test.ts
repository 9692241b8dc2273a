import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  binlogDumpGtid,
  DUMP_HEARTBEAT_V2,
  DUMP_NON_BLOCKING,
  registerReplica,
} from '../../../src/engines/mysql/binlog/command.ts';
import { BinlogDecoder } from '../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../src/engines/mysql/binlog/events.ts';
import { GtidSet } from '../../../src/engines/mysql/gtid-set.ts';
import { dumpEvents, freshLog } from '../../kit/binlog-dump.ts';
import { describeMysql } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, startMysql } from '../../kit/servers/mysql.ts';

describeMysql(flavor => {
  let server: OwnMysqlServer;
  beforeAll(async () => {
    server = await startMysql({ flavor });
  });
  afterAll(() => server.stop());

  /** What `pick` finds in the events, read by a decoder that was told what was agreed on. */
  const read = async <T>(
    packets: readonly Buffer[],
    pick: (decoder: BinlogDecoder) => T | null,
    hasChecksums = true,
  ): Promise<T[]> => {
    const decoder = new BinlogDecoder({ flavor, hasChecksums });
    const found: T[] = [];
    for (const packet of packets) {
      await decoder.open(packet, 0, packet.length);
      while (decoder.next() !== events.END) {
        const picked = pick(decoder);
        if (picked !== null) found.push(picked);
      }
    }
    return found;
  };
  const gtids = ({ kind, gtid }: BinlogDecoder): string | null => {
    if (kind !== events.GTID) return null;
    if (gtid.flavor === 'mariadb') return `${gtid.domainId}-${gtid.serverId}-${gtid.gno}`;
    return gtid.tag === '' ? `${gtid.sid}:${gtid.gno}` : `${gtid.sid}:${gtid.tag}:${gtid.gno}`;
  };

  it('asks for just the transactions that it does not have', async () => {
    const database = await server.createDatabase();
    await freshLog(server);
    const client = await server.client(database);
    await client.query('CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT)');
    if (flavor === 'mysql') {
      const before = String((await server.query(undefined, 'SELECT @@global.gtid_executed AS g'))[0]?.['g']);
      const [a, b] = ['aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee', 'bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee'];
      const names = [`${a}:1`, `${a}:2`, `${a}:4`, `${a}:9`, `${a}:red:1`, `${a}:red:2`, `${b}:7`];
      for (const name of names)
        await client.query(`SET gtid_next = '${name}'; INSERT INTO t VALUES (); SET gtid_next = AUTOMATIC`);
      const cases: (readonly [known: string, wanted: readonly string[]])[] = [
        ['', names],
        [`,${a}:2-8`, [`${a}:1`, `${a}:9`, `${a}:red:1`, `${a}:red:2`, `${b}:7`]],
        [`,${a}:1:9:red:1`, [`${a}:2`, `${a}:4`, `${a}:red:2`, `${b}:7`]],
        [`,${names.join(',')}`, []],
      ];
      for (const [known, wanted] of cases) {
        const set = GtidSet.parse(`${before}${known}`);
        if (!(set instanceof GtidSet)) throw new Error(`${before}${known} is no GTID set`);
        const command = binlogDumpGtid({ gtidSet: set.encode(), serverId: 77, flags: DUMP_NON_BLOCKING });
        expect(await read(await dumpEvents(server, { command }), gtids)).toEqual(wanted);
      }
    } else {
      for (const domain of [5, 5, 6]) await client.query(`SET gtid_domain_id = ${domain}; INSERT INTO t VALUES ()`);
      const [{ id, here } = {}] = await server.query(
        undefined,
        "SELECT @@server_id AS id, REGEXP_REPLACE(@@gtid_binlog_pos, ',?[56]-[0-9]+-[0-9]+', '') AS here",
      );
      const session = [`SET @slave_connect_state = '${String(here)},5-${String(id)}-1'`, 'SET @slave_gtid_strict_mode = 1'];
      expect(await read(await dumpEvents(server, { session }), gtids)).toEqual([`5-${String(id)}-2`, `6-${String(id)}-1`]);
    }
    await client.end();
    await server.dropDatabase(database);
  });

  it('hears where an idle server stands', async () => {
    const { file, position } = await server.logEnd();
    const session = ['SET @source_heartbeat_period = 50000000, @master_heartbeat_period = 50000000'];
    const versions =
      flavor === 'mysql'
        ? [
            [0, events.HEARTBEAT_EVENT],
            [DUMP_HEARTBEAT_V2, events.HEARTBEAT_EVENT_V2],
          ]
        : [[0, events.HEARTBEAT_EVENT]];
    for (const [flags, type] of versions) {
      const packets = await dumpEvents(server, { file, session, flags: flags ?? 0, until: event => event[4] === type });
      const found = await read(packets, decoder =>
        decoder.kind === events.HEARTBEAT ? [decoder.type, decoder.file, decoder.position] : null,
      );
      expect(found).toContainEqual([type, file, position]);
    }
  });

  it('is listed among the replicas', async () => {
    const { file } = await server.logEnd();
    const before = registerReplica({ serverId: 4711, host: 'tributary.example', user: 'reader' });
    let listed: Record<string, unknown>[] = [];
    await dumpEvents(server, {
      file,
      before,
      until: async event => {
        if (event[4] !== events.FORMAT_DESCRIPTION_EVENT) return false;
        listed = await server.query(undefined, flavor === 'mysql' ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS');
        return true;
      },
    });
    expect(listed.map(row => [row['Server_Id'] ?? row['Server_id'], row['Host']])).toContainEqual([4711, 'tributary.example']);
  });

  it('reads on when the checksums of the log change', async () => {
    const database = await server.createDatabase();
    const file = await freshLog(server);
    const wanted: string[] = [];
    for (const checksum of ['NONE', 'CRC32', 'NONE', 'CRC32']) {
      await server.query(undefined, `SET GLOBAL binlog_checksum = ${checksum}`);
      await server.query(database, `CREATE TABLE c${wanted.length} (id int)`);
      wanted.push(`CREATE TABLE c${wanted.length} (id int)`);
    }
    const text = (decoder: BinlogDecoder): string | null =>
      decoder.kind === events.QUERY && decoder.query.text().startsWith('CREATE') ? decoder.query.text() : null;
    expect(await read(await dumpEvents(server, { file }), text)).toEqual(wanted);
    await server.dropDatabase(database);
  });
});
