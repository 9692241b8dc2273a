import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../../src/bytes/json-writer.ts';
import { type ColumnType, columnType, type PgType, writerFor } from '../../../../src/engines/postgres/types.ts';
import type { LogicalType } from '../../../../src/values/logical-type.ts';
import { NULLED, SAID, type ValueWriter, type Verdict } from '../../../../src/values/value-writer.ts';

const base = (oid: number, name: string, typcategory = 'U', other: Partial<PgType> = {}): PgType => ({
  oid,
  name,
  namespace: 'pg_catalog',
  typtype: 'b',
  typcategory,
  typelem: 0,
  typdelim: ',',
  typbasetype: 0,
  typmod: -1,
  ndims: 0,
  ...other,
});
const arrayOf = (element: PgType, oid = 90_000): PgType =>
  base(oid, `_${element.name}`, 'A', { typelem: element.oid, typdelim: element.typdelim, element });
const domain = (under: PgType, other: Partial<PgType> = {}): PgType =>
  base(80_000, 'dom', under.typcategory, { namespace: 'public', typtype: 'd', typbasetype: under.oid, base: under, ...other });

const int4 = base(23, 'int4', 'N');
const text = base(25, 'text', 'S');
const numeric = base(1700, 'numeric', 'N');
const json = base(114, 'json');
const jsonb = base(3802, 'jsonb');
const box = base(603, 'box', 'G', { typelem: 600, typdelim: ';', element: base(600, 'point', 'G', { typelem: 701 }) });
const numericTypmod = (precision: number, scale: number): number => ((precision << 16) | (scale & 0x7ff)) + 4;

const typed = (type: PgType, typmod = -1, ndims = 0, nativeJson = false): ColumnType =>
  columnType(type, typmod, ndims, { nativeJson });
const written = (write: ValueWriter | null, value: string): [string, Verdict] => {
  if (write === null) throw new Error('there is no writer');
  const out = new JsonWriter(64);
  const source = Buffer.from(`<${value}>`);
  const verdict = write(out, source, 1, source.length - 1);
  return [out.bytes.toString('utf8', 0, out.length), verdict];
};
const array = (items: LogicalType, depth = 1): LogicalType =>
  depth === 0 ? items : { kind: 'array', items: array(items, depth - 1) };

