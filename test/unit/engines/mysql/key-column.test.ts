import { describe, expect, it } from 'vitest';
import { afterKey, keyColumn, MOST_NESTED } from '../../../../src/engines/mysql/key-column.ts';
import type { MysqlColumn } from '../../../../src/engines/mysql/table.ts';
import { columnType } from '../../../../src/engines/mysql/types.ts';

const column = (name: string, type: string, charset: string | null = null, collation: string | null = null): MysqlColumn => {
  const layout = { name, columnType: type, charset, collation, nullable: false, generated: '' } as const;
  const types = columnType(layout, { flavor: 'mysql', tinyint1: 'integer', nativeJson: false });
  return { name, type: types.logical, nullable: false, layout, types, selectSql: `\`${name}\``, ordinal: 0, invisible: false };
};
const literal = (type: string, value: string | Buffer, charset: string | null = null, collation: string | null = null): string =>
  keyColumn(column('k', type, charset, collation)).literal(Buffer.from(value as string));

describe('a constant that equals a value of a key', () => {
  it('leaves numbers as they came', () => {
    expect(literal('bigint unsigned', '18446744073709551615')).toBe('18446744073709551615');
    expect(literal('decimal(30,10)', '-1.5000000000')).toBe('-1.5000000000');
    expect(literal('year', '2024')).toBe('2024');
  });

  it('makes a double of a floating-point number, since a decimal constant is another number', () => {
    expect(literal('float', '1.100000023841858')).toBe('1.100000023841858e0');
    expect(literal('double', '-2.5e100')).toBe('-2.5e100');
    expect(keyColumn(column('k', 'float')).selectSql).toBe('`k` * 1e0');
  });

  it('keeps text in the character set and collation of its column, byte for byte', () => {
    expect(literal('varchar(9)', Buffer.from('e927', 'hex'), 'latin1', 'latin1_swedish_ci')).toBe(
      "_latin1 X'e927' COLLATE latin1_swedish_ci",
    );
    expect(literal('char(4)', '', 'utf8mb4', 'utf8mb4_0900_ai_ci')).toBe("_utf8mb4 X'' COLLATE utf8mb4_0900_ai_ci");
  });

  it('spells bytes in hexadecimal digits, dates and addresses as text', () => {
    expect(literal('varbinary(4)', Buffer.from('00ff', 'hex'))).toBe("X'00ff'");
    expect(literal('datetime(6)', '0000-00-00 00:00:00.000000')).toBe("'0000-00-00 00:00:00.000000'");
    expect(literal('inet6', '::1')).toBe("'::1'");
  });

  it('takes labels and bits by their numbers, in whose order they stand', () => {
    for (const type of ["enum('z','a')", "set('x','y')", 'bit(64)']) {
      expect(keyColumn(column('k', type)).selectSql).toBe('CAST(`k` AS UNSIGNED)');
      expect(literal(type, '18446744073709551615')).toBe('18446744073709551615');
    }
  });

  it.each([
    ['int', '1 OR 1=1', 'number'],
    ["enum('a')", '1;', 'number'],
    ['date', "2024' OR '1", 'date'],
    ['date', '2024-13-01', 'date'],
    ['datetime', '2024-01-01', 'datetime'],
    ['timestamp(3)', '2024-01-01 00:60:00.000', 'timestamp'],
    ['time', '1:00:00', 'time'],
    ['inet6', 'somewhere', 'inet6'],
  ])('lets nothing from a state into a statement that is none of its type: %s, %s', (type, value, what) => {
    expect(() => literal(type, value)).toThrowError(`"${value}" is no ${what}`);
  });

  it('quotes text of a type that it does not know', () => {
    expect(literal('xmltype', "2024' OR '1")).toBe("'2024'' OR ''1'");
  });

  it('takes what dates and times may be', () => {
    for (const [type, value] of [
      ['date', '0000-00-00'],
      ['datetime', '2000-01-00 01:00:00'],
      ['time(6)', '-838:59:59.000000'],
      ['time', '00:00:00'],
    ] as const) {
      expect(literal(type, value)).toBe(`'${value}'`);
    }
  });
});

describe('the condition for rows behind a key', () => {
  const [a, b, c] = ['a', 'b`', 'c'].map(name => keyColumn(column(name, 'int')));

  it('is one comparison for one column', () => {
    expect(afterKey([a as never], ['5'])).toBe('`a` > 5');
  });

  it('begins with a comparison of the first column for more', () => {
    expect(afterKey([a as never, b as never], ['5', '6'])).toBe('`a` >= 5 AND (`a` > 5 OR (`a` = 5 AND `b``` > 6))');
    expect(afterKey([a as never, b as never, c as never], ['1', '2', '3'])).toBe(
      '`a` >= 1 AND (`a` > 1 OR (`a` = 1 AND (`b``` > 2 OR (`b``` = 2 AND `c` > 3))))',
    );
  });

  const depthOf = (text: string): number => {
    let [depth, deepest] = [0, 0];
    for (const character of text) {
      if (character === '(') deepest = Math.max(deepest, ++depth);
      else if (character === ')') depth--;
    }
    return deepest;
  };

  it.each([17, 18, 32, 64])('is no deeper for %i columns than for as many as MySQL allows', count => {
    const keys = Array.from({ length: count }, (_, at) => keyColumn(column(`c${at}`, 'int')));
    const values = keys.map((_, at) => `${at}`);
    const condition = afterKey(keys, values);
    expect(depthOf(condition)).toBeLessThanOrEqual(2 * MOST_NESTED + 1);
    // Every column is compared all the same.
    for (const { sql } of keys) expect(condition).toContain(sql);
    const rest = keys.slice(MOST_NESTED);
    if (rest.length === 1) expect(condition).toContain('`c16` > 16');
    else expect(condition).toContain(`(${rest.map(({ sql }) => sql).join(', ')}) > (${values.slice(MOST_NESTED).join(', ')})`);
  });

  it('refuses a key without a value for each column', () => {
    expect(() => afterKey([a as never, b as never], ['1'])).toThrow('a value for each column');
  });
});
