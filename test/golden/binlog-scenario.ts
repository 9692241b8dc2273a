import type { DumpRequest } from '../kit/binlog-dump.ts';
import type { MysqlFlavor } from '../kit/servers/mysql.ts';

/** A statement; `local` is the file that its LOAD DATA LOCAL reads, `fails` says that it has to end with an error. */
export type Statement = string | { readonly sql: string; readonly local?: string; readonly fails?: true };

/** A server that nobody else records on. */
export interface OwnServer {
  /** Lines of its option file, given the folder that `files` stand in. */
  readonly settings: (folder: string) => Readonly<Record<string, string>>;
  /** By name, what it must find in its folder. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * A library that the kit's servers come without. It is recorded only where there is one: TRIBUTARY_MARIADB_ROOT names a
   * copy of the kit's server into which Debian's package `mariadb-server` was unpacked, too.
   */
  readonly plugin?: string;
}

/** What is done to a server to record its log. Each runs in an empty database and a file of the log of its own. */
export interface BinlogScenario {
  readonly name: string;
  readonly flavors: readonly MysqlFlavor[];
  /** The statements, one connection, in order. */
  readonly life: readonly Statement[];
  /** Settings of the server for the while; they are put back. */
  readonly globals?: Readonly<Record<string, string>>;
  readonly own?: OwnServer;
  /** The server is shut down behind the last statement, and started again. */
  readonly restart?: true;
  readonly checksum?: 'CRC32' | 'NONE';
  /** How the log is asked for, beyond the file. */
  readonly request?: Pick<DumpRequest, 'flags' | 'session' | 'until'>;
}
