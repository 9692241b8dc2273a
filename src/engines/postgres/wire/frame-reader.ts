import { ConnectorError } from '../../../contract/errors.ts';
import type { ByteSource } from '../../../net/byte-source.ts';

const HEADER = 5; // type byte, then the length of what follows it, itself included
/** No message of the protocol may be longer: a field is at most 1 GiB. A larger length means that we lost the framing. */
const LONGEST = 0x7fff_ffff;

/**
 * Cuts a byte stream into the messages of the PostgreSQL protocol (manual, "Message Formats": one type byte, four bytes
 * of length in network order).
 */
export class FrameReader {
  readonly #source: ByteSource;
  /** The current frame: its type, and where its body lies in `bytes`: borrowed until `next` or `fill`. */
  type = 0;
  bytes: Buffer;
  start = 0;
  end = 0;
  #need = HEADER;

  constructor(source: ByteSource) {
    this.#source = source;
    this.bytes = source.bytes;
  }

  /** Moves to the next frame if all of it has arrived. */
  next(): boolean {
    const source = this.#source;
    const { at, bytes } = source;
    const have = source.limit - at;
    if (have < HEADER) {
      this.#need = HEADER;
      return false;
    }
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    if (length < 4 || length > LONGEST) {
      throw new ConnectorError('VALUE_UNREADABLE', `a message of type ${bytes[at]} claims a length of ${length} bytes.`);
    }
    if (have <= length) {
      this.#need = length + 1;
      return false;
    }
    this.type = bytes[at]!;
    this.bytes = bytes;
    this.start = at + HEADER;
    this.end = at + 1 + length;
    source.at = this.end;
    return true;
  }

  /** Reads on until the frame that `next` could not deliver is whole. Throws as `ByteSource.fill`. */
  fill(quietMillis: number): Promise<void> {
    return this.#source.fill(this.#need, quietMillis);
  }
}
