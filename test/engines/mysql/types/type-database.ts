import type { JsonObject } from '../../../kit/messages.ts';
import { type MysqlFlavor, query, startMysql } from '../../../kit/servers/mysql.ts';
import type { RowMetadata } from '../../../kit/servers/mysql-shared.ts';
import type { TypeCaseOptions, TypeDatabase } from '../../../kit/type-cases.ts';
import { MysqlDatabase, mysqlBackend } from '../backend.ts';

/** Major versions that the cases are told apart by. */
const majors: Readonly<Record<MysqlFlavor, number>> = { mysql: 9, mariadb: 10 };

/** Literals mean what they say, and everything that a server can be brought to store is stored. */
export const WRITER = "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'";

/** A database of one's own, its statements run by the superuser in one session; the connector logs in as another. */
const sessionOf = async (database: MysqlDatabase, source: JsonObject): Promise<TypeDatabase> => {
  const client = await database.server.client(database.name);
  await client.query(WRITER);
  return {
    config: () => database.config({ source }),
    query: sql => query(client, sql),
    drop: async () => {
      await client.end();
      await database.drop();
    },
  };
};

/** The kit's type cases on a server, with more lines for `source` in the config. */
export const onMysql = (
  flavor: MysqlFlavor,
  source: JsonObject = {},
  metadata: RowMetadata = 'FULL',
): Omit<TypeCaseOptions, 'families'> => ({
  version: majors[flavor],
  open: async () => sessionOf(await mysqlBackend(flavor, metadata).open(), source),
  offers: () => Promise.resolve(true),
  // A row image is whole unless the server is told otherwise.
  logOldRow: () => null,
});

/** What every session of an account begins with that is no superuser: each value as far from ours as it goes. */
const SESSION: Readonly<Record<MysqlFlavor, string>> = {
  mysql: "SET NAMES latin1, time_zone = '-11:30', lc_time_names = 'ja_JP', character_set_connection = ucs2",
  mariadb: "SET NAMES latin1, time_zone = '-11:30', lc_time_names = 'ja_JP', character_set_connection = ucs2, autocommit = 0",
};
const STRANGE_MODE =
  'ANSI,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,PAD_CHAR_TO_FULL_LENGTH,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO';

/** Global variables, those of the log's form included. */
const GLOBAL: Readonly<Record<MysqlFlavor | 'both', Readonly<Record<string, string>>>> = {
  both: {
    time_zone: "'+05:45'",
    character_set_server: 'latin1',
    character_set_connection: 'latin1',
    character_set_results: 'greek',
    collation_server: 'latin1_german2_ci',
    div_precision_increment: '0',
    sql_select_limit: '1',
    max_sort_length: '64',
    group_concat_max_len: '4',
    net_buffer_length: '1024',
    lock_wait_timeout: '1',
    sql_quote_show_create: '0',
    binlog_checksum: 'NONE',
  },
  mysql: { binlog_transaction_compression: 'ON', binlog_row_value_options: 'PARTIAL_JSON' },
  mariadb: {
    log_bin_compress: 'ON',
    log_bin_compress_min_len: '10',
    mysql56_temporal_format: 'OFF',
    column_compression_zlib_wrap: 'ON',
    column_compression_threshold: '10',
  },
};

/** What an account's session says of itself, left to itself: were it not this, the tests would prove nothing. */
const SAMPLES: Readonly<Record<string, string>> = {
  'FROM_UNIXTIME(86400)': '1970-01-01 12:30:00',
  "@@sql_mode LIKE '%PAD_CHAR_TO_FULL_LENGTH%'": '1',
  '@@character_set_results': 'latin1',
  '1 / 3': '0',
  "'a\\\\b'": 'a\\\\b',
  '@@sql_select_limit': '1',
};

const expectUnlike = async (database: MysqlDatabase): Promise<void> => {
  const { username: user, password } = database.reader;
  const client = await database.server.client(database.name, { user, password });
  try {
    for (const [expression, text] of Object.entries(SAMPLES)) {
      const [row] = await query(client, `SELECT CAST(${expression} AS CHAR) AS text`);
      if (row?.['text'] !== text) throw new Error(`${expression} is ${row?.['text']} and not ${text} for the reader`);
    }
  } finally {
    await client.end();
  }
};

/** The same on a server of its own, where every setting is unlike the connector's for the account that it logs in as. */
export const underUnlikeSettings = (flavor: MysqlFlavor): Omit<TypeCaseOptions, 'families'> => ({
  ...onMysql(flavor),
  open: async () => {
    const server = await startMysql({ flavor, settings: { init_connect: SESSION[flavor] } });
    try {
      const database = await MysqlDatabase.create(server);
      const values = Object.entries({ ...GLOBAL.both, ...GLOBAL[flavor], sql_mode: `'${STRANGE_MODE}'` });
      for (const [name, value] of values) await server.query(undefined, `SET GLOBAL ${name} = ${value}`);
      await expectUnlike(database);
      const plain = await sessionOf(database, {});
      return { ...plain, drop: () => server.stop() };
    } catch (error) {
      await server.stop();
      throw error;
    }
  },
});
