import { inflateSync } from 'node:zlib';
import { ConnectorError } from '../../../contract/errors.ts';
import { MAX_EVENT_LENGTH } from './events.ts';

/**
 * MariaDB's compressed part of an event, `bytes[start, end)`, in full (`binlog_buf_uncompress` in `log_event.cc`): a byte
 * 0x80 | bytes of the length, the length (most significant byte first), a zlib stream. VALUE_UNREADABLE when it is not
 * that, or does not have that length.
 */
export function inflate(bytes: Uint8Array, start: number, end: number, type: number): Uint8Array {
  const head = start < end ? bytes[start]! : 0;
  const lengthBytes = head & 0x07;
  const body = start + 1 + lengthBytes;
  if ((head & 0xf0) !== 0x80 || lengthBytes < 1 || lengthBytes > 4 || body > end)
    throw unreadable(type, 'the header is malformed');
  let length = 0;
  for (let i = start + 1; i < body; i++) length = length * 256 + bytes[i]!;
  if (length > MAX_EVENT_LENGTH) throw unreadable(type, `${length} bytes are announced`);
  let plain: Buffer;
  try {
    plain = inflateSync(bytes.subarray(body, end), { maxOutputLength: Math.max(length, 1) });
  } catch (cause) {
    throw unreadable(type, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (plain.length !== length) throw unreadable(type, `it holds ${plain.length} bytes instead of ${length}`);
  return plain;
}

function unreadable(type: number, why: string, cause?: unknown): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', `compressed binary log event of type ${type}: ${why}`, { cause });
}
