import { expect } from 'vitest';
import { ConnectorError } from '../../../../../src/contract/errors.ts';
import { BinlogDecoder } from '../../../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../../../src/engines/mysql/binlog/events.ts';
import * as encoder from './binlog-encoder.ts';

/** A decoder at the head of a file with checksums. */
export const decoderOf = (flavor: 'mysql' | 'mariadb' = 'mysql'): BinlogDecoder => {
  const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
  read(decoder, encoder.rotate('binlog.000007', 4));
  read(decoder, encoder.formatDescription());
  return decoder;
};

/** The kind of the only event in the packet. */
export const read = (decoder: BinlogDecoder, packet: Uint8Array): number => {
  void decoder.open(packet, 0, packet.length);
  return decoder.next();
};

export const failure = (act: () => unknown): ConnectorError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Why the packet, or a row of it, is refused. */
export const unreadable = (decoder: BinlogDecoder, packet: Uint8Array): string => {
  const error = failure(() => {
    if (read(decoder, packet) === events.ROWS) while (decoder.rows.next());
  });
  expect(error.code).toBe('VALUE_UNREADABLE');
  expect(decoder.kind === events.END || decoder.kind === events.ROWS).toBe(true);
  return error.detail;
};

/** Why `act` is refused. */
export const refusal = (act: () => unknown): string => {
  const error = failure(act);
  expect(error.code).toBe('VALUE_UNREADABLE');
  return error.detail;
};