describe('columnType', () => {
  it.each<[PgType, LogicalType['kind'], string, string]>([
    [base(16, 'bool', 'B'), 'boolean', 't', 'true'],
    [base(21, 'int2', 'N'), 'integer', '-32768', '-32768'],
    [int4, 'integer', '7', '7'],
    [base(20, 'int8', 'N'), 'integer', '9223372036854775807', '9223372036854775807'],
    [base(26, 'oid', 'N'), 'integer', '4294967295', '4294967295'],
    [base(700, 'float4', 'N'), 'number', '1e+20', '1e+20'],
    [base(701, 'float8', 'N'), 'number', '0.1', '0.1'],
    [numeric, 'number', '12345678901234567890.10', '12345678901234567890.10'],
    [base(17, 'bytea'), 'binary', '\\x00ff', '"AP8="'],
    [base(1082, 'date', 'D'), 'date', '2024-02-29', '"2024-02-29"'],
    [base(1083, 'time', 'D'), 'time', '01:02:03.5', '"01:02:03.5"'],
    [base(1266, 'timetz', 'D'), 'time_tz', '01:02:03+02', '"01:02:03+02:00"'],
    [base(1114, 'timestamp', 'D'), 'timestamp', '2024-02-29 01:02:03', '"2024-02-29T01:02:03"'],
    [base(1184, 'timestamptz', 'D'), 'timestamp_tz', '2024-02-29 01:02:03+00', '"2024-02-29T01:02:03Z"'],
    [json, 'json', '{"a": 1}', '"{\\"a\\":1}"'],
    [jsonb, 'json', '{"a": 1}', '"{\\"a\\":1}"'],
  ])('%o', (type, kind, value, expected) => {
    const { logical, write } = typed(type);
    expect(logical).toEqual({ kind });
    expect(written(write, value)).toEqual([expected, SAID]);
  });

  it.each<[PgType, string]>([
    [base(18, 'char', 'Z'), 'x'],
    [base(19, 'name', 'S', { typelem: 18, element: base(18, 'char', 'Z') }), 'n'],
    [text, 'a "quoted" one'],
    [base(1042, 'bpchar', 'S'), 'a  '],
    [base(1043, 'varchar', 'S'), 'a'],
    [base(2950, 'uuid'), '6f4b1a4e-0000-0000-0000-000000000000'],
    [base(142, 'xml'), '<a/>'],
    [base(1186, 'interval', 'T'), '1 mon 2 days 00:00:01'],
    [base(790, 'money', 'N'), '$1,000.00'],
    [base(1560, 'bit', 'V'), '0101'],
    [base(1562, 'varbit', 'V'), ''],
    [base(869, 'inet', 'I'), '::1/128'],
    [base(650, 'cidr', 'I'), '10.0.0.0/8'],
    [base(829, 'macaddr'), '08:00:2b:01:02:03'],
    [base(28, 'xid'), '4294967295'],
    [base(5069, 'xid8'), '18446744073709551615'],
    [base(29, 'cid'), '0'],
    [base(27, 'tid'), '(0,1)'],
    [base(3220, 'pg_lsn'), '0/16B3748'],
    [base(24, 'regproc', 'N'), 'now'],
    [base(2205, 'regclass', 'N'), 'pg_class'],
    [base(3614, 'tsvector'), "'a':1 'b':2"],
    [base(3615, 'tsquery'), "'a' & 'b'"],
    [base(4072, 'jsonpath'), '$."a"'],
    [base(600, 'point', 'G', { typelem: 701, element: base(701, 'float8', 'N') }), '(1,2)'],
    [box, '(1,1),(0,0)'],
    [base(22, 'int2vector', 'A', { typelem: 21, element: base(21, 'int2', 'N') }), '1 2 3'],
    [base(30, 'oidvector', 'A', { typelem: 26, element: base(26, 'oid', 'N') }), '1 2'],
    [base(70_000, 'mood', 'E', { typtype: 'e', namespace: 'public' }), 'ok'],
    [base(70_001, 'pair', 'C', { typtype: 'c', namespace: 'public' }), '(1,"a b")'],
    [base(3904, 'int4range', 'R', { typtype: 'r' }), '[1,5)'],
    [base(4451, 'int4multirange', 'R', { typtype: 'm' }), '{[1,2),[3,4)}'],
    [base(70_002, 'hstore', 'U', { namespace: 'public' }), '"a"=>"1"'],
    [base(70_003, 'citext', 'S', { namespace: 'public' }), 'AbC'],
    [base(70_004, 'ltree', 'U', { namespace: 'public' }), 'a.b'],
    [base(70_005, 'geometry', 'U', { namespace: 'public' }), '0101000000000000000000F03F'],
    [base(70_006, 'int4', 'N', { namespace: 'mine' }), 'not the built-in one'],
  ])('%o is the text of the server', (type, value) => {
    const { logical, write } = typed(type);
    expect(logical).toEqual({ kind: 'string' });
    expect(written(write, value)).toEqual([JSON.stringify(value), SAID]);
  });

  it.each<[number, number, LogicalType['kind']]>([
    [1, 0, 'integer'],
    [18, 0, 'integer'],
    [19, 0, 'number'],
    [1000, 0, 'number'],
    [10, 2, 'number'],
    [2, 5, 'number'],
    [2, -3, 'integer'],
    [10, -8, 'integer'],
    [10, -9, 'number'],
    [1, -1000, 'number'],
    [1000, 1000, 'number'],
  ])('numeric(%i,%i) is %s', (precision, scale, kind) => {
    expect(typed(numeric, numericTypmod(precision, scale)).logical).toEqual({ kind });
  });

  it('reads the type modifiers that servers give', () => {
    expect(typed(numeric, 655_366).logical).toEqual({ kind: 'number' }); // (10,2), as recorded from a server
    expect(typed(numeric, 786_436).logical).toEqual({ kind: 'integer' }); // (12,0)
  });

  it('nulls NaN where numeric promises an integer', () => {
    expect(written(typed(numeric, numericTypmod(5, 0)).write, 'NaN')).toEqual(['null', NULLED]);
    expect(written(typed(numeric, numericTypmod(5, 0)).write, '-12345')).toEqual(['-12345', SAID]);
  });

  it('gives JSON values with nativeJson', () => {
    for (const type of [json, jsonb]) {
      const { logical, write } = typed(type, -1, 0, true);
      expect(logical).toEqual({ kind: 'object' });
      expect(written(write, '{"a": [1, 2]}')).toEqual(['{"a":[1,2]}', SAID]);
    }
  });

  it('sees through domains, also domains over domains, arrays and modifiers', () => {
    expect(typed(domain(int4)).logical).toEqual({ kind: 'integer' });
    expect(typed(domain(domain(numeric, { typmod: numericTypmod(5, 0) }))).logical).toEqual({ kind: 'integer' });
    expect(typed(domain(numeric)).logical).toEqual({ kind: 'number' });
    expect(typed(domain(arrayOf(int4), { ndims: 2 })).logical).toEqual(array({ kind: 'integer' }, 2));
    // Not the modifiers of the column: a domain's column has none of its own.
    expect(typed(domain(numeric, { typmod: numericTypmod(5, 0) }), -1, 0).logical).toEqual({ kind: 'integer' });
  });

  it('nests arrays as deep as declared, one deep when nothing is declared', () => {
    expect(typed(arrayOf(int4), -1, 0).logical).toEqual(array({ kind: 'integer' }));
    expect(typed(arrayOf(int4), -1, 1).logical).toEqual(array({ kind: 'integer' }));
    expect(typed(arrayOf(int4), -1, 3).logical).toEqual(array({ kind: 'integer' }, 3));
    expect(written(typed(arrayOf(int4), -1, 2).write, '{{1,NULL},{3,4}}')).toEqual(['[[1,null],[3,4]]', SAID]);
    expect(written(typed(arrayOf(int4), -1, 1).write, '{{1}}')).toEqual(['null', NULLED]);
  });

  it('gives elements their own types, modifiers and delimiters', () => {
    expect(typed(arrayOf(numeric), numericTypmod(5, 0), 1).logical).toEqual(array({ kind: 'integer' }));
    expect(typed(arrayOf(domain(int4)), -1, 1).logical).toEqual(array({ kind: 'integer' }));
    expect(typed(arrayOf(jsonb), -1, 1, true).logical).toEqual(array({ kind: 'object' }));
    expect(written(typed(arrayOf(box), -1, 1).write, '{(1,1),(0,0);(2,2),(1,1)}')).toEqual([
      '["(1,1),(0,0)","(2,2),(1,1)"]',
      SAID,
    ]);
    const mood = base(70_000, 'mood', 'E', { typtype: 'e', namespace: 'public' });
    expect(written(typed(arrayOf(mood), -1, 1).write, '{ok,"so so",NULL,"NULL"}')).toEqual(['["ok","so so",null,"NULL"]', SAID]);
    const rows = arrayOf(domain(arrayOf(int4), { ndims: 1 }));
    expect(typed(rows, -1, 1).logical).toEqual(array({ kind: 'integer' }, 2));
    expect(written(typed(rows, -1, 1).write, '{"{1,2}","{3}"}')).toEqual(['[[1,2],[3]]', SAID]);
  });
});

