import type { Json, JsonObject } from '../kit/messages.ts';
import { onOneLine, type TypeCase, type TypeFamily } from '../kit/type-family.ts';
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
} from '../kit/type-rows.ts';

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

export interface TypePage {
  readonly title: string;
  /** Folder of the cases, from the root of the repository. */
  readonly source: string;
  /** Paragraphs in front of the tables. */
  readonly introduction: readonly string[];
  readonly families: readonly TypeFamily[];
  /** Lines behind the tables. */
  readonly ending: readonly string[];
}

/** A page of docs/types: every case of the type tests, so that it says what is tested and nothing else. */
export function typePage({ title, source, introduction, families, ending }: TypePage): string {
  const hasArrays = families.some(family => family.cases.some(one => 'items' in one.schema));
  // Schemas that no row of the page has are no news to its reader.
  const used = new Set(
    families
      .flatMap(family => family.cases.flatMap(one => [one.schema, one.schema['items'] ?? null]))
      .map(schema => JSON.stringify(schema)),
  );
  const lines = [
    `# ${title}`,
    '',
    `<!-- Generated from ${source} by \`npm run generate\`. -->`,
    '',
    ...introduction.flatMap(paragraph => [paragraph, '']),
    '| becomes | JSON Schema (of a column that may be null) |',
    '|---|---|',
    ...LEGEND.filter(([, schema]) => used.has(JSON.stringify(schema))).map(
      ([name, schema]) => `| ${name} | \`${JSON.stringify(schema)}\` |`,
    ),
    ...(hasArrays ? ['| array of … | `{"type":["null","array"],"items":…}` |'] : []),
    ...families.flatMap(section),
    ...ending,
  ];
  return `${lines.join('\n')}\n`;
}
