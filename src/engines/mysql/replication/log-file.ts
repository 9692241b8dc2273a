import { ConnectorError } from '../../../contract/errors.ts';
import type { Json, JsonObject, Position } from '../../../contract/ids.ts';
import * as events from '../binlog/events.ts';
import { compareFiles, filePosition } from '../position.ts';
import type { Dump } from './dump.ts';

/**
 * The file of the log that a position was reached in, and when that file was begun. A server whose log was reset gives out
 * the numbers of its transactions, and the names of its files, once more: only the time tells such a log from the one before.
 */
export interface LogFile {
  /** Who wrote it, as in a position of a file: on another server the files say nothing. */
  readonly server: string;
  readonly file: string;
  /** Seconds since 1970. */
  readonly created: number;
}

export function logFileFromJson(json: Json | undefined): LogFile | null {
  const { server, file, created } = (json ?? {}) as JsonObject;
  if (typeof server !== 'string' || typeof file !== 'string' || typeof created !== 'number') return null;
  return { server, file, created };
}

/**
 * Whether the log that a dump brings first from the file `now` goes on where `known` was reached. Throws POSITION_LOST where
 * the server has begun its log anew since. Says nothing of another server, as after a failover, nor of files that are purged.
 */
export async function checkSameLog(
  known: LogFile | null,
  now: LogFile,
  openDump: (from: Position) => Promise<Dump>,
): Promise<void> {
  if (known === null || known.server !== now.server) return;
  const order = compareFiles({ ...now, pos: 0 }, { ...known, pos: 0 });
  if (order === null) return;
  const isReset = order < 0 || (order === 0 ? now.created : await createdAt(known, openDump)) !== known.created;
  if (!isReset) return;
  const detail = `the binary log was reset after this state was written (RESET BINARY LOGS AND GTIDS, or RESET MASTER): ${known.file} is a new file, and its transactions reuse numbers that were already read.`;
  throw new ConnectorError('POSITION_LOST', detail);
}

/** When the server says that the file was begun; as it is known where the file is gone. */
async function createdAt(known: LogFile, openDump: (from: Position) => Promise<Dump>): Promise<number> {
  const dump = await openDump(filePosition({ ...known, pos: events.FIRST_POSITION }));
  try {
    const { decoder } = dump;
    for (;;) {
      if (!dump.next()) {
        await dump.fill();
        continue;
      }
      await decoder.open(dump.bytes, dump.start, dump.end);
      if (decoder.next() === events.FORMAT_DESCRIPTION) return decoder.timestamp;
    }
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'POSITION_LOST') return known.created;
    throw error;
  } finally {
    dump.close();
  }
}
