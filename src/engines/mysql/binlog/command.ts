import { ConnectorError } from '../../../contract/errors.ts';

const COM_BINLOG_DUMP = 0x12;
const COM_REGISTER_SLAVE = 0x15;
const COM_BINLOG_DUMP_GTID = 0x1e;
const MAX_U32 = 0xffff_ffff;

/** The server ends the dump with an EOF packet where its log ends, instead of waiting for more. */
export const DUMP_NON_BLOCKING = 0x01;
/** MySQL 8.0.26 and later: heartbeats of version 2, with 64-bit positions. */
export const DUMP_HEARTBEAT_V2 = 0x02;
/** MariaDB gives the same bit another meaning: send the events that hold statements as comments. */
export const DUMP_ANNOTATE_ROWS = 0x02;

/**
 * COM_BINLOG_DUMP, without packet header: from a file and position on. MariaDB passes both over when
 * `@slave_connect_state` is set. Source: MySQL source documentation, "COM_BINLOG_DUMP". INVARIANT for a position beyond
 * 4 GiB, which the command has no room for: ask for the start of the file and pass over what comes before.
 */
export function binlogDump(request: {
  readonly file: string;
  readonly position: number;
  readonly serverId: number;
  readonly flags: number;
}): Buffer {
  if (request.position > MAX_U32)
    throw new ConnectorError('INVARIANT', `no dump can begin at byte ${request.position} of a file`);
  const name = Buffer.from(request.file);
  const packet = Buffer.alloc(11 + name.length);
  let at = packet.writeUInt8(COM_BINLOG_DUMP, 0);
  at = packet.writeUInt32LE(request.position, at);
  at = packet.writeUInt16LE(request.flags, at);
  at = packet.writeUInt32LE(request.serverId, at);
  name.copy(packet, at);
  return packet;
}

/**
 * COM_BINLOG_DUMP_GTID, without packet header: all transactions that `gtidSet` does not have, in the server's order.
 * `gtidSet` is the set as `GtidSet.encode` gives it; with tags only MySQL 8.3 and later understand it. MariaDB has no
 * such command. Source: MySQL source documentation, "COM_BINLOG_DUMP_GTID".
 */
export function binlogDumpGtid(request: {
  readonly gtidSet: Uint8Array;
  readonly serverId: number;
  readonly flags: number;
}): Buffer {
  const packet = Buffer.alloc(23 + request.gtidSet.length);
  let at = packet.writeUInt8(COM_BINLOG_DUMP_GTID, 0);
  at = packet.writeUInt16LE(request.flags, at);
  at = packet.writeUInt32LE(request.serverId, at);
  at = packet.writeUInt32LE(0, at); // length of a file name: the server finds the file
  at = packet.writeUInt32LE(4, at); // position in it, 64 bits
  at = packet.writeUInt32LE(0, at);
  at = packet.writeUInt32LE(request.gtidSet.length, at);
  packet.set(request.gtidSet, at);
  return packet;
}

/**
 * COM_REGISTER_SLAVE, without packet header: makes the reader appear in SHOW REPLICAS under this host and user. Names
 * longer than 60 bytes (host) and 16 (user) are cut: servers refuse them. Source: MySQL source documentation,
 * "COM_REGISTER_SLAVE".
 */
export function registerReplica(request: { readonly serverId: number; readonly host: string; readonly user: string }): Buffer {
  const host = Buffer.from(request.host).subarray(0, 60);
  const user = Buffer.from(request.user).subarray(0, 16);
  const packet = Buffer.alloc(18 + host.length + user.length);
  let at = packet.writeUInt8(COM_REGISTER_SLAVE, 0);
  at = packet.writeUInt32LE(request.serverId, at);
  at = packet.writeUInt8(host.length, at);
  at += host.copy(packet, at);
  at = packet.writeUInt8(user.length, at);
  at += user.copy(packet, at);
  at = packet.writeUInt8(0, at); // password
  at = packet.writeUInt16LE(0, at); // port
  at = packet.writeUInt32LE(0, at); // rank, not used
  packet.writeUInt32LE(0, at); // the source's id: the server knows it
  return packet;
}
