import type { JsonObject } from '../../../kit/messages.ts';
import type { TypeFamily } from '../../../kit/type-family.ts';
import {
  arrayOf,
  BINARY,
  BOOLEAN,
  cases,
  DATE,
  INTEGER,
  NUMBER,
  nulled,
  quote,
  STRING,
  TIME,
  TIME_TZ,
  TIMESTAMP,
  TIMESTAMP_TZ,
} from './rows.ts';

const INTEGERS = arrayOf(INTEGER);
const STRINGS = arrayOf(STRING);
const elementNulled = { change: 'NULLED' } as const;

const oddTexts = ['', 'null', 'NULL', 'a,b', '{x}', '"q"', 'b\\s', ' blank ', "it's", 'tab\t', 'line\n', '\\N', 'é𝄞', '\x7f'];
const textArray = `ARRAY[${oddTexts.map(quote).join(', ')}, NULL]`;
const cube = (write: (x: number) => string): string =>
  [0, 1]
    .map(x =>
      [0, 1]
        .map(y => [0, 1].map(z => write(x * 4 + y * 2 + z)))
        .map(row => `[${row.join()}]`)
        .join(),
    )
    .map(plane => `[${plane}]`)
    .join();

const of = (native: string, items: JsonObject, ...rows: readonly (readonly [string, string])[]) =>
  cases(native, arrayOf(items), rows);

