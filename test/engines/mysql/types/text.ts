import type { TypeFamily } from '../../../kit/type-family.ts';
import { BINARY, becomes, bytes, type CaseRow, cases, quote, STRING, same } from './rows.ts';

const awkward = 'it\'s "q" \\ / \n\r\t\b\x01\x7f \u2028 ä€𝄞';
const withNul: CaseRow = ["CONCAT('a', CHAR(0 USING utf8mb4), 'b')", '"a\ufffdb"', { change: 'TRUNCATED' }];
const long = 'line\n"é"';

export const text: TypeFamily = {
  name: 'text',
  title: 'Text',
  notes: [
    'The text in UTF-8, whatever the character set of its column. `char` comes without the blanks at its end, as the servers print it, whatever `sql_mode` says; `varchar` and `text` keep theirs. U+0000, which destinations cannot store, becomes U+FFFD with an entry in `meta.changes`.',
  ],
  cases: [
    ...cases('char(10)', STRING, [...same('ab', '', 'ä€𝄞'), becomes('ab  ', 'ab'), becomes('   ', '')]),
    ...cases('char(255)', STRING, same('x'.repeat(255), '𝄞'.repeat(255))),
    ...cases('varchar(100)', STRING, [...same('a  ', '', awkward, 'NULL', '\\N'), withNul]),
    ...cases('varchar(300)', STRING, same('y'.repeat(300))),
    ...cases('varchar(20) COLLATE utf8mb4_bin', STRING, same('aA')),
    ...cases('nvarchar(20)', STRING, same('ä€')),
    ...cases('tinytext', STRING, same('', 'ä'.repeat(127))),
    ...cases('text', STRING, [...same(awkward), withNul]),
    ...cases('mediumtext', STRING, [[`REPEAT(${quote(long)}, 20000)`, JSON.stringify(long.repeat(20_000))]]),
    ...cases('longtext', STRING, same('a long text')),
  ],
};

/** Character sets, and a text that each of them can hold. */
const SETS: Readonly<Record<string, string>> = {
  ascii: 'plain ~',
  latin1: 'é€ß…',
  latin2: 'łŘž',
  latin5: 'ğİş',
  latin7: 'ąėž',
  cp1250: 'łŘ€',
  cp1251: 'Жё№€',
  cp1256: 'سلام€',
  cp1257: 'ąėž€',
  cp850: 'é░Ø',
  cp852: 'łř║',
  cp866: 'Жё█',
  dec8: 'éŸ¥',
  geostd8: 'აბგ',
  greek: 'αβγΏ',
  hebrew: 'שלום',
  armscii8: 'Աբգ',
  hp8: 'éÀŠ',
  keybcs2: 'čřž',
  koi8r: 'Жёя',
  koi8u: 'їєґ',
  macce: 'łřž',
  macroman: 'éπ∞',
  swe7: 'åäö',
  tis620: 'ไทย',
  utf8mb3: 'ä€日',
  ucs2: 'ä€日',
  utf16: 'ä€日𝄞',
  utf16le: 'ä€日𝄞',
  utf32: 'ä€日𝄞',
  gbk: '汉字Ж',
  gb2312: '汉字Ж',
  big5: '漢字',
  sjis: 'ソ表ｶ日',
  cp932: '①ソ～ｶ',
  euckr: '한글',
  ujis: '日本ｶ',
  eucjpms: '日本①',
};

export const characterSets: TypeFamily = {
  name: 'character_sets',
  title: 'Character sets',
  notes: [
    'The connector converts them itself, in snapshot and log alike, to what the servers convert them to. `latin1` is Windows code page 1252.',
  ],
  cases: [
    ...Object.entries(SETS).flatMap(([set, sample]) => cases(`varchar(20) CHARACTER SET ${set}`, STRING, same(sample))),
    ...cases('varchar(20) CHARACTER SET latin1', STRING, [
      ["_latin1 X'8180'", '"\x81€"'],
      ["_latin1 X'5C27'", '"\\\\\'"'],
    ]),
    ...['ucs2', 'utf16', 'utf16le', 'utf32', 'latin1', 'gbk'].flatMap(set =>
      cases(`char(5) CHARACTER SET ${set}`, STRING, [becomes('a  ', 'a')]),
    ),
    ...['ucs2', 'utf16le', 'sjis'].flatMap(set => cases(`text CHARACTER SET ${set}`, STRING, same('日本 "q"\n'))),
  ],
};

