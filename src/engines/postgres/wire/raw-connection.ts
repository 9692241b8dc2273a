import type { Duplex } from 'node:stream';
import type { Client } from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { ByteSource } from '../../../net/byte-source.ts';
import { toConnectorError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';

const QUERY = 0x51; // Q
const COPY_DATA = 0x64; // d
const COPY_DONE = 0x63; // c
const COPY_OUT_RESPONSE = 0x48; // H
const COPY_BOTH_RESPONSE = 0x57; // W
const COMMAND_COMPLETE = 0x43; // C
const DATA_ROW = 0x44; // D
const ERROR_RESPONSE = 0x45; // E
const READY_FOR_QUERY = 0x5a; // Z

const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4]);
const COPY_DONE_MESSAGE = Buffer.from([COPY_DONE, 0, 0, 0, 4]);

/**
 * A connection on which we do the framing ourselves. `pg` has logged in and is idle; from then on the socket is ours: we
 * pull bytes when we want them, which is the whole of the back-pressure, and look at rows where they lie.
 *
 * Source of the format: PostgreSQL manual, "Message Formats" of protocol 3.0. Only the simple query protocol is used.
 */
export class RawConnection {
  readonly #socket: Duplex;
  readonly #source: ByteSource;
  readonly #frames: FrameReader;
  /** What is being done, for errors. */
  what: string;
  /** How long the server may be silent while something is awaited, in milliseconds; 0: for ever. Then CONNECTION_LOST. */
  quietMillis = 0;
  /** The running COPY has come to its end. */
  copyDone = true;
  /** By us. */
  closed = false;
  /** The server process at the other end. */
  readonly pid: number;

  /** `what` begins the sentence of an error: "Reading public.orders". Aborting `signal` ends every wait with STOPPED. */
  constructor(client: Client, what: string, signal: AbortSignal) {
    // pg keeps the socket (TLS included) in `connection.stream`, and listens on it; its parser must not see another byte.
    const socket = (client as unknown as { connection: { stream: Duplex } }).connection.stream;
    client.on('error', () => {});
    this.pid = (client as unknown as { processID: number }).processID;
    this.#socket = socket;
    this.#source = new ByteSource(socket, signal);
    this.#frames = new FrameReader(this.#source);
    this.what = what;
  }

  /** Bytes that hold the row found by `nextCopyData`: borrowed until the next call of it, or of `fill`. */
  get bytes(): Buffer {
    return this.#frames.bytes;
  }
  get start(): number {
    return this.#frames.start;
  }
  get end(): number {
    return this.#frames.end;
  }

