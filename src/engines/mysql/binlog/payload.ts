import type { ZSTDDecoder } from 'zstddec/stream';
import { ConnectorError } from '../../../contract/errors.ts';
import type { EventCursor } from './event-cursor.ts';
import { HEADER_LENGTH, MAX_EVENT_LENGTH, TRANSACTION_PAYLOAD_EVENT } from './events.ts';

// Fields in front of the payload (`Transaction_payload_event`, `codecs/binary.cpp`)
const HEADER_END = 0;
const PAYLOAD_SIZE = 1;
const COMPRESSION_TYPE = 2;
const UNCOMPRESSED_SIZE = 3;

const ZSTD = 0;
const NONE = 255;

/** Compressed bytes handed to the decompressor at once. */
const PIECE = 64 * 1024;
/** No piece needs as many steps without a byte out of them: the stream is broken. */
const IDLE_STEPS = 8;

let decoder: ZSTDDecoder | null = null;

/** Whether `loadZstd` has been awaited once in this process. */
export function hasZstd(): boolean {
  return decoder !== null;
}

/** Loads and compiles the decompressor. Only who meets a compressed transaction needs it. */
export async function loadZstd(): Promise<void> {
  const { ZSTDDecoder } = await import('zstddec/stream');
  const made = new ZSTDDecoder();
  await made.init();
  decoder = made;
}

function* pieces(bytes: Uint8Array, start: number, end: number): Generator<Uint8Array> {
  for (let at = start; at < end; at += PIECE) yield bytes.subarray(at, Math.min(at + PIECE, end));
}

/**
 * The events inside of a TRANSACTION_PAYLOAD, one after the other. A transaction may have up to 1 GiB when it is
 * unpacked; here it never is, as a whole: memory holds zstd's window (at most 128 MiB, 2 MiB at the default level), a
 * piece of 128 KiB, and the one event that is being read.
 */
export class TransactionPayload {
  /** The event at hand: `bytes[start, end)`, without checksum; void after the next call of `next`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /** Unpacked pieces to come; null: nothing is packed, all the bytes are there. */
  private unpacked: Iterator<Uint8Array> | null = null;
  /** Bytes that have been unpacked and not read: `bytes[end, filled)`. */
  private filled = 0;
  /** Unpacked bytes that the server announced and that have not come yet. */
  private left = 0;
  private isOpen = false;
  private buffer: Uint8Array = new Uint8Array(0);

  /** Starts on the event at the cursor. Returns false when it needs `loadZstd` first; nothing is read then. */
  open(cursor: EventCursor): boolean {
    const from = cursor.at;
    let size = -1;
    let compression = ZSTD;
    let unpackedSize = -1;
    for (let field = cursor.packed(); field !== HEADER_END; field = cursor.packed()) {
      const length = cursor.packed();
      const valueEnd = cursor.at + length;
      if (length > cursor.left) throw cursor.truncated();
      if (field === PAYLOAD_SIZE) size = cursor.packed();
      else if (field === COMPRESSION_TYPE) compression = cursor.packed();
      else if (field === UNCOMPRESSED_SIZE) unpackedSize = cursor.packed();
      else cursor.skip(length);
      if (cursor.at !== valueEnd) throw cursor.unreadable(`the field ${field} of its header has another length`);
    }
    if (size !== cursor.left) throw cursor.unreadable(`its payload has ${cursor.left} bytes instead of ${size}`);
    if (compression !== ZSTD && compression !== NONE) throw cursor.unreadable(`the compression ${compression} is not known`);
    if (compression === ZSTD && decoder === null) {
      cursor.at = from;
      return false;
    }
    this.isOpen = true;
    if (compression === NONE || decoder === null) {
      this.unpacked = null;
      this.bytes = cursor.bytes;
      this.start = cursor.at;
      this.end = cursor.at;
      this.filled = cursor.end;
      this.left = 0;
    } else {
      if (unpackedSize < 0) throw cursor.unreadable('the size of the unpacked events is missing');
      this.unpacked = decoder.decodeStreaming(pieces(cursor.bytes, cursor.at, cursor.end));
      this.bytes = this.buffer;
      this.start = 0;
      this.end = 0;
      this.filled = 0;
      this.left = unpackedSize;
    }
    cursor.at = cursor.end;
    return true;
  }

  /** Moves to the next event; false behind the last. VALUE_UNREADABLE where the payload is not what it says. */
  next(): boolean {
    if (!this.isOpen) return false;
    this.start = this.end;
    if (!this.fill(1)) {
      if (this.left > 0) throw unreadable(`${this.left} bytes of its payload are missing`);
      this.close();
      return false;
    }
    if (!this.fill(HEADER_LENGTH)) throw unreadable('an event inside of it ends too early');
    const at = this.start + 9;
    const { bytes } = this;
    const length = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
    const available = this.filled - this.start + this.left;
    if (length < HEADER_LENGTH || length > MAX_EVENT_LENGTH || length > available || !this.fill(length)) {
      throw unreadable(`an event inside of it says that it has ${length} bytes`);
    }
    this.end = this.start + length;
    return true;
  }

  /** Forgets what is left, so that its memory can be used again. */
  close(): void {
    this.unpacked?.return?.();
    this.unpacked = null;
    this.isOpen = false;
    if (this.buffer.length > 8 * 1024 * 1024) this.buffer = new Uint8Array(0);
    this.bytes = this.buffer;
    this.start = 0;
    this.end = 0;
    this.filled = 0;
  }

  /** Unpacks until `count` bytes stand at `start`; false when there are no more. */
  private fill(count: number): boolean {
    let idle = 0;
    while (this.filled - this.start < count) {
      if (this.unpacked === null) return false;
      const { done, value } = pull(this.unpacked);
      if (done === true) {
        this.unpacked = null;
        return this.filled - this.start >= count;
      }
      // Errors of the decompressor show as endless steps without output.
      if (value.length === 0 && ++idle > IDLE_STEPS) throw unreadable('its payload is not zstd');
      if (value.length > 0) idle = 0;
      if (value.length > this.left) throw unreadable('its payload is longer than it says');
      this.left -= value.length;
      this.append(value, count);
    }
    return true;
  }

  /** Puts the piece behind the bytes that have not been read, which move to the front. */
  private append(piece: Uint8Array, count: number): void {
    const kept = this.filled - this.start;
    if (kept === 0) {
      this.bytes = piece;
      this.start = 0;
      this.filled = piece.length;
      return;
    }
    const needed = Math.max(kept + piece.length, count);
    if (this.buffer.length < needed) {
      const grown = new Uint8Array(Math.max(needed, Math.min(this.buffer.length * 2, MAX_EVENT_LENGTH), 256 * 1024));
      grown.set(this.bytes.subarray(this.start, this.filled));
      this.buffer = grown;
    } else {
      if (this.bytes === this.buffer) this.buffer.copyWithin(0, this.start, this.filled);
      else this.buffer.set(this.bytes.subarray(this.start, this.filled));
    }
    this.buffer.set(piece, kept);
    this.bytes = this.buffer;
    this.start = 0;
    this.filled = kept + piece.length;
  }
}

function pull(from: Iterator<Uint8Array>): IteratorResult<Uint8Array> {
  try {
    return from.next();
  } catch (cause) {
    throw unreadable(`its payload cannot be unpacked (${cause instanceof Error ? cause.message : String(cause)})`);
  }
}

function unreadable(why: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `binary log event of type ${TRANSACTION_PAYLOAD_EVENT}: ${why}`);
}
