import type { TypeFamily } from '../../../kit/type-family.ts';
import { becomes, type CaseRow, cases, STRING, same } from './rows.ts';

const controls = Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join('');

const texts: readonly CaseRow[] = [
  ...same('', ' ', 'plain', ' kept  spaces ', 'it\'s "quoted"', 'null', 'NULL', 'true', '{"a": 1}', '{1,2}'),
  ...same('\\N', '\\.', '\\', 'a\\nb\\tc\\\\d', '\\x41', '\\101'),
  ...same('tab\there', 'line\nfeed', 'carriage\rreturn', '\r\n', controls, '\x7f', '\x80\x9f'),
  ...same('äß€', '𝄞😀', 'e\u0301', '\u2028\u2029', '\ufeff', '\ufffd', '\uffff', '\u{10ffff}'),
  ["repeat('ab\n', 50000)", JSON.stringify('ab\n'.repeat(50_000)), { note: 'stored out of line' }],
];

export const text: TypeFamily = {
  name: 'text',
  title: 'Text',
  notes: [
    'The text as it stands, blanks of `char(n)` included. Databases in another encoding than UTF-8 are converted by the server.',
  ],
  cases: [
    ...cases('text', STRING, texts),
    ...cases('varchar', STRING, same('', 'any length')),
    ...cases('varchar(3)', STRING, same('äöü')),
    ...cases('char(5)', STRING, [becomes('ab', 'ab   '), becomes('äß', 'äß   '), becomes('', '     ')]),
    ...cases('char', STRING, same('x')),
    ...cases('bpchar', STRING, same('ab  ')),
    ...cases('"char"', STRING, [
      ...same('a', '', '\\'),
      ['(-56)::"char"', '"\ufffd"', { change: 'TRUNCATED', before: 16, note: 'one byte, no character' }],
      ['(-56)::"char"', '"\\\\310"', { since: 16 }],
    ]),
    ...cases('name', STRING, same('a name', 'x'.repeat(63))),
    ...cases('uuid', STRING, [becomes('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')]),
    ...cases('xml', STRING, [
      ...same('<a b="1">x &amp; y</a>', '<a>\n  <b/>\n</a>', 'no <i>element</i> at the top'),
      becomes('<?xml version="1.0" encoding="UTF-8"?><a/>', '<a/>'),
    ]),
    ...cases('refcursor', STRING, same('c')),
  ],
};
