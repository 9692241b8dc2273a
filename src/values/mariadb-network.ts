import { HEX_DIGITS } from '../bytes/escape.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, SAID } from './value-writer.ts';

/** MariaDB's UUID, INET4 and INET6 of row images, as the server prints them. */

const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const MAX_BYTES = 48;

/** Sixteen bytes as `123e4567-e89b-12d3-a456-426614174000`. */
export function writeUuid(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (end - start !== 16) return nulled(out);
  out.reserve(MAX_BYTES);
  const { bytes } = out;
  let at = out.length;
  bytes[at++] = QUOTE;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) bytes[at++] = MINUS;
    const byte = source[start + i] ?? 0;
    bytes[at++] = HEX_DIGITS[byte >> 4] ?? ZERO;
    bytes[at++] = HEX_DIGITS[byte & 15] ?? ZERO;
  }
  bytes[at++] = QUOTE;
  out.length = at;
  return SAID;
}

/** Four bytes as `192.0.2.1`. */
export function writeInet4(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (end - start !== 4) return nulled(out);
  out.reserve(MAX_BYTES);
  out.bytes[out.length] = QUOTE;
  const at = putInet4(out.bytes, out.length + 1, source, start);
  out.bytes[at] = QUOTE;
  out.length = at + 1;
  return SAID;
}

/**
 * Sixteen bytes as `2001:db8::1` (`Inet6::to_string` in `plugin/type_inet/sql_type_inet.cc`): the first of the longest runs of
 * zeros is left out, also of one group; addresses that hold one of version 4 end in its form.
 */
export function writeInet6(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (end - start !== 16) return nulled(out);
  let gap = -1;
  let gapGroups = 0;
  for (let i = 0; i < 8; i++) {
    let groups = 0;
    while (i + groups < 8 && group(source, start, i + groups) === 0) groups++;
    if (groups > gapGroups) {
      gap = i;
      gapGroups = groups;
    }
    i += groups;
  }
  out.reserve(MAX_BYTES);
  const { bytes } = out;
  let at = out.length;
  bytes[at++] = QUOTE;
  for (let i = 0; i < 8; i++) {
    if (i === gap) {
      if (i === 0) bytes[at++] = COLON;
      bytes[at++] = COLON;
      i += gapGroups - 1;
      continue;
    }
    // ::a.b.c.d and ::ffff:a.b.c.d
    if (i === 6 && gap === 0 && (gapGroups === 6 || (gapGroups === 5 && group(source, start, 5) === 0xffff))) {
      at = putInet4(bytes, at, source, start + 12);
      break;
    }
    at = putHex(bytes, at, group(source, start, i));
    if (i < 7) bytes[at++] = COLON;
  }
  bytes[at++] = QUOTE;
  out.length = at;
  return SAID;
}

const group = (source: Uint8Array, start: number, index: number): number =>
  ((source[start + index * 2] ?? 0) << 8) | (source[start + index * 2 + 1] ?? 0);

function putHex(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  for (let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    bytes[at++] = HEX_DIGITS[(value >> shift) & 15] ?? ZERO;
  }
  return at;
}

function putInet4(bytes: Uint8Array, start: number, source: Uint8Array, from: number): number {
  let at = start;
  for (let i = 0; i < 4; i++) {
    const byte = source[from + i] ?? 0;
    if (i > 0) bytes[at++] = DOT;
    if (byte >= 100) bytes[at++] = ZERO + Math.floor(byte / 100);
    if (byte >= 10) bytes[at++] = ZERO + (Math.floor(byte / 10) % 10);
    bytes[at++] = ZERO + (byte % 10);
  }
  return at;
}

function nulled(out: JsonWriter): Verdict {
  out.null();
  return NULLED;
}
