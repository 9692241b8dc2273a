import { ConnectorError } from '../../../contract/errors.ts';
import type { JsonObject, Position } from '../../../contract/ids.ts';
import { FIRST_POSITION } from '../binlog/events.ts';
import { GtidSet } from '../gtid-set.ts';
import { GtidState } from '../mariadb-gtid.ts';
import { compareFiles, filePosition, gtidListPosition, gtidSetPosition, type MysqlPosition, parsed } from '../position.ts';
import { type ServerFacts, showLogStatus } from '../server.ts';
import { type Query, quoteLiteral } from '../sql.ts';
import { gtidsAt } from './gtids-at.ts';
import { type FilePlace, LogStatus } from './log-status.ts';

export type PositionKind = MysqlPosition['kind'];
type GtidListPosition = Extract<MysqlPosition, { kind: 'gtid_list' }>;

/** How long it is waited until transactions of the state are committed: two seconds. */
const COMMIT_TRIES = 10;
const COMMIT_PAUSE_MILLIS = 200;

/** Who wrote the files of the log: their names and offsets mean nothing beside any other server. */
export async function readServerId(query: Query, { flavor }: ServerFacts): Promise<string> {
  const [row] = await query.rows<{ id: string }>(
    flavor === 'mysql' ? 'SELECT @@server_uuid AS id' : "SELECT CONCAT('server_id:', @@server_id) AS id",
  );
  return row?.id ?? '';
}

const MICROS_PER_SECOND = 1_000_000;

/** The server's clock, in microseconds. */
export async function readTime(query: Query): Promise<number> {
  const [row] = await query.rows<{ now: string }>('SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS now');
  return Math.round(Number(row?.now ?? 0) * MICROS_PER_SECOND);
}

/** How positions of this server are told, where nobody has one yet. */
export async function readKind(query: Query, { flavor }: ServerFacts): Promise<PositionKind> {
  if (flavor === 'mariadb') return 'gtid_list';
  const [row] = await query.rows<{ mode: string }>('SELECT @@global.gtid_mode AS mode');
  return row?.mode === 'ON' ? 'gtid_set' : 'file';
}

/**
 * The newest position to which the log is to be followed. MariaDB's `gtid_binlog_pos` is the end of the log, with what waits
 * for a semi-synchronous replica, perhaps for long: there it is what everybody sees.
 */
export async function readHead(query: Query, server: ServerFacts, kind: PositionKind): Promise<Position> {
  if (kind === 'gtid_set') return await readExecuted(query);
  if (kind === 'gtid_list') {
    const [row] = await query.rows<{ list: string; waits: string }>(
      'SELECT @@global.gtid_binlog_pos AS list, @@global.rpl_semi_sync_master_enabled AS waits',
    );
    if (row?.waits === '1') return await readVisible(query, server, kind);
    // The place is read behind the list: at it the log is that far at least.
    const place = { ...(await readPlace(query, server)), server: await readServerId(query, server) };
    return gtidListPosition(row?.list ?? '', place);
  }
  return await readStatus(query, server);
}

/** `readVisible` for who asks again and again. */
export function visiblePositions(query: Query, server: ServerFacts, kind: PositionKind): () => Promise<Position> {
  if (kind !== 'file' || server.flavor === 'mariadb') return () => readVisible(query, server, kind);
  const status = new LogStatus(query, () => readPlace(query, server));
  return async () => filePosition({ ...(await status.read()), server: await readServerId(query, server) });
}

/**
 * A position such that every transaction up to it is visible to whoever reads from now on. Not the end of the log: a
 * transaction that waits for a semi-synchronous replica stands in the log, and nobody sees it.
 */
export async function readVisible(query: Query, server: ServerFacts, kind: PositionKind): Promise<Position> {
  // A GTID enters it only when the engine has committed.
  if (kind === 'gtid_set') return await readExecuted(query);
  if (server.flavor === 'mariadb') return await readSnapshotPosition(query, server, kind);
  return await visiblePositions(query, server, kind)();
}

