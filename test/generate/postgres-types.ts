import {
  BINARY,
  BOOLEAN,
  DATE,
  INTEGER,
  NUMBER,
  OBJECT,
  STRING,
  TIME,
  TIME_TZ,
  TIMESTAMP,
  TIMESTAMP_TZ,
} from '../engines/postgres/types/rows.ts';
import { nativeJsonTypes, postgresTypes } from '../engines/postgres/types.cases.ts';
import type { Json, JsonObject } from '../kit/messages.ts';
import { onOneLine, type TypeCase, type TypeFamily } from '../kit/type-family.ts';

/** What the tables call each schema, and what Airbyte calls it. */
const LEGEND: readonly (readonly [name: string, schema: JsonObject])[] = [
  ['boolean', BOOLEAN],
  ['integer', INTEGER],
  ['number', NUMBER],
  ['string', STRING],
  ['base64', BINARY],
  ['object', OBJECT],
  ['date', DATE],
  ['time', TIME],
  ['time with zone', TIME_TZ],
  ['timestamp', TIMESTAMP],
  ['timestamp with zone', TIMESTAMP_TZ],
];

const nameOf = (schema: Json | undefined): string => {
  const text = JSON.stringify(schema);
  const known = LEGEND.find(([, candidate]) => JSON.stringify(candidate) === text);
  if (known !== undefined) return known[0];
  if (typeof schema === 'object' && schema !== null && 'items' in schema) return `array of ${nameOf(schema['items'])}`;
  throw new Error(`no name for ${text}`);
};

const LONGEST = 64;

/** Code in a cell of a table; what is long is cut in its middle. A vertical bar must be escaped even in code. */
const code = (text: string): string => {
  const line = onOneLine(text);
  const letters = [...line];
  const cut = letters.length > LONGEST;
  const shown = cut ? `${letters.slice(0, LONGEST / 2).join('')} … ${letters.slice(-8).join('')}` : line;
  const fence = shown.includes('`') ? '``' : '`';
  return `${fence}${shown.replaceAll('|', '\\|')}${fence}${cut ? ` (${letters.length} characters)` : ''}`;
};

const versions = ({ since, before }: TypeCase): string | undefined =>
  since !== undefined ? `from version ${since}` : before !== undefined ? `before version ${before}` : undefined;

const remark = (one: TypeCase): string => [versions(one), one.note, one.change].filter(Boolean).join('; ');

const section = (family: TypeFamily): string[] => {
  const rows = family.cases.map(
    one => `| ${code(one.native)} | ${code(one.insert)} | ${nameOf(one.schema)} | ${code(one.json)} | ${remark(one)} |`,
  );
  const notes = (family.notes ?? []).flatMap(note => [note, '']);
  return [
    '',
    `## ${family.title}`,
    '',
    ...notes,
    '| type | value | becomes | in the record | remarks |',
    '|---|---|---|---|---|',
    ...rows,
  ];
};

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
export function postgresTypeDocs(): string {
  const families = postgresTypes.flatMap(family => [family, ...(family.name === 'json' ? nativeJsonTypes : [])]);
  const lines = [
    '# PostgreSQL: types',
    '',
    '<!-- Generated from test/engines/postgres/types by `npm run generate`. -->',
    '',
    'Every row of these tables is a test on real servers of versions 14 and 18: the column is discovered, and read by a snapshot, from the log (insert, update, and the old row of a delete) and by a full refresh; all give the same bytes, whatever `DateStyle`, `IntervalStyle`, `TimeZone` and the like are set to for the role, the database or the server.',
    '',
    'A value that cannot be said is null, or has U+FFFD in place of the part that cannot be said. The record then has an entry in `meta.changes`: the column, `NULLED` or `TRUNCATED` as in the remarks below, and the reason `SOURCE_SERIALIZATION_ERROR`. NULL is null, without an entry. In a key, rows that have no sayable value cannot be told apart by a destination: keep infinities and NaN out of primary keys.',
    '',
    'Types that are not listed, those of extensions such as PostGIS included, are the text that the server prints.',
    '',
    '| becomes | JSON Schema (of a column that may be null) |',
    '|---|---|',
    ...LEGEND.map(([name, schema]) => `| ${name} | \`${JSON.stringify(schema)}\` |`),
    '| array of … | `{"type":["null","array"],"items":…}` |',
    ...families.flatMap(section),
    ...COMING_FROM,
  ];
  return `${lines.join('\n')}\n`;
}
