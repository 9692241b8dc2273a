import type { TypeFamily } from '../../../kit/type-family.ts';
import { becomes, type CaseRow, cases, OBJECT, quote, STRING, same } from './rows.ts';

const spaced = '\t{ "a" :\n [ 1 , 2 ] ,\r\n "b b" : { } }\n';
const compact = '{"a":[1,2],"b b":{}}';
const deep = `${'['.repeat(30)}${']'.repeat(30)}`;
const many = '9'.repeat(60);
const text = (document: string): string => JSON.stringify(document);
const large = (): CaseRow => ["JSON_OBJECT('t', REPEAT('x\n', 40000))", text(JSON.stringify({ t: 'x\n'.repeat(40_000) }))];

const both: readonly CaseRow[] = [
  ...same('{}', '[]', '"text"', 'true', 'false', 'null', '0', '-1', deep, '{"":""}', '[null,{"a":[true]}]'),
  ...same('"\\b\\f\\n\\r\\t\\"\\\\"', '" spaces , : stay \\" here "', '"äß€𝄞\u2028"', '"\\u0000"'),
  becomes(spaced, compact),
  large(),
];

export const mysqlJson: TypeFamily = {
  name: 'json',
  title: 'JSON',
  notes: [
    'A string that holds the JSON text, without the white space between its tokens: exact for any content, and what Airbyte’s own connectors give. The server keeps its own order of keys, and of repeated ones the last. A double has a point or an exponent (`1.0`), as the server prints it. Decimals, dates, times and bytes inside of documents are printed as the server does.',
    'With `json_columns: native` it is the JSON value itself, under the schema `{"type": "object"}`: see below.',
  ],
  cases: [
    ...cases('json', STRING, [
      ...both,
      becomes('{"b":1,"aa":2,"a":3,"":4}', '{"":4,"a":3,"b":1,"aa":2}'),
      becomes('{"a":1,"a":2}', '{"a":2}'),
      becomes('"\\u0041\\/\\ud834\\udd1e"', '"A/𝄞"'),
      becomes('1.0', '1.0'),
      becomes('[1e2,1.50,1e20,-0.0,1e-7,1e15,1e16]', '[100.0,1.5,1e20,-0.0,0.0000001,1e15,1e16]'),
      ...same('[127,-128,32767,-32768,32768,65535,65536,2147483647,2147483648,4294967296]'),
      ...same('[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615]'),
      ['JSON_ARRAY(1.50, CAST(-0.5 AS DECIMAL(65,30)))', text(`[1.50,-0.5${'0'.repeat(29)}]`)],
      [
        "JSON_ARRAY(DATE '2024-01-02', TIME '-12:34:56.5', TIMESTAMP '2024-01-02 03:04:05.25')",
        text('["2024-01-02","-12:34:56.500000","2024-01-02 03:04:05.250000"]'),
      ],
      ["JSON_ARRAY(X'00FF', b'101')", text('["base64:type15:AP8=","base64:type15:BQ=="]')],
      ['JSON_ARRAY(CAST(2024 AS YEAR), NULL, TRUE)', text('[2024,null,true]')],
      ["JSON_SET('{\"a\": 1}', '$.b', CAST('[1]' AS JSON))", text('{"a":1,"b":[1]}')],
    ]),
  ],
};

export const mariadbJson: TypeFamily = {
  name: 'json',
  title: 'JSON',
  notes: [
    'MariaDB’s `json` is `longtext` with a check. A column with that check is a string that holds the JSON text without the white space between its tokens: keys in their order, with their repetitions, and the digits of numbers as they were written.',
    'With `json_columns: native` it is the JSON value itself, under the schema `{"type": "object"}`: see below. A `longtext` without the check is text.',
  ],
  cases: [
    ...cases('json', STRING, [
      ...both,
      ...same('{"b":1,"aa":2,"a":3,"a":4}', many, '0.10', '[1e400,-0.0,1.0E-5]', '"\\u0041\\/\\ud834\\udd1e"'),
      ["JSON_ARRAY(1.50, 'x', NULL, TRUE)", text('[1.50,"x",null,true]')],
    ]),
    ...cases('longtext', STRING, same('{ "a" : 1 }')),
  ],
};

const nativeNotes = [
  'The value itself, digits and keys as they stand. What no destination can store, U+0000 and surrogates without their partner, becomes U+FFFD, with an entry (`TRUNCATED`) in `meta.changes`.',
  'A document that is an array, a text, a number or a boolean is written as it is too, although the schema says object: for columns that hold such documents, `json_columns: text` is the safe choice.',
];
const withNul: CaseRow = [quote('{"k":"a\\u0000b"}'), '{"k":"a\\ufffdb"}', { change: 'TRUNCATED' }];
const nativeBoth: readonly CaseRow[] = [
  [quote('{}'), '{}'],
  [quote(spaced), compact],
  [
    quote('{"line":"a\\nb","n":18446744073709551615,"x":[null,true]}'),
    '{"n":18446744073709551615,"x":[null,true],"line":"a\\nb"}',
  ],
  withNul,
];

export const mysqlNativeJson: TypeFamily = {
  name: 'native_json',
  title: 'JSON with `json_columns: native`',
  notes: nativeNotes,
  cases: cases('json', OBJECT, [
    ...nativeBoth,
    ["JSON_OBJECT('d', 1.50, 'f', 1e0)", '{"d":1.50,"f":1.0}'],
    ["JSON_OBJECT('t', CAST('2024-01-02 03:04:05' AS DATETIME))", '{"t":"2024-01-02 03:04:05.000000"}'],
  ]),
};

export const mariadbNativeJson: TypeFamily = {
  name: 'native_json',
  title: 'JSON with `json_columns: native`',
  notes: nativeNotes,
  cases: cases('json', OBJECT, [
    [quote('{}'), '{}'],
    [quote(spaced), compact],
    [quote('{"b":1.50,"a":1,"a":2}'), '{"b":1.50,"a":1,"a":2}'],
    [quote(`{"n":${many},"e":-1.0E-5}`), `{"n":${many},"e":-1.0E-5}`],
    withNul,
  ]),
};
