import { describe, expect, it } from 'vitest';
import type { ColumnLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';
import { keepsValues } from '../../../../../src/engines/mysql/layout/value-change.ts';
import { column } from './columns.ts';

/** `varchar(5) latin1`: a type, and its character set where it has one. */
const typed = (text: string): ColumnLayout => {
  const [, columnType = '', charset] = /^(.*?)(?: (latin1|latin2|utf8mb3|utf8mb4|ucs2|ascii|gb18030))?$/.exec(text) ?? [];
  return column('c', columnType, { charset: charset ?? null });
};
const judged = (before: string, after: string): string =>
  (['strict', 'lenient'] as const).filter(strictness => keepsValues(typed(before), typed(after), strictness)).join(' ') ||
  'never';

describe('the values of a column', () => {
  it.each([
    ['int', 'bigint'],
    ['tinyint(1)', 'tinyint'],
    ['int unsigned', 'bigint'],
    ['year', 'smallint'],
    ['int', 'decimal(12,2)'],
    ['int', 'double'],
    ['smallint', 'float'],
    ['decimal(10,2)', 'decimal(12,4)'],
    ['decimal(9,0)', 'int'],
    ['decimal(15,2)', 'double'],
    ['float', 'float'],
    ['double(10,2)', 'double'],
    ['datetime', 'datetime(3)'],
    ['varchar(5) latin1', 'varchar(9) latin1'],
    ['varchar(5) latin1', 'varchar(5) utf8mb4'],
    ['varchar(5) utf8mb3', 'varchar(5) utf8mb4'],
    ['varchar(5) ascii', 'varchar(5) latin1'],
    ['varchar(5) utf8mb4', 'varchar(5) gb18030'],
    ['char(5) utf8mb4', 'varchar(5) utf8mb4'],
    ['varchar(300) utf8mb4', 'text utf8mb4'],
    ['text utf8mb4', 'longtext utf8mb4'],
    ['text latin1', 'mediumtext utf8mb4'],
    ['varbinary(5)', 'varbinary(6)'],
    ['binary(5)', 'varbinary(5)'],
    ['varbinary(5)', 'blob'],
    ['blob', 'mediumblob'],
    ["enum('a','b') latin1", "enum('a','b','c') utf8mb4"],
    ["enum('a','b') latin1", "enum('c','b','a') latin1"],
    ["enum('a','bb') latin1", 'varchar(2) latin1'],
    ["set('a','b') latin1", "set('a','x','b') latin1"],
    ["set('a','b') latin1", 'varchar(3) latin1'],
    ['json', 'longtext utf8mb4'],
    ['longtext utf8mb4', 'json utf8mb4'],
    ['json utf8mb4', 'longtext utf8mb4'],
    ['point', 'geometry'],
    ['vector(3)', 'vector(5)'],
    ['uuid', 'uuid'],
    ['bit(3)', 'bit(3)'],
  ])('are kept: %s → %s', (before, after) => {
    expect(judged(before, after)).toBe('strict lenient');
  });

  it.each([
    ['bigint', 'int'],
    ['int', 'int unsigned'],
    ['decimal(10,2)', 'decimal(8,2)'],
    ['decimal(10,2)', 'decimal(10,2) unsigned'],
    ['double', 'double unsigned'],
    ["enum('a','b') latin1", "enum('b') latin1"],
    ["set('a','b','c') latin1", "set('a','c') latin1"],
  ])('are kept where the server would have refused the statement: %s → %s', (before, after) => {
    expect(judged(before, after)).toBe('strict');
  });

  it.each([
    ['decimal(10,4)', 'decimal(10,2)'],
    ['decimal(10,2)', 'int'],
    ['bigint', 'double'],
    ['int', 'float'],
    ['decimal(20,2)', 'double'],
    ['double', 'float'],
    ['double', 'double(10,2)'],
    ['double', 'decimal(10,2)'],
    ['int', 'varchar(20) latin1'],
    ['datetime(3)', 'datetime'],
    ['datetime', 'timestamp'],
    ['time', 'time(3)'],
    ['date', 'datetime'],
    ['varchar(9) latin1', 'varchar(5) latin1'],
    ['varchar(5) latin1', 'char(5) latin1'],
    ['varchar(5) utf8mb4', 'varchar(5) latin1'],
    ['varchar(5) utf8mb4', 'varchar(5) utf8mb3'],
    ['varchar(5) latin1', 'varchar(5) latin2'],
    ['varchar(5) latin1', 'varbinary(5)'],
    ['varbinary(5)', 'varchar(5) latin1'],
    ['varchar(300) utf8mb4', 'tinytext utf8mb4'],
    ['text latin1', 'text utf8mb4'],
    ['text latin1', 'varchar(100) latin1'],
    ['binary(4)', 'binary(5)'],
    ['varbinary(4)', 'binary(4)'],
    ['mediumblob', 'blob'],
    ["enum('a','b') latin1", "enum('A','b') latin1"],
    ["enum('a','b') latin1", "enum('b','c') latin1"],
    ["set('a','b') latin1", "set('b','a') latin1"],
    ["set('a','b') latin1", "set('a','c') latin1"],
    ["enum('a','bb') latin1", 'varchar(1) latin1'],
    ['varchar(5) latin1', "enum('a') latin1"],
    ['longtext utf8mb4', 'json'],
    ['geometry', 'point'],
    ['bit(3)', 'bit(4)'],
    ['uuid', 'binary(16)'],
    ['binary(16)', 'uuid'],
  ])('may be others: %s → %s', (before, after) => {
    expect(judged(before, after)).toBe('never');
  });

  it('are others where a column is generated, or by another expression', () => {
    const plain = column('c', 'int');
    const stored = column('c', 'int', { generated: 'stored', expression: 'one' });
    expect(keepsValues(plain, stored, 'strict')).toBe(false);
    expect(keepsValues(stored, plain, 'strict')).toBe(true);
    expect(keepsValues(stored, { ...stored, expression: 'two' }, 'strict')).toBe(false);
    expect(keepsValues(stored, { ...stored, columnType: 'bigint' }, 'strict')).toBe(true);
    expect(keepsValues(column('c', 'int', { generated: 'stored' }), stored, 'strict')).toBe(true);
  });

  it('have no NULL any more where one was turned into something', () => {
    const nullable = column('c', 'int');
    expect(keepsValues(nullable, { ...nullable, nullable: false }, 'strict')).toBe(true);
    expect(keepsValues(nullable, { ...nullable, nullable: false }, 'lenient')).toBe(false);
  });
});
