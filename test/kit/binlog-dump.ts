import { binlogDump, DUMP_NON_BLOCKING } from '../../src/engines/mysql/binlog/command.ts';
import type { MysqlServer } from './servers/mysql.ts';

/** Of mysql2's packet and connection, what a command of one's own needs. */
interface Packet {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly end: number;
  isError(): boolean;
  asError(encoding: string): Error;
  isEOF(): boolean;
}
interface Core {
  addCommand(command: object): void;
  writePacket(packet: object): void;
  _resetSequenceId(): void;
}

export interface DumpRequest {
  readonly file: string;
  readonly position?: number;
  /** `NONE`: the server takes the checksums off. */
  readonly checksum?: 'CRC32' | 'NONE';
  readonly flags?: number;
  /** Instead of file and position: the bytes of another dump command. */
  readonly command?: Buffer;
  /** Statements for the session before the dump. */
  readonly session?: readonly string[];
}

/** The events that the server sends from there to the end of its log, as it sends them, without the packets' OK byte. */
export const dumpEvents = async (server: MysqlServer, request: DumpRequest): Promise<Buffer[]> => {
  const client = await server.client();
  try {
    await client.query(
      `SET @source_binlog_checksum='${request.checksum ?? 'CRC32'}', @master_binlog_checksum='${request.checksum ?? 'CRC32'}'`,
    );
    if (server.flavor === 'mariadb') await client.query('SET @mariadb_slave_capability=4');
    for (const statement of request.session ?? []) await client.query(statement);
    const serverId = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
    const flags = DUMP_NON_BLOCKING | (request.flags ?? 0);
    const body = request.command ?? binlogDump({ file: request.file, position: request.position ?? 4, serverId, flags });
    const bytes = Buffer.concat([Buffer.alloc(4), body]);
    const events: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      const command = {
        onResult: (error: Error | null): void => (error === null ? resolve() : reject(error)),
        execute(packet: Packet | undefined, core: Core): boolean {
          if (packet === undefined) {
            core._resetSequenceId();
            core.writePacket({
              buffer: bytes,
              length: () => bytes.length,
              writeHeader: (sequence: number) => {
                bytes.writeUIntLE(body.length, 0, 3);
                bytes[3] = sequence;
              },
            });
            return false;
          }
          if (packet.isError()) reject(packet.asError('utf8'));
          else if (packet.isEOF()) resolve();
          else {
            events.push(Buffer.from(packet.buffer.subarray(packet.offset + 1, packet.end)));
            return false;
          }
          return true;
        },
      };
      (client as unknown as { connection: Core }).connection.addCommand(command);
    });
    return events;
  } finally {
    client.destroy();
  }
};

/** Starts a new file and returns its name: what happens from now on stands in it. */
export const freshLog = async (server: MysqlServer): Promise<string> => {
  await server.query(undefined, 'FLUSH BINARY LOGS');
  const files = await server.query(undefined, 'SHOW BINARY LOGS');
  return String(files.at(-1)?.['Log_name']);
};
