import type { TypeFamily } from '../../../kit/type-family.ts';
import { arrayOf, BINARY, becomes, cases, INTEGER, NUMBER, nulled, quote, STRING, same, TIMESTAMP_TZ } from './rows.ts';

const labels = ['happy', 'sa d', "it's", 'co,mma', '"q"', 'b\\s', '{ö}', 'NULL'];
const schema = '"Types of ours"';

export const enumsAndDomains: TypeFamily = {
  name: 'enums_domains',
  title: 'Enums and domains',
  notes: ['An enum is its label. A domain is what the type under it is, at any depth.'],
  setup: [
    `CREATE SCHEMA ${schema}`,
    `CREATE TYPE ${schema}."Mood" AS ENUM (${labels.map(quote).join(', ')})`,
    'CREATE DOMAIN positive AS integer CHECK (VALUE > 0)',
    'CREATE DOMAIN small_positive AS positive CHECK (VALUE < 100)',
    `CREATE DOMAIN ${schema}."Price" AS numeric(10,2)`,
    'CREATE DOMAIN whole AS numeric(12)',
    "CREATE DOMAIN short_text AS varchar(5) NOT NULL DEFAULT '-'",
    'CREATE DOMAIN instant AS timestamptz',
    'CREATE DOMAIN document AS jsonb',
    'CREATE DOMAIN blob AS bytea',
    `CREATE DOMAIN best_mood AS ${schema}."Mood" CHECK (VALUE <> 'sa d')`,
    'CREATE DOMAIN vector AS integer[] CHECK (array_length(VALUE, 1) < 10)',
    'CREATE DOMAIN matrix AS integer[][]',
  ],
  cases: [
    ...cases(`${schema}."Mood"`, STRING, same(...labels)),
    ...cases(`${schema}."Mood"[]`, arrayOf(STRING), [[`enum_range(NULL::${schema}."Mood")`, JSON.stringify(labels)]]),
    ...cases('positive', INTEGER, [["'7'", '7']]),
    ...cases('small_positive', INTEGER, [["'99'", '99']], { note: 'a domain over a domain' }),
    ...cases(`${schema}."Price"`, NUMBER, [["'7'", '7.00'], ...nulled('NaN')]),
    ...cases('whole', INTEGER, [["'123456789012'", '123456789012']]),
    ...cases('instant', TIMESTAMP_TZ, [becomes('2024-01-02 03:04:05+01', '2024-01-02T02:04:05Z'), ...nulled('infinity')]),
    ...cases('document', STRING, [becomes('{"a": 1}', '{"a":1}')]),
    ...cases('blob', BINARY, [["'\\x00'", '"AA=="']]),
    ...cases('best_mood', STRING, same('co,mma')),
    ...cases('vector', arrayOf(INTEGER), [["'{1,NULL}'", '[1,null]'], ...nulled('{{1}}')]),
    ...cases('matrix', arrayOf(arrayOf(INTEGER)), [["'{{1,2},{3,4}}'", '[[1,2],[3,4]]'], ...nulled('{1}')]),
    ...cases('positive[]', arrayOf(INTEGER), [["'{1,2}'", '[1,2]']]),
    ...cases('vector[]', arrayOf(arrayOf(INTEGER)), [
      ["ARRAY['{1,2}', '{}', NULL]::vector[]", '[[1,2],[],null]', { note: 'an array of a domain over an array' }],
    ]),
    ...cases('document[]', arrayOf(STRING), [[`ARRAY['{"a":"x,y"}']::document[]`, JSON.stringify(['{"a":"x,y"}'])]]),
    ...cases('short_text[]', arrayOf(STRING), [['\'{a,"b "}\'', '["a","b "]']]),
  ],
};

