import fc from 'fast-check';
import type { MysqlFlavor } from '../../kit/servers/mysql.ts';

/** A column type, and SQL expressions of values for it. */
export interface ValueType {
  readonly type: string;
  readonly flavor?: MysqlFlavor;
  readonly values: fc.Arbitrary<string>;
  readonly always?: readonly string[];
  /** What the server prints (converted to utf8mb4) as the JSON value it must become. */
  readonly expected?: (server: string) => unknown;
  /** Some values cannot be said: zero dates, bytes that mean nothing. */
  readonly mayBeUnsaid?: boolean;
  /** MariaDB: the column counts as JSON. */
  readonly json?: boolean;
}

const hex = (bytes: Uint8Array): string => `X'${Buffer.from(bytes).toString('hex')}'`;
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(fc.string({ maxLength, unit: 'grapheme-ascii' }), fc.string({ maxLength, unit: 'binary' })).map(s => {
    const clean = s.replaceAll('\0', ' ');
    return `CONVERT(${hex(Buffer.from(clean))} USING utf8mb4)`;
  });
const bytes = (maxLength: number): fc.Arbitrary<string> => fc.uint8Array({ maxLength }).map(hex);
const endingInZeros = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.uint8Array({ maxLength }), fc.nat(maxLength))
    .map(([head, zeros]) => hex(Buffer.concat([head, Buffer.alloc(zeros)]).subarray(0, maxLength)));

const same = (server: string): unknown => server;
const number = (server: string): unknown => Number(server);

function integers(type: string, bits: number): ValueType[] {
  const signed = fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n });
  const unsigned = fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
  return [
    {
      type,
      values: signed.map(String),
      always: [`${-(2n ** BigInt(bits - 1))}`, '0', `${2n ** BigInt(bits - 1) - 1n}`],
      expected: number,
    },
    { type: `${type} UNSIGNED`, values: unsigned.map(String), always: [`${2n ** BigInt(bits) - 1n}`], expected: number },
    { type: `${type}(9) ZEROFILL`, values: unsigned.map(String), expected: number },
  ];
}

const digits = (count: number): fc.Arbitrary<string> =>
  fc.array(fc.nat(9), { minLength: 1, maxLength: Math.max(1, count) }).map(list => list.join(''));
function decimals(precision: number, scale: number): ValueType {
  const value = fc.tuple(fc.boolean(), digits(precision - scale), digits(scale)).map(([negative, whole, fraction]) => {
    return `${negative ? '-' : ''}${precision === scale ? '0' : whole}${scale === 0 ? '' : `.${fraction}`}`;
  });
  return { type: `DECIMAL(${precision},${scale})`, values: value, always: ['0', '-0.0', '1', '-1'], expected: number };
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
const dates = fc
  .tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 31 }))
  .map(([y, m, d]) => `${pad(y, 4)}-${pad(m)}-${pad(d)}`);
const clocks = (hours: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(hours), fc.nat(59), fc.nat(59), fc.nat(999_999))
    .map(([h, m, s, f]) => `${pad(h)}:${pad(m)}:${pad(s)}.${pad(f, 6)}`);
const quoted = (value: string): string => `'${value}'`;
const seconds = fc.tuple(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.nat(999_999)).map(([s, f]) => {
  return quoted(`${new Date(s * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${pad(f, 6)}`);
});

