import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayWriter } from '../../../src/values/postgres-array.ts';
import * as pg from '../../../src/values/postgres-text.ts';
import type { ValueWriter } from '../../../src/values/value-writer.ts';
import { NULLED, REPAIRED, SAID } from '../../../src/values/value-writer.ts';
import { say } from '../bytes/written.ts';

/** Each text and the JSON it becomes; the same text again means: as it stands, in quotes. */
function says(writer: ValueWriter, cases: readonly (readonly [text: string, json: string])[]): void {
  it.each(cases)('%j is %s', (text, json) => {
    expect(say(writer, text)).toEqual({ json, verdict: SAID });
  });
}
function refuses(writer: ValueWriter, texts: readonly string[]): void {
  it.each(texts)('%j is null and said so', text => {
    expect(say(writer, text)).toEqual({ json: 'null', verdict: NULLED });
  });
}

describe('writeBoolean', () => {
  says(pg.writeBoolean, [
    ['t', 'true'],
    ['f', 'false'],
  ]);
  refuses(pg.writeBoolean, ['', 'true', 'T', 'tt', '1']);
});

describe('writeInteger', () => {
  says(
    pg.writeInteger,
    ['0', '-1', '32767', '9223372036854775807', '-9223372036854775808', '18446744073709551615'].map(text => [text, text]),
  );
  refuses(pg.writeInteger, ['', '-', '01', '+1', '1.0', '1e3', 'NaN', '1 ', ' 1', '1a', '0x1f']);
});

describe('writeNumber', () => {
  says(
    pg.writeNumber,
    ['0', '-0', '12.50', '1e+20', '1.5e-07', '-3.4028235e+38', '123456789012345678901234567890.000000001'].map(text => [
      text,
      text,
    ]),
  );
  refuses(pg.writeNumber, ['', 'NaN', 'Infinity', '-Infinity', '.5', '5.', '-', '1e', '1,5', '$1.00', '00.5', '1.5 ']);
});

describe('writeString', () => {
  says(pg.writeString, [
    ['', '""'],
    ['a"b\\c\n', '"a\\"b\\\\c\\n"'],
    ['日本語 😀', '"日本語 😀"'],
  ]);
  it('says what it repaired', () => {
    expect(say(pg.writeString, Buffer.from('a\xff\0', 'latin1'))).toEqual({ json: '"a\ufffd\ufffd"', verdict: REPAIRED });
  });
});

describe('writeBytea', () => {
  says(pg.writeBytea, [
    ['\\x', '""'],
    ['\\xdeadbeef', '"3q2+7w=="'],
    ['\\x00ff10', '"AP8Q"'],
  ]);
  refuses(pg.writeBytea, ['', '\\', 'x00', '\\x0', '\\x0g', '\\X00', '\\000', 'abc']);
});

describe('writeJsonText', () => {
  says(pg.writeJsonText, [
    ['{"a": [1, 2.50], "b": "x y"}', JSON.stringify('{"a":[1,2.50],"b":"x y"}')],
    ['{\n  "a" : null\n}', JSON.stringify('{"a":null}')],
    ['"\\u0000"', JSON.stringify('"\\u0000"')],
    ['null', '"null"'],
  ]);
});

describe('writeJsonNative', () => {
  says(pg.writeJsonNative, [
    ['{"a": [1, 2.50], "b": "x y"}', '{"a":[1,2.50],"b":"x y"}'],
    [' 1 ', '1'],
    ['null', 'null'],
  ]);
  refuses(pg.writeJsonNative, ['', '{', '{"a":}', 'abc', '1 2']);
  it('says what it repaired', () => {
    expect(say(pg.writeJsonNative, '["\\u0000"]')).toEqual({ json: '["\\ufffd"]', verdict: REPAIRED });
  });
});

describe('writeDate', () => {
  says(
    pg.writeDate,
    ['2024-01-02', '2024-02-29', '2000-02-29', '0001-01-01', '9999-12-31', '0044-03-15 BC', '4714-11-24 BC', '0001-02-29 BC'].map(
      text => [text, `"${text}"`],
    ),
  );
  refuses(pg.writeDate, [
    '',
    'infinity',
    '-infinity',
    '10000-01-01',
    '5874897-12-31',
    '0000-01-01',
    '2023-02-29',
    '1900-02-29',
    '0004-02-29 BC',
    '2024-13-01',
    '2024-00-01',
    '2024-01-00',
    '2024-04-31',
    '2024-1-02',
    '2024-01-02BC',
    '2024-01-02 AD',
    '2024-01-02 00:00:00',
    '2024/01/02',
    '20-4-01-02',
    ' BC',
    '02-01-2024',
    '2024-01-0"',
  ]);
});

describe('writeTime', () => {
  says(
    pg.writeTime,
    ['00:00:00', '03:04:05.123', '23:59:59.999999'].map(text => [text, `"${text}"`]),
  );
  refuses(pg.writeTime, [
    '',
    '24:00:00',
    '23:60:00',
    '23:59:60',
    '3:04:05',
    '03:04',
    '03:04:05.',
    '03:04:05+00',
    '03:04:05.1234567890',
    '-1:00:00',
  ]);
});

