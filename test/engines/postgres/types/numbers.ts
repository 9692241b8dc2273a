import type { TypeFamily } from '../../../kit/type-family.ts';
import { BOOLEAN, cases, digits, INTEGER, NUMBER, nulled, STRING, same } from './rows.ts';

const nines = (count: number): string => '9'.repeat(count);
const notFinite = nulled('NaN', 'Infinity', '-Infinity');

export const numbers: TypeFamily = {
  name: 'numbers',
  title: 'Numbers and booleans',
  notes: [
    'Digits are those that the server prints: no rounding through a double, trailing zeros kept. `numeric(p,0)` with up to 18 digits is an integer, any other `numeric` a number. `real` and `double precision` have the shortest digits that read back as the same value.',
    'NaN and the infinities are no numbers in JSON: null, and an entry in `meta.changes`. `money` is the text that the server prints with `lc_monetary = C`: its unit is whatever the database means by it.',
  ],
  cases: [
    ...cases('boolean', BOOLEAN, [
      ['true', 'true'],
      ['false', 'false'],
    ]),
    ...cases('smallint', INTEGER, digits('-32768', '0', '32767')),
    ...cases('integer', INTEGER, digits('-2147483648', '2147483647')),
    ...cases('bigint', INTEGER, digits('-9223372036854775808', '9007199254740993', '9223372036854775807')),
    ...cases('oid', INTEGER, digits('0', '4294967295')),
    ...cases('numeric(18)', INTEGER, digits(nines(18), `-${nines(18)}`, '0')),
    ...cases('numeric(18)', INTEGER, nulled('NaN')),
    ...cases('numeric(1,0)', INTEGER, digits('-9')),
    ...cases('numeric(19)', NUMBER, digits(nines(19))),
    ...cases('numeric(5,-2)', INTEGER, [["'12345'", '12300']], { since: 15 }),
    ...cases('numeric(5,-2)', INTEGER, digits('9999900'), { since: 15 }),
    ...cases('numeric(17,-1)', INTEGER, [["'123456789012345678'", '123456789012345680']], { since: 15 }),
    ...cases('numeric(18,-1)', NUMBER, [["'1234567890123456789'", '1234567890123456790']], { since: 15 }),
    ...cases('numeric(3,5)', NUMBER, digits('0.00999'), { since: 15 }),
    ...cases('numeric(10,2)', NUMBER, [...digits('12345678.90', '-0.05'), ["'7'", '7.00']]),
    ...cases('numeric(10,2)', NUMBER, nulled('NaN')),
    ...cases('numeric(1000,500)', NUMBER, [["'1'", `1.${'0'.repeat(500)}`]]),
    ...cases('numeric', NUMBER, [
      ...digits('0', '1.50', '-1', `-0.${'0'.repeat(99)}1`, nines(100), `${nines(100)}.${nines(100)}`),
      ["'-0'", '0'],
      ["'1e-7'", '0.0000001'],
      ["'1e20'", '100000000000000000000'],
      ...notFinite,
    ]),
    ...cases('real', NUMBER, [
      ...digits('0', '-0', '0.1', '1e-45', '1.1754944e-38', '-3.4028235e+38', '1e+06', '123456.7'),
      ["'16777217'", '1.6777216e+07'],
      ...notFinite,
    ]),
    ...cases('double precision', NUMBER, [
      ...digits(
        '0',
        '-0',
        '0.1',
        '0.30000000000000004',
        '1e-307',
        '5e-324',
        '2.2250738585072014e-308',
        '1.7976931348623157e+308',
      ),
      ...digits('1e+15', '123456789012345.6', '-1e-05'),
      ["'9007199254740993'", '9.007199254740992e+15'],
      ["'100000000000000000000'", '1e+20'],
      ...notFinite,
    ]),
    ...cases('money', STRING, [
      ["'1234.5'", '"$1,234.50"'],
      ["'-0.05'", '"-$0.05"'],
      ...same('-$92,233,720,368,547,758.08', '$92,233,720,368,547,758.07'),
    ]),
  ],
};
