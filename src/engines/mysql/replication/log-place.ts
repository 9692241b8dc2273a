import { ConnectorError } from '../../../contract/errors.ts';
import type { JsonObject, Position } from '../../../contract/ids.ts';
import type { Gtid } from '../binlog/gtid.ts';
import { GtidSet } from '../gtid-set.ts';
import { GtidList, GtidState } from '../mariadb-gtid.ts';
import { compareFiles, compareKnown, type FilePosition, gtidListPosition, parsed } from '../position.ts';
import { type LogFile, logFileFromJson } from './log-file.ts';
import { Prepared, type TransactionPlace } from './prepared.ts';

/**
 * How far the log has been read, live. Moves with each transaction without parsing or printing what did not change, and
 * hands out positions from which the log can be read on.
 */
export class LogPlace {
  readonly kind: 'gtid_set' | 'gtid_list' | 'file';
  /** Counts the transactions that have begun. */
  serial = 0;
  /** The XA transactions that are prepared here. They change with the transactions that the place passes. */
  readonly prepared: Prepared;

  /** The file that the log is in. */
  logFile: LogFile | null;

  readonly #set: GtidSet;
  /** MariaDB: where the log was begun to be read. What comes from there on is behind it, whatever its numbers. */
  readonly #begun: GtidList;
  #list: GtidList;
  /** MariaDB: what was passed of each server. */
  readonly #passed: GtidState;
  /** MariaDB: domains in which a number came again, or one behind a larger one, so that numbers do not tell the order. */
  readonly #disordered = new Set<number>();
  readonly #serverName: string;
  /** MariaDB: null until it is known where in the files of this server we are. */
  #file: FilePosition | null;
  /** The transaction at hand. */
  #source = '';
  #gno = 0;
  #domain = 0;
  #server = 0;
  #sid = '';
  #tag = '';
  /** The source that the set has grown at last; empty when it is not known. */
  #grown = '';
  #extra: JsonObject | null;
  #handedOut: Position;
  #changed = false;

  /** `server`: who writes the log that is read, see `readServerId`. */
  constructor(from: Position, server: string) {
    const at = parsed(from);
    this.#serverName = server;
    const { tables, prepared, log } = from as JsonObject;
    this.logFile = logFileFromJson(log);
    this.prepared = new Prepared(prepared);
    this.kind = at.kind;
    this.#set = at.kind === 'gtid_set' ? at.set.clone() : GtidSet.empty();
    this.#begun = at.kind === 'gtid_list' ? at.list : GtidList.empty();
    this.#list = this.#begun.clone();
    this.#passed = new GtidState(this.#begun.gtids);
    if (at.kind === 'file') this.#file = at;
    else this.#file = at.kind === 'gtid_list' && at.at?.server === server ? at.at : null;
    this.#extra = tables === undefined ? null : { tables };
    this.#handedOut = from;
  }

