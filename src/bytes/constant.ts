/** Up to this many bytes, storing words one by one beats the fixed price of a native copy (about 20 ns on Node 20). */
const SHORT = 40;

/** Bytes that are written again and again: also as words, since a few wide stores take half the time of many narrow ones. */
export class Constant {
  readonly length: number;
  readonly bytes: Uint8Array;
  /** The bytes as little-endian words, filled up with zeros; empty where copying them natively is faster. */
  readonly words: Int32Array;

  constructor(text: string) {
    this.bytes = Buffer.from(text);
    this.length = this.bytes.length;
    const count = this.length > SHORT ? 0 : Math.ceil(this.length / 4);
    const padded = new DataView(new ArrayBuffer(count * 4));
    if (count > 0) for (const [at, byte] of this.bytes.entries()) padded.setUint8(at, byte);
    this.words = Int32Array.from({ length: count }, (_, at) => padded.getInt32(at * 4, true));
  }
}
