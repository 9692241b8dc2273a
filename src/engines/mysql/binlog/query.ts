import { inflate } from './compression.ts';
import type { EventCursor } from './event-cursor.ts';
import { EXECUTE_LOAD_QUERY_EVENT, QUERY_COMPRESSED_EVENT } from './events.ts';
import { MARIADB_GTID_COMMIT_ALTER, MARIADB_GTID_ROLLBACK_ALTER } from './gtid.ts';

// Status variables (`Query_event::Query_event_status_vars`), with the bytes of those that have a fixed size
const SQL_MODE = 1;
const CATALOG = 2;
const CHARSET = 4;
const TIME_ZONE = 5;
const CATALOG_NZ = 6;
const CHARSET_DATABASE = 8;
const INVOKER = 11;
const UPDATED_DATABASES = 12;
const TOO_MANY_DATABASES = 254;
const DEFAULT_UTF8MB4_COLLATION = 18;
const MARIADB_GTID_FLAGS = 130;
const MARIADB_COLLATIONS = 131;
const FIXED: Readonly<Record<number, number>> = {
  0: 4, // options
  [SQL_MODE]: 8,
  3: 4, // auto increment
  [CHARSET]: 6,
  7: 2, // locale
  [CHARSET_DATABASE]: 2,
  9: 8, // tables to update
  10: 4, // length at the origin
  13: 3, // microseconds
  16: 1, // explicit_defaults_for_timestamp
  17: 8, // XID of a DDL
  [DEFAULT_UTF8MB4_COLLATION]: 2,
  19: 1, // sql_require_primary_key
  20: 1, // default_table_encryption
  128: 3, // MariaDB: microseconds
  129: 8, // MariaDB: XID of a DDL
};

/** What a statement is to a transaction. */
export const STATEMENT_OTHER = 0;
export const STATEMENT_BEGIN = 1;
export const STATEMENT_COMMIT = 2;
export const STATEMENT_ROLLBACK = 3;
export const STATEMENT_SAVEPOINT = 4;
/** `ROLLBACK TO`: in the log only where changes that cannot be undone keep the transaction in it. */
export const STATEMENT_ROLLBACK_TO = 5;
export const STATEMENT_RELEASE_SAVEPOINT = 6;
export const STATEMENT_XA_START = 7;
export const STATEMENT_XA_END = 8;
export const STATEMENT_XA_PREPARE = 9;
export const STATEMENT_XA_COMMIT = 10;
export const STATEMENT_XA_ROLLBACK = 11;
export type StatementKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11;

const KINDS: readonly (readonly [RegExp, StatementKind])[] = [
  [/^begin\b|^start\s+transaction\b/i, STATEMENT_BEGIN],
  [/^commit\b/i, STATEMENT_COMMIT],
  [/^rollback\s+(?:work\s+)?to\b/i, STATEMENT_ROLLBACK_TO],
  [/^rollback\b/i, STATEMENT_ROLLBACK],
  [/^savepoint\b/i, STATEMENT_SAVEPOINT],
  [/^release\s+savepoint\b/i, STATEMENT_RELEASE_SAVEPOINT],
  [/^xa\s+(?:start|begin)\b/i, STATEMENT_XA_START],
  [/^xa\s+end\b/i, STATEMENT_XA_END],
  [/^xa\s+prepare\b/i, STATEMENT_XA_PREPARE],
  [/^xa\s+commit\b/i, STATEMENT_XA_COMMIT],
  [/^xa\s+rollback\b/i, STATEMENT_XA_ROLLBACK],
];
/** Enough of a statement to see its kind. */
const HEAD = 32;

/**
 * A statement as text, from QUERY, MariaDB's QUERY_COMPRESSED, or LOAD DATA logged as a statement. One object a decoder;
 * the text stays bytes until somebody wants it.
 */
export class Query {
  /** The default database; empty for none. */
  schema = '';
  /** Connection that ran it. */
  threadId = 0;
  /** MySQL's number of the error that it ended with; 0 in all sane logs. */
  errorCode = 0;
  kind: StatementKind = STATEMENT_OTHER;
  /** `sql_mode` as bits (4: ANSI_QUOTES, 2^20: NO_BACKSLASH_ESCAPES); 0: not said. */
  sqlMode = 0;
  /** Collation ids; 0: not said. In what the statement is written, */
  clientCollation = 0;
  /** what `collation_server` was (it was `default_collation_for_utf8mb4` that decided for CREATE DATABASE), */
  serverCollation = 0;
  /** the default of the default database, */
  databaseCollation = 0;
  /** MySQL 8: and of utf8mb4 without a collation. */
  defaultUtf8mb4Collation = 0;
  /** The statement: `bytes[start, end)`, void at the decoder's next event. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  /** The statement as text, read as UTF-8: right for utf8mb3, utf8mb4 and ASCII, see `clientCollation`. */
  text(): string {
    const { bytes, start, end } = this;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  }