async function readExecuted(query: Query): Promise<Position> {
  const [row] = await query.rows<{ executed: string }>('SELECT @@global.gtid_executed AS executed');
  return gtidSetPosition(compact(row?.executed ?? ''));
}

/** The server breaks the line behind each source. */
const compact = (text: string): string => text.replace(/\s+/g, '');

async function readStatus(query: Query, server: ServerFacts): Promise<Position> {
  return filePosition({ ...(await readPlace(query, server)), server: await readServerId(query, server) });
}

async function readPlace(query: Query, server: ServerFacts): Promise<FilePlace> {
  const [row] = await query.rows<{ File: string; Position: string }>(showLogStatus(server));
  if (row === undefined) throw new ConnectorError('SERVER_SETTING', 'The server has no binary log (log_bin is off).');
  return { file: row.File, pos: Number(row.Position) };
}

/** MariaDB: where the log stood for a snapshot of the engines. Takes no lock, and asks for no privilege. */
async function readSnapshotPosition(query: Query, server: ServerFacts, kind: PositionKind): Promise<Position> {
  await query.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  let at: ReadonlyMap<string, string>;
  try {
    const rows = await query.rows<{ Variable_name: string; Value: string }>("SHOW STATUS LIKE 'binlog_snapshot%'");
    at = new Map(rows.map(row => [row.Variable_name.toLowerCase(), row.Value]));
  } finally {
    await query.rows('COMMIT');
  }
  const file = at.get('binlog_snapshot_file') ?? '';
  const pos = Number(at.get('binlog_snapshot_position') ?? 0);
  if (file === '') throw new ConnectorError('SERVER_SETTING', 'The server has no binary log (log_bin is off).');
  const place = { file, pos, server: await readServerId(query, server) };
  if (kind === 'file') return filePosition(place);
  return gtidListPosition(await gtidsAt(query, server, place), place);
}

/**
 * MariaDB: the position with its place in the files that there are now. A state at the end of a file that was purged goes on
 * at the beginning of the oldest one, where that is the same place.
 */
export async function inPresentFiles(query: Query, server: ServerFacts, from: Position): Promise<Position> {
  const position = parsed(from);
  if (position.kind !== 'gtid_list' || position.at === null || server.flavor !== 'mariadb') return from;
  const { file, server: writer } = position.at;
  if (writer !== (await readServerId(query, server)) || (await isAtItsPlace(query, server, position))) return from;
  const logs = await query.rows<{ Log_name: string }>('SHOW BINARY LOGS');
  const oldest = logs[0]?.Log_name;
  if (oldest === undefined || logs.some(log => log.Log_name === file)) return from;
  const place = { file: oldest, pos: FIRST_POSITION, server: writer };
  const list = position.list.toString();
  return (await gtidsAt(query, server, place)) === list
    ? ({ ...(from as JsonObject), at: place } as JsonObject as Position)
    : from;
}

/**
 * MariaDB with semi-synchronous replicas: whether the place of the position is in the log, and has its list. What tells more of
 * the files (SHOW BINARY LOGS, SHOW MASTER STATUS) waits there as long as a commit waits for its replica.
 */
async function isAtItsPlace(query: Query, server: ServerFacts, { at, list }: GtidListPosition): Promise<boolean> {
  const [row] = await query.rows<{ waits: string }>('SELECT @@global.rpl_semi_sync_master_enabled AS waits');
  if (row?.waits !== '1' || at === null) return false;
  try {
    const there = parsed(gtidListPosition(await gtidsAt(query, server, at)));
    return there.kind === 'gtid_list' && there.list.toString() === list.toString();
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'SERVER_ERROR') return false;
    throw error;
  }
}

