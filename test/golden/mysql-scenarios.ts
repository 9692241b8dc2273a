import type { MysqlFlavor } from '../kit/servers/mysql.ts';
import type { BinlogScenario } from './binlog-scenario.ts';
import { rareScenarios } from './mysql-rare-scenarios.ts';

const both: readonly MysqlFlavor[] = ['mysql', 'mariadb'];

const wide = Array.from({ length: 300 }, (_, i) => `c${i} tinyint`).join(', ');
const types = (flavor: MysqlFlavor): string => `CREATE TABLE types (
  id int unsigned PRIMARY KEY, t tinyint, s smallint unsigned, m mediumint, b bigint unsigned, n decimal(20,7), f float unsigned,
  d double, y year, da date, ti time, ti3 time(3), dt datetime, dt6 datetime(6), ts timestamp NULL, ts1 timestamp(1) NULL, b1 bit,
  b17 bit(17), c char(3) CHARACTER SET latin1, vc varchar(20), vl varchar(300) CHARACTER SET utf16, bi binary(4), vb varbinary(400),
  tx tinytext, me mediumtext, lo longblob, e enum('a','ö''x') CHARACTER SET latin1, se set('x','y','ü') CHARACTER SET ucs2,
  g geometry, p point, j json, big char(255) CHARACTER SET utf8mb4
  ${flavor === 'mysql' ? ', v vector(3)' : ', u uuid, i6 inet6, ct text COMPRESSED, cv varchar(400) COMPRESSED CHARACTER SET utf8mb4'})`;
const values = `1, -1, 65535, -8388608, 18446744073709551615, -1234567890123.1234567, 1.5, -2.25e100, 2155, '2024-02-29', '-838:59:59',
  '12:34:56.789', '9999-12-31 23:59:59', '1000-01-01 00:00:00.000001', '2024-01-01 00:00:00', '2024-01-01 00:00:00.5', b'1',
  b'10000000000000001', 'añb', 'ünï', 'wide 😀', 0x0102, 0x00ff, 'tiny', REPEAT('m', 300), REPEAT('l', 70000), 2, 'x,ü',
  ST_GeomFromText('LINESTRING(0 0, 1 1)'), ST_GeomFromText('POINT(1 2)'), '{"a": [1, 2.5, "x"]}', REPEAT('ü', 255)`;