  /** Reads the event at the cursor to its end (`Query_event`, `Execute_load_query_event` in `statement_events.cpp`). */
  read(cursor: EventCursor): void {
    this.threadId = cursor.u32();
    cursor.skip(4); // seconds that it took
    const schemaLength = cursor.u8();
    this.errorCode = cursor.u16();
    const variables = cursor.u16();
    if (cursor.type === EXECUTE_LOAD_QUERY_EVENT) cursor.skip(13); // file id, where its name stands, what to do with duplicates
    this.readVariables(cursor, variables);
    this.schema = schemaLength === 0 ? '' : cursor.text(schemaLength);
    if (cursor.u8() !== 0) throw cursor.unreadable('the name of the database does not end where it should');
    this.bytes = cursor.bytes;
    this.start = cursor.at;
    this.end = cursor.end;
    cursor.skip(cursor.left);
    if (cursor.type === QUERY_COMPRESSED_EVENT) {
      this.bytes = inflate(this.bytes, this.start, this.end, cursor.type);
      this.start = 0;
      this.end = this.bytes.length;
    }
    this.kind = this.classify();
  }

  private readVariables(cursor: EventCursor, length: number): void {
    this.sqlMode = 0;
    this.clientCollation = 0;
    this.serverCollation = 0;
    this.databaseCollation = 0;
    this.defaultUtf8mb4Collation = 0;
    if (length > cursor.left) throw cursor.truncated();
    const { end } = cursor;
    const behind = cursor.at + length;
    cursor.end = behind;
    while (cursor.left > 0 && this.readVariable(cursor, cursor.u8()));
    cursor.at = behind;
    cursor.end = end;
  }

  /** False where a variable is not known: its length isn't either, and the rest cannot be read. */
  private readVariable(cursor: EventCursor, code: number): boolean {
    switch (code) {
      case SQL_MODE:
        this.sqlMode = cursor.u64();
        return true;
      case CHARSET:
        this.clientCollation = cursor.u16();
        cursor.skip(2); // collation_connection
        this.serverCollation = cursor.u16();
        return true;
      case CHARSET_DATABASE:
        this.databaseCollation = cursor.u16();
        return true;
      case DEFAULT_UTF8MB4_COLLATION:
        this.defaultUtf8mb4Collation = cursor.u16();
        return true;
      case CATALOG:
        cursor.skip(cursor.u8() + 1);
        return true;
      case TIME_ZONE:
      case CATALOG_NZ:
        cursor.skip(cursor.u8());
        return true;
      case INVOKER:
        cursor.skip(cursor.u8());
        cursor.skip(cursor.u8());
        return true;
      case UPDATED_DATABASES:
        skipDatabases(cursor);
        return true;
      case MARIADB_GTID_FLAGS:
        if ((cursor.u8() & (MARIADB_GTID_COMMIT_ALTER | MARIADB_GTID_ROLLBACK_ALTER)) !== 0) cursor.skip(8); // of the ALTER
        return true;
      case MARIADB_COLLATIONS:
        cursor.skip(cursor.u8() * 4);
        return true;
      default: {
        const length = FIXED[code];
        if (length === undefined) return false;
        cursor.skip(length);
        return true;
      }
    }
  }

  private classify(): StatementKind {
    const { bytes, start, end } = this;
    // most transactions begin with the five bytes BEGIN
    if (end - start === 5 && bytes[start] === 0x42 && bytes[start + 4] === 0x4e) return STATEMENT_BEGIN;
    const head = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(end - start, HEAD)).toString('latin1');
    for (const [pattern, kind] of KINDS) if (pattern.test(head)) return kind;
    return STATEMENT_OTHER;
  }
}

function skipDatabases(cursor: EventCursor): void {
  const count = cursor.u8();
  if (count === TOO_MANY_DATABASES) return;
  for (let i = 0; i < count; i++) while (cursor.u8() !== 0);
}
