import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charsetOfCollation, charsetOfCollationId, widestCharacter } from '../../../../../src/engines/mysql/layout/charsets.ts';
import type { ParsedType, TableLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';
import {
  formatColumnType,
  isCompressed,
  layoutFromJson,
  layoutToJson,
  parseColumnType,
} from '../../../../../src/engines/mysql/layout/column-layout.ts';

const plain: ParsedType = { base: '', args: [], labels: [], unsigned: false, zerofill: false };

describe('a COLUMN_TYPE', () => {
  it.each<[string, Partial<ParsedType>]>([
    ['int', { base: 'int' }],
    ['int(10) unsigned', { base: 'int', args: [10], unsigned: true }],
    ['int(5) unsigned zerofill', { base: 'int', args: [5], unsigned: true, zerofill: true }],
    ['decimal(10,2) unsigned', { base: 'decimal', args: [10, 2], unsigned: true }],
    ['double unsigned', { base: 'double', unsigned: true }],
    ['float(7,4)', { base: 'float', args: [7, 4] }],
    ['timestamp(6)', { base: 'timestamp', args: [6] }],
    ['VARCHAR(50)', { base: 'varchar', args: [50] }],
    ['inet6', { base: 'inet6' }],
    ['varchar(20) /*M!100301 COMPRESSED*/', { base: 'varchar', args: [20] }],
    ['text /*M!100301 COMPRESSED*/', { base: 'text' }],
    ['datetime /* mariadb-5.3 */', { base: 'datetime' }],
    [
      "enum('a','b''c','d,e','x\\\\y','n\\nl','é','tr')",
      { base: 'enum', labels: ['a', "b'c", 'd,e', 'x\\y', 'n\nl', 'é', 'tr'] },
    ],
    ["set('(',')','unsigned','')", { base: 'set', labels: ['(', ')', 'unsigned', ''] }],
    ["enum('/* x */') /* y */", { base: 'enum', labels: ['/* x */'] }],
  ])('%s', (text, expected) => {
    expect(parseColumnType(text)).toEqual({ ...plain, ...expected });
  });

  it.each([
    '',
    '(5)',
    'int(',
    'int(x)',
    'decimal(1,2,3)',
    "enum('a'",
    "enum('a',)",
    "enum('a' 'b')",
    'enum(a)',
    "enum('a\\",
    'enum',
    'int; drop',
  ])('%j is none', text => {
    expect(() => parseColumnType(text)).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }));
  });

  it('with any labels is taken apart as it was put together', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), labels => {
        const type = { ...plain, base: 'set', labels };
        expect(parseColumnType(formatColumnType(type))).toEqual(type);
      }),
    );
  });

  it('says whether it is compressed', () => {
    expect(isCompressed('varchar(20) /*M!100301 COMPRESSED*/')).toBe(true);
    expect(isCompressed("enum('COMPRESSED')")).toBe(false);
  });
});

describe('a layout', () => {
  const layout: TableLayout = {
    schema: 's',
    name: 't',
    columns: [
      { name: 'a', columnType: 'int', charset: null, collation: null, nullable: false, generated: '' },
      {
        name: 'b',
        columnType: 'text',
        charset: 'latin1',
        collation: 'latin1_bin',
        nullable: true,
        generated: 'virtual',
        expression: 'e',
      },
      { name: 'c', columnType: 'blob', charset: null, collation: null, nullable: true, generated: '', compressed: true },
    ],
    defaultCharset: 'latin1',
    defaultCollation: null,
    keys: [{ name: 'PRIMARY', columns: ['a'] }],
  };

  it('is small in the state and reads back', () => {
    const json = JSON.stringify(layoutToJson(layout));
    expect(layoutFromJson(JSON.parse(json))).toEqual(layout);
    expect(json).toContain('["a","int","",0]');
    expect(json).toContain('["PRIMARY","a"]');
    const { keys, ...unknown } = layout;
    expect(keys).toHaveLength(1);
    expect(layoutFromJson(layoutToJson(unknown))).toEqual(unknown);
  });

  it.each([
    null,
    5,
    {},
    { ...layoutToJson(layout), columns: [['a']] },
    { ...layoutToJson(layout), keys: [['PRIMARY']] },
    { ...layoutToJson(layout), keys: 'PRIMARY' },
    { ...layoutToJson(layout), columns: [['a', 'int', '', 2]] },
    { ...layoutToJson(layout), columns: [['a', 'int', '', 1, 'stored', '', 5]] },
    { ...layoutToJson(layout), columns: [['a', 'int', '', 1, 'maybe']] },
  ])('refuses %j', json => {
    expect(() => layoutFromJson(json)).toThrow(expect.objectContaining({ code: 'STATE_INVALID' }));
  });
});

describe('character sets', () => {
  it.each([
    [8, 'latin1'],
    [33, 'utf8mb3'],
    [45, 'utf8mb4'],
    [63, 'binary'],
    [255, 'utf8mb4'],
    [1070, 'utf8mb4'],
    [1025, 'big5'],
    [2048, 'utf8mb3'],
    [2304, 'utf8mb4'],
    [2560, 'ucs2'],
    [3072, 'utf32'],
    [9999, null],
    [0, null],
  ])('of collation %d: %s', (id, charset) => {
    expect(charsetOfCollationId(id)).toBe(charset);
  });

  it('of a collation by its name', () => {
    expect(charsetOfCollation('UTF8_general_ci')).toBe('utf8mb3');
    expect(charsetOfCollation('binary')).toBe('binary');
    expect(charsetOfCollation('uca1400_ai_ci')).toBeNull();
    expect(widestCharacter('utf8mb4')).toBe(4);
  });
});
