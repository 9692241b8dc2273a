import { cstringEnd, u16be, u32be } from '../../../bytes/byte-reader.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { EpochMicros } from '../../../contract/ids.ts';
import type { ReplicaIdentity } from './relation.ts';

/** 2000-01-01T00:00:00Z in microseconds since 1970: PostgreSQL's epoch. */
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;
const TWO_32 = 4_294_967_296;

/**
 * Reads the parts of one pgoutput message in order and never past its end. All numbers are big-endian. Every method
 * throws VALUE_UNREADABLE where the message is cut short or holds what the protocol does not define.
 */
export class MessageCursor {
  bytes: Uint8Array = new Uint8Array(0);
  /** Offset of the next byte. */
  at = 0;
  end = 0;
  /** Kind of the message, for error messages. */
  private kind = 0;

  /** Starts on the message in `bytes[start, end)` and returns its first byte, the kind. */
  open(bytes: Uint8Array, start: number, end: number): number {
    this.kind = 0;
    if (start < 0 || end > bytes.length || start >= end) throw this.unreadable('there are no bytes');
    this.bytes = bytes;
    this.end = end;
    this.at = start + 1;
    this.kind = bytes[start]!;
    return this.kind;
  }

  /** Makes sure that nothing is left. */
  finish(): void {
    if (this.at !== this.end) throw this.unreadable(`${this.left} bytes are left over`);
  }

  get left(): number {
    return this.end - this.at;
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw this.truncated();
    this.at += count;
  }

  /** The next byte, not taken; 0 at the end. */
  peek(): number {
    return this.at < this.end ? this.bytes[this.at]! : 0;
  }

  u8(): number {
    if (this.at >= this.end) throw this.truncated();
    return this.bytes[this.at++]!;
  }

  u16(): number {
    const { bytes, at } = this;
    if (this.end - at < 2) throw this.truncated();
    this.at = at + 2;
    return u16be(bytes, at);
  }

  u32(): number {
    const { bytes, at } = this;
    if (this.end - at < 4) throw this.truncated();
    this.at = at + 4;
    return u32be(bytes, at);
  }

  /** A WAL position in bytes. INVARIANT when a number cannot hold it exactly: 8 PiB of WAL. */
  lsn(): number {
    const high = this.u32();
    const low = this.u32();
    if (high >= 0x20_0000) {
      throw new ConnectorError('INVARIANT', `the WAL position ${high.toString(16)}/${low.toString(16)} is beyond 2^53`);
    }
    return high * TWO_32 + low;
  }

  /** A time, sent as signed microseconds since 2000. */
  micros(): EpochMicros {
    const high = this.u32() | 0;
    const since2000 = high * TWO_32 + this.u32();
    const micros = since2000 + POSTGRES_EPOCH_MICROS;
    if (!Number.isSafeInteger(since2000) || !Number.isSafeInteger(micros)) throw this.unreadable('a time is out of range');
    return micros as EpochMicros;
  }

  /** A byte of flags that the protocol keeps at 0. */
  noFlags(): void {
    const flags = this.u8();
    if (flags !== 0) throw this.unreadable(`unknown flags ${flags}`);
  }

  /** A string ended by NUL. */
  name(): string {
    const { bytes, at } = this;
    const terminator = cstringEnd(bytes, at, this.end);
    if (terminator < 0) throw this.truncated();
    this.at = terminator + 1;
    return Buffer.from(bytes.buffer, bytes.byteOffset + at, terminator - at).toString('utf8');
  }

  /** The name of a schema: the protocol spells `pg_catalog` as the empty string. */
  namespace(): string {
    const name = this.name();
    return name === '' ? 'pg_catalog' : name;
  }

  replicaIdentity(): ReplicaIdentity {
    const text = String.fromCharCode(this.u8());
    if (text === 'd' || text === 'n' || text === 'f' || text === 'i') return text;
    throw this.unreadable(`unknown replica identity '${text}'`);
  }

  truncated(): ConnectorError {
    return this.unreadable('it ends too early');
  }

  unreadable(why: string): ConnectorError {
    const kind = this.kind === 0 ? '' : ` of kind ${this.kind} ('${String.fromCharCode(this.kind)}')`;
    return new ConnectorError('VALUE_UNREADABLE', `replication message${kind}: ${why}`);
  }
}
