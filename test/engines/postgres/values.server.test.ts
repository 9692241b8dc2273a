import { expect, it } from 'vitest';
import { exactRecords, type Row } from '../../kit/destination.ts';
import { describePostgres } from '../../kit/engines.ts';
import { digits, type Json } from '../../kit/messages.ts';
import { engineConfig, withQuery } from './engine-fixture.ts';
import { inLab, type Lab, literal } from './lab.ts';

interface Case {
  readonly type: string;
  /** SQL of the value. */
  readonly sql: string;
  readonly value: Json;
  /** The value cannot be said: null, with a note why. */
  readonly nulled?: boolean;
}

const plain = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_ab_')));

/** Each value by a snapshot, by an insert, and by an update with the whole old row: the same bytes, and the right ones. */
const expectValues = async (lab: Lab, cases: readonly Case[]): Promise<void> => {
  const names = cases.map((_, at) => `c${at}`);
  await lab.sql(`CREATE TABLE v (id bigint PRIMARY KEY, ${cases.map(({ type }, at) => `c${at} ${type}`).join(', ')})`);
  await lab.sql('ALTER TABLE v REPLICA IDENTITY FULL');
  const insert = (id: number): Promise<unknown> =>
    lab.sql(`INSERT INTO v VALUES (${id}, ${cases.map(({ sql }) => sql).join(', ')})`);
  await insert(1);
  const platform = await lab.connect();
  const first = await platform.sync();
  await insert(2);
  await lab.sql('UPDATE v SET id = 3 WHERE id = 1');
  const second = await platform.sync();
  const expected = Object.fromEntries(cases.map(({ value }, at) => [`c${at}`, value]));
  const live = [...exactRecords(first, 'v'), ...exactRecords(second, 'v')].filter(
    row => (row['_ab_cdc_deleted_at'] ?? null) === null,
  );
  expect(live.map(row => ({ ...plain(row), id: '' }))).toEqual(Array(3).fill({ ...expected, id: '' }));
  const noted = cases.flatMap(({ nulled }, at) => (nulled === true ? [names[at]] : []));
  for (const record of [...first.records, ...second.records]) {
    expect((record.meta?.changes ?? []).map(change => change.field).sort()).toEqual([...noted].sort());
  }
};

describePostgres(major => {
  it(
    '#14 infinity, years of five digits and before Christ, NaN, time zones of a time, intervals, money',
    inLab(major, lab =>
      expectValues(lab, [
        { type: 'timestamptz', sql: "'infinity'", value: null, nulled: true },
        { type: 'date', sql: "'-infinity'", value: null, nulled: true },
        { type: 'date', sql: "'12345-01-02'", value: null, nulled: true },
        { type: 'date', sql: "'0044-03-15 BC'", value: '0044-03-15 BC' },
        { type: 'timestamptz', sql: "'2024-02-29 23:30:00.123456-05:30'", value: '2024-03-01T05:00:00.123456Z' },
        { type: 'numeric', sql: "'NaN'", value: null, nulled: true },
        {
          type: 'numeric',
          sql: "'12345678901234567890.123456789012345678901234567890'",
          value: digits('12345678901234567890.123456789012345678901234567890'),
        },
        { type: 'float8', sql: "'-Infinity'", value: null, nulled: true },
        { type: 'float8', sql: '0.1::float8 + 0.2::float8', value: digits('0.30000000000000004') },
        { type: 'timetz', sql: "'12:34:56.7+02'", value: '12:34:56.7+02:00' },
        { type: 'time', sql: "'24:00:00'", value: null, nulled: true },
        { type: 'interval', sql: "'1 year 2 mons -3 days 04:05:06.7'", value: '1 year 2 mons -3 days +04:05:06.7' },
        { type: 'money', sql: "'-1234.5'", value: '-$1,234.50' },
      ]),
    ),
  );

  it(
    '#15 arrays: of varchar(n), of several dimensions, of enums, boxes, JSON, empty, with NULL and with its spelling',
    inLab(major, async lab => {
      await lab.sql("CREATE TYPE mood AS ENUM ('sad', 'so so', 'NULL')");
      await expectValues(lab, [
        { type: 'varchar(9)[]', sql: `ARRAY['a,b', '{"x"}', 'NULL', NULL, '']`, value: ['a,b', '{"x"}', 'NULL', null, ''] },
        {
          type: 'int[][]',
          sql: "'{{1,2},{3,NULL}}'",
          value: [
            [digits('1'), digits('2')],
            [digits('3'), null],
          ],
        },
        { type: 'mood[]', sql: "ARRAY['so so', 'NULL']::mood[]", value: ['so so', 'NULL'] },
        { type: 'box[]', sql: "ARRAY[box '(1,2),(0,0)', box '(4,4),(3,3)']", value: ['(1,2),(0,0)', '(4,4),(3,3)'] },
        { type: 'json[]', sql: `ARRAY['{"a": [1, "}"]}', NULL]::json[]`, value: ['{"a":[1,"}"]}', null] },
        { type: 'text[]', sql: "'{}'", value: [] },
        { type: 'int[]', sql: "'[0:1]={7,8}'", value: [digits('7'), digits('8')] },
      ]);
    }),
  );

  it(
    '#16, #17 JSON with lone surrogates and NUL as escapes, domains, ranges, composites, line breaks of every kind',
    inLab(major, async lab => {
      await lab.sql('CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE pair AS (a int, b text)');
      const breaks = 'a\nb\r\nc\u2028d\u0085e\tf"g\\h';
      await expectValues(lab, [
        {
          type: 'json',
          sql: `'{"lone": "\\ud83d", "nul": "\\u0000",\n "n": 1.50}'`,
          value: '{"lone":"\\ud83d","nul":"\\u0000","n":1.50}',
        },
        { type: 'jsonb', sql: `'{"b": 1, "a": [1e2, "\\ud83d\\ude00"]}'`, value: '{"a":[100,"😀"],"b":1}' },
        { type: 'positive', sql: '7', value: digits('7') },
        { type: 'int4range', sql: "'[1,5]'", value: '[1,6)' },
        { type: 'pair', sql: `ROW(1, 'x, "y"')::pair`, value: '(1,"x, ""y""")' },
        { type: 'text', sql: literal(breaks), value: breaks },
        { type: 'bytea', sql: "'\\x00ff10'", value: 'AP8Q' },
        { type: 'bit varying(9)', sql: "B'0101'", value: '0101' },
        { type: 'char(5)', sql: "'ab'", value: 'ab   ' },
      ]);
    }),
  );

  // Floats have all their digits from 1 on; types of extensions (`unit`) print up to two more of them for 3.
  it(
    'every connection asks for as many digits as a type can print',
    inLab(major, async lab => {
      const config = engineConfig(lab.server, lab.database.name);
      for (const replication of [false, true]) {
        const shown = await withQuery(config, query => query.rows('SHOW extra_float_digits'), replication);
        expect(shown).toEqual([{ extra_float_digits: '3' }]);
      }
    }),
  );
});
