import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayWriter } from '../../../src/values/postgres-array.ts';
import { writeBytea, writeInteger, writeJsonNative, writeString } from '../../../src/values/postgres-text.ts';
import { NULLED, REPAIRED, SAID } from '../../../src/values/value-writer.ts';
import { say } from '../bytes/written.ts';

const COMMA = 0x2c;
const SEMICOLON = 0x3b;

type Items = readonly (string | null | Items)[];

/** The server's own rule for quotes: array_out in src/backend/utils/adt/arrayfuncs.c. */
function element(text: string | null, delimiter: string, quoteAlways: boolean): string {
  if (text === null) return 'NULL';
  const plain = text !== '' && !/["\\{}\s]/.test(text) && !text.includes(delimiter) && text.toLowerCase() !== 'null';
  return plain && !quoteAlways ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
function print(items: Items, delimiter: string, quoteAlways: boolean): string {
  const printed = items.map(item =>
    item === null || typeof item === 'string' ? element(item, delimiter, quoteAlways) : print(item, delimiter, quoteAlways),
  );
  return `{${printed.join(delimiter)}}`;
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).map(value => value.replaceAll('\0', '')),
  fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', ',', ';', ' ', 'a', 'N', 'n'), maxLength: 8 }),
  fc.constantFrom('NULL', 'null', 'NuLL', '', '(1,2),(0,0)', `${'long '.repeat(100)}"`),
);
const cell = fc.option(text, { freq: 5 });
const atDepth = (depth: number): fc.Arbitrary<Items> => {
  let items: fc.Arbitrary<Items> = fc.array(cell, { minLength: 1, maxLength: 4 });
  for (let level = 1; level < depth; level++) items = fc.array(items, { minLength: 1, maxLength: 3 });
  return items;
};

describe('arrayWriter', () => {
  it.each([1, 2, 3, 6])('says arrays of depth %i as the server prints them', depth => {
    const bounds = fc.option(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.nat(9)), { nil: undefined });
    fc.assert(
      fc.property(atDepth(depth), fc.constantFrom(',', ';'), fc.boolean(), bounds, (items, delimiter, quoteAlways, bound) => {
        const prefix = bound === undefined ? '' : `${`[${bound[0]}:${bound[0] + bound[1]}]`.repeat(depth)}=`;
        const writer = arrayWriter(writeString, delimiter === ',' ? COMMA : SEMICOLON, depth);
        expect(say(writer, prefix + print(items, delimiter, quoteAlways))).toEqual({
          json: JSON.stringify(items),
          verdict: SAID,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('is null as a whole where the value has another depth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (declared, actual) => {
        fc.pre(declared !== actual);
        const value = `${'{'.repeat(actual)}1${'}'.repeat(actual)}`;
        expect(say(arrayWriter(writeInteger, COMMA, declared), value)).toEqual({ json: 'null', verdict: NULLED });
      }),
    );
  });

  it.each([1, 2, 5])('says an empty array at depth %i', depth => {
    expect(say(arrayWriter(writeInteger, COMMA, depth), '{}')).toEqual({ json: '[]', verdict: SAID });
  });

  it.each([
    '',
    '{',
    '}',
    '{1',
    '1',
    '{1,}',
    '{,1}',
    '{1,,2}',
    '{1}}',
    '{1}x',
    '{1}{2}',
    '{"a',
    '{"a\\',
    '{"a\\"}',
    '{"a"b}',
    '{a"b"}',
    '{a\\b}',
    '{{}}',
    '[0:1]{1,2}',
    '[0:1]=',
    '[0]={1}',
    '[a:1]={1}',
    '[0:1={1}',
    '[:]={1}',
    '[0:]={1}',
    '{1;2',
    '{a{b}',
  ])('refuses %j', value => {
    expect(say(arrayWriter(writeString, COMMA, 1), value)).toEqual({ json: 'null', verdict: NULLED });
  });

  it('passes on the gravest verdict of its elements', () => {
    expect(say(arrayWriter(writeInteger, COMMA, 1), '{1,x,NULL,3}')).toEqual({ json: '[1,null,null,3]', verdict: NULLED });
    expect(say(arrayWriter(writeString, COMMA, 1), Buffer.from('{a,\xff,b}', 'latin1'))).toEqual({
      json: '["a","\ufffd","b"]',
      verdict: REPAIRED,
    });
    const mixed = arrayWriter(writeJsonNative, COMMA, 1);
    expect(say(mixed, '{1,"\\"\\\\u0000\\"",x,2}')).toEqual({ json: '[1,"\\ufffd",null,2]', verdict: NULLED });
    expect(say(mixed, '{x,"\\"\\\\u0000\\""}')).toEqual({ json: '[null,"\\ufffd"]', verdict: NULLED });
  });

  it('forgets the verdict of the value before', () => {
    const writer = arrayWriter(writeInteger, COMMA, 1);
    expect(say(writer, '{x}').verdict).toBe(NULLED);
    expect(say(writer, '{1}').verdict).toBe(SAID);
  });

  it('hands unescaped elements to their writers', () => {
    expect(say(arrayWriter(writeBytea, COMMA, 1), '{"\\\\xdead",NULL}')).toEqual({ json: '["3q0=",null]', verdict: SAID });
    expect(say(arrayWriter(writeJsonNative, COMMA, 1), '{"{\\"a\\": [1, 2]}"}')).toEqual({
      json: '[{"a":[1,2]}]',
      verdict: SAID,
    });
  });

  it('nests in itself: an array of a domain over an array', () => {
    const inner = arrayWriter(writeString, COMMA, 1);
    expect(say(arrayWriter(inner, COMMA, 1), '{"{1,\\"a\\\\\\\\b\\"}","{}"}')).toEqual({
      json: '[["1","a\\\\b"],[]]',
      verdict: SAID,
    });
  });

  it('goes through a huge element and on with small ones', () => {
    const writer = arrayWriter(writeString, COMMA, 1);
    const huge = '"x\\'.repeat(600_000);
    expect(say(writer, print([huge, 'b', 'c"'], ',', false)).json).toBe(JSON.stringify([huge, 'b', 'c"']));
    expect(say(writer, print(['d"'], ',', false)).json).toBe('["d\\""]');
  });
});
