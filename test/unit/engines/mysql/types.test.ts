import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../../src/bytes/json-writer.ts';
import { ConnectorError } from '../../../../src/contract/errors.ts';
import * as codes from '../../../../src/engines/mysql/binlog/column-types.ts';
import { skipWidth } from '../../../../src/engines/mysql/binlog/table-map.ts';
import { type ColumnLayout, parseColumnType } from '../../../../src/engines/mysql/layout/column-layout.ts';
import {
  columnType,
  selectExpression,
  type TypeOptions,
  type Writers,
  widthByLayout,
  writersFor,
} from '../../../../src/engines/mysql/types.ts';
import type { LogicalType } from '../../../../src/values/logical-type.ts';
import { NULLED, SAID } from '../../../../src/values/value-writer.ts';
import { say } from '../../bytes/written.ts';

const MYSQL: TypeOptions = { flavor: 'mysql', tinyint1: 'boolean', nativeJson: false };
const MARIADB: TypeOptions = { ...MYSQL, flavor: 'mariadb' };

function layout(type: string, charset: string | null = null): ColumnLayout {
  return { name: 'c', columnType: type, charset, collation: null, nullable: true, generated: '' };
}

/** The type of the column, how TABLE_MAP describes it, and a kind. */
const COLUMNS: [type: string, metadata: number, kind: LogicalType['kind'], options?: TypeOptions][] = [
  ['tinyint', 0, 'integer'],
  ['tinyint(1)', 0, 'boolean'],
  ['tinyint(1)', 0, 'integer', { ...MYSQL, tinyint1: 'integer' }],
  ['tinyint(1) unsigned', 0, 'integer', MARIADB],
  ['tinyint(4)', 0, 'integer', MARIADB],
  ['smallint unsigned', 0, 'integer'],
  ['mediumint', 0, 'integer'],
  ['int(5) unsigned zerofill', 0, 'integer'],
  ['bigint unsigned', 0, 'integer'],
  ['year', 0, 'integer'],
  ['decimal(10,0)', 0x0a00, 'integer'],
  ['decimal(18,0)', 0x1200, 'integer'],
  ['decimal(19,0)', 0x1300, 'number'],
  ['decimal(65,30) unsigned', 0x411e, 'number'],
  ['float', 4, 'number'],
  ['double', 8, 'number'],
  ['bit(1)', 1, 'boolean'],
  ['bit(10)', 0x0102, 'string'],
  ['date', 0, 'date'],
  ['datetime(6)', 6, 'timestamp'],
  ['timestamp', 0, 'timestamp_tz'],
  ['time(3)', 3, 'string'],
  ['timestamp(3) /* mariadb-5.3 */', 0, 'timestamp_tz', MARIADB],
  ['datetime(6) /* mariadb-5.3 */', 0, 'timestamp', MARIADB],
  ['time /* mariadb-5.3 */', 0, 'string', MARIADB],
  ['char(10)', 40, 'string'],
  ['char(100)', 400, 'string'],
  ['varchar(50)', 200, 'string'],
  ['varchar(500)', 2000, 'string'],
  ['text', 2, 'string'],
  ['longtext', 4, 'string'],
  ['binary(10)', 10, 'binary'],
  ['varbinary(300)', 300, 'binary'],
  ['tinyblob', 1, 'binary'],
  ['mediumblob', 3, 'binary'],
  ["enum('a','b')", 1, 'string'],
  ["set('a','b','c')", 1, 'string'],
  ['json', 4, 'json'],
  ['json', 4, 'object', { ...MYSQL, nativeJson: true }],
  ['json', 4, 'json', MARIADB],
  ['point', 4, 'binary'],
  ['geomcollection', 4, 'binary'],
  ['vector(3)', 4, 'array'],
  ['vector(3)', 12, 'array', MARIADB],
  ['uuid', 16, 'string', MARIADB],
  ['inet6', 16, 'string', MARIADB],
  ['inet4', 4, 'string', MARIADB],
  ['varchar(100) /*M!100301 COMPRESSED*/', 101, 'string', MARIADB],
  ['blob /*M!100301 COMPRESSED*/', 2, 'binary', MARIADB],
];

