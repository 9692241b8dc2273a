import type { ByteSource } from '../../../net/byte-source.ts';

const HEADER = 4; // three bytes of length, least first, and a sequence number
/** A packet of exactly this length is continued by the next one. */
const CONTINUED = 0xff_ffff;

/**
 * Cuts a byte stream into packets of the MySQL client/server protocol (MySQL source documentation, "MySQL Packets").
 * Payloads of 16 MiB and more, which come in several packets, are joined where they lie.
 */
export class PacketReader {
  readonly #source: ByteSource;
  /** The current payload: borrowed until `next` or `fill`. */
  bytes: Buffer;
  start = 0;
  end = 0;
  /** Sequence number of the last packet. */
  sequence = 0;
  #need = HEADER;

  constructor(source: ByteSource) {
    this.#source = source;
    this.bytes = source.bytes;
  }

  /** Moves to the next payload if all of it has arrived. */
  next(): boolean {
    const source = this.#source;
    const { at, bytes } = source;
    const have = source.limit - at;
    if (have < HEADER) {
      this.#need = HEADER;
      return false;
    }
    const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    if (have < HEADER + length) {
      this.#need = HEADER + length;
      return false;
    }
    if (length === CONTINUED) return this.#nextLong();
    this.sequence = bytes[at + 3]!;
    this.bytes = bytes;
    this.start = at + HEADER;
    this.end = this.start + length;
    source.at = this.end;
    return true;
  }

  /** Reads on until the payload that `next` could not deliver is whole, or more is known of its length. */
  fill(quietMillis: number): Promise<void> {
    return this.#source.fill(this.#need, quietMillis);
  }

  #nextLong(): boolean {
    const source = this.#source;
    const { at, bytes, limit } = source;
    let end = at;
    let length = CONTINUED;
    while (length === CONTINUED) {
      if (limit - end < HEADER) {
        this.#need = end - at + HEADER;
        return false;
      }
      length = bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16);
      if (limit - end < HEADER + length) {
        this.#need = end - at + HEADER + length;
        return false;
      }
      end += HEADER + length;
    }
    // All is there: close the gaps that the inner headers make. The first header's place stays.
    let target = at + HEADER;
    for (let packet = at; packet < end; ) {
      const size = bytes[packet]! | (bytes[packet + 1]! << 8) | (bytes[packet + 2]! << 16);
      this.sequence = bytes[packet + 3]!;
      bytes.copyWithin(target, packet + HEADER, packet + HEADER + size);
      target += size;
      packet += HEADER + size;
    }
    this.bytes = bytes;
    this.start = at + HEADER;
    this.end = target;
    source.at = end;
    return true;
  }
}
