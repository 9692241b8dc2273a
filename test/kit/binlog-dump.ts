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
  readonly file?: string;
  readonly position?: number;
  /** `NONE`: the server takes the checksums off. */
  readonly checksum?: 'CRC32' | 'NONE';
  readonly flags?: number;
  /** Instead of file and position: another dump command. */
  readonly command?: Buffer;
  /** Sent before it, answered by OK. */
  readonly before?: Buffer;
  /** Statements for the session before the dump. */
  readonly session?: readonly string[];
  /** Waits for more events at the end of the log, until this says of one that it is the last to be read. */
  readonly until?: (event: Buffer) => boolean | Promise<boolean>;
}

/** Sends a command; `take` gets each packet of the answer and says whether more are to come. */
const exchange = (core: Core, body: Buffer, take: (packet: Packet) => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    const bytes = Buffer.concat([Buffer.alloc(4), body]);
    const send = (): void => {
      core._resetSequenceId();
      core.writePacket({
        buffer: bytes,
        length: () => bytes.length,
        writeHeader: (sequence: number) => {
          bytes.writeUIntLE(body.length, 0, 3);
          bytes[3] = sequence;
        },
      });
    };
    core.addCommand({
      onResult: (error: Error | null): void => (error === null ? resolve() : reject(error)),
      execute(packet: Packet | undefined): boolean {
        if (packet === undefined) {
          send();
          return false;
        }
        if (packet.isError()) reject(packet.asError('utf8'));
        else if (!packet.isEOF() && take(packet)) return false;
        resolve();
        return true;
      },
    });
  });

/** The events that the server sends from there to the end of its log, as it sends them, without the packets' OK byte. */
export const dumpEvents = async (server: MysqlServer, request: DumpRequest): Promise<Buffer[]> => {
  const client = await server.client();
  try {
    const checksum = request.checksum ?? 'CRC32';
    await client.query(`SET @source_binlog_checksum = '${checksum}', @master_binlog_checksum = '${checksum}'`);
    if (server.flavor === 'mariadb') await client.query('SET @mariadb_slave_capability = 4');
    for (const statement of request.session ?? []) await client.query(statement);
    const { connection: core } = client as unknown as { readonly connection: Core };
    if (request.before !== undefined) await exchange(core, request.before, () => false);
    const serverId = 1_000_000 + Math.floor(Math.random() * 1_000_000_000);
    const flags = (request.until === undefined ? DUMP_NON_BLOCKING : 0) | (request.flags ?? 0);
    const { file = '', position = 4, until } = request;
    const events: Buffer[] = [];
    let over = false;
    await new Promise<void>((resolve, reject) => {
      const take = (packet: Packet): boolean => {
        if (over) return false;
        const event = Buffer.from(packet.buffer.subarray(packet.offset + 1, packet.end));
        events.push(event);
        if (until !== undefined) {
          Promise.resolve(until(event)).then(isLast => {
            over ||= isLast;
            if (isLast) resolve(); // the connection is closed under the command
          }, reject);
        }
        return true;
      };
      const command = request.command ?? binlogDump({ file, position, serverId, flags });
      exchange(core, command, take).then(resolve, error => (over ? resolve() : reject(error)));
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
