import type { Duplex } from 'node:stream';
import { ConnectorError } from '../../../contract/errors.ts';
import { ByteSource } from '../../../net/byte-source.ts';
import { toConnectorError } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import { TextRow } from './text-row.ts';

const COM_QUIT = 0x01;
const COM_QUERY = 0x03;
const OK = 0x00;
const END_OF_FILE = 0xfe;
/** An EOF packet is shorter; a row that begins with this byte is longer. */
const LONGEST_EOF = 9;
const ERROR = 0xff;
const LOCAL_INFILE = 0xfb;
/** In front of a number that takes the next two bytes. */
const TWO_BYTES = 0xfc;

/** Of mysql2's connection, what is needed to go on without it. Guarded by a test, since none of it is documented. */
export interface LoggedIn {
  readonly stream: Duplex;
  /** Whether CLIENT_QUERY_ATTRIBUTES was agreed on: COM_QUERY then has two more bytes. */
  readonly queryAttributes: boolean;
  /** The server's number of the connection. */
  readonly threadId: number;
}

/**
 * A connection on which we do the framing ourselves. mysql2 has logged in and is idle; from then on the socket is ours:
 * we pull packets when we want them, which is the whole of the back-pressure, and look at rows where they lie.
 *
 * Source of the format: MySQL source documentation, "Client/Server Protocol". Text protocol, without CLIENT_DEPRECATE_EOF
 * (mysql2 does not ask for it).
 */
export class RawConnection {
  readonly #socket: Duplex;
  readonly #source: ByteSource;
  readonly #packets: PacketReader;
  readonly #queryAttributes: boolean;
  /** What is being done, for errors. */
  what: string;
  /** By us. */
  closed = false;
  /** The running result, or dump, has come to its end. */
  done = true;
  /** How long the server may be silent over a statement before the connection counts as lost; 0: for ever. */
  quietMillis = 0;

  /** The server's number of the connection. */
  readonly threadId: number;

  /** `what` begins the sentence of an error: "Reading shop.orders". Aborting `signal` ends every wait with STOPPED. */
  constructor(connection: LoggedIn, what: string, signal: AbortSignal) {
    this.#socket = connection.stream;
    this.#queryAttributes = connection.queryAttributes;
    this.threadId = connection.threadId;
    this.#source = new ByteSource(connection.stream, signal);
    this.#packets = new PacketReader(this.#source);
    this.what = what;
  }

  /** Bytes that hold the packet found by `nextPacket`: borrowed until the next call of it, or of `fill`. */
  get bytes(): Buffer {
    return this.#packets.bytes;
  }
  get start(): number {
    return this.#packets.start;
  }
  get end(): number {
    return this.#packets.end;
  }
  /** Bytes are awaited right now. */
  get waiting(): boolean {
    return this.#source.waiting;
  }
  /** Bytes that were pulled so far. */
  get received(): number {
    return this.#source.received;
  }
  /** True when more can be had without waiting. */
  get readable(): boolean {
    return this.#source.readable;
  }

  /** One statement; its rows as text. */
  async query(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const columns = await this.beginQuery(sql);
    const rows: (string | null)[][] = [];
    const row = new TextRow(columns);
    while (!this.done) {
      while (this.nextPacket()) {
        row.split(this.bytes, this.start, this.end);
        rows.push([...row.starts].map((start, at) => (start < 0 ? null : this.bytes.toString('utf8', start, row.ends[at]))));
      }
      if (!this.done) await this.fill();
    }
    return rows;
  }

  /** Starts a statement and gives its number of columns (0: none, and `done`); rows are then taken with `nextPacket` until `done`. */
  async beginQuery(sql: string): Promise<number> {
    const text = Buffer.from(sql);
    this.#send(Buffer.concat([Buffer.from(this.#queryAttributes ? [COM_QUERY, 0, 1] : [COM_QUERY]), text]));
    await this.#packet();
    const { bytes, start } = this;
    const first = bytes[start];
    if (first === ERROR) throw this.#serverError();
    if (first === OK) {
      this.done = true;
      return 0;
    }
    if (first === undefined || first === LOCAL_INFILE || first > TWO_BYTES) {
      throw new ConnectorError('VALUE_UNREADABLE', `${this.what}: the answer begins with ${first}.`);
    }
    // Lenenc, of two bytes at most: no table or view has more than 4096 columns.
    const columns = first === TWO_BYTES ? bytes.readUInt16LE(start + 1) : first;
    for (let at = 0; at < columns; at++) await this.#packet(); // what they are is known already
    await this.#packet(); // EOF
    this.done = false;
    return columns;
  }

  /** Sends a command whose answer is a stream of packets that each begin with 0: a binlog dump. */
  beginDump(command: Buffer): void {
    this.#send(command);
    this.done = false;
  }

  /** Sends a command whose answer is one OK. */
  async command(command: Buffer): Promise<void> {
    this.#send(command);
    await this.#packet();
    if (this.bytes[this.start] === ERROR) throw this.#serverError();
  }

  /** Moves to the next row or event that has arrived whole. False: more bytes are needed (`fill`), or `done`. Throws what the server reports. */
  nextPacket(): boolean {
    const packets = this.#packets;
    if (this.done || !packets.next()) return false;
    const { bytes, start, end } = packets;
    const first = bytes[start];
    if (first === ERROR) {
      this.done = true;
      throw this.#serverError();
    }
    if (first === END_OF_FILE && end - start < LONGEST_EOF) {
      this.done = true;
      return false;
    }
    return true;
  }

  /** Waits for more bytes. Throws CONNECTION_LOST after `quietMillis` without any (0: waits for ever). */
  fill(quietMillis = this.quietMillis): Promise<void> {
    return this.#packets.fill(quietMillis);
  }

  /** Ends every wait, now and later, with this error. */
  fail(error: Error): void {
    this.#socket.destroy(error);
  }

  /** Says goodbye if that is possible, and drops the socket. */
  close(): void {
    this.closed = true;
    if (this.done && this.#socket.writable) {
      this.#send(Buffer.from([COM_QUIT]));
      this.#socket.end();
    } else this.#socket.destroy();
    this.#source.close();
  }

  #send(payload: Buffer): void {
    const header = Buffer.alloc(4);
    header.writeUIntLE(payload.length, 0, 3);
    this.#socket.write(Buffer.concat([header, payload]));
  }

  async #packet(): Promise<void> {
    while (!this.#packets.next()) await this.#packets.fill(this.quietMillis);
  }

  /** ERR_Packet: 0xff, code, `#` and five characters of SQLSTATE, message. */
  #serverError(): ConnectorError {
    const { bytes, start, end } = this;
    const errno = bytes.readUInt16LE(start + 1);
    const marked = bytes[start + 3] === 0x23;
    const sqlState = marked ? bytes.toString('latin1', start + 4, start + 9) : 'HY000';
    const message = bytes.toString('utf8', start + (marked ? 9 : 3), end);
    return toConnectorError({ errno, sqlState, sqlMessage: message }, this.what);
  }
}