export function temporals(digitsOfFraction: number): ValueType[] {
  const n = digitsOfFraction;
  return [
    {
      type: `DATETIME(${n})`,
      values: fc.tuple(dates, clocks(23)).map(([d, c]) => quoted(`${d} ${c}`)),
      always: ["'0000-00-00'", "'9999-12-31 23:59:59'", "'1000-01-01'"],
      expected: server => server.replace(' ', 'T'),
      mayBeUnsaid: true,
    },
    {
      type: `TIMESTAMP(${n}) NULL`,
      values: seconds,
      always: ['0', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2000-02-29 12:00:00.5'"],
      expected: server => `${server.replace(' ', 'T')}Z`,
      mayBeUnsaid: true,
    },
    {
      type: `TIME(${n})`,
      values: fc.tuple(fc.boolean(), clocks(838)).map(([negative, clock]) => quoted(`${negative ? '-' : ''}${clock}`)),
      always: ["'00:00:00'", "'-00:00:00.000001'", "'-00:00:01'", "'838:59:59'", "'-838:59:59'", "'-00:00:00.5'"],
      expected: same,
    },
  ];
}

const labels = ["it''s", 'a b', 'x"y', 'é', '日本', 'z\\\\w', '', 'last'];
const setLabels = Array.from({ length: 64 }, (_, i) => `L${i}é"`);
const LATIN = fc.uint8Array({ maxLength: 40 }).map(list => hex(list.map(byte => (byte === 0 ? 1 : byte))));
const SINGLE =
  'latin1 ascii armscii8 cp1250 cp1251 cp1256 cp1257 cp850 cp852 cp866 dec8 geostd8 greek hebrew hp8 keybcs2 koi8r koi8u latin2 latin5 latin7 macce macroman swe7 tis620';
const MULTI = 'utf8mb3 ucs2 utf16 utf16le utf32 gbk gb2312 big5 sjis cp932 euckr ujis eucjpms';

const words = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0xa1, max: 0x4ff }),
      fc.integer({ min: 0x2010, max: 0x9fa5 }),
      fc.integer({ min: 0xac00, max: 0xd7a3 }),
      fc.integer({ min: 0x3041, max: 0x30f6 }),
    ),
    { maxLength: 30 },
  )
  .map(codes => `CONVERT(${hex(Buffer.from(String.fromCharCode(...codes)))} USING utf8mb4)`);

const json = fc.json({ maxDepth: 4 }).map(value => `CONVERT(${hex(Buffer.from(value.replaceAll('\\u0000', '')))} USING utf8mb4)`);
const floats = fc
  .oneof(
    fc.float({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -1_000_000, max: 1_000_000 }).map(n => Math.fround(n / 100)),
  )
  .map(value => value.toExponential());
const doubles = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -100_000_000, max: 100_000_000 }).map(n => n / 1000),
    fc.integer({ min: -30, max: 30 }).map(n => 10 ** n),
    fc.tuple(fc.maxSafeInteger(), fc.integer({ min: -40, max: 40 })).map(([m, e]) => m * 10 ** e),
  )
  .map(value => (Object.is(value, -0) ? '-0e0' : value.toExponential()));

const opaque = [
  'JSON_OBJECT(1.50, CAST("2024-01-02" AS DATE))',
  'JSON_ARRAY(CAST("-12:34:56.5" AS TIME(3)), CAST("2024-01-02 03:04:05" AS DATETIME), TIMESTAMP("2024-01-02 03:04:05.123456"))',
  'JSON_ARRAY(CAST("838:59:59" AS TIME), CAST("-00:00:00.000001" AS TIME(6)), CAST("0000-00-00" AS DATE), CAST("9999-12-31 23:59:59.999999" AS DATETIME(6)))',
  "JSON_ARRAY(X'00FF', b'101', CAST('x' AS BINARY), REPEAT(X'AB', 100), X'', REPEAT(X'AB', 57), REPEAT(X'AB', 58), CAST('' AS BINARY))",
  'JSON_ARRAY(1e0, 1e15, 1e16, 123456789012345e0, 1e-14, 1e-15, 1e-16, -0e0, 1.5e300, 0.1e0, 1234567890123456.5e0, 5e-324, 12345678901234567e0)',
  'JSON_ARRAY(18446744073709551615, 9223372036854775808, -9223372036854775808, 65535, 65536, -32768, -32769, 32768, 2147483648, -2147483649, 4294967295, 4294967296)',
  'JSON_ARRAY(CAST(1 AS DECIMAL(65,30)), -0.00, CAST(-12345678901234567890.123456789 AS DECIMAL(65,30)), 0.5)',
  'JSON_ARRAY(CAST(2024 AS YEAR), NULL, TRUE, FALSE, ST_GeomFromText("POINT(1 2)"))',
  "JSON_QUOTE(CONVERT(X'0001080A0C0D1F222F5C7FF09F9880C3A9E280A8' USING utf8mb4))",
  "JSON_OBJECT('b', 1, 'aa', 2, 'a', 3, '', 4, 'B', 5, 'é', 6)",
  'JSON_ARRAY(REPEAT("x", 70000), REPEAT("y", 127), REPEAT("z", 128), REPEAT("w", 16384))',
  `CAST(CONCAT(REPEAT('[', 99), REPEAT(']', 99)) AS JSON)`,
  `CAST(CONCAT('[', REPEAT('[1,2147483647,70000],', 7000), '0]') AS JSON)`,
];

