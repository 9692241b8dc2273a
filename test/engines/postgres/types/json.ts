import type { TypeFamily } from '../../../kit/type-family.ts';
import { becomes, type CaseRow, cases, OBJECT, quote, STRING, same } from './rows.ts';

const deep = `${'['.repeat(500)}${']'.repeat(500)}`;
const many = '9'.repeat(100);

/** Documents that have no white space outside of strings; the type json keeps them as they are. */
const kept = [
  '{}',
  '[]',
  '"text"',
  'true',
  'null',
  '-0.0',
  '1e400',
  many,
  '0.10',
  deep,
  '{"a":1,"b":2,"a":3}',
  '{"":""}',
  '"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"',
  '"\\ud834\\udd1e"',
  '" spaces , : stay \\" here "',
  '"äß€𝄞\u2028\x7f"',
];
const spaced: CaseRow = [quote('\t{ "a" :\n [ 1 , 2 ] ,\r\n "b b" : { } }\n'), ''];
const compact = '{"a":[1,2],"b b":{}}';

const jsonb: readonly (readonly [text: string, stored: string])[] = [
  ['{"b":1,"aa":2,"a":3}', '{"a":3,"b":1,"aa":2}'],
  ['{"a":1,"a":2}', '{"a":2}'],
  ['1e25', '10000000000000000000000000'],
  ['-0', '0'],
  ['1.500', '1.500'],
  [many, many],
  ['null', 'null'],
  ['"\\u0041 \\u2028 \\ud834\\udd1e \\t"', '"A \u2028 𝄞 \\t"'],
  ['[1, {"x": [true, null]}]', '[1,{"x":[true,null]}]'],
];

export const json: TypeFamily = {
  name: 'json',
  title: 'JSON',
  notes: [
    'A string that holds the JSON text without the white space between its tokens: exact for any content, and what Airbyte’s own connectors give. Keys of `json` keep their order and their repetitions; `jsonb` has neither on the server. Digits of numbers stay.',
    'With `json_columns: native` it is the JSON value itself, under the schema `{"type": "object"}`: see below.',
  ],
  cases: [
    ...cases('json', STRING, [
      ...same(...kept),
      [spaced[0], JSON.stringify(compact)],
      ...same('"\\u0000"', '"\\ud800"', '"\\udc00\\ud800"'),
      ["json_build_object('text', repeat('x\n', 20000))", JSON.stringify(JSON.stringify({ text: 'x\n'.repeat(20_000) }))],
    ]),
    ...cases('jsonb', STRING, [...jsonb.map(([text, stored]) => becomes(text, stored)), [spaced[0], JSON.stringify(compact)]]),
    ...cases('jsonpath', STRING, [
      becomes('$.a[*] ? (@.b > 1)', '$."a"[*]?(@."b" > 1)'),
      becomes('strict $."it\'s \\"q\\""', 'strict $."it\'s \\"q\\""'),
    ]),
  ],
};

/** The same types under `json_columns: native`. Objects only, since the schema promises one; the rest has a test of its own. */
export const nativeJson: TypeFamily = {
  name: 'native_json',
  title: 'JSON with `json_columns: native`',
  notes: [
    'The value itself, digits and keys as they stand. What no destination can store, U+0000 and surrogates without their partner, becomes U+FFFD, with an entry (`TRUNCATED`) in `meta.changes`.',
    'A document that is an array, a text, a number or a boolean is written as it is too, although the schema says object: for columns that hold such documents, `json_columns: text` is the safe choice.',
  ],
  cases: [
    ...cases('json', OBJECT, [
      [quote('{ "b" : 1.50 , "a" : [ 1 , "x  y" ] }'), '{"b":1.50,"a":[1,"x  y"]}'],
      [quote('{"a":1,"a":2}'), '{"a":1,"a":2}'],
      [quote(`{"n":${many},"e":-1.0E-5}`), `{"n":${many},"e":-1.0E-5}`],
      [quote('{\r\n\t"line" :\n"a\\nb"\n}'), '{"line":"a\\nb"}'],
      [quote('{"k":"a\\u0000b"}'), '{"k":"a\\ufffdb"}', { change: 'TRUNCATED' }],
      [quote('{"k":"\\ud800","ok":"\\ud834\\udd1e"}'), '{"k":"\\ufffd","ok":"\\ud834\\udd1e"}', { change: 'TRUNCATED' }],
    ]),
    ...cases('jsonb', OBJECT, [
      [quote('{"b":1,"aa":2,"a":{"c": [null, true]}}'), '{"a":{"c":[null,true]},"b":1,"aa":2}'],
      [quote('{}'), '{}'],
      [quote('{"n":12345678901234567890.123}'), '{"n":12345678901234567890.123}'],
    ]),
    ...cases('json[]', { type: ['null', 'array'], items: OBJECT }, [
      ['ARRAY[\'{"a": "x,\\"y"}\', NULL, \'{ }\']::json[]', '[{"a":"x,\\"y"},null,{}]'],
    ]),
  ],
};
