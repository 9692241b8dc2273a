import type { ReplicationEvent } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Position } from '../../../contract/ids.ts';
import { BinlogDecoder } from '../binlog/decoder.ts';
import * as events from '../binlog/events.ts';
import type { Rows } from '../binlog/rows.ts';
import { filePosition, gtidListPosition, gtidSetPosition, parsed } from '../position.ts';
import type { Dump } from './dump.ts';
import type { HeldTransaction, TransactionPlace } from './prepared.ts';

export interface ReplaySource {
  /** Another dump, beside the one that goes on. */
  openDump(from: Position, use: 'aside'): Promise<Dump>;
  visible(): Promise<Position>;
  readonly flavor: 'mysql' | 'mariadb';
}

/** So often in a row the server has said that it is where it was, and has nothing more. */
const VAIN_HEARTBEATS = 3;

/** The rows of a transaction that counts now: from memory, or from where it stands in the log. */
export async function* replay(
  source: ReplaySource,
  held: HeldTransaction,
  write: (rows: Rows) => AsyncGenerator<ReplicationEvent, void>,
): AsyncGenerator<ReplicationEvent, void> {
  if (held.packets === null) {
    yield* readAgain(source, held, write);
    return;
  }
  const decoder = new BinlogDecoder({ flavor: source.flavor, hasChecksums: held.hasChecksums });
  for (const packet of held.packets) {
    const wait = decoder.open(packet, 0, packet.length);
    if (wait !== undefined) await wait;
    for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
      if (kind === events.ROWS) yield* write(decoder.rows);
    }
  }
}

async function* readAgain(
  source: ReplaySource,
  { place, name }: HeldTransaction,
  write: (rows: Rows) => AsyncGenerator<ReplicationEvent, void>,
): AsyncGenerator<ReplicationEvent, void> {
  const dump = await source.openDump(await inFrontOf(source, place), 'aside');
  try {
    const { decoder } = dump;
    let isInside = false;
    let vain = 0;
    let stood = -1;
    for (;;) {
      if (!next(dump, name)) {
        await dump.fill();
        continue;
      }
      const wait = decoder.open(dump.bytes, dump.start, dump.end);
      if (wait !== undefined) await wait;
      for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
        if (kind === events.GTID) {
          if (isInside) return;
          isInside = isAt(place, decoder);
          if (!isInside && isBeyond(place, decoder)) throw gone(name, 'it is not where it was');
        } else if (kind === events.ROWS && isInside) yield* write(decoder.rows);
        else if (kind === events.XA_PREPARE && isInside) return;
        else if (kind === events.HEARTBEAT && !isInside) {
          vain = decoder.position === stood ? vain + 1 : 1;
          stood = decoder.position;
          if (vain >= VAIN_HEARTBEATS) throw gone(name, 'the log ends without it');
        }
      }
    }
  } finally {
    dump.close();
  }
}

function next(dump: Dump, name: string): boolean {
  try {
    return dump.next();
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'POSITION_LOST') throw gone(name, error.detail);
    throw error;
  }
}

async function inFrontOf(source: ReplaySource, place: TransactionPlace): Promise<Position> {
  if ('file' in place) return filePosition(place);
  if (place.after !== undefined) return gtidListPosition(place.after);
  // The server looks for the newest file in front of which the set is complete: that of the transaction.
  const executed = parsed(await source.visible());
  const own = parsed(gtidSetPosition(place.gtid));
  if (executed.kind !== 'gtid_set' || own.kind !== 'gtid_set') {
    throw new ConnectorError('INVARIANT', `the server has no GTID set, and ${place.gtid} is looked for.`);
  }
  return gtidSetPosition(executed.set.subtract(own.set).toString());
}

function isAt(place: TransactionPlace, { gtid, file, position, length }: BinlogDecoder): boolean {
  if ('file' in place) return file === place.file && position - length === place.pos;
  if (gtid.flavor === 'mariadb') return `${gtid.domainId}-${gtid.serverId}-${gtid.gno}` === place.gtid;
  return `${gtid.tag === '' ? gtid.sid : `${gtid.sid}:${gtid.tag}`}:${gtid.gno}` === place.gtid;
}

/** The log would have brought it in front of this transaction. */
function isBeyond(place: TransactionPlace, { gtid, file, position }: BinlogDecoder): boolean {
  if ('file' in place) return file !== place.file || position > place.pos;
  const [domain, , sequence] = place.gtid.split('-').map(Number);
  return gtid.flavor === 'mariadb' && gtid.domainId === domain && gtid.gno >= (sequence ?? 0);
}

function gone(name: string, why: string): ConnectorError {
  const detail = `the XA transaction ${name} was committed, and the log does not have its changes any more: ${why}`;
  return new ConnectorError('POSITION_LOST', detail);
}
