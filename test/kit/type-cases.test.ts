import { describe, expect, it } from 'vitest';
import { rawData } from './type-cases.ts';
import { onOneLine } from './type-family.ts';

const line = (data: string): string => `{"type":"RECORD","record":{"stream":"t","data":${data},"emitted_at":1}}`;

describe('rawData', () => {
  it('gives each member as it is printed', () => {
    const data = '{"id":1,"n":-1.50e+10,"s":"a\\"},{\\\\","o":{"a":[1,{"b":"]}"}],"c":null},"a":[[],["x,]"]],"b":true}';
    expect([...rawData(line(data))]).toEqual([
      ['id', '1'],
      ['n', '-1.50e+10'],
      ['s', '"a\\"},{\\\\"'],
      ['o', '{"a":[1,{"b":"]}"}],"c":null}'],
      ['a', '[[],["x,]"]]'],
      ['b', 'true'],
    ]);
  });

  it('reads names with escapes, and an empty object', () => {
    expect([...rawData(line('{"a\\"b":0}'))]).toEqual([['a"b', '0']]);
    expect([...rawData(line('{}'))]).toEqual([]);
  });

  it('refuses a member that stands twice', () => {
    expect(() => rawData(line('{"a":1,"a":2}'))).toThrow('a stands twice');
  });
});

describe('onOneLine', () => {
  it('escapes what would break a line or not be seen', () => {
    expect(onOneLine('a\tb\nc\r\b\f\x01\x7f\u2028é "q" \\')).toBe('a\\tb\\nc\\r\\b\\f\\u0001\\u007f\\u2028é "q" \\');
  });
});
