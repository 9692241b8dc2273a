import { nativeJsonTypes, postgresTypes } from '../engines/postgres/types.cases.ts';
import { typePage } from './type-tables.ts';

const COMING_FROM = [
  '',
  '## Coming from Airbyte’s own source-postgres',
  '',
  'An image can be swapped on an existing connection; these columns change. Refresh the source schema, and let the platform clear the streams it asks to.',
  '',
  '| type | there | here |',
  '|---|---|---|',
  '| `numeric` | in CDC digits beyond those of a double are lost; NaN is null | the same exact digits in snapshot and log |',
  '| `numeric(p,0)`, p > 18 | integer | number: consumers of 64-bit integers cannot hold it |',
  '| `money` | number without its unit; null in CDC when large | the text of the server |',
  '| `bytea` | `\\x` and hexadecimal digits | base64 |',
  '| `bit[]` | array of boolean | array of string |',
  '| `hstore` | JSON text, wrong where keys or values hold commas | the text of the server |',
  '| `interval` | in CDC without the fraction of a second | the text of the server |',
  '| infinite dates and timestamps | null in snapshots, `Infinity` as text in CDC | null, with an entry in `meta.changes` |',
  '| geometry | as the JDBC driver prints it: `(3.0,7.0)` | the text of the server: `(3,7)` |',
  '| arrays of several dimensions | flattened or text | nested, as deep as declared |',
];

/** docs/types/postgres.md: every case of the type tests, so that the page says what is tested and nothing else. */
export const postgresTypeDocs = (): string =>
  typePage({
    title: 'PostgreSQL: types',
    source: 'test/engines/postgres/types',
    introduction: [
      'Every row of these tables is a test on real servers of versions 14 and 18: the column is discovered, and read by a snapshot, from the log (insert, update, and the old row of a delete) and by a full refresh; all give the same bytes, whatever `DateStyle`, `IntervalStyle`, `TimeZone` and the like are set to for the role, the database or the server.',
      'A value that cannot be said is null, or has U+FFFD in place of the part that cannot be said. The record then has an entry in `meta.changes`: the column, `NULLED` or `TRUNCATED` as in the remarks below, and the reason `SOURCE_SERIALIZATION_ERROR`. NULL is null, without an entry. In a key, rows that have no sayable value cannot be told apart by a destination: keep infinities and NaN out of primary keys.',
      'Types that are not listed, those of extensions such as PostGIS included, are the text that the server prints.',
    ],
    families: postgresTypes.flatMap(family => [family, ...(family.name === 'json' ? nativeJsonTypes : [])]),
    ending: COMING_FROM,
  });