export const arrays: TypeFamily = {
  name: 'arrays',
  title: 'Arrays',
  notes: [
    'Nested as deep as the column is declared: `integer[]` is an array of integers, `integer[][]` an array of those; an array in a table made by CREATE TABLE AS, or in a view, counts as one level. PostgreSQL itself does not hold a column to its declaration: a value of another depth is null, and an entry in `meta.changes`. The empty array is `[]` at any depth. Lower bounds are not said.',
    'Elements are written as a column of their type would be. One that cannot be said is null in its place, and the entry in `meta.changes` names the column.',
  ],
  cases: [
    ...of('integer[]', INTEGER, ["'{}'", '[]'], ["'{1}'", '[1]'], ["'{1,NULL,-3}'", '[1,null,-3]'], ["'{NULL}'", '[null]']),
    ...of('integer[]', INTEGER, ["'[0:2]={1,2,3}'", '[1,2,3]'], ["'[-5:-4]={1,2}'", '[1,2]']),
    ...cases('integer[]', INTEGERS, nulled('{{1,2},{3,4}}', '[0:0][0:1]={{1,2}}'), { note: 'of another depth than declared' }),
    ...of('integer[3]', INTEGER, ["'{1,2,3,4}'", '[1,2,3,4]']),
    ...of('integer[][]', INTEGERS, ["'{{1,2},{3,NULL}}'", '[[1,2],[3,null]]'], ["'{}'", '[]'], ["'{{1}}'", '[[1]]']),
    ...of('integer[][]', INTEGERS, ["'[-1:0][5:5]={{1},{2}}'", '[[1],[2]]']),
    ...cases('integer[][]', arrayOf(INTEGERS), nulled('{1,2}', '{{{1}}}'), { note: 'of another depth than declared' }),
    ...of('bigint[][][]', arrayOf(INTEGERS), [`ARRAY[${cube(String)}]`, `[${cube(String)}]`]),
    ...of('text[][]', STRINGS, [`ARRAY[['a,b', '}{'], [NULL, '"']]`, '[["a,b","}{"],[null,"\\""]]']),
    ...of('text[]', STRING, ["'{}'", '[]'], [textArray, JSON.stringify([...oddTexts, null])]),
    ...of('text[]', STRING, ["ARRAY[repeat('\"\\', 40000)]", JSON.stringify(['"\\'.repeat(40_000)])]),
    ...of('varchar(2)[]', STRING, ["'{ab,c}'", '["ab","c"]']),
    ...of('char(3)[]', STRING, ['\'{ab,""}\'', '["ab ","   "]']),
    ...of('"char"[]', STRING, ['\'{a,""}\'', '["a",""]']),
    ...of('name[]', STRING, ["'{a,b c}'", '["a","b c"]']),
    ...of('boolean[]', BOOLEAN, ["'{t,f,NULL}'", '[true,false,null]']),
    ...of('oid[]', INTEGER, ["'{4294967295}'", '[4294967295]']),
    ...of('numeric(5,0)[]', INTEGER, ["'{12345,-1}'", '[12345,-1]']),
    ...of('numeric(5,2)[]', NUMBER, ["'{1,-2.5}'", '[1.00,-2.50]']),
    ...cases('numeric[]', arrayOf(NUMBER), [
      ["'{1.50,1e20}'", '[1.50,100000000000000000000]'],
      ["'{NaN,1,Infinity}'", '[null,1,null]', elementNulled],
    ]),
    ...of('real[]', NUMBER, ["'{0.1,1e-45}'", '[0.1,1e-45]']),
    ...cases('double precision[]', arrayOf(NUMBER), [["'{-0,1e+300,-Infinity}'", '[-0,1e+300,null]', elementNulled]]),
    ...of('money[]', STRING, ["'{1,-1234.5}'", '["$1.00","-$1,234.50"]']),
    ...of('uuid[]', STRING, ["'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", '["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]']),
    ...of('bytea[]', BINARY, [`ARRAY['\\x00ff', NULL, '\\x']::bytea[]`, '["AP8=",null,""]']),
    ...of('bit(2)[]', STRING, ["'{01,10}'", '["01","10"]']),
    ...of('json[]', STRING, [
      `ARRAY['{"a": [1, "x,\\"}"]}', 'null', NULL, '"b"']::json[]`,
      JSON.stringify(['{"a":[1,"x,\\"}"]}', 'null', null, '"b"']),
    ]),
    ...of('jsonb[]', STRING, [`ARRAY['{"b":1,"a":2}', '[]']::jsonb[]`, JSON.stringify(['{"a":2,"b":1}', '[]'])]),
    ...of('jsonb[][]', STRINGS, [`ARRAY[['1', NULL]]::jsonb[]`, '[["1",null]]']),
    ...cases('date[]', arrayOf(DATE), [
      ["'{2024-02-29,0044-03-15 BC}'", '["2024-02-29","0044-03-15 BC"]'],
      ["'{infinity,2024-02-29}'", '[null,"2024-02-29"]', elementNulled],
    ]),
    ...of('timestamp[]', TIMESTAMP, ["ARRAY['2024-01-02 03:04:05.5', NULL]::timestamp[]", '["2024-01-02T03:04:05.5",null]']),
    ...of('timestamptz[]', TIMESTAMP_TZ, [
      "ARRAY['2024-01-02 03:04:05+02', '0001-01-01 00:00:00+00 BC']::timestamptz[]",
      '["2024-01-02T01:04:05Z","0001-01-01T00:00:00Z BC"]',
    ]),
    ...cases('time[]', arrayOf(TIME), [["'{03:04:05,24:00:00}'", '["03:04:05",null]', elementNulled]]),
    ...of('timetz[]', TIME_TZ, ["'{03:04:05+02}'", '["03:04:05+02:00"]']),
    ...of('interval[]', STRING, ["ARRAY['1 year 2 hours', '-1 day']::interval[]", '["1 year 02:00:00","-1 days"]']),
    ...of('point[]', STRING, ["ARRAY['(1,2)', '(3,-4.5)']::point[]", '["(1,2)","(3,-4.5)"]']),
    ...of('box[]', STRING, ["'{(2,2),(0,0);(1,1),(0,0);NULL}'", '["(2,2),(0,0)","(1,1),(0,0)",null]']),
    ...of('path[]', STRING, ["ARRAY['[(0,0),(1,1)]', '((0,0),(1,1))']::path[]", '["[(0,0),(1,1)]","((0,0),(1,1))"]']),
    ...of('inet[]', STRING, ["'{10.0.0.1,::1}'", '["10.0.0.1","::1"]']),
    ...of('int4range[]', STRING, ["ARRAY['[1,5)', 'empty', NULL]::int4range[]", '["[1,5)","empty",null]']),
    ...of('int4multirange[]', STRING, ["ARRAY['{[1,3),[5,7)}', '{}']::int4multirange[]", '["{[1,3),[5,7)}","{}"]']),
    ...of('tsvector[]', STRING, ["ARRAY[$$'a,b':1 'c'$$]::tsvector[]", JSON.stringify(["'a,b':1 'c'"])]),
    ...of('xml[]', STRING, [`ARRAY['<a b="1"/>']::xml[]`, '["<a b=\\"1\\"/>"]']),
    ...of('int2vector[]', STRING, ["ARRAY['1 2', '']::int2vector[]", '["1 2",""]']),
    ...of('regtype[]', STRING, ['\'{integer,"double precision"}\'', '["integer","double precision"]']),
  ],
};
