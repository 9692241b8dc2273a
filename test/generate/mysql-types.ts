import { mysqlTypes, nativeJsonTypes, tinyint1Types } from '../engines/mysql/types.cases.ts';
import type { MysqlFlavor } from '../kit/servers/mysql.ts';
import type { TypeFamily } from '../kit/type-family.ts';
import { typePage } from './type-tables.ts';

const introduction = (server: string): readonly string[] => [
  `Every row of these tables is a test on a real server (${server}): the column is discovered, and read by a snapshot, from the log (insert, update, and the old row of a delete) and by a full refresh; all give the same bytes, with \`binlog_row_metadata\` FULL or MINIMAL, and whatever \`time_zone\`, \`sql_mode\`, the character sets and the like are set to for the server or by \`init_connect\`.`,
  'A value that cannot be said is null, or has U+FFFD in place of the part that cannot be said. The record then has an entry in `meta.changes`: the column, `NULLED` or `TRUNCATED` as in the remarks below, and the reason `SOURCE_SERIALIZATION_ERROR`. NULL is null, without an entry. In a key, rows that have no sayable value cannot be told apart by a destination: keep zero dates out of primary keys.',
];

/** Those that an option changes stand behind the family that they differ from. */
const familiesOf = (flavor: MysqlFlavor): readonly TypeFamily[] =>
  mysqlTypes[flavor].flatMap(family => [
    family,
    ...(family.name === 'integers' ? tinyint1Types : []),
    ...(family.name === 'json' ? nativeJsonTypes[flavor] : []),
  ]);

const COMING_FROM = [
  '',
  '## Coming from Airbyte’s own source-mysql',
  '',
  'An image can be swapped on an existing connection; these columns change. Refresh the source schema, and let the platform clear the streams it asks to.',
  '',
  '| type | there | here |',
  '|---|---|---|',
  '| `decimal(p,0)`, p > 18 | integer | number: consumers of 64-bit integers cannot hold it |',
  '| `time` | time without time zone; a duration beyond a day cannot be said | string, as the server prints it; a catalog that promises a time of day keeps it, and durations that are none become null with an entry in `meta.changes` |',
  '| `bit(n)`, n > 1 | base64 | string of n bits |',
  '| `vector` | string | array of numbers |',
  '| zero dates | null, or 1970-01-01 for a `timestamp` in CDC | null, with an entry in `meta.changes` |',
];

/** docs/types/mysql.md */
export const mysqlTypeDocs = (): string =>
  typePage({
    title: 'MySQL: types',
    source: 'test/engines/mysql/types',
    introduction: introduction('MySQL 9.7'),
    families: familiesOf('mysql'),
    ending: COMING_FROM,
  });

/** docs/types/mariadb.md */
export const mariadbTypeDocs = (): string =>
  typePage({
    title: 'MariaDB: types',
    source: 'test/engines/mysql/types',
    introduction: introduction('MariaDB 10.11'),
    families: familiesOf('mariadb'),
    ending: [],
  });
