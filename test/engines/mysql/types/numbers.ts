import type { TypeFamily } from '../../../kit/type-family.ts';
import { BOOLEAN, cases, digits, INTEGER, NUMBER, quote, STRING } from './rows.ts';

const nines = (count: number): string => '9'.repeat(count);
const truth = (...rows: readonly (readonly [string, boolean])[]): [string, string][] =>
  rows.map(([value, said]) => [value, String(said)]);

const integerNotes = [
  'Digits are those that the server stores, without the zeros that ZEROFILL prints in front of them. `decimal(p,0)` with up to 18 digits is an integer, any other `decimal` a number with all its digits: no rounding through a double, trailing zeros kept.',
  '`tinyint(1)`, which is what `BOOLEAN` makes, is a boolean: true unless it is 0. With `tinyint1_as: integer` it is the number. `tinyint(1) unsigned` is always a number. In a key it is the number too, for as booleans several rows would have the same key.',
];

export const integers: TypeFamily = {
  name: 'integers',
  title: 'Integers and decimals',
  notes: integerNotes,
  cases: [
    ...cases('boolean', BOOLEAN, truth(['TRUE', true], ['FALSE', false])),
    ...cases('tinyint(1)', BOOLEAN, truth(['1', true], ['0', false], ['-1', true], ['127', true], ['-128', true])),
    ...cases('tinyint(1) unsigned', INTEGER, digits('1', '255')),
    ...cases('tinyint', INTEGER, digits('-128', '127')),
    ...cases('tinyint(2)', INTEGER, digits('100')),
    ...cases('tinyint unsigned', INTEGER, digits('0', '255')),
    ...cases('tinyint(3) zerofill', INTEGER, digits('7')),
    ...cases('smallint', INTEGER, digits('-32768', '32767')),
    ...cases('smallint unsigned', INTEGER, digits('65535')),
    ...cases('mediumint', INTEGER, digits('-8388608', '8388607')),
    ...cases('mediumint unsigned', INTEGER, digits('16777215')),
    ...cases('int', INTEGER, digits('-2147483648', '0', '2147483647')),
    ...cases('int unsigned', INTEGER, digits('4294967295')),
    ...cases('int(9) zerofill', INTEGER, digits('42', '4294967295')),
    ...cases('bigint', INTEGER, digits('-9223372036854775808', '9007199254740993', '9223372036854775807')),
    ...cases('bigint unsigned', INTEGER, digits('9223372036854775808', '18446744073709551615')),
    ...cases('bigint(20) zerofill', INTEGER, digits('5')),
    ...cases('decimal', INTEGER, digits(nines(10), '-1')),
    ...cases('decimal(1,0)', INTEGER, digits('-9')),
    ...cases('decimal(18)', INTEGER, digits(nines(18), `-${nines(18)}`, '0')),
    ...cases('decimal(19)', NUMBER, digits(nines(19))),
    ...cases('decimal(65)', NUMBER, digits(nines(65), `-${nines(65)}`)),
    ...cases('decimal(10,2)', NUMBER, [...digits('12345678.90', '-0.05'), ["'7'", '7.00'], ["'-0'", '0.00']]),
    ...cases('decimal(10,2) unsigned', NUMBER, digits('99999999.99')),
    ...cases('decimal(12,3) zerofill', NUMBER, digits('1.500')),
    ...cases('decimal(9,9)', NUMBER, digits('0.123456789', '-0.000000001')),
    ...cases('decimal(30,30)', NUMBER, digits(`0.${'0'.repeat(29)}1`)),
    ...cases('decimal(65,30)', NUMBER, [...digits(`-${nines(35)}.${nines(30)}`), ["'1'", `1.${'0'.repeat(30)}`]]),
    ...cases('numeric(5)', INTEGER, digits('-12345')),
    ...cases('fixed(6,1)', NUMBER, digits('12345.6')),
  ],
};

export const floats: TypeFamily = {
  name: 'floats',
  title: 'Floating-point numbers',
  notes: [
    'The shortest digits that read back as the same value, in snapshot and log. The servers themselves print a `float` with six digits only, and a `float(M,D)` with D of them behind the point: more than that is stored, and comes.',
  ],
  cases: [
    ...cases('float', NUMBER, [
      ...digits('0', '0.1', '-1.5', '123456.79', '16777216', '1e-45', '1.1754944e-38', '-3.4028235e38', '1e15'),
      ["'16777217'", '16777216'],
      ["'0.333333333333'", '0.33333334'],
    ]),
    ...cases('float unsigned', NUMBER, digits('1.25')),
    ...cases('float(7,4)', NUMBER, [["'999.00009'", '999.0001']]),
    ...cases('float(24)', NUMBER, digits('0.1')),
    ...cases('float(53)', NUMBER, digits('0.1234567890123456')),
    ...cases('double', NUMBER, [
      ...digits('0', '0.1', '0.30000000000000004', '5e-324', '2.2250738585072014e-308', '1.7976931348623157e308'),
      ...digits('123456789012345.6', '100000000000000', '1e15', '0.00001', '-1e20'),
      ["'9007199254740993'", '9.007199254740992e15'],
      ["'1e-15'", '0.000000000000001'],
      ["'1e-16'", '1e-16'],
    ]),
    ...cases('double unsigned', NUMBER, digits('2.5')),
    ...cases('double(20,3)', NUMBER, [["'1.2346'", '1.2349999999999999', { note: 'as the server rounds it' }]]),
    ...cases('real', NUMBER, digits('-0.5')),
  ],
};

/** MariaDB makes 0 of it before it is stored. */
export const mysqlFloats: TypeFamily = {
  ...floats,
  cases: [...floats.cases, ...cases('float', NUMBER, digits('-0')), ...cases('double', NUMBER, digits('-0'))],
};

export const bitsAndYears: TypeFamily = {
  name: 'bits_and_years',
  title: 'Bits and years',
  notes: ['`bit(1)` is a boolean; longer ones are strings of as many bits as are declared. The year 0000 is 0.'],
  cases: [
    ...cases('bit', BOOLEAN, truth(["b'0'", false], ["b'1'", true])),
    ...cases('bit(2)', STRING, [["b'10'", '"10"']]),
    ...cases('bit(8)', STRING, [
      ["b'101'", '"00000101"'],
      ["b'11111111'", '"11111111"'],
    ]),
    ...cases('bit(9)', STRING, [["b'100000001'", '"100000001"']]),
    ...cases('bit(64)', STRING, [
      ["b'1'", `"${'1'.padStart(64, '0')}"`],
      ['18446744073709551615', `"${'1'.repeat(64)}"`],
    ]),
    ...cases('year', INTEGER, [...digits('1901', '2024', '2155'), [quote('0000'), '0']]),
  ],
};

/** The same under `tinyint1_as: integer`. */
export const tinyintAsInteger: TypeFamily = {
  name: 'tinyint1',
  title: '`tinyint(1)` with `tinyint1_as: integer`',
  cases: [
    ...cases('tinyint(1)', INTEGER, digits('-128', '0', '1', '127')),
    ...cases('boolean', INTEGER, [['TRUE', '1']]),
    ...cases('tinyint(1) unsigned', INTEGER, digits('255')),
    ...cases('bit(1)', BOOLEAN, truth(["b'1'", true])),
  ],
};
