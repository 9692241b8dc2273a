import { randomUUID } from 'node:crypto';
import { ConnectorError } from '../../../contract/errors.ts';
import { binlogDump, binlogDumpGtid, DUMP_HEARTBEAT_V2 } from '../binlog/command.ts';
import { BinlogDecoder } from '../binlog/decoder.ts';
import { FIRST_POSITION } from '../binlog/events.ts';
import type { MysqlPosition } from '../position.ts';
import type { ServerFacts } from '../server.ts';
import { quoteLiteral } from '../sql.ts';
import type { RawConnection } from '../wire/raw-connection.ts';

/** How often an idle server says that it is there. */
const HEARTBEAT_SECONDS = 1;
/** The server may be silent that long before the connection counts as lost. */
const QUIET_MILLIS = 30_000;
/** MySQL knows heartbeats with 64-bit positions from here on. */
const HEARTBEAT_V2_SINCE = 8_00_26;
const MAX_U32 = 0xffff_ffff;

/** The events of the log as they come, from a position on. */
export class Dump {
  readonly decoder: BinlogDecoder;
  readonly #connection: RawConnection;

  private constructor(connection: RawConnection, decoder: BinlogDecoder) {
    this.#connection = connection;
    this.decoder = decoder;
  }

  /** Turns a fresh connection into a dump. `serverId` must not be that of another reader or replica. */
  static async start(
    connection: RawConnection,
    request: { readonly from: MysqlPosition; readonly serverId: number; readonly server: ServerFacts },
  ): Promise<Dump> {
    const { from, serverId, server } = request;
    const { flavor } = server;
    const nanoseconds = HEARTBEAT_SECONDS * 1e9;
    const id = randomUUID();
    // Old and new names; a server passes over those that it does not know.
    const variables = [
      '@master_binlog_checksum = @@global.binlog_checksum',
      '@source_binlog_checksum = @@global.binlog_checksum',
      `@master_heartbeat_period = ${nanoseconds}`,
      `@source_heartbeat_period = ${nanoseconds}`,
      `@slave_uuid = '${id}'`,
      `@replica_uuid = '${id}'`,
    ];
    if (flavor === 'mariadb') {
      // 4: GTID events as they are.
      variables.push('@mariadb_slave_capability = 4', '@slave_gtid_ignore_duplicates = 0');
      // Strict: a number that this log lacks, between others that it has, is an error, and not passed over.
      variables.push(`@slave_gtid_strict_mode = ${from.kind === 'gtid_list' ? 1 : 0}`);
      if (from.kind === 'gtid_list') variables.push(`@slave_connect_state = ${quoteLiteral(from.list.toString())}`);
    }
    connection.quietMillis = QUIET_MILLIS;
    await connection.query(`SET ${variables.join(', ')}`);
    const [row] = await connection.query('SELECT @@global.binlog_checksum');
    connection.beginDump(command(from, serverId, server));
    return new Dump(connection, new BinlogDecoder({ flavor, hasChecksums: row?.[0] !== 'NONE' }));
  }

  get bytes(): Buffer {
    return this.#connection.bytes;
  }
  /** The event in `bytes`, without the OK byte in front of it. */
  get start(): number {
    return this.#connection.start + 1;
  }
  get end(): number {
    return this.#connection.end;
  }

  /** Moves to the next packet if all of it has arrived. Throws what the server reports. */
  next(): boolean {
    const connection = this.#connection;
    if (connection.nextPacket()) {
      if (connection.bytes[connection.start] === 0) return true;
      throw new ConnectorError(
        'VALUE_UNREADABLE',
        `${connection.what}: a packet begins with ${connection.bytes[connection.start]}.`,
      );
    }
    if (connection.done) throw new ConnectorError('CONNECTION_LOST', `${connection.what}: the server ended the dump.`);
    return false;
  }

  fill(): Promise<void> {
    return this.#connection.fill();
  }

  close(): void {
    this.#connection.close();
  }
}

/** Where a dump begins: in the files of the server that wrote them by the place, which is exact; elsewhere by what GTIDs say. */
export const startOf = (from: MysqlPosition, server: string): MysqlPosition =>
  from.kind === 'gtid_list' && from.at?.server === server ? { kind: 'file', ...from.at } : from;

function command(from: MysqlPosition, serverId: number, { flavor, version }: ServerFacts): Buffer {
  const flags = flavor === 'mysql' && version >= HEARTBEAT_V2_SINCE ? DUMP_HEARTBEAT_V2 : 0;
  if (from.kind === 'gtid_set') return binlogDumpGtid({ gtidSet: from.set.encode(), serverId, flags });
  if (from.kind === 'gtid_list') return binlogDump({ file: '', position: FIRST_POSITION, serverId, flags });
  // The command has no room for more than 32 bits: from the start of the file then, and what is known is passed over.
  const position = from.pos > MAX_U32 ? FIRST_POSITION : from.pos;
  return binlogDump({ file: from.file, position, serverId, flags });
}