/** What TABLE_MAP calls the columns. */
const TYPE_CODES: Readonly<Record<string, number>> = {
  tinyint: codes.TYPE_TINY,
  smallint: codes.TYPE_SHORT,
  mediumint: codes.TYPE_INT24,
  int: codes.TYPE_LONG,
  bigint: codes.TYPE_LONGLONG,
  decimal: codes.TYPE_NEWDECIMAL,
  float: codes.TYPE_FLOAT,
  double: codes.TYPE_DOUBLE,
  bit: codes.TYPE_BIT,
  year: codes.TYPE_YEAR,
  date: codes.TYPE_DATE,
  time: codes.TYPE_TIME2,
  datetime: codes.TYPE_DATETIME2,
  timestamp: codes.TYPE_TIMESTAMP2,
  char: codes.TYPE_STRING,
  varchar: codes.TYPE_VARCHAR,
  binary: codes.TYPE_STRING,
  varbinary: codes.TYPE_VARCHAR,
  enum: codes.TYPE_ENUM,
  set: codes.TYPE_SET,
  uuid: codes.TYPE_STRING,
  inet4: codes.TYPE_STRING,
  inet6: codes.TYPE_STRING,
};

function widthOf(column: ColumnLayout, metadata: number, options: TypeOptions): number {
  const { base } = parseColumnType(column.columnType);
  const code = base === 'vector' && options.flavor === 'mariadb' ? codes.TYPE_VARCHAR : (TYPE_CODES[base] ?? codes.TYPE_BLOB);
  return widthByLayout(column) ?? codes.valueWidth(code, metadata);
}

interface Read {
  readonly json: string;
  readonly verdict: number;
  readonly used: number;
}