export const compositesAndRanges: TypeFamily = {
  name: 'composites_ranges',
  title: 'Composite types, ranges, base types of one’s own',
  notes: ['The text that the server prints; times inside it are in UTC.'],
  setup: [
    'CREATE TYPE pair AS (number integer, "some text" text)',
    'CREATE TYPE nested AS (p pair, many integer[], at timestamptz, raw bytea, f double precision)',
    'CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi)',
    'CREATE TYPE own_text',
    "CREATE FUNCTION own_in(cstring) RETURNS own_text LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
    "CREATE FUNCTION own_out(own_text) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
    "CREATE TYPE own_text (INPUT = own_in, OUTPUT = own_out, LIKE = text, DELIMITER = ';')",
    'CREATE TABLE some_table (id integer, name text)',
  ],
  cases: [
    ...cases('pair', STRING, [
      ["ROW(1, 'plain')::pair", '"(1,plain)"'],
      ['ROW(NULL, NULL)::pair', '"(,)"'],
      ["ROW(-1, '')::pair", '"(-1,\\"\\")"'],
      [`ROW(2, ${quote('a "q", (b) \\ c\n')})::pair`, JSON.stringify('(2,"a ""q"", (b) \\\\ c\n")')],
    ]),
    ...cases('nested', STRING, [
      [
        `ROW(ROW(1, 'a b'), '{1,NULL}', '2024-01-02 03:04:05+02', '\\x00ff', 0.1)::nested`,
        JSON.stringify('("(1,""a b"")","{1,NULL}","2024-01-02 01:04:05+00","\\\\x00ff",0.1)'),
      ],
    ]),
    ...cases('pair[]', arrayOf(STRING), [
      [`ARRAY[ROW(1, 'a "b"'), NULL, ROW(NULL, 'c,d')]::pair[]`, JSON.stringify(['(1,"a ""b""")', null, '(,"c,d")'])],
    ]),
    ...cases('some_table', STRING, [["ROW(1, 'x')::some_table", '"(1,x)"', { note: 'the row type of a table' }]]),
    ...cases('int4range', STRING, [...same('empty', '[1,5)', '(,)', '[3,)', '(,3)'), becomes('[1,5]', '[1,6)')]),
    ...cases('int8range', STRING, same('[-9223372036854775808,9223372036854775807)')),
    ...cases('numrange', STRING, same('[1.50,2]', '(NaN,)', '(1,2)')),
    ...cases('tsrange', STRING, same('["2024-01-02 03:04:05.5","2024-01-03 00:00:00")', '[-infinity,infinity]')),
    ...cases('tstzrange', STRING, [
      becomes('[2024-01-02 03:04:05+02,)', '["2024-01-02 01:04:05+00",)'),
      becomes('(,0044-03-15 00:00:00+00 BC]', '(,"0044-03-15 00:00:00+00 BC"]'),
    ]),
    ...cases('daterange', STRING, [
      ...same('[2024-01-02,infinity)'),
      becomes('[2024-01-02,2024-01-03]', '[2024-01-02,2024-01-04)'),
    ]),
    ...cases('float_range', STRING, [becomes('[0.10,1e300)', '[0.1,1e+300)', { note: 'a range of one’s own' })]),
    ...cases('int4multirange', STRING, [...same('{}', '{[1,3),[5,7)}'), becomes('{[1,2],[2,7)}', '{[1,7)}')]),
    ...cases('tstzmultirange', STRING, [
      becomes('{[2024-01-02 00:00:00+01,2024-01-03 00:00:00+01)}', '{["2024-01-01 23:00:00+00","2024-01-02 23:00:00+00")}'),
    ]),
    ...cases('datemultirange', STRING, same('{(,2024-01-02)}')),
    ...cases('own_text', STRING, same('a;b,c', 'x "y"'), { note: 'a base type made by CREATE TYPE' }),
    ...cases('own_text[]', arrayOf(STRING), [["ARRAY['a;b', 'c,d', NULL]::own_text[]", '["a;b","c,d",null]']]),
  ],
};
