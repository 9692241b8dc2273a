import { ConnectorError } from '../../../contract/errors.ts';
import type { JsonObject, Position } from '../../../contract/ids.ts';
import type { Gtid } from '../binlog/gtid.ts';
import { GtidSet } from '../gtid-set.ts';
import { GtidList } from '../mariadb-gtid.ts';
import { compareFiles, type FilePosition, parsed } from '../position.ts';
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
  #list: GtidList;
  #file: FilePosition;
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

  constructor(from: Position) {
    const at = parsed(from);
    const { tables, prepared, log } = from as JsonObject;
    this.logFile = logFileFromJson(log);
    this.prepared = new Prepared(prepared);
    this.kind = at.kind;
    this.#set = at.kind === 'gtid_set' ? at.set.clone() : GtidSet.empty();
    this.#list = at.kind === 'gtid_list' ? at.list.clone() : GtidList.empty();
    this.#file = at.kind === 'file' ? at : { file: '', pos: 4, server: '' };
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

  /** A transaction begins behind the place. */
  begin(gtid: Gtid): void {
    this.serial += 1;
    if (this.kind === 'file') return;
    if (this.kind === 'gtid_list') {
      this.#domain = gtid.domainId;
      this.#server = gtid.serverId;
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
    if (this.kind === 'file') return { file, pos: position, server: this.#file.server };
    if (this.kind === 'gtid_set') return { gtid: `${this.#source}:${this.#gno}` };
    return { gtid: `${this.#domain}-${this.#server}-${this.#gno}`, after: this.#list.toString() };
  }

  /** Between two transactions: the log goes on here. Means something only where positions are those of files. */
  idle(file: string, position: number): void {
    if (this.isBehind(file, position)) return;
    if (this.kind === 'file' && (file !== this.#file.file || position !== this.#file.pos)) this.#advance(file, position);
  }

  /** Whether this is a place in front of ours in the same file: the dump began there because it could not begin here. */
  isBehind(file: string, position: number): boolean {
    return this.kind === 'file' && file === this.#file.file && position < this.#file.pos;
  }

  /** Whether the transaction at hand is included in `position`. */
  isIn(position: Position): boolean {
    const other = parsed(position);
    if (other.kind === 'gtid_set' && this.kind === 'gtid_set') return other.set.has(this.#source, this.#gno);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') return other.list.has(this.#domain, this.#gno);
    if (other.kind === 'file' && this.kind === 'file') return (compareFiles(this.#file, other) ?? 1) < 0;
    return false;
  }

  /** Whether everything up to `target` has been passed. */
  covers(target: Position): boolean {
    const other = parsed(target);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') return this.#list.covers(other.list);
    if (other.kind === 'file' && this.kind === 'file') return (compareFiles(this.#file, other) ?? -1) >= 0;
    return other.kind === 'gtid_set' && this.kind === 'gtid_set' && this.#set.contains(other.set);
  }

  /** Whether nothing has been passed that is not in `target`. */
  isWithin(target: Position): boolean {
    const other = parsed(target);
    if (other.kind === 'gtid_list' && this.kind === 'gtid_list') return other.list.covers(this.#list);
    if (other.kind === 'file' && this.kind === 'file') return (compareFiles(other, this.#file) ?? -1) >= 0;
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
        return { gtid_list: this.#list.toString() };
      case 'file':
        return { file: this.#file.file, pos: this.#file.pos, server: this.#file.server };
    }
  }

  #include(source: string, gno: number): void {
    this.#set.add(source, gno);
    this.#grown = source;
  }

  #advance(file: string, position: number): void {
    this.#changed = true;
    if (this.kind === 'gtid_list') this.#list.advance(this.#domain, this.#server, this.#gno);
    else if (this.kind === 'file') this.#file = { file, pos: position, server: this.#file.server };
  }
}
