import { describe, expect, it } from 'vitest';
import { literals, qualified, quoteIdent, quoteLiteral } from '../../../../src/engines/postgres/sql.ts';

describe('quoting', () => {
  it.each([
    ['orders', '"orders"'],
    ['Select', '"Select"'],
    ['a"b', '"a""b"'],
    ['a.b $1 \\ 😀', '"a.b $1 \\ 😀"'],
    ['', '""'],
  ])('identifier %s', (name, sql) => {
    expect(quoteIdent(name)).toBe(sql);
  });

  it.each([
    ['orders', "'orders'"],
    ["o'clock", "'o''clock'"],
    ["\\'; DROP TABLE x; --", " E'\\\\''; DROP TABLE x; --'"],
  ])('literal %s', (text, sql) => {
    expect(quoteLiteral(text)).toBe(sql);
  });

  it('refuses NUL, which would cut the statement short', () => {
    expect(() => quoteIdent('a\0b')).toThrow('NUL');
    expect(() => quoteLiteral('a\0b')).toThrow('NUL');
  });

  it('joins', () => {
    expect(qualified({ namespace: 'My"Schema', name: 't' })).toBe('"My""Schema"."t"');
    expect(literals(['a', "b'"])).toBe("'a', 'b'''");
    expect(literals([])).toBe('NULL');
  });
});
