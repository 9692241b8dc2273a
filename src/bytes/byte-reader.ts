/**
 * Fixed-width integers and C strings in borrowed bytes. `be` is most significant byte first, `le` least. Each throws
 * RangeError outside the array; a message inside a larger array has to be measured by its decoder.
 */

function check(source: Uint8Array, at: number, count: number): void {
  if (at < 0 || at + count > source.length) throw new RangeError(`${count} bytes at ${at} of ${source.length}`);
}

export function u8(source: Uint8Array, at: number): number {
  check(source, at, 1);
  return source[at]!;
}

export function u16be(source: Uint8Array, at: number): number {
  check(source, at, 2);
  return (source[at]! << 8) | source[at + 1]!;
}

export function i16be(source: Uint8Array, at: number): number {
  return (u16be(source, at) << 16) >> 16;
}

export function i32be(source: Uint8Array, at: number): number {
  check(source, at, 4);
  return (source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!;
}

export function u32be(source: Uint8Array, at: number): number {
  return i32be(source, at) >>> 0;
}

/** Unsigned 64 bits as a number: exact below 2^53, rounded to a multiple of a power of two from there on. */
export function u64beAsNumber(source: Uint8Array, at: number): number {
  return u32be(source, at) * 0x100000000 + u32be(source, at + 4);
}

/** Signed 64 bits as a number: exact while the magnitude is below 2^53. */
export function i64beAsNumber(source: Uint8Array, at: number): number {
  return i32be(source, at) * 0x100000000 + u32be(source, at + 4);
}

export function u16le(source: Uint8Array, at: number): number {
  check(source, at, 2);
  return source[at]! | (source[at + 1]! << 8);
}

export function u24le(source: Uint8Array, at: number): number {
  check(source, at, 3);
  return source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
}

export function i32le(source: Uint8Array, at: number): number {
  check(source, at, 4);
  return source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24);
}

export function u32le(source: Uint8Array, at: number): number {
  return i32le(source, at) >>> 0;
}

/** Unsigned 48 bits, as MySQL writes positions. */
export function u48le(source: Uint8Array, at: number): number {
  return u32le(source, at) + u16le(source, at + 4) * 0x100000000;
}

/** Unsigned 64 bits as a number: exact below 2^53. */
export function u64leAsNumber(source: Uint8Array, at: number): number {
  return u32le(source, at) + u32le(source, at + 4) * 0x100000000;
}

/** Signed 64 bits as a number: exact while the magnitude is below 2^53. */
export function i64leAsNumber(source: Uint8Array, at: number): number {
  return u32le(source, at) + i32le(source, at + 4) * 0x100000000;
}

/** Offset of the NUL that ends the C string at `at`; -1 when there is none before `end`. */
export function cstringEnd(source: Uint8Array, at: number, end: number): number {
  for (let i = at; i < end; i++) if (source[i] === 0) return i;
  return -1;
}