describe('writeTimeTz', () => {
  says(pg.writeTimeTz, [
    ['03:04:05+00', '"03:04:05+00:00"'],
    ['03:04:05.5-08', '"03:04:05.5-08:00"'],
    ['03:04:05+05:30', '"03:04:05+05:30"'],
    ['23:59:59.999999-15:59', '"23:59:59.999999-15:59"'],
  ]);
  refuses(pg.writeTimeTz, [
    '',
    '03:04:05',
    '24:00:00+00',
    '03:04:05+00:19:32',
    '03:04:05+0',
    '03:04:05+05:',
    '03:04:05+24',
    '03:04:05+05:60',
    '03:04:05Z',
  ]);
});

describe('writeTimestamp', () => {
  says(pg.writeTimestamp, [
    ['2024-01-02 03:04:05', '"2024-01-02T03:04:05"'],
    ['2024-01-02 03:04:05.123', '"2024-01-02T03:04:05.123"'],
    ['0044-03-15 12:00:00.000001 BC', '"0044-03-15T12:00:00.000001 BC"'],
    ['9999-12-31 23:59:59.999999', '"9999-12-31T23:59:59.999999"'],
  ]);
  refuses(pg.writeTimestamp, [
    '',
    'infinity',
    '-infinity',
    '10000-01-01 00:00:00',
    '294276-12-31 23:59:59',
    '2024-01-02',
    '2024-01-02T03:04:05',
    '2024-01-02 24:00:00',
    '2024-01-02 03:04:05+00',
    '2024-02-30 03:04:05',
    '2024-01-02  03:04:05',
    'Tue Jan 02 03:04:05 2024',
  ]);
});

describe('writeTimestampTz', () => {
  says(pg.writeTimestampTz, [
    ['2024-01-02 03:04:05+00', '"2024-01-02T03:04:05Z"'],
    ['2024-01-02 03:04:05.123456+00', '"2024-01-02T03:04:05.123456Z"'],
    ['0044-03-15 12:00:00+00 BC', '"0044-03-15T12:00:00Z BC"'],
  ]);
  refuses(pg.writeTimestampTz, [
    '',
    'infinity',
    '-infinity',
    '10000-01-01 00:00:00+00',
    '2024-01-02 03:04:05',
    '2024-01-02 03:04:05 BC',
    '2024-01-02 03:04:05+01',
    '2024-01-02 03:04:05-00',
    '2024-01-02 03:04:05-03',
    '2024-01-02 03:04:05+05:30',
    '2024-01-02 03:04:05+00:19:32',
    '2024-01-02 03:04:05Z',
    '2024-01-02 03:04:05 UTC',
  ]);
});

const WRITERS: readonly (readonly [string, ValueWriter])[] = [
  ...Object.entries(pg),
  ['array of text', arrayWriter(pg.writeString, 0x2c, 1)],
  ['array of array of numbers', arrayWriter(pg.writeNumber, 0x2c, 2)],
  ['array of json', arrayWriter(pg.writeJsonNative, 0x3b, 1)],
  ['array of bytea', arrayWriter(pg.writeBytea, 0x2c, 1)],
];
const SEEDS = [
  't',
  '-12.5e+7',
  '\\xdeadbeef',
  '{"a": [1, "\\ud83d\\u0000"], "b": null}',
  '0044-03-15 12:00:00.5+00 BC',
  '03:04:05+05:30',
  '[0:1]={"a \\"q\\"",NULL}',
  '{{1,2},{3,NULL}}',
  '{"\\\\xde","{\\"a\\": 1}"}',
  'infinity',
  'NaN',
];

/** All strings in a JSON value, names included. */
function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [name, ...strings(item)]);
}

describe('every writer', () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(fc.constantFrom(...SEEDS), fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { maxLength: 4 }))
      .map(([seed, mutations]) => {
        let bytes = [...Buffer.from(seed)];
        for (const [place, byte, kind] of mutations) {
          const at = place % (bytes.length + 1);
          bytes = [...bytes.slice(0, at), ...(kind === 0 ? [] : [byte]), ...bytes.slice(kind === 1 ? at : at + 1)];
        }
        return Uint8Array.from(bytes);
      }),
  );

  it.each(WRITERS)('%s writes exactly one JSON value on one line, whatever it is given', (_, writer) => {
    fc.assert(
      fc.property(garbage, bytes => {
        const { json, verdict } = say(writer, bytes);
        expect(strings(JSON.parse(json)).filter(text => text.includes('\0') || Buffer.from(text).toString() !== text)).toEqual(
          [],
        );
        expect(json).not.toMatch(/[\n\r]|^\s|\s$/);
        if (verdict === SAID && json === 'null') expect(Buffer.from(bytes).toString().trim()).toBe('null');
      }),
      { numRuns: 1500 },
    );
  });
});