const manyLabels = Array.from({ length: 300 }, (_, index) => quote(`v${index}`)).join(',');
const manyMembers = Array.from({ length: 64 }, (_, index) => `m${index}`);

export const labels: TypeFamily = {
  name: 'labels',
  title: 'Enumerations and sets',
  notes: [
    'The label, and for a set its labels with commas between them. What a server stores for a value that is no label of an `enum`, in other modes than strict ones, is the empty string.',
  ],
  cases: [
    ...cases(`enum('a','b')`, STRING, [...same('a', 'b'), ['2', '"b"'], ["'nothing of the kind'", '""']]),
    ...cases(`enum('it''s','a,b','x"y','','é日')`, STRING, same("it's", 'a,b', 'x"y', '', 'é日')),
    ...cases(`enum('back\\\\slash','par(en','line\\nfeed')`, STRING, same('back\\slash', 'par(en', 'line\nfeed')),
    ...cases(`enum('é','ö') CHARACTER SET latin1`, STRING, same('ö')),
    ...cases(`enum('é','日') CHARACTER SET ucs2`, STRING, same('日')),
    ...cases(`enum('a','é') CHARACTER SET binary`, STRING, same('a', 'é')),
    ...cases(`set('a','é') CHARACTER SET binary`, STRING, same('a,é')),
    ...cases(`enum('表','ソ') CHARACTER SET sjis`, STRING, same('表', 'ソ')),
    ...cases(`enum(${manyLabels})`, STRING, same('v0', 'v255', 'v299')),
    ...cases(`set('a','b','c')`, STRING, [...same('', 'a', 'a,c'), becomes('c,a,a', 'a,c'), ['7', '"a,b,c"']]),
    ...cases(`set('it''s','x"y','é日')`, STRING, same('it\'s,x"y,é日')),
    ...cases(`set('é','ö') CHARACTER SET latin1`, STRING, same('é,ö')),
    ...cases(`set(${manyMembers.map(quote).join(',')})`, STRING, [
      ...same('m0,m63'),
      ['18446744073709551615', JSON.stringify(manyMembers.join(','))],
    ]),
  ],
};

export const binary: TypeFamily = {
  name: 'binary_data',
  title: 'Bytes',
  notes: ['Base64. `binary(n)` has the zero bytes that the server fills it up with, in snapshot and log.'],
  cases: [
    ...cases('binary(4)', BINARY, [bytes('01020304'), bytes('01000000', '01'), bytes('00000000', '')]),
    ...cases('binary(255)', BINARY, [bytes(`ff${'00'.repeat(254)}`, 'ff')]),
    ...cases('varbinary(20)', BINARY, [bytes(''), bytes('00ff00'), bytes('2020')]),
    ...cases('varbinary(300)', BINARY, [bytes('ab'.repeat(300))]),
    ...cases('varchar(20) CHARACTER SET binary', BINARY, [bytes('c3a9')]),
    ...cases('char(3) CHARACTER SET binary', BINARY, [bytes('610000', '61')]),
    ...cases('tinyblob', BINARY, [bytes(''), bytes('5c27220a')]),
    ...cases('blob', BINARY, [bytes('00'.repeat(300))]),
    ...cases('mediumblob', BINARY, [
      ["REPEAT(X'00FF5C', 30000)", JSON.stringify(Buffer.from('00ff5c'.repeat(30_000), 'hex').toString('base64'))],
    ]),
    ...cases('longblob', BINARY, [bytes('fe')]),
  ],
};

export const gb18030: TypeFamily = {
  name: 'gb18030',
  title: 'GB 18030',
  cases: cases('varchar(20) CHARACTER SET gb18030', STRING, same('汉字€ä𝄞', 'plain')),
};
