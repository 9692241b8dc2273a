import { ConnectorError } from '../../contract/errors.ts';
import type { Json, JsonObject, Position } from '../../contract/ids.ts';
import { GtidSet } from './gtid-set.ts';
import type { TextProblem } from './gtid-text.ts';
import { GtidList } from './mariadb-gtid.ts';

/** A place in the binary log of one server: `pos` bytes into `file`. Exact beyond 4 GiB. */
export interface FilePosition {
  readonly file: string;
  readonly pos: number;
  /** Who wrote the file: `@@server_uuid`, or what stands for it on MariaDB. Names of two servers mean nothing to each other. */
  readonly server: string;
}

/** The three ways in which a server says where its log stands. `kind` tells them apart. */
export type MysqlPosition =
  | { readonly kind: 'gtid_set'; readonly set: GtidSet }
  | { readonly kind: 'gtid_list'; readonly list: GtidList; readonly at: FilePosition | null }
  | ({ readonly kind: 'file' } & FilePosition);

const EXPECTED =
  'a position must be {"gtid_set": "uuid:1-5"}, {"gtid_list": "0-1-5"} or {"file": "binlog.000123", "pos": 4711, "server": "uuid"}';
const NUMBERED = /^(.+)\.([0-9]+)$/;
const FILE_AND_POS = /^\s*([^:\s]+\.[0-9]+):([0-9]+)\s*$/;
/** How Vitess and PlanetScale introduce a MySQL set. */
const VITESS_PREFIX = /^\s*MySQL56\//;

export const gtidSetPosition = (set: string): Position => ({ gtid_set: set }) as JsonObject as Position;
/**
 * A list alone says where to go on at another server. It does not say the order: a transaction may come behind one with a
 * larger number. Where it is known, the place in the file of the server that was read says that.
 */
export const gtidListPosition = (list: string, at: FilePosition | null = null): Position =>
  (at === null ? { gtid_list: list } : { gtid_list: list, at: filePlace(at) }) as JsonObject as Position;
const filePlace = ({ file, pos, server }: FilePosition): JsonObject => ({ file, pos, server });
export const filePosition = (place: FilePosition): Position => filePlace(place) as Position;

export function toPosition(position: MysqlPosition): Position {
  switch (position.kind) {
    case 'gtid_set':
      return gtidSetPosition(position.set.toString());
    case 'gtid_list':
      return gtidListPosition(position.list.toString(), position.at);
    case 'file':
      return filePosition(position);
  }
}

/** Throws STATE_INVALID, with the place in the text, when it is not one of ours. */
export function fromPosition(position: Position): MysqlPosition {
  const { gtid_set: set, gtid_list: list, at, reached } = position as JsonObject;
  if (reached !== undefined) {
    const detail = `the state was written by an earlier version while XA transactions were prepared, and cannot be read on: it does not say which columns the tables had in front of them. Clear the streams.`;
    throw new ConnectorError('POSITION_LOST', detail);
  }
  if (typeof set === 'string') return gtidSet(set, 'STATE_INVALID');
  if (typeof list === 'string') return { ...gtidList(list, 'STATE_INVALID'), at: fileIn(at) };
  const place = fileIn(position as JsonObject);
  if (place !== null) return { kind: 'file', ...place };
  throw new ConnectorError('STATE_INVALID', `${EXPECTED}, found ${JSON.stringify(position)}.`);
}

/** Null where it is no place in a file. */
function fileIn(json: Json | undefined): FilePosition | null {
  const { file, pos, server } = (json ?? {}) as JsonObject;
  const isPlace = typeof file === 'string' && NUMBERED.test(file) && isOffset(pos) && typeof server === 'string';
  return isPlace ? { file, pos, server } : null;
}

/**
 * Reads a position that a person wrote (`starting_gtids`): a GTID set, with or without `MySQL56/`, a MariaDB GTID list, or
 * `file:pos`, which then belongs to `server`. Throws CONFIG_INVALID with the place in the text.
 */
export function parsePosition(text: string, flavor: 'mysql' | 'mariadb', server: string): MysqlPosition {
  const [, file, pos] = FILE_AND_POS.exec(text) ?? [];
  if (file !== undefined && isOffset(Number(pos))) return { kind: 'file', file, pos: Number(pos), server };
  return flavor === 'mariadb' ? gtidList(text, 'CONFIG_INVALID') : gtidSet(text.replace(VITESS_PREFIX, blank), 'CONFIG_INVALID');
}

/** White space of the same length, so that places in the text stay what they are. */
const blank = (text: string): string => ' '.repeat(text.length);

function gtidSet(text: string, code: 'STATE_INVALID' | 'CONFIG_INVALID'): MysqlPosition {
  const set = GtidSet.parse(text);
  if (set instanceof GtidSet) return { kind: 'gtid_set', set };
  throw malformed('GTID set', text, set, code);
}

function gtidList(
  text: string,
  code: 'STATE_INVALID' | 'CONFIG_INVALID',
): Extract<MysqlPosition, { readonly kind: 'gtid_list' }> {
  const list = GtidList.parse(text);
  if (list instanceof GtidList) return { kind: 'gtid_list', list, at: null };
  throw malformed('MariaDB GTID list', text, list, code);
}

