import type { TypeFamily } from '../../../kit/type-family.ts';
import { arrayOf, becomes, cases, quote, STRING, same } from './rows.ts';

export const system: TypeFamily = {
  name: 'system',
  title: 'Text search, transactions, names of objects',
  notes: [
    'The text that the server prints. Transaction numbers wrap around, so they are names rather than numbers. Names of objects are qualified and quoted as they are for somebody whose `search_path` is empty.',
  ],
  setup: ['CREATE SEQUENCE "Odd name"', 'CREATE FUNCTION "Odd call"(integer, text) RETURNS integer LANGUAGE sql AS \'SELECT 1\''],
  cases: [
    ...cases('tsvector', STRING, [
      becomes('a fat  cat', "'a' 'cat' 'fat'"),
      ...same('', "'it''s':1A 'two words':2,3B"),
      ["to_tsvector('english', 'The fat cats')", `"'cat':3 'fat':2"`],
    ]),
    ...cases('tsquery', STRING, [
      becomes('fat & !cat:*a | rat', "'fat' & !'cat':*A | 'rat'"),
      becomes('fat <2> cat', "'fat' <2> 'cat'"),
      ...same(''),
    ]),
    ...cases('pg_lsn', STRING, same('0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF')),
    ...cases('xid', STRING, same('4294967295')),
    ...cases('xid8', STRING, same('18446744073709551615')),
    ...cases('cid', STRING, same('7')),
    ...cases('tid', STRING, same('(4294967295,65535)')),
    ...cases('txid_snapshot', STRING, same('10:20:10,14,15')),
    ...cases('pg_snapshot', STRING, same('10:20:10,14,15')),
    ...cases('int2vector', STRING, [...same('1 2 -3'), ...same('')]),
    ...cases('oidvector', STRING, same('1 4294967295')),
    ...cases('oidvector[]', arrayOf(STRING), [["ARRAY['1 2', '3']::oidvector[]", '["1 2","3"]']]),
    ...cases('regclass', STRING, [
      ...same('pg_class'),
      becomes('"Odd name"', 'public."Odd name"'),
      becomes('12345678', '12345678'),
    ]),
    ...cases('regtype', STRING, [becomes('int4', 'integer'), ...same('timestamp without time zone', 'text[]')]),
    ...cases('regproc', STRING, [...same('now'), becomes('"Odd call"', 'public."Odd call"')]),
    ...cases('regprocedure', STRING, [
      becomes('abs(int4)', 'abs(integer)'),
      becomes('"Odd call"(int, text)', 'public."Odd call"(integer,text)'),
    ]),
    ...cases('regoper', STRING, same('||/')),
    ...cases('regoperator', STRING, [becomes('+(int4,int4)', '+(integer,integer)')]),
    ...cases('regrole', STRING, same('pg_monitor')),
    ...cases('regnamespace', STRING, same('public')),
    ...cases('regconfig', STRING, same('english')),
    ...cases('regdictionary', STRING, same('simple')),
    ...cases('regcollation', STRING, same('"C"')),
    ...cases('aclitem', STRING, [
      [
        "makeaclitem('pg_monitor'::regrole, 'pg_monitor'::regrole, 'SELECT', true)",
        quote('pg_monitor=r*/pg_monitor').replaceAll("'", '"'),
      ],
    ]),
  ],
};
