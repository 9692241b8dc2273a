import { crc32 } from 'node:zlib';
import { CHECKSUM_LENGTH, FLAG_BINLOG_IN_USE } from './events.ts';

const FLAGS_OFFSET = 17;

/**
 * Verifies the checksum at the end of the event `bytes[start, end)`. Null: it is right; otherwise what it is and what it
 * should be. A format description was given its checksum before its file was marked as in use (`event_checksum_test`).
 */
export function wrongChecksum(bytes: Uint8Array, start: number, end: number, isFormat: boolean): string | null {
  const at = end - CHECKSUM_LENGTH;
  const stored = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  let covered = bytes.subarray(start, at);
  if (isFormat && (covered[FLAGS_OFFSET]! & FLAG_BINLOG_IN_USE) !== 0) {
    covered = new Uint8Array(covered); // a copy
    covered[FLAGS_OFFSET]! &= ~FLAG_BINLOG_IN_USE;
  }
  const computed = crc32(covered);
  return computed === stored ? null : `${stored.toString(16)} instead of ${computed.toString(16)}`;
}
