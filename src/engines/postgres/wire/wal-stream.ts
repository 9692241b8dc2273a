import type { Client } from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { serverError } from './errors.ts';
import { RawConnection } from './raw-connection.ts';

const XLOG_DATA = 0x77; // w: WAL start, WAL end, server time (8 bytes each), then the plugin's message
const XLOG_DATA_HEADER = 25;
const KEEPALIVE = 0x6b; // k: WAL end, server time, one byte that asks for a reply
const KEEPALIVE_LENGTH = 18;
const STATUS_UPDATE = 0x72; // r: written, flushed, applied LSN and our time (8 bytes each), one byte that asks for an answer
const STATUS_LENGTH = 34;
const POSTGRES_EPOCH_MILLIS = 946_684_800_000;

/** Often enough that an idle server tells us how far it is without delay. */
const POKE_MILLIS = 100;
/** The server's own advice: report at least every ten seconds, and well within wal_sender_timeout. */
const REPORT_MILLIS = 10_000;
const QUIET_WITHOUT_TIMEOUT_MILLIS = 120_000;
/** How long a server may take to give the slot back before we just hang up. */
const GOODBYE_MILLIS = 2_000;
const QUIET_AT_LEAST_MILLIS = 6_000;

/** What `next` found. */
export const NOTHING = 0;
export const PLUGIN_MESSAGE = 1;
export const SERVER_KEEPALIVE = 2;

export interface WalStreamOptions {
  readonly slot: string;
  readonly publication: string;
  /** LSN to start from: transactions whose commit record lies before it are left out. */
  readonly from: number;
  /** LSN up to which the server may forget: never more than what came back in a state. */
  readonly confirmed: number;
  /** Server setting, 0 when off. */
  readonly walSenderTimeoutMillis: number;
}

/**
 * The stream of a logical replication slot. Source of the format: PostgreSQL manual, "Streaming Replication Protocol".
 *
 * Status goes out on a timer, also while nobody reads here because stdout is blocked: the server would otherwise take us
 * for dead. One LSN is confirmed, once, at the beginning; nothing that is merely printed is ever confirmed. From then on
 * nothing is said of what is flushed: a walsender that has said so lately may be chosen as the synchronous standby where
 * `synchronous_standby_names` is `*`, and then the commits of others would wait for us (syncrep.c leaves out those without
 * a valid flush position).
 */
export class WalStream {
  /** Where the plugin's message lies: borrowed until the next `next` or `fill`. */
  start = 0;
  end = 0;
  /** How far the server has decoded, as it last said. */
  walEnd = 0;

  readonly #connection: RawConnection;
  readonly #confirmed: Buffer;
  readonly #reportMillis: number;
  readonly #timer: NodeJS.Timeout;
  #waiting = false;
  #reported = 0;

  private constructor(connection: RawConnection, options: WalStreamOptions) {
    const timeout = options.walSenderTimeoutMillis;
    this.#connection = connection;
    this.#confirmed = Buffer.alloc(8);
    this.#confirmed.writeBigUInt64BE(BigInt(options.confirmed));
    connection.quietMillis = timeout === 0 ? QUIET_WITHOUT_TIMEOUT_MILLIS : Math.max(2 * timeout, QUIET_AT_LEAST_MILLIS);
    this.#reportMillis = timeout === 0 ? REPORT_MILLIS : Math.min(REPORT_MILLIS, timeout / 3);
    this.#confirm();
    this.#report(true);
    this.#timer = setInterval(() => this.#onTimer(), POKE_MILLIS);
  }

  /** `client` is logged in with `replication: database`; it belongs to the stream from now on. */
  static async start(client: Client, options: WalStreamOptions, signal: AbortSignal): Promise<WalStream> {
    const connection = new RawConnection(client, `Reading the replication slot "${options.slot}"`, signal);
    const name = options.publication.replaceAll('"', '""').replaceAll("'", "''");
    try {
      await connection.beginReplication(
        `START_REPLICATION SLOT "${options.slot}" LOGICAL ${lsnText(options.from)} (proto_version '1', publication_names '"${name}"')`,
      );
    } catch (error) {
      connection.close();
      throw asLost(error);
    }
    return new WalStream(connection, options);
  }

  get bytes(): Buffer {
    return this.#connection.bytes;
  }