  /** What else the position must say: see `LogTables.others`. */
  set others(json: JsonObject | null) {
    const extra = json === null ? null : { tables: json };
    if (JSON.stringify(extra) === JSON.stringify(this.#extra)) return;
    this.#extra = extra;
    this.#changed = true;
  }

  /** The place has moved since the last position was handed out. */
  get moved(): boolean {
    return this.#changed;
  }

  /** A transaction begins behind the place, at `position` of `file`. */
  begin(gtid: Gtid, file: string, position: number): void {
    this.serial += 1;
    if (this.kind === 'file') return;
    if (this.kind === 'gtid_list') {
      this.#domain = gtid.domainId;
      this.#server = gtid.serverId;
      this.#file ??= { file, pos: position, server: this.#serverName };
      if (this.#list.has(gtid.domainId, gtid.gno)) this.#disordered.add(gtid.domainId);
    } else {
      if (gtid.flavor === 'anonymous') {
        const detail = 'the log has a transaction without a GTID: gtid_mode was turned off, and the state has a GTID set.';
        throw new ConnectorError('POSITION_LOST', detail);
      }
      if (gtid.sid !== this.#sid || gtid.tag !== this.#tag) {
        this.#sid = gtid.sid;
        this.#tag = gtid.tag;
        this.#source = gtid.tag === '' ? gtid.sid : `${gtid.sid}:${gtid.tag}`;
      }
    }
    this.#gno = gtid.gno;
  }

  /** The transaction at hand is done with; the next one begins at `position` of `file`. */
  commit(file: string, position: number): void {
    if (this.kind === 'gtid_set') this.#include(this.#source, this.#gno);
    this.#advance(file, position);
  }

  /** Where the transaction at hand, which begins there in the file, can be found again. */
  current(file: string, position: number): TransactionPlace {
    if (this.kind === 'file') return { file, pos: position, server: this.#file?.server ?? '' };
    if (this.kind === 'gtid_set') return { gtid: `${this.#source}:${this.#gno}` };
    return { gtid: `${this.#domain}-${this.#server}-${this.#gno}`, after: this.#list.toString() };
  }

  /** Between two transactions: the log goes on here. Means something only where a place in the files is known. */
  idle(file: string, position: number): void {
    const known = this.#file;
    if (known === null || this.isBehind(file, position) || (file === known.file && position === known.pos)) return;
    this.#file = { file, pos: position, server: known.server };
    this.#changed = true;
  }

  /** Whether this is a place in front of ours in the same file: the dump began there because it could not begin here. */
  isBehind(file: string, position: number): boolean {
    return this.#file !== null && file === this.#file.file && position < this.#file.pos;
  }

  /**
   * Whether the transaction at hand is included in `position`. Throws POSITION_LOST where MariaDB's numbers are all there is
   * to tell it by, and they do not.
   */
  isIn(position: Position): boolean {
    const other = parsed(position);
    if (other.kind === 'gtid_set' && this.kind === 'gtid_set') return other.set.has(this.#source, this.#gno);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') {
      const order = compareKnown(this.#file, other.at);
      if (order !== null) return order < 0;
      const last = other.list.of(this.#domain);
      if (last === undefined || this.#begun.covers(other.list) || this.#passed.has(last)) return false;
      // Numbers of two servers do not tell which of the two came first at the server that the position is of.
      if (last.server !== this.#server || this.#disordered.has(this.#domain)) throw this.#disorder(position);
      return last.sequence >= this.#gno;
    }
    if (other.kind === 'file' && this.#file !== null) return (compareFiles(this.#file, other) ?? 1) < 0;
    return false;
  }

  /** Whether everything up to `target` has been passed. */
  covers(target: Position): boolean {
    const other = parsed(target);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') {
      const order = compareKnown(this.#file, other.at);
      if (order !== null) return order >= 0;
      // Nothing has come yet, and the end of this log is asked for.
      if (this.#file === null && other.at?.server === this.#serverName) return this.#list.passes(other.list);
      return this.#list.covers(other.list) || this.#passed.hasAll(other.list);
    }
    if (other.kind === 'file' && this.#file !== null) return (compareFiles(this.#file, other) ?? -1) >= 0;
    return other.kind === 'gtid_set' && this.kind === 'gtid_set' && this.#set.contains(other.set);
  }

  /** Whether nothing has been passed that is not in `target`. */
  isWithin(target: Position): boolean {
    const other = parsed(target);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') {
      const order = compareKnown(other.at, this.#file);
      return order === null ? other.list.covers(this.#list) : order >= 0;
    }
    if (other.kind === 'file' && this.#file !== null) return (compareFiles(other, this.#file) ?? -1) >= 0;
    return other.kind === 'gtid_set' && this.kind === 'gtid_set' && other.set.contains(this.#set);
  }

  /** Whether `position` is what the place has handed out last: then `covers` knows about it without parsing. */
  isAt(position: Position): boolean {
    return position === this.#handedOut && !this.#changed;
  }

  /** Where the log can be resumed. The same object as long as the place has not moved. */
  position(): Position {
    if (!this.#changed) return this.#handedOut;
    this.#changed = false;
    const prepared = this.prepared.toJson();
    const log = this.logFile === null ? {} : { log: this.logFile };
    this.#handedOut = { ...this.#place(), ...log, ...(prepared === null ? {} : { prepared }), ...this.#extra } as Position;
    return this.#handedOut;
  }

  #place(): JsonObject {
    switch (this.kind) {
      case 'gtid_set':
        return { gtid_set: this.#grown === '' ? this.#set.toString() : this.#set.textGrowingAt(this.#grown) };
      case 'gtid_list':
        return gtidListPosition(this.#list.toString(), this.#file) as JsonObject;
      case 'file':
        return { ...this.#file };
    }
  }

  #include(source: string, gno: number): void {
    this.#set.add(source, gno);
    this.#grown = source;
  }

  #advance(file: string, position: number): void {
    this.#changed = true;
    if (this.kind === 'gtid_list') {
      this.#list.advance(this.#domain, this.#server, this.#gno);
      this.#passed.add(this.#domain, this.#server, this.#gno);
    }
    if (this.#file !== null) this.#file = { file, pos: position, server: this.#file.server };
  }

  #disorder(position: Position): ConnectorError {
    const detail = `in domain ${this.#domain} the numbers of the log do not tell its order: they are of several servers, or do not rise. So the place ${JSON.stringify(position)}, of another server or an earlier version, cannot be found in it.`;
    return new ConnectorError('POSITION_LOST', detail);
  }
}