/** What the writer of the log makes of the value that `bytes` begin with, in a larger buffer; the error where it throws. */
function read({ binary }: Writers, bytes: Uint8Array, metadata: number, width: number): Read | ConnectorError {
  const source = Buffer.concat([Buffer.from([7, 7, 7]), bytes, Buffer.alloc(8, 1)]);
  const out = new JsonWriter(64);
  try {
    const write = binary(metadata, width);
    const end = width === codes.WIDTH_UNKNOWN ? -1 : skipWidth(source, 3, 3 + bytes.length, width);
    if (end < 0) return new ConnectorError('VALUE_UNREADABLE', 'the row ends too early');
    const verdict = write(out, source, 3 + Math.max(0, -width), end);
    return { json: out.bytes.toString('utf8', 0, out.length), verdict, used: end - 3 };
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
}

describe('columnType', () => {
  it.each(COLUMNS)('%s (%d) is %s', (type, _metadata, kind, options = MYSQL) => {
    expect(columnType(layout(type, 'utf8mb4'), options).logical.kind).toBe(kind);
  });
  it('takes a type that it does not know for a string, until the log has one', () => {
    const unknown = columnType(layout('tensor(3)'), MYSQL);
    expect(say(unknown.text, 'x')).toEqual({ json: '"x"', verdict: SAID });
    expect(read(unknown, Buffer.from('x'), 0, 1)).toMatchObject({
      code: 'VALUE_UNREADABLE',
      detail: expect.stringContaining('tensor(3)'),
    });
  });
  it('refuses a character set that it does not know', () => {
    expect(() => columnType(layout('varchar(3)', 'klingon'), MYSQL)).toThrow('klingon');
  });
});

describe('binary writers', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  it.each<[string, number, string, string, TypeOptions?]>([
    ['tinyint', 0, 'ff', '-1'],
    ['tinyint unsigned', 0, 'ff', '255'],
    ['tinyint(1)', 0, 'ff', 'true'],
    ['tinyint(1)', 0, '00', 'false'],
    ['mediumint', 0, '000080', '-8388608'],
    ['mediumint unsigned', 0, 'ffffff', '16777215'],
    ['int unsigned', 0, 'ffffffff', '4294967295'],
    ['bigint unsigned', 0, 'ffffffffffffffff', '18446744073709551615'],
    ['bigint', 0, '0000000000000080', '-9223372036854775808'],
    ['year', 0, '00', '0'],
    ['year', 0, '7c', '2024'],
    ['year(2)', 0, '7c', '24', MARIADB],
    ['bit(10)', 0x0102, '0201', '"1000000001"'],
    ['bit(1)', 1, '01', 'true'],
    ['char(10)', 40, '0561622020 20'.replaceAll(' ', ''), '"ab"'],
    ['char(100)', 400, '0200616200'.slice(0, 8), '"ab"'],
    ['binary(4)', 4, '0161', '"YQAAAA=="'],
    ['binary(4)', 4, '00', '"AAAAAA=="'],
    ['uuid', 16, '0f123e4567e89b12d3a4564266141740', '"123e4567-e89b-12d3-a456-426614174000"', MARIADB],
    ["enum('a','b')", 1, '00', '""'],
    ["enum('a','b''\"')", 1, '02', '"b\'\\""'],
    ["set('a','b','c')", 1, '05', '"a,c"'],
    ["set('a','b','c')", 1, '00', '""'],
    ['json', 4, '0d0000000001000c000b00010005010061', '"{\\"a\\":1}"'],
    ['json', 4, '080000007b2261223a20317d', '"{\\"a\\":1}"', MARIADB],
    ['varchar(100) /*M!100301 COMPRESSED*/', 101, '0400616263', '"abc"', MARIADB],
    ['longtext /*M!100301 COMPRESSED*/', 4, '0a0000008a012c4b4e1e05c40200', JSON.stringify('c'.repeat(300)), MARIADB],
    ['timestamp(3) /* mariadb-5.3 */', 0, '65937d2502a6', '"2024-01-02T03:04:05.678Z"', MARIADB],
    ['vector(3)', 4, '080000000000803f00002040', '[1,2.5]'],
    ['vector(3)', 12, '080000803f00002040', '[1,2.5]', MARIADB],
  ])('%s (%d) %s is %s', (type, metadata, bytes, json, options = MYSQL) => {
    const value = hex(bytes);
    const width = widthOf(layout(type), metadata, options);
    const said = { json, verdict: SAID, used: value.length };
    expect(read(columnType(layout(type), options), value, metadata, width)).toEqual(said);
  });

  it.each<[string, number, string, TypeOptions?]>([
    ["enum('a','b')", 1, '03'],
    ["enum('a','b')", 3, '010000'],
    ["set('a','b','c')", 1, '08'],
    ['bit(10)', 0x0103, '0201'],
    ['decimal(10,2)', 0, '00'],
    ['decimal(10,2)', 0x4602, '00000000000000000000000000000000000000'],
    ['datetime(3)', 7, '000000000000000000'],
    ['text', 5, '0000000000'],
    ['binary(2)', 2, '03616263'],
    ['varchar(9) /*M!100301 COMPRESSED*/', 10, '0481010000', MARIADB],
    ['varchar(9) /*M!100301 COMPRESSED*/', 10, '0491016161', MARIADB],
  ])('%s (%d) %s is loud', (type, metadata, bytes, options = MYSQL) => {
    const width = widthOf(layout(type), metadata, options);
    expect(read(columnType(layout(type), options), hex(bytes), metadata, width)).toMatchObject({ code: 'VALUE_UNREADABLE' });
  });

  it.each(COLUMNS)(
    '%s (%d): a form with a length is none without, and the other way round',
    (type, metadata, _kind, options = MYSQL) => {
      const { binary } = columnType(layout(type, 'utf8mb4'), options);
      const own = widthOf(layout(type), metadata, options);
      for (const [otherType, otherMetadata, , otherOptions = MYSQL] of COLUMNS) {
        const other = widthOf(layout(otherType), otherMetadata, otherOptions);
        if (own < 0 === other < 0) continue;
        expect(() => binary(otherMetadata, other), otherType).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }));
      }
    },
  );

  it.each(COLUMNS)('%s (%d): one JSON value or loud, whatever is there', (type, metadata, _kind, options = MYSQL) => {
    const found = columnType(layout(type, 'utf8mb4'), options);
    const width = widthOf(layout(type), metadata, options);
    for (const promised of [found.logical, { kind: 'string' } as const]) {
      const writers = writersFor(found, promised);
      if (writers === null) throw new Error('anything can be a string');
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
          const result = read(writers, bytes, metadata, width);
          if (result instanceof ConnectorError) {
            expect(result.code).toBe('VALUE_UNREADABLE');
            return;
          }
          expect(result.used).toBeLessThanOrEqual(bytes.length);
          const value: unknown = JSON.parse(result.json);
          expect(result.json).not.toMatch(/[\n\r]/);
          if (promised.kind === 'string') expect(typeof value === 'string' || value === null).toBe(true);
          if (value === null && promised.kind !== 'object') expect(result.verdict).toBe(NULLED);
          const text = say(writers.text, bytes);
          JSON.parse(text.json);
        }),
        { numRuns: 300 },
      );
    }
  });
});