  /** Runs statements of which none returns data by COPY. The rows of the last one that returns any, as text. */
  async query(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    this.#send(sql);
    const rows: (string | null)[][] = [];
    let failure: ConnectorError | null = null;
    for (;;) {
      const type = await this.#next();
      if (type === DATA_ROW) rows.push(this.#textRow());
      else if (type === ERROR_RESPONSE) failure = this.#serverError();
      else if (type === READY_FOR_QUERY) break;
    }
    if (failure !== null) throw failure;
    return rows;
  }

  /** Starts `COPY … TO STDOUT`, perhaps among other statements that give no rows; `nextCopyData` takes the rows until `copyDone`. */
  async beginCopy(sql: string): Promise<void> {
    await this.#begin(sql, COPY_OUT_RESPONSE);
  }

  /** Passes over what is left of a COPY that the server has reported an error in: then the connection can be used again. */
  async settle(): Promise<void> {
    while (!this.copyDone) if ((await this.#next()) === READY_FOR_QUERY) this.copyDone = true;
  }

  /** Starts replication; messages are then taken with `nextCopyData`. */
  async beginReplication(sql: string): Promise<void> {
    await this.#begin(sql, COPY_BOTH_RESPONSE);
  }

  /**
   * Moves to the next CopyData that has arrived whole. False: more bytes are needed (`fill`), or `copyDone`.
   * Throws what the server reports.
   */
  nextCopyData(): boolean {
    const frames = this.#frames;
    while (frames.next()) {
      if (frames.type === COPY_DATA) return true;
      if (frames.type === ERROR_RESPONSE) throw this.#serverError();
      if (frames.type === READY_FOR_QUERY) {
        this.copyDone = true;
        return false;
      }
    }
    return false;
  }

  /** Waits for more bytes. */
  fill(): Promise<void> {
    return this.#frames.fill(this.quietMillis);
  }

  /** Bytes are awaited right now. */
  get waiting(): boolean {
    return this.#source.waiting;
  }

  /** Bytes that were pulled so far. */
  get received(): number {
    return this.#source.received;
  }

  /** Ends every wait, now and later, with this error. */
  fail(error: Error): void {
    this.#socket.destroy(error);
  }

  /** True when bytes wait in the socket, so that `fill` would not have to wait. */
  get readable(): boolean {
    return this.#source.readable;
  }

  /** Sends one CopyData towards the server. */
  sendCopyData(payload: Buffer): void {
    const message = Buffer.allocUnsafe(payload.length + 5);
    message[0] = COPY_DATA;
    message.writeUInt32BE(payload.length + 4, 1);
    payload.copy(message, 5);
    this.#socket.write(message);
  }

  /** Ends replication in an orderly way: the slot is free when this resolves. Bytes still on their way are dropped. */
  async endReplication(quietMillis: number): Promise<void> {
    this.quietMillis = quietMillis;
    this.#socket.write(COPY_DONE_MESSAGE);
    while (!this.copyDone) if (!this.#skipCopyData() && !this.copyDone) await this.fill();
  }

  /** Says goodbye if that is possible, and drops the socket. */
  close(): void {
    this.closed = true;
    if (this.copyDone && this.#socket.writable) this.#socket.end(TERMINATE);
    else this.#socket.destroy();
    this.#source.close();
  }

  #skipCopyData(): boolean {
    let any = false;
    while (this.nextCopyData()) any = true;
    return any;
  }

  async #begin(sql: string, expected: number): Promise<void> {
    this.#send(sql);
    let failure: ConnectorError | null = null;
    for (;;) {
      const type = await this.#next();
      if (type === expected) break;
      if (type === ERROR_RESPONSE) failure = this.#serverError();
      if (type === COMMAND_COMPLETE) failure ??= new ConnectorError('INVARIANT', `no COPY was started by: ${sql}`);
      if (type === READY_FOR_QUERY) throw failure ?? new ConnectorError('INVARIANT', `no COPY was started by: ${sql}`);
    }
    this.copyDone = false;
  }

  #send(sql: string): void {
    const text = Buffer.from(sql);
    const message = Buffer.alloc(text.length + 6);
    message[0] = QUERY;
    message.writeUInt32BE(text.length + 5, 1);
    text.copy(message, 5);
    this.#socket.write(message);
  }

  async #next(): Promise<number> {
    while (!this.#frames.next()) await this.fill();
    return this.#frames.type;
  }

  /** ErrorResponse: fields of one letter and a C string each (manual, "Error and Notice Message Fields"). */
  #serverError(): ConnectorError {
    const { bytes, start, end } = this;
    const fields = new Map<string, string>();
    let at = start;
    while (at < end && bytes[at] !== 0) {
      const stop = bytes.indexOf(0, at + 1);
      if (stop < 0 || stop >= end) break;
      fields.set(String.fromCharCode(bytes[at] ?? 0), bytes.toString('utf8', at + 1, stop));
      at = stop + 1;
    }
    const error = {
      severity: fields.get('V') ?? fields.get('S') ?? 'ERROR',
      code: fields.get('C') ?? 'XX000',
      message: fields.get('M') ?? 'no message',
      detail: fields.get('D'),
      hint: fields.get('H'),
      where: fields.get('W'),
    };
    return toConnectorError(error, this.what);
  }

  #textRow(): (string | null)[] {
    const { bytes, start } = this;
    const count = bytes.readUInt16BE(start);
    const row: (string | null)[] = [];
    let at = start + 2;
    for (let i = 0; i < count; i++) {
      const length = bytes.readInt32BE(at);
      at += 4;
      row.push(length < 0 ? null : bytes.toString('utf8', at, at + length));
      if (length > 0) at += length;
    }
    return row;
  }
}
