import { ConnectorError } from '../../contract/errors.ts';
import type { JsonObject, Position } from '../../contract/ids.ts';
import { lsnText } from './wire/wal-stream.ts';

/**
 * A place in the write-ahead log of one server. `lsn` is the end of a transaction (or of the log as far as it held
 * nothing of ours): transactions whose commit record begins before it are included.
 */
export interface PgPosition {
  readonly lsn: number;
  /** `system_identifier` of the cluster: made by initdb, shared by its physical standbys, by nobody else. */
  readonly system: string;
  /** Goes up by one with each promotion of a standby. */
  readonly timeline: number;
}

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Byte position in the WAL, exact because the WAL of no server reaches 2^53 bytes. Null: not an LSN. */
export function parseLsn(text: string): number | null {
  const match = LSN.exec(text.trim());
  if (match === null) return null;
  const lsn = Number.parseInt(match[1] ?? '', 16) * 4_294_967_296 + Number.parseInt(match[2] ?? '', 16);
  return Number.isSafeInteger(lsn) ? lsn : null;
}

export { lsnText };

export const toPosition = (position: PgPosition): Position =>
  ({ lsn: lsnText(position.lsn), system: position.system, timeline: position.timeline }) as JsonObject as Position;

/** Throws STATE_INVALID when it is not one of ours. */
export function fromPosition(position: Position): PgPosition {
  const { lsn: text, system, timeline } = position as JsonObject;
  const lsn = typeof text === 'string' ? parseLsn(text) : null;
  if (lsn === null || typeof system !== 'string' || typeof timeline !== 'number') {
    throw new ConnectorError(
      'STATE_INVALID',
      `a position must be {"lsn": "0/16B3748", "system": "…", "timeline": 1}, found ${JSON.stringify(position)}.`,
    );
  }
  return { lsn, system, timeline };
}

/**
 * Whether everything up to `target` is included in `reached`. Positions of two clusters have nothing in common; within
 * one, `open` has made sure that both lie on one line of history, so that the LSN decides.
 */
export function covers(reached: Position, target: Position): boolean {
  const a = fromPosition(reached);
  const b = fromPosition(target);
  return a.system === b.system && a.lsn >= b.lsn;
}

/** The earlier of the two. Throws POSITION_LOST for positions of two clusters: no log can serve both. */
export function meet(a: Position, b: Position): Position {
  const left = fromPosition(a);
  const right = fromPosition(b);
  if (left.system !== right.system) {
    throw new ConnectorError('POSITION_LOST', `the state has positions of two clusters, ${left.system} and ${right.system}.`);
  }
  return left.lsn <= right.lsn ? a : b;
}
