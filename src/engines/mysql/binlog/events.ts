/**
 * Codes, flags and sizes of the binary log's events, format version 4 (MySQL internals manual, "Binary Log Events";
 * `libs/mysql/binlog/event/binlog_event.h`; MariaDB Knowledge Base, "Replication Protocol").
 */

/** Every event: timestamp 4, type 1, server id 4, event length 4, next position 4, flags 2. All numbers little-endian. */
export const HEADER_LENGTH = 19;
/** CRC-32 of zlib over header and body, at the end of every event of a log that has checksums. */
export const CHECKSUM_LENGTH = 4;
/** `max_log_event_size`: no event is longer. Bytes. */
export const MAX_EVENT_LENGTH = 1024 * 1024 * 1024;
/** Where the first event of a file stands, behind the four magic bytes. */
export const FIRST_POSITION = 4;
/** No table has more columns: `MAX_FIELDS`. */
export const MAX_COLUMNS = 4096;

/** The log file was not closed; only in a FORMAT_DESCRIPTION, whose checksum does not cover it. */
export const FLAG_BINLOG_IN_USE = 0x01;
/** Made up by the dump thread: it stands in no file and moves no position. */
export const FLAG_ARTIFICIAL = 0x20;
/** Who does not know the type of the event may pass over it. */
export const FLAG_IGNORABLE = 0x80;

export const QUERY_EVENT = 2;
export const STOP_EVENT = 3;
export const ROTATE_EVENT = 4;
export const INTVAR_EVENT = 5;
export const APPEND_BLOCK_EVENT = 9;
export const DELETE_FILE_EVENT = 11;
export const RAND_EVENT = 13;
export const USER_VAR_EVENT = 14;
export const FORMAT_DESCRIPTION_EVENT = 15;
export const XID_EVENT = 16;
export const BEGIN_LOAD_QUERY_EVENT = 17;
export const EXECUTE_LOAD_QUERY_EVENT = 18;
export const TABLE_MAP_EVENT = 19;
export const WRITE_ROWS_EVENT_V1 = 23;
export const UPDATE_ROWS_EVENT_V1 = 24;
export const DELETE_ROWS_EVENT_V1 = 25;
export const INCIDENT_EVENT = 26;
export const HEARTBEAT_EVENT = 27;
export const IGNORABLE_EVENT = 28;
export const ROWS_QUERY_EVENT = 29;
export const WRITE_ROWS_EVENT = 30;
export const UPDATE_ROWS_EVENT = 31;
export const DELETE_ROWS_EVENT = 32;
export const GTID_EVENT = 33;
export const ANONYMOUS_GTID_EVENT = 34;
export const PREVIOUS_GTIDS_EVENT = 35;
export const TRANSACTION_CONTEXT_EVENT = 36;
export const VIEW_CHANGE_EVENT = 37;
export const XA_PREPARE_EVENT = 38;
export const PARTIAL_UPDATE_ROWS_EVENT = 39;
export const TRANSACTION_PAYLOAD_EVENT = 40;
export const HEARTBEAT_EVENT_V2 = 41;
export const GTID_TAGGED_EVENT = 42;
// MariaDB's own
export const ANNOTATE_ROWS_EVENT = 160;
export const BINLOG_CHECKPOINT_EVENT = 161;
export const MARIADB_GTID_EVENT = 162;
export const GTID_LIST_EVENT = 163;
export const START_ENCRYPTION_EVENT = 164;
export const QUERY_COMPRESSED_EVENT = 165;
export const WRITE_ROWS_COMPRESSED_EVENT_V1 = 166;
export const UPDATE_ROWS_COMPRESSED_EVENT_V1 = 167;
export const DELETE_ROWS_COMPRESSED_EVENT_V1 = 168;
export const WRITE_ROWS_COMPRESSED_EVENT = 169;
export const UPDATE_ROWS_COMPRESSED_EVENT = 170;
export const DELETE_ROWS_COMPRESSED_EVENT = 171;

/**
 * What an event is to its reader: several types are one kind, because MySQL and MariaDB write the same thing in
 * different ways. 0 is the end: the packet holds no more events.
 */
export const END = 0;
export const FORMAT_DESCRIPTION = 1;
export const ROTATE = 2;
/** A transaction begins, or a statement that is one: MySQL's GTID, ANONYMOUS_GTID and GTID_TAGGED, MariaDB's GTID. */
export const GTID = 3;
/** A statement as text: BEGIN, COMMIT, SAVEPOINT, XA …, DDL; LOAD DATA and other DML where the session logs statements. */
export const QUERY = 4;
export const TABLE_MAP = 5;
export const ROWS = 6;
/** The transaction is committed. */
export const XID = 7;
/** The transaction is prepared (`XA PREPARE`), or committed where `onePhase` is set. */
export const XA_PREPARE = 8;
export const HEARTBEAT = 9;
/** MySQL: the GTIDs of all earlier files. */
export const PREVIOUS_GTIDS = 10;
/** MariaDB: the last GTID of each domain and server in all earlier files. */
export const GTID_LIST = 11;
/** The server closed the file, on shutdown. */
export const STOP = 12;
/** The context of a statement logged as text (INTVAR, RAND, USER_VAR, the blocks of LOAD DATA). */
export const STATEMENT_CONTEXT = 13;
/** Nothing to a reader of rows: comments, group replication's own events, events marked as ignorable. */
export const IGNORED = 14;
export type EventKind = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14;
