import type { TypeCase, TypeFamily } from '../../../kit/type-family.ts';
import { arrayOf, becomes, cases, INTEGER, STRING, same } from './rows.ts';

/** Types of an extension that comes with PostgreSQL, in a schema that no `search_path` names. */
const extension = (name: string, note: string, of: (type: (name: string) => string) => readonly TypeCase[]): TypeFamily => ({
  name,
  title: `Extension ${name}`,
  notes: [note],
  requires: name,
  setup: ['CREATE SCHEMA IF NOT EXISTS extensions', `CREATE EXTENSION IF NOT EXISTS ${name} SCHEMA extensions`],
  cases: of(type => `extensions.${type}`),
});

export const extensions: readonly TypeFamily[] = [
  extension('citext', 'Text.', type => [
    ...cases(type('citext'), STRING, same('MiXed', '')),
    ...cases(`${type('citext')}[]`, arrayOf(STRING), [['\'{A,"b,c",NULL}\'', '["A","b,c",null]']]),
  ]),
  extension('hstore', 'The text that the server prints, not JSON: keys and values in double quotes, `=>` between them.', type => [
    ...cases(type('hstore'), STRING, [
      ...same(''),
      becomes('b=>1, a=>NULL, "c d"=>"e, \\"f\\" => g"', '"a"=>NULL, "b"=>"1", "c d"=>"e, \\"f\\" => g"'),
    ]),
    ...cases(`${type('hstore')}[]`, arrayOf(STRING), [
      [`ARRAY['a=>"x,y"', NULL]::${type('hstore')}[]`, JSON.stringify(['"a"=>"x,y"', null])],
    ]),
  ]),
  extension('ltree', 'The text that the server prints.', type => [
    ...cases(type('ltree'), STRING, same('', 'Top.Science.Astronomy')),
    ...cases(type('lquery'), STRING, same('Top.*{1,2}.!a|b@')),
    ...cases(type('ltxtquery'), STRING, same('Europe & Russia@* & !Asia')),
    ...cases(`${type('ltree')}[]`, arrayOf(STRING), [["'{a.b,c}'", '["a.b","c"]']]),
  ]),
  extension('cube', 'The text that the server prints.', type => [...cases(type('cube'), STRING, same('(1, 2),(3, 4.5)', '()'))]),
  extension('isn', 'The text that the server prints.', type => [
    ...cases(type('isbn13'), STRING, same('978-0-393-04002-9')),
    ...cases(type('ean13'), STRING, same('978-0-393-04002-9')),
  ]),
  extension('seg', 'The text that the server prints.', type => [...cases(type('seg'), STRING, same('1.0 .. 2.50', '~5.0'))]),
  extension('intarray', 'The text that the server prints.', type => [
    ...cases(type('query_int'), STRING, same('1 & ( 2 | !3 )')),
  ]),
  extension('lo', 'A domain over `oid`.', type => [...cases(type('lo'), INTEGER, [["'4294967295'", '4294967295']])]),
];