describe('writerFor', () => {
  const timestamptz = typed(base(1184, 'timestamptz', 'D'));

  it('writes as is what is promised', () => {
    for (const type of [typed(int4), typed(numeric), typed(text), typed(jsonb), timestamptz, typed(arrayOf(int4), -1, 2)]) {
      expect(writerFor(type, type.logical)).toBe(type.write);
    }
  });

  it('says anything as a string: the text of the server', () => {
    const string = { kind: 'string' } as const;
    expect(written(writerFor(typed(int4), string), '7')).toEqual(['"7"', SAID]);
    expect(written(writerFor(typed(base(701, 'float8', 'N')), string), 'NaN')).toEqual(['"NaN"', SAID]);
    expect(written(writerFor(timestamptz, string), 'infinity')).toEqual(['"infinity"', SAID]);
    expect(written(writerFor(typed(arrayOf(text), -1, 1), string), '{a,"b c"}')).toEqual(['"{a,\\"b c\\"}"', SAID]);
  });

  it('says JSON as compact text, whichever way it is promised as a string, and as itself as an object', () => {
    for (const type of [typed(jsonb), typed(jsonb, -1, 0, true)]) {
      for (const kind of ['string', 'json'] as const) {
        expect(written(writerFor(type, { kind }), '{"a": 1}')).toEqual(['"{\\"a\\":1}"', SAID]);
      }
      expect(written(writerFor(type, { kind: 'object' }), '{"a": 1}')).toEqual(['{"a":1}', SAID]);
    }
    // A catalog's `string` cannot be told from `json`: a text column may be promised as either.
    expect(written(writerFor(typed(text), { kind: 'json' }), '{"a": 1}')).toEqual(['"{\\"a\\": 1}"', SAID]);
  });

  it('says integers as numbers', () => {
    expect(written(writerFor(typed(int4), { kind: 'number' }), '7')).toEqual(['7', SAID]);
  });

  it('carries all of that into arrays', () => {
    const ints = typed(arrayOf(int4), -1, 2);
    expect(writerFor(ints, array({ kind: 'number' }, 2))).toBe(ints.write);
    expect(written(writerFor(ints, array({ kind: 'string' }, 2)), '{{1,NULL}}')).toEqual(['[["1",null]]', SAID]);
    const documents = typed(arrayOf(jsonb), -1, 1);
    expect(writerFor(documents, array({ kind: 'string' }))).toBe(documents.write);
    expect(written(writerFor(documents, array({ kind: 'object' })), '{"{\\"a\\": 1}",NULL}')).toEqual(['[{"a":1},null]', SAID]);
    const boxes = typed(arrayOf(box), -1, 1);
    expect(written(writerFor(boxes, array({ kind: 'string' })), '{(1,1),(0,0)}')).toEqual(['["(1,1),(0,0)"]', SAID]);
    const apart = typed(arrayOf({ ...int4, typdelim: ';' }), -1, 1);
    expect(written(writerFor(apart, array({ kind: 'string' })), '{1;2}')).toEqual(['["1","2"]', SAID]);
  });

  it('refuses what would break the promise', () => {
    const cases: readonly (readonly [ColumnType, LogicalType])[] = [
      [typed(numeric), { kind: 'integer' }],
      [typed(text), { kind: 'number' }],
      [typed(text), { kind: 'integer' }],
      [typed(text), { kind: 'boolean' }],
      [typed(text), { kind: 'binary' }],
      [typed(text), { kind: 'object' }],
      [typed(int4), { kind: 'boolean' }],
      [typed(int4), array({ kind: 'integer' })],
      [timestamptz, { kind: 'timestamp' }],
      [timestamptz, { kind: 'date' }],
      [typed(base(1114, 'timestamp', 'D')), { kind: 'timestamp_tz' }],
      [typed(arrayOf(int4), -1, 2), array({ kind: 'integer' })],
      [typed(arrayOf(int4), -1, 1), array({ kind: 'integer' }, 2)],
      [typed(arrayOf(text), -1, 1), array({ kind: 'integer' })],
      [typed(arrayOf(jsonb), -1, 1), { kind: 'object' }],
    ];
    for (const [actual, promised] of cases) expect(writerFor(actual, promised)).toBeNull();
  });
});