export const VALUE_TYPES: readonly ValueType[] = [
  ...integers('TINYINT', 8),
  ...integers('SMALLINT', 16),
  ...integers('MEDIUMINT', 24),
  ...integers('INT', 32),
  ...integers('BIGINT', 64),
  {
    type: 'TINYINT(1)',
    values: fc.integer({ min: -128, max: 127 }).map(String),
    always: ['0', '1'],
    expected: server => server !== '0',
  },
  { type: 'YEAR', values: fc.integer({ min: 1901, max: 2155 }).map(String), always: ['0', '1901', '2155'], expected: number },
  { type: 'YEAR(2)', flavor: 'mariadb', values: fc.integer({ min: 1970, max: 2069 }).map(String), expected: number },
  ...(
    [
      [1, 0],
      [9, 0],
      [10, 0],
      [18, 0],
      [19, 0],
      [65, 0],
      [65, 30],
      [30, 30],
      [10, 2],
      [5, 5],
      [11, 9],
      [28, 10],
      [38, 1],
    ] as const
  ).map(([p, s]) => decimals(p, s)),
  {
    type: 'DECIMAL(12,3) ZEROFILL',
    values: fc.integer({ min: 0, max: 99_999_999 }).map(n => String(n / 1000)),
    expected: number,
  },
  { type: 'FLOAT', values: floats, always: ['0.1', '-0e0', '16777216', '1.17549435e-38', '3.4028234e38', '1e-45', '123456.789'] },
  { type: 'FLOAT(7,4)', values: fc.integer({ min: -9_999_999, max: 9_999_999 }).map(n => String(n / 10_000)) },
  {
    type: 'DOUBLE',
    values: doubles,
    always: ['-0e0', '1e15', '1e16', '1234567890123456.5', '5e-324', '1.7976931348623157e308'],
    expected: number,
  },
  { type: 'DOUBLE(20,3)', values: doubles },
  { type: 'BIT(1)', values: fc.constantFrom("b'0'", "b'1'") },
  ...[2, 8, 9, 33, 64].map(n => ({
    type: `BIT(${n})`,
    values: fc.bigInt({ min: 0n, max: 2n ** BigInt(n) - 1n }).map(v => `b'${v.toString(2)}'`),
  })),
  { type: 'DATE', values: dates.map(quoted), always: ["'0000-00-00'", "'0001-01-01'"], expected: same, mayBeUnsaid: true },
  ...[0, 1, 2, 3, 4, 5, 6].flatMap(temporals),
  {
    type: `ENUM(${labels.filter(Boolean).map(quoted).join(',')})`,
    values: fc.integer({ min: 0, max: 7 }).map(String),
    always: ["''", "'nothing of the kind'"],
    expected: same,
  },
  { type: `ENUM('é','ö') CHARACTER SET latin1`, values: fc.integer({ min: 1, max: 2 }).map(String), expected: same },
  { type: `ENUM('é','日') CHARACTER SET ucs2`, values: fc.integer({ min: 1, max: 2 }).map(String), expected: same },
  {
    type: `ENUM(${Array.from({ length: 300 }, (_, i) => `'v${i}'`).join(',')})`,
    values: fc.integer({ min: 0, max: 300 }).map(String),
    expected: same,
  },
  {
    type: `SET(${labels.filter(Boolean).map(quoted).join(',')})`,
    values: fc.integer({ min: 0, max: 127 }).map(String),
    expected: same,
  },
  {
    type: `SET(${setLabels.map(quoted).join(',')})`,
    values: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    expected: same,
  },
  { type: 'CHAR(20)', values: text(20), always: ["'a  '", "''", "'  '"], expected: same },
  { type: 'CHAR(255) CHARACTER SET utf8mb4', values: text(255), expected: same },
  ...['ucs2', 'utf16', 'utf16le', 'utf32', 'latin1', 'gbk'].map(set => ({
    type: `CHAR(30) CHARACTER SET ${set}`,
    values: words,
    always: ["'a  '", "''"],
    expected: same,
  })),
  { type: 'VARCHAR(40)', values: text(40), always: ["'a  '"], expected: same },
  { type: 'VARCHAR(300)', values: text(300), expected: same },
  { type: 'TINYTEXT', values: text(50), expected: same },
  { type: 'TEXT', values: text(400), expected: same },
  { type: 'MEDIUMTEXT', values: text(50), always: ["REPEAT('é\"', 100000)"], expected: same },
  { type: 'LONGTEXT', values: text(50), expected: same },
  ...SINGLE.split(' ').map(set => ({
    type: `VARCHAR(60) CHARACTER SET ${set}`,
    values: LATIN,
    expected: same,
    mayBeUnsaid: true,
  })),
  ...MULTI.split(' ').map(set => ({ type: `TEXT CHARACTER SET ${set}`, values: words, expected: same })),
  { type: 'TEXT CHARACTER SET gb18030', flavor: 'mysql', values: text(40), expected: same },
  { type: 'VARCHAR(40) CHARACTER SET utf16', values: text(20), expected: same },
  { type: 'BINARY(10)', values: endingInZeros(10), always: ["''", "X'00'"] },
  { type: 'BINARY(255)', values: endingInZeros(255) },
  { type: 'VARBINARY(300)', values: endingInZeros(300) },
  { type: 'TINYBLOB', values: bytes(255) },
  { type: 'BLOB', values: bytes(400) },
  { type: 'MEDIUMBLOB', values: bytes(40), always: ["REPEAT('ab', 100000)"] },
  { type: 'LONGBLOB', values: bytes(40) },
  {
    type: 'GEOMETRY',
    values: fc
      .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }))
      .map(([x, y]) => `ST_GeomFromText('POINT(${x} ${y})')`),
    always: ["ST_GeomFromText('LINESTRING(0 0,1 1)', 4326)"],
  },
  {
    type: 'VECTOR(16)',
    flavor: 'mysql',
    values: fc
      .array(
        fc.float({ noNaN: true, min: Math.fround(-1e30), max: Math.fround(1e30) }).map(v => (Math.abs(v) < 1e-30 ? 0 : v)),
        { minLength: 1, maxLength: 16 },
      )
      .map(list => `TO_VECTOR('${JSON.stringify(list)}')`),
  },
  { type: 'JSON', flavor: 'mysql', values: json, always: opaque },
  { type: 'JSON', flavor: 'mariadb', json: true, values: json, always: ['\'{"a" : [1, 2 ]}\'', "'[ ]'"] },
  { type: 'LONGTEXT CHARACTER SET latin1', flavor: 'mariadb', json: true, values: fc.constantFrom('\'{"é": 1}\'', "'[ 1 ]'") },
  {
    type: 'UUID',
    flavor: 'mariadb',
    values: fc.uuid().map(quoted),
    always: ["'00000000-0000-0000-0000-000000000000'", "'123e4567-e89b-12d3-a456-426614170000'"],
    expected: same,
  },
  { type: 'INET4', flavor: 'mariadb', values: fc.ipV4().map(quoted), always: ["'0.0.0.0'", "'10.0.0.0'"], expected: same },
  {
    type: 'INET6',
    flavor: 'mariadb',
    values: fc
      .oneof(
        fc.ipV6(),
        fc.array(fc.constantFrom('0', '1', 'ffff', 'a0'), { minLength: 8, maxLength: 8 }).map(groups => groups.join(':')),
      )
      .map(quoted),
    always: [
      "'::'",
      "'::1'",
      "'1::'",
      "'::1.2.3.4'",
      "'::ffff:1.2.3.4'",
      "'::ffff:0:1'",
      "'::1:0'",
      "'2001:db8:0:1:0:0:0:1'",
      "'1:0:0:2:0:0:3:4'",
      "'1:0:2:3:4:5:6:7'",
      "'0:1:2:3:4:5:6:7'",
    ],
    expected: same,
  },
  { type: 'VARCHAR(100) COMPRESSED', flavor: 'mariadb', values: text(100), always: ["REPEAT('a', 100)", "''"], expected: same },
  {
    type: 'VARCHAR(1000) COMPRESSED CHARACTER SET latin1',
    flavor: 'mariadb',
    values: fc.nat(1000).map(n => `REPEAT('é', ${n})`),
    expected: same,
  },
  { type: 'VARBINARY(1000) COMPRESSED', flavor: 'mariadb', values: fc.nat(1000).map(n => `REPEAT(X'00FF', ${n} DIV 2)`) },
  {
    type: 'TEXT COMPRESSED',
    flavor: 'mariadb',
    values: fc.nat(5000).map(n => `REPEAT('é"', ${n})`),
    always: ["''"],
    expected: same,
  },
  { type: 'BLOB COMPRESSED', flavor: 'mariadb', values: fc.nat(5000).map(n => `REPEAT(X'00FF', ${n})`) },
];
