import type { JsonWriter } from '../bytes/json-writer.ts';
import { writeDoubleBinary } from './mysql-float.ts';
import { SAID } from './value-writer.ts';

/** How MySQL's binary JSON is laid out (`json_binary.h`). */

const DOT = 0x2e;
const ZERO = 0x30;
const LOWER_E = 0x65;

export const OBJECT = 0;
export const LARGE_OBJECT = 1;
export const LARGE_ARRAY = 3;
export const LITERAL = 4;
export const INT16 = 5;
export const UINT16 = 6;
export const INT32 = 7;
export const UINT32 = 8;
export const INT64 = 9;
export const UINT64 = 10;
export const DOUBLE = 11;
export const STRING = 12;
export const OPAQUE = 15;

/** Whether a type is that of an object or array. */
export const isContainer = (type: number): boolean => type <= LARGE_ARRAY;
export const isLarge = (type: number): boolean => type === LARGE_OBJECT || type === LARGE_ARRAY;
export const isObject = (type: number): boolean => type <= LARGE_OBJECT;

/** The two or four bytes, least significant first, at `at`. */
export function size(source: Uint8Array, at: number, large: boolean): number {
  const low = (source[at] ?? 0) | ((source[at + 1] ?? 0) << 8);
  return large ? low + ((source[at + 2] ?? 0) | ((source[at + 3] ?? 0) << 8)) * 0x10000 : low;
}

/**
 * Where the container at `at` ends; -1 when it does not lie before `end` or its entries do not lie in it. Behind its count
 * and its size come the entries: of keys, if it is an object, then of values.
 */
export function containerEnd(source: Uint8Array, at: number, end: number, type: number): number {
  const large = isLarge(type);
  const header = large ? 8 : 4;
  if (at + header > end) return -1;
  const count = size(source, at, large);
  const after = at + size(source, at + header / 2, large);
  const entry = (large ? 5 : 3) + (isObject(type) ? (large ? 6 : 4) : 0);
  return after > end || at + header + count * entry > after ? -1 : after;
}

/** The entry of key `index`: its offset, then two bytes of length. */
export function keyEntry(at: number, index: number, type: number): number {
  return isLarge(type) ? at + 8 + index * 6 : at + 4 + index * 4;
}

/** The entry of value `index` of `count`: its type, then the value itself if it is small, otherwise its offset. */
export function valueEntry(at: number, index: number, count: number, type: number): number {
  const first = isObject(type) ? keyEntry(at, count, type) : at + (isLarge(type) ? 8 : 4);
  return first + index * (isLarge(type) ? 5 : 3);
}

/** Where the value of the entry at `entry` is, in the container at `at`. */
export function valueStart(source: Uint8Array, at: number, entry: number, large: boolean): number {
  const type = source[entry] ?? 0;
  const inline = type === LITERAL || type === INT16 || type === UINT16 || (large && (type === INT32 || type === UINT32));
  return inline ? entry + 1 : at + size(source, entry + 1, large);
}

/** A literal: null, true, false; false where it is none. */
export function putLiteral(out: JsonWriter, literal: number): boolean {
  if (literal > 2) return false;
  if (literal === 0) out.null();
  else out.boolean(literal === 1);
  return true;
}

/** A double without a fraction keeps its point, so that it is told from an integer: `1.0`. */
export function putDouble(out: JsonWriter, source: Uint8Array, at: number): boolean {
  const before = out.length;
  if (writeDoubleBinary(out, source, at) !== SAID) return false;
  for (let i = before; i < out.length; i++) {
    const byte = out.bytes[i];
    if (byte === DOT || byte === LOWER_E) return true;
  }
  out.byte(DOT);
  out.byte(ZERO);
  return true;
}
