import { DUMP_ANNOTATE_ROWS, DUMP_HEARTBEAT_V2 } from '../../src/engines/mysql/binlog/command.ts';
import { HEARTBEAT_EVENT, HEARTBEAT_EVENT_V2 } from '../../src/engines/mysql/binlog/events.ts';
import type { MysqlFlavor } from '../kit/servers/mysql.ts';
import type { BinlogScenario } from './binlog-scenario.ts';

const both: readonly MysqlFlavor[] = ['mysql', 'mariadb'];

// in nanoseconds
const frequent = 'SET @source_heartbeat_period = 100000000, @master_heartbeat_period = 100000000';
const load = (table: string): string =>
  `LOAD DATA LOCAL INFILE 'lines' INTO TABLE ${table} FIELDS TERMINATED BY ',' (id, @v) SET v = UPPER(@v)`;
const lines = (count: number): string => Array.from({ length: count }, (_, i) => `${i + 1},value ${i + 1}\n`).join('');

/** Events that a server writes, or sends, only where something unusual happens to it. */
export const rareScenarios: readonly BinlogScenario[] = [
  {
    name: 'load-data',
    flavors: both,
    // the file goes into the log in blocks of this size: BEGIN_LOAD_QUERY, then APPEND_BLOCK
    globals: { max_allowed_packet: '1024' },
    life: [
      'CREATE TABLE l (id int PRIMARY KEY, v varchar(20)) ENGINE = InnoDB',
      'CREATE TABLE m (id int PRIMARY KEY, v varchar(20)) ENGINE = MyISAM',
      'SET binlog_format = STATEMENT',
      { sql: load('l'), local: lines(2) },
      { sql: load('m'), local: lines(150) },
      // it ends before its first row, and its blocks are in the log: DELETE_FILE
      "CREATE TRIGGER refuse BEFORE INSERT ON m FOR EACH ROW SIGNAL SQLSTATE '45000'",
      { sql: load('m'), local: lines(1), fails: true },
    ],
  },
  {
    name: 'heartbeat',
    flavors: both,
    life: ['CREATE TABLE h (id int)'],
    request: { session: [frequent], until: event => event[4] === HEARTBEAT_EVENT },
  },
  {
    name: 'heartbeat-2',
    flavors: ['mysql'],
    life: ['CREATE TABLE h (id int)'],
    request: { session: [frequent], flags: DUMP_HEARTBEAT_V2, until: event => event[4] === HEARTBEAT_EVENT_V2 },
  },
  {
    name: 'anonymous',
    flavors: ['mysql'],
    own: { settings: () => ({ gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' }) },
    life: [
      'CREATE TABLE a (id int PRIMARY KEY)',
      'INSERT INTO a VALUES (1)',
      'SET original_commit_timestamp = 1500000000123456; INSERT INTO a VALUES (2)',
    ],
  },
  {
    name: 'incident',
    flavors: both,
    globals: { max_binlog_stmt_cache_size: '4096', binlog_stmt_cache_size: '4096' },
    life: [
      'CREATE TABLE lost (id int, v varchar(1000)) ENGINE = MyISAM',
      { sql: `INSERT INTO lost VALUES ${Array.from({ length: 40 }, (_, i) => `(${i}, REPEAT('x', 1000))`).join(', ')}`, fails: true },
      "INSERT INTO lost VALUES (100, 'y')",
    ],
  },
  { name: 'shutdown', flavors: both, own: { settings: () => ({}) }, restart: true, life: ['CREATE TABLE s (id int)'] },
  {
    name: 'annotations',
    flavors: ['mariadb'],
    life: ['CREATE TABLE c (id int)', 'INSERT INTO c VALUES (1)'],
    request: { flags: DUMP_ANNOTATE_ROWS },
  },
  {
    name: 'encrypted',
    flavors: ['mariadb'],
    own: {
      plugin: 'file_key_management.so',
      files: { keys: `1;${'0123456789abcdef'.repeat(4)}\n` },
      settings: folder => ({
        plugin_load_add: 'file_key_management',
        file_key_management_filename: `${folder}/keys`,
        encrypt_binlog: 'ON',
      }),
    },
    life: ['CREATE TABLE e (id int)', 'INSERT INTO e VALUES (1)'],
  },
];
