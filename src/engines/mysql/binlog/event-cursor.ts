import { ConnectorError } from '../../../contract/errors.ts';

const TWO_32 = 4_294_967_296;

/**
 * Reads the parts of one event in order and never past its end. All numbers are little-endian unless a method says
 * otherwise. Every method throws VALUE_UNREADABLE where the event is cut short.
 */
export class EventCursor {
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the next byte. */
  at = 0;
  end = 0;
  /** Type code of the event, for error messages. */
  type = 0;

  /** Starts on `bytes[start, end)` of an event of this type. */
  open(bytes: Uint8Array, start: number, end: number, type: number): void {
    this.type = type;
    if (start < 0 || end > bytes.length || start > end) throw this.unreadable('there are no bytes');
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Makes sure that nothing is left. */
  finish(): void {
    if (this.at !== this.end) throw this.unreadable(`${this.left} bytes are left over`);
  }

  /** Passes over `count` bytes and returns where they begin. */
  skip(count: number): number {
    const { at } = this;
    if (count > this.end - at) throw this.truncated();
    this.at = at + count;
    return at;
  }

  u8(): number {
    if (this.at >= this.end) throw this.truncated();
    return this.bytes[this.at++]!;
  }

  u16(): number {
    const at = this.skip(2);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }

  u24(): number {
    const at = this.skip(3);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16);
  }

  u32(): number {
    const at = this.skip(4);
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  u48(): number {
    return this.u32() + this.u16() * TWO_32;
  }

  /** Unsigned 64 bits. VALUE_UNREADABLE from 2^53 on: no count, number or position of a server gets there. */
  u64(): number {
    const low = this.u32();
    return this.safe(this.u32(), low);
  }

  /** A length-encoded integer (`net_field_length`); NULL (251) is not one. */
  packed(): number {
    const first = this.u8();
    if (first < 251) return first;
    if (first === 252) return this.u16();
    if (first === 253) return this.u24();
    if (first === 254) return this.u64();
    throw this.unreadable('a length-encoded number is malformed');
  }

  /** An integer of `mysql::serialization`: as many bytes follow the first as it has ones at its lower end. */
  varint(): number {
    const first = this.u8();
    let more = 0;
    while (more < 8 && ((first >> more) & 1) === 1) more++;
    let rest = 0;
    const at = this.skip(more);
    for (let i = more - 1; i >= 0; i--) rest = rest * 256 + this.bytes[at + i]!;
    if (rest > Number.MAX_SAFE_INTEGER) throw this.unreadable('a number is beyond 2^53');
    return more > 6 ? rest : rest * 2 ** (7 - more) + (first >> (more + 1)); // 7 and 8 leave no room in the first byte
  }

  /** `count` bytes as UTF-8; what is not UTF-8 becomes U+FFFD. */
  text(count: number): string {
    const at = this.skip(count);
    const { bytes } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, count).toString('utf8');
  }

  /** The 16 bytes of a UUID in its usual writing, lower case. */
  uuid(): string {
    const at = this.skip(16);
    const { bytes } = this;
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  private safe(high: number, low: number): number {
    if (high >= 0x20_0000) throw this.unreadable('a number is beyond 2^53');
    return high * TWO_32 + low;
  }

  truncated(): ConnectorError {
    return this.unreadable('it ends too early');
  }

  unreadable(why: string): ConnectorError {
    return new ConnectorError('VALUE_UNREADABLE', `binary log event of type ${this.type}: ${why}`);
  }
}