/** Why the log cannot be read on from `from`; null: it can, as far as can be told before it is tried. */
export async function lossOf(query: Query, server: ServerFacts, from: MysqlPosition): Promise<string | null> {
  if (from.kind === 'gtid_set') return await lossOfSet(query, server, from.set);
  if (from.kind === 'gtid_list') {
    if (server.flavor !== 'mariadb') return 'the state has a MariaDB position, and the server is MySQL.';
    // In the files of one server the place tells what is behind it. Numbers do not: they may be given out again.
    if (from.at !== null && from.at.server === (await readServerId(query, server))) {
      if (await isAtItsPlace(query, server, from)) return null;
      return await lossOfFile(query, server, { kind: 'file', ...from.at });
    }
    // All that the log ever had, also what waits for a replica, which may have been read. Its last number may be a smaller one.
    const [row] = await query.rows<{ state: string }>('SELECT @@global.gtid_binlog_state AS state');
    const state = row?.state ?? '';
    if (GtidState.parse(state).hasAll(from.list)) return null;
    return `the state is at ${from.list.toString()}, and the log has ${state}: it is another server's, or its latest changes were lost.`;
  }
  return await lossOfFile(query, server, from);
}

async function lossOfSet(query: Query, server: ServerFacts, set: GtidSet): Promise<string | null> {
  if (server.flavor !== 'mysql') return 'the state has a GTID set of MySQL, and the server is MariaDB.';
  for (let left = COMMIT_TRIES; ; left--) {
    const [row] = await query.rows<{ mode: string; executed: string; purged: string }>(
      'SELECT @@global.gtid_mode AS mode, @@global.gtid_executed AS executed, @@global.gtid_purged AS purged',
    );
    if (row === undefined || row.mode === 'OFF') return 'the state has a GTID set, and gtid_mode of the server is OFF.';
    const executed = GtidSet.parse(row.executed);
    const purged = GtidSet.parse(row.purged);
    if (!(executed instanceof GtidSet) || !(purged instanceof GtidSet)) {
      throw new ConnectorError('VALUE_UNREADABLE', `The server says that its GTIDs are ${row.executed} and ${row.purged}.`);
    }
    const gone = purged.subtract(set);
    const unknown = set.subtract(executed);
    if (unknown.isEmpty) return gone.isEmpty ? null : `the server has purged transactions that were not read yet: ${gone}.`;
    // A transaction can be read from the log while its commit goes on, and one that waits for a replica for much longer.
    if (left > 0) await new Promise(resolve => setTimeout(resolve, COMMIT_PAUSE_MILLIS));
    else if ((await waitingCommits(query)) > 0) {
      const detail = `The state has transactions whose commits wait for a semi-synchronous replica: ${unknown}.`;
      throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
    } else {
      return `the state has transactions that the server has not: ${unknown}. It is another server, its log was reset, or its latest changes were lost.`;
    }
  }
}

/** How many sessions wait in their commit until a replica has confirmed it. */
async function waitingCommits(query: Query): Promise<number> {
  const found = await query.rows<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%_wait_sessions'");
  return found.reduce((sum, { Value }) => sum + Number(Value), 0);
}

async function lossOfFile(
  query: Query,
  server: ServerFacts,
  from: Extract<MysqlPosition, { kind: 'file' }>,
): Promise<string | null> {
  const id = await readServerId(query, server);
  if (id !== from.server) return `the state has a place in a file of the server ${from.server}, and this is ${id}.`;
  const logs = await query.rows<{ Log_name: string; File_size: string }>('SHOW BINARY LOGS');
  const log = logs.find(each => each.Log_name === from.file);
  if (log === undefined)
    return `the server has no log file ${from.file} (any more); the oldest is ${logs[0]?.Log_name ?? 'none'}.`;
  const head = parsed(await readStatus(query, server));
  const beyond = Number(log.File_size) < from.pos || (head.kind === 'file' && (compareFiles(head, from) ?? 0) < 0);
  if (beyond)
    return `the state is at byte ${from.pos} of ${from.file}, beyond its end: the log was reset, or lost its latest changes.`;
  try {
    await query.rows(`SHOW BINLOG EVENTS IN ${quoteLiteral(from.file)} FROM ${from.pos} LIMIT 1`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `no event of ${from.file} begins at byte ${from.pos}: the log was reset, or this is another file of that name (${message}).`;
  }
  return null;
}