describe('selectExpression', () => {
  it.each([
    ['float', '`c` * 1e0'],
    ['float unsigned', '`c` * 1e0'],
    ['float(7,4)', '`c` * 1e0'],
    ['double(20,3)', '`c` * 1e0'],
    ['double', '`c`'],
    ['decimal(10,2)', '`c`'],
    ["enum('float')", '`c`'],
  ])('%s is selected as %s', (type, expression) => {
    expect(selectExpression(layout(type), '`c`')).toBe(expression);
  });
});

describe('widthByLayout', () => {
  it.each([
    ['timestamp /* mariadb-5.3 */', 4],
    ['timestamp(5) /* mariadb-5.3 */', 7],
    ['time /* mariadb-5.3 */', 3],
    ['time(6) /* mariadb-5.3 */', 6],
    ['datetime /* mariadb-5.3 */', 8],
    ['datetime(1) /* mariadb-5.3 */', 6],
    ['datetime(6) /* mariadb-5.3 */', 8],
    ['datetime(6)', null],
    ['int', null],
  ])('%s takes %s bytes', (type, bytes) => {
    expect(widthByLayout(layout(type))).toBe(bytes);
  });
});

describe('writersFor', () => {
  const json = (type: string, promised: LogicalType, bytes: string, metadata = 0, options = MYSQL): string | null => {
    const writers = writersFor(columnType(layout(type), options), promised);
    if (writers === null) return null;
    const result = read(writers, Buffer.from(bytes, 'hex'), metadata, widthOf(layout(type), metadata, options));
    if (result instanceof ConnectorError) throw result;
    return result.json;
  };
  it('says the other things that a column can mean', () => {
    expect(json('tinyint(1)', { kind: 'integer' }, '02')).toBe('2');
    expect(json('tinyint(1)', { kind: 'boolean' }, '02', 0, { ...MYSQL, tinyint1: 'integer' })).toBe('true');
    expect(json('json', { kind: 'object' }, '0200000004 00'.replaceAll(' ', ''), 4)).toBe('null');
    expect(json('bit(1)', { kind: 'string' }, '01', 1)).toBe('"1"');
    expect(json('int', { kind: 'number' }, '01000000')).toBe('1');
    expect(json('time', { kind: 'time' }, '800001')).toBe('"00:00:01"');
    expect(json('time', { kind: 'time' }, '7fffff')).toBe('null');
  });
  it('says anything as a string', () => {
    expect(json('int', { kind: 'string' }, 'ffffffff')).toBe('"-1"');
    expect(json('tinyint(1)', { kind: 'string' }, '02')).toBe('"2"');
    expect(json('date', { kind: 'string' }, '22d00f')).toBe('"2024-01-02"');
    expect(json('date', { kind: 'string' }, '000000')).toBe('null');
    expect(json('json', { kind: 'string' }, '020000000401', 4, { ...MYSQL, nativeJson: true })).toBe('"true"');
    expect(json('vector(2)', { kind: 'string' }, '040000000000803f', 4)).toBe('"[1]"');
  });
  it('refuses what cannot be said', () => {
    expect(writersFor(columnType(layout('double'), MYSQL), { kind: 'integer' })).toBeNull();
    expect(writersFor(columnType(layout('varchar(3)'), MYSQL), { kind: 'date' })).toBeNull();
    expect(writersFor(columnType(layout('datetime'), MYSQL), { kind: 'timestamp_tz' })).toBeNull();
    expect(writersFor(columnType(layout('int'), MYSQL), { kind: 'boolean' })).toBeNull();
    expect(writersFor(columnType(layout('vector(2)'), MYSQL), { kind: 'array', items: { kind: 'string' } })).toBeNull();
  });
});