  /** True when more can be had without waiting for the server. */
  get readable(): boolean {
    return this.#connection.readable;
  }

  next(): typeof NOTHING | typeof PLUGIN_MESSAGE | typeof SERVER_KEEPALIVE {
    const connection = this.#connection;
    if (!this.#nextCopyData()) {
      if (connection.copyDone) throw new ConnectorError('CONNECTION_LOST', 'The server ended the replication stream.');
      return NOTHING;
    }
    const { bytes, start, end } = connection;
    const kind = bytes[start]!;
    if (kind === XLOG_DATA && end - start > XLOG_DATA_HEADER) {
      this.start = start + XLOG_DATA_HEADER;
      this.end = end;
      return PLUGIN_MESSAGE;
    }
    if (kind === KEEPALIVE && end - start === KEEPALIVE_LENGTH) {
      this.walEnd = bytes.readUInt32BE(start + 1) * 4_294_967_296 + bytes.readUInt32BE(start + 5);
      if (bytes[end - 1] === 1) this.#answer(bytes, start + 1);
      return SERVER_KEEPALIVE;
    }
    throw new ConnectorError(
      'VALUE_UNREADABLE',
      `the replication stream brought a message of type ${kind} with ${end - start} bytes.`,
    );
  }

  /** Waits for more; while it waits, the server is asked how far it is. */
  async fill(): Promise<void> {
    this.#waiting = true;
    try {
      await this.#connection.fill();
    } finally {
      this.#waiting = false;
    }
  }

  /** Leaves; with `orderly` the slot is free when it resolves. */
  async close(orderly: boolean): Promise<void> {
    clearInterval(this.#timer);
    if (orderly) {
      this.#report(false);
      await this.#connection.endReplication(GOODBYE_MILLIS).catch(() => {});
    }
    this.#connection.close();
  }

  #nextCopyData(): boolean {
    try {
      return this.#connection.nextCopyData();
    } catch (error) {
      throw asLost(error);
    }
  }

  #onTimer(): void {
    if (this.#waiting) this.#report(true);
    else if (Date.now() - this.#reported >= this.#reportMillis) this.#report(false);
  }

  /** Standby status update: written, flushed and applied are all the confirmed LSN. */
  #confirm(): void {
    const message = Buffer.alloc(STATUS_LENGTH);
    for (const at of [1, 9, 17]) this.#confirmed.copy(message, at);
    this.#send(message, false);
  }

  /** We are there. `ask`: the server is to answer. */
  #report(ask: boolean): void {
    const message = Buffer.alloc(STATUS_LENGTH);
    this.#confirmed.copy(message, 1);
    this.#send(message, ask);
  }

  /**
   * The answer to a server that asks: we have received all that it sent, up to the LSN at `at`. Nothing is said of what is
   * flushed (0/0), so nothing is confirmed; but a server that wants to shut down need not wait for us any longer.
   */
  #answer(bytes: Buffer, at: number): void {
    const message = Buffer.alloc(STATUS_LENGTH);
    bytes.copy(message, 1, at, at + 8);
    this.#send(message, false);
  }

  #send(message: Buffer, ask: boolean): void {
    this.#reported = Date.now();
    message[0] = STATUS_UPDATE;
    message.writeBigInt64BE(BigInt(this.#reported - POSTGRES_EPOCH_MILLIS) * 1000n, 25);
    message[33] = ask ? 1 : 0;
    this.#connection.sendCopyData(message);
  }
}

/**
 * What the server says when it can no longer decode from where we are: no such slot or publication (as of the change
 * that it decodes), the slot invalidated, its WAL removed.
 */
const LOST = new Set(['42704', '55000', '58P01']);

function asLost(error: unknown): unknown {
  if (!(error instanceof ConnectorError)) return error;
  const code = serverError(error.cause)?.code ?? '';
  return LOST.has(code) ? new ConnectorError('POSITION_LOST', error.detail, { cause: error.cause }) : error;
}

/** `16/B374D848`, as the server writes LSNs. */
export function lsnText(lsn: number): string {
  return `${Math.floor(lsn / 4_294_967_296)
    .toString(16)
    .toUpperCase()}/${(lsn % 4_294_967_296).toString(16).toUpperCase()}`;
}