export const binlogScenarios: readonly BinlogScenario[] = [
  {
    name: 'rows',
    flavors: both,
    life: [
      'CREATE TABLE r (id int PRIMARY KEY, v varchar(20), w int)',
      "INSERT INTO r VALUES (1, 'one', NULL), (2, NULL, 2), (3, '', 3)",
      "UPDATE r SET v = 'changed', w = id WHERE id < 3",
      'DELETE FROM r WHERE id > 1',
      'TRUNCATE r',
      "BEGIN; INSERT INTO r VALUES (4, 'a', 1); SAVEPOINT s; INSERT INTO r VALUES (5, 'b', 1); ROLLBACK TO s; COMMIT",
      "ALTER TABLE r ADD COLUMN x int AFTER id, COMMENT 'ä'",
      "INSERT INTO r VALUES (6, 1, 'c', 2)",
      'RENAME TABLE r TO `odd ``name`',
      'DELETE FROM `odd ``name`',
    ],
  },
  ...both.map(
    (flavor): BinlogScenario => ({
      name: 'types',
      flavors: [flavor],
      life: [
        types(flavor),
        flavor === 'mysql'
          ? `INSERT INTO types VALUES (${values}, STRING_TO_VECTOR('[1,2,3]'))`
          : `INSERT INTO types VALUES (${values}, '123e4567-e89b-12d3-a456-426655440000', '::1', REPEAT('c', 500), REPEAT('v', 300))`,
        'INSERT INTO types (id) VALUES (2)',
      ],
    }),
  ),
  { name: 'types-minimal-metadata', flavors: ['mysql'], globals: { binlog_row_metadata: 'MINIMAL' }, life: [types('mysql'), 'INSERT INTO types (id) VALUES (3)'] },
  { name: 'wide', flavors: both, life: [`CREATE TABLE wide (id int, ${wide})`, 'INSERT INTO wide (id, c0, c299) VALUES (1, 2, 3)', 'UPDATE wide SET c150 = 4'] },
  {
    name: 'images',
    flavors: both,
    life: [
      'CREATE TABLE i (id int PRIMARY KEY, a int, b varchar(10), t text)',
      "INSERT INTO i VALUES (1, 1, 'x', 'text'), (2, 2, NULL, NULL)",
      "SET binlog_row_image = MINIMAL; UPDATE i SET b = 'y' WHERE id = 1; DELETE FROM i WHERE id = 2; INSERT INTO i (id) VALUES (3)",
      "SET binlog_row_image = NOBLOB; UPDATE i SET a = 3 WHERE id = 1; UPDATE i SET t = 'z' WHERE id = 1; DELETE FROM i WHERE id = 1",
    ],
  },
  {
    name: 'xa',
    flavors: both,
    life: [
      'CREATE TABLE x (id int PRIMARY KEY)',
      "XA START 'a', 'b', 3; INSERT INTO x VALUES (1); XA END 'a', 'b', 3; XA PREPARE 'a', 'b', 3; XA COMMIT 'a', 'b', 3",
      "XA START 'c'; INSERT INTO x VALUES (2); XA END 'c'; XA PREPARE 'c'; XA ROLLBACK 'c'",
      "XA START 'd'; INSERT INTO x VALUES (3); XA END 'd'; XA COMMIT 'd' ONE PHASE",
    ],
  },
  { name: 'no-checksums', flavors: both, checksum: 'NONE', life: ['CREATE TABLE n (id int)', 'INSERT INTO n VALUES (1)'] },
  {
    name: 'statements',
    flavors: both,
    life: [
      'CREATE TABLE st (id int AUTO_INCREMENT PRIMARY KEY, v double)',
      "SET binlog_format = STATEMENT; SET @a = 7; INSERT INTO st (v) VALUES (1), (@a); UPDATE st SET v = RAND() WHERE id = 1",
      'SET binlog_format = MIXED; INSERT INTO st (v) VALUES (2)',
    ],
  },
  { name: 'select-into-table', flavors: both, life: ['CREATE TABLE o (id int)', 'INSERT INTO o VALUES (1), (2)', 'CREATE TABLE copied AS SELECT * FROM o'] },
  { name: 'comments', flavors: ['mysql'], life: ['CREATE TABLE c (id int)', 'SET binlog_rows_query_log_events = ON; INSERT INTO c VALUES (1)'] },
  {
    name: 'tags',
    flavors: ['mysql'],
    life: [
      'CREATE TABLE g (id int)',
      "SET gtid_next = 'AUTOMATIC:first_tag'; INSERT INTO g VALUES (1); INSERT INTO g VALUES (2)",
      "SET gtid_next = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee:other:17'; INSERT INTO g VALUES (3); SET gtid_next = AUTOMATIC",
      "SET gtid_next = 'ffffffff-bbbb-cccc-dddd-eeeeeeeeeeee:4294967296'; INSERT INTO g VALUES (4); SET gtid_next = AUTOMATIC",
      "SET original_commit_timestamp = 1500000000123456; INSERT INTO g VALUES (5)",
      'FLUSH BINARY LOGS',
      'INSERT INTO g VALUES (6)',
    ],
  },
  {
    name: 'compressed-transactions',
    flavors: ['mysql'],
    life: [
      'CREATE TABLE z (id int PRIMARY KEY, v text)',
      "SET binlog_transaction_compression = ON; INSERT INTO z VALUES (1, REPEAT('x', 3000)), (2, 'y')",
      "BEGIN; UPDATE z SET v = REPEAT('z', 5000) WHERE id = 2; DELETE FROM z WHERE id = 1; COMMIT",
      "XA START 'z'; INSERT INTO z VALUES (3, REPEAT('w', 1000)); XA END 'z'; XA PREPARE 'z'; XA COMMIT 'z'",
      'SET binlog_transaction_compression = OFF; DELETE FROM z',
    ],
  },
  {
    name: 'partial-json',
    flavors: ['mysql'],
    life: [
      'CREATE TABLE p (id int PRIMARY KEY, a json, n int, b json)',
      `INSERT INTO p VALUES (1, '{"k": "${'v'.repeat(60)}", "l": [1, 2, 3]}', 5, '{"k": "${'w'.repeat(60)}"}'), (2, NULL, 6, '[]')`,
      "SET binlog_row_value_options = PARTIAL_JSON; UPDATE p SET a = JSON_SET(a, '$.l[1]', 7) WHERE id = 1",
      "UPDATE p SET b = JSON_REMOVE(b, '$.k'), a = '{}' WHERE id = 1",
      'UPDATE p SET n = 8',
      "SET binlog_row_image = MINIMAL; UPDATE p SET b = JSON_SET(b, '$.new', JSON_ARRAY()), n = 9 WHERE id = 1",
    ],
  },
  {
    name: 'compressed-events',
    flavors: ['mariadb'],
    globals: { log_bin_compress: 'ON', log_bin_compress_min_len: '10' },
    life: [
      "CREATE TABLE z (id int PRIMARY KEY, v text) COMMENT 'a long statement is compressed, too, as can be seen here'",
      "INSERT INTO z VALUES (1, REPEAT('x', 3000)), (2, 'y')",
      "UPDATE z SET v = REPEAT('z', 5000) WHERE id = 2",
      'DELETE FROM z',
    ],
  },
  {
    name: 'domains',
    flavors: ['mariadb'],
    life: [
      'CREATE TABLE g (id int) ENGINE = InnoDB',
      'SET gtid_domain_id = 7; INSERT INTO g VALUES (1); SET server_id = 99; INSERT INTO g VALUES (2)',
      'FLUSH BINARY LOGS',
      'CREATE TABLE m (id int) ENGINE = MyISAM',
      'INSERT INTO m VALUES (1)',
      'SET binlog_alter_two_phase = ON; ALTER TABLE g ADD COLUMN x int, ALGORITHM = COPY',
    ],
  },
  { name: 'not-transactional', flavors: ['mysql'], life: ['CREATE TABLE m (id int) ENGINE = MyISAM', 'INSERT INTO m VALUES (1), (2)'] },
  ...rareScenarios,
];
