import type { TypeFamily } from '../../../kit/type-family.ts';
import { BINARY, cases, STRING } from './rows.ts';

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

export const binary: TypeFamily = {
  name: 'binary',
  title: 'Bytes and bits',
  notes: ['`bytea` is base64. Bit strings are strings of 0 and 1.'],
  cases: [
    ...cases('bytea', BINARY, [
      ["'\\x'", '""'],
      ["'\\x00'", '"AA=="'],
      ["'\\xdeadbeef'", '"3q2+7w=="'],
      ["'\\xfffefd'", '"//79"'],
      ["'text'", '"dGV4dA=="'],
      [`'\\x${everyByte.toString('hex')}'`, `"${everyByte.toString('base64')}"`],
      ["decode(repeat('0aff', 50000), 'hex')", `"${Buffer.alloc(100_000, '0aff', 'hex').toString('base64')}"`],
    ]),
    ...cases('bit', STRING, [["B'1'", '"1"']]),
    ...cases('bit(8)', STRING, [["B'00001111'", '"00001111"']]),
    ...cases('bit varying', STRING, [
      ["B''", '""'],
      ["repeat('01', 50)::varbit", `"${'01'.repeat(50)}"`],
    ]),
    ...cases('bit varying(5)', STRING, [["B'10'", '"10"']]),
  ],
};