function malformed(what: string, text: string, problem: TextProblem, code: 'STATE_INVALID' | 'CONFIG_INVALID'): ConnectorError {
  const rest = text.slice(problem.at, problem.at + 30);
  const found = rest === '' ? 'the end' : JSON.stringify(rest);
  return new ConnectorError(
    code,
    `the ${what} is malformed at character ${problem.at + 1}: expected ${problem.expected}, found ${found}.`,
  );
}

const isOffset = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 4;

/**
 * The order of two places in the log of one server: negative, zero, positive. Null: not comparable, for the files are of
 * two servers or of two series (the base name was changed). The number behind the dot counts, not the text: the file after
 * `binlog.999999` is `binlog.1000000`.
 */
export function compareFiles(a: FilePosition, b: FilePosition): number | null {
  const [, baseA = '', numberA = ''] = NUMBERED.exec(a.file) ?? [];
  const [, baseB = '', numberB = ''] = NUMBERED.exec(b.file) ?? [];
  if (a.server !== b.server || baseA !== baseB) return null;
  return Number(numberA) - Number(numberB) || a.pos - b.pos;
}

/** As `compareFiles`; null too where one of the two is not known. */
export const compareKnown = (a: FilePosition | null, b: FilePosition | null): number | null =>
  a === null || b === null ? null : compareFiles(a, b);

const memory = new WeakMap<Position, MysqlPosition>();

/** As `fromPosition`, remembered with the object: long sets are parsed once. */
export function parsed(position: Position): MysqlPosition {
  let known = memory.get(position);
  if (known === undefined) {
    known = fromPosition(position);
    memory.set(position, known);
  }
  return known;
}

/** Whether everything up to `target` is included in `reached`; false for positions that have nothing to do with each other. */
export function covers(reached: Position, target: Position): boolean {
  const a = parsed(reached);
  const b = parsed(target);
  if (a.kind === 'gtid_set' && b.kind === 'gtid_set') return a.set.contains(b.set);
  if (a.kind === 'gtid_list' && b.kind === 'gtid_list') {
    const order = compareKnown(a.at, b.at);
    return order === null ? a.list.covers(b.list) : order >= 0;
  }
  if (a.kind === 'file' && b.kind === 'file') return (compareFiles(a, b) ?? -1) >= 0;
  return false;
}

/** As `covers`, for the end of the log of a server that `reached` may be no place of: numbers of two servers are not enough then. */
export function coversHead(reached: Position, head: Position): boolean {
  const a = parsed(reached);
  const b = parsed(head);
  const isApart = a.kind === 'gtid_list' && b.kind === 'gtid_list' && compareKnown(a.at, b.at) === null;
  return isApart ? a.list.passes(b.list) : covers(reached, head);
}

/** The greatest position that both cover. Throws POSITION_LOST where there is none to be told. */
export function meet(a: Position, b: Position): Position {
  const left = parsed(a);
  const right = parsed(b);
  if (left.kind === 'gtid_set' && right.kind === 'gtid_set') {
    const both = left.set.intersect(right.set);
    // The very position where it is one of them: it may say more than the set.
    if (both.equals(left.set)) return a;
    if (both.equals(right.set)) return b;
    return withPrepared(gtidSetPosition(both.toString()), [a, b], gtid => both.has(...sourceAndNumber(gtid)));
  }
  if (left.kind === 'gtid_list' && right.kind === 'gtid_list') {
    const order = compareKnown(left.at, right.at);
    if (order !== null) return order <= 0 ? a : b;
    const list = left.list.meet(right.list);
    if (list?.covers(left.list) === true) return a;
    if (list?.covers(right.list) === true) return b;
    if (list !== null) {
      const has = (gtid: string): boolean => {
        const [domain, , sequence] = gtid.split('-').map(Number);
        return list.has(domain ?? 0, sequence ?? 0);
      };
      return withPrepared(gtidListPosition(list.toString()), [a, b], has);
    }
  }
  if (left.kind === 'file' && right.kind === 'file') {
    const order = compareFiles(left, right);
    if (order !== null) return order <= 0 ? a : b;
  }
  throw new ConnectorError(
    'POSITION_LOST',
    `the state has positions of two logs, ${JSON.stringify(a)} and ${JSON.stringify(b)}.`,
  );
}

/**
 * A position in front of two others with what they say of prepared transactions: those that `has` says are in it. What ends
 * such a one is in neither of the two, or not in both.
 */
function withPrepared(met: Position, of: readonly Position[], has: (gtid: string) => boolean): Position {
  const all = of.flatMap(position => Object.entries(((position as JsonObject)['prepared'] ?? {}) as JsonObject));
  const still = all.filter(([, entry]) => has(String((entry as JsonObject)['gtid'])));
  return still.length === 0 ? met : ({ ...(met as JsonObject), prepared: Object.fromEntries(still) } as JsonObject as Position);
}

/** `uuid:tag:5` as the source and the number. */
function sourceAndNumber(gtid: string): [string, number] {
  const at = gtid.lastIndexOf(':');
  return [gtid.slice(0, at), Number(gtid.slice(at + 1))];
}
