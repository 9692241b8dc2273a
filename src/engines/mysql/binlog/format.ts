import type { EventCursor } from './event-cursor.ts';
import {
  CHECKSUM_LENGTH,
  DELETE_ROWS_COMPRESSED_EVENT,
  DELETE_ROWS_EVENT,
  HEADER_LENGTH,
  QUERY_EVENT,
  ROTATE_EVENT,
  TABLE_MAP_EVENT,
  UPDATE_ROWS_COMPRESSED_EVENT_V1,
  WRITE_ROWS_EVENT,
  WRITE_ROWS_EVENT_V1,
} from './events.ts';

const VERSION_LENGTH = 50;

/** What FORMAT_DESCRIPTION says of the events behind it. */
export interface LogFormat {
  /** As `SELECT version()` prints it, at most 50 bytes. */
  readonly serverVersion: string;
  readonly hasChecksums: boolean;
}

/**
 * Reads a FORMAT_DESCRIPTION at the cursor to its end, which is the event's end with the checksum. Versions of the log
 * before 4 and headers of another size than ours are VALUE_UNREADABLE: they ended with MySQL 5.0.
 */
export function readFormat(cursor: EventCursor): LogFormat {
  const version = cursor.u16();
  if (version !== 4) throw cursor.unreadable(`the version ${version} of the binary log is not supported`);
  const name = cursor.text(VERSION_LENGTH);
  const serverVersion = name.includes('\0') ? name.slice(0, name.indexOf('\0')) : name;
  cursor.skip(4); // when the server started
  if (cursor.u8() !== HEADER_LENGTH) throw cursor.unreadable('the header of events has another length');
  const types = cursor.left - 1 - CHECKSUM_LENGTH;
  if (types < DELETE_ROWS_EVENT) throw cursor.unreadable(`${types} types of events are announced`);
  const lengths = cursor.skip(types);
  const expect = (type: number, length: number): void => {
    // 0: the server has the type no more (version 1 of rows since MySQL 8.4)
    const announced = type <= types ? cursor.bytes[lengths + type - 1]! : 0;
    if (announced !== length && announced !== 0)
      throw cursor.unreadable(`events of type ${type} begin with ${announced} bytes instead of ${length}`);
  };
  expect(QUERY_EVENT, 13);
  expect(ROTATE_EVENT, 8);
  expect(TABLE_MAP_EVENT, 8);
  expect(WRITE_ROWS_EVENT_V1, 8);
  expect(WRITE_ROWS_EVENT, 10);
  expect(UPDATE_ROWS_COMPRESSED_EVENT_V1, 8);
  expect(DELETE_ROWS_COMPRESSED_EVENT, 10);
  const algorithm = cursor.u8();
  if (algorithm > 1) throw cursor.unreadable(`the checksum algorithm ${algorithm} is not known`);
  cursor.skip(CHECKSUM_LENGTH);
  return { serverVersion, hasChecksums: algorithm === 1 };
}
