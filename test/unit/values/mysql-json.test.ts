import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeJsonBinary, writeJsonBinaryNative } from '../../../src/values/mysql-json.ts';
import { UNFIT, writeJsonDiff } from '../../../src/values/mysql-json-diff.ts';
import { NULLED, REPAIRED, SAID } from '../../../src/values/value-writer.ts';
import { embed, say, written } from '../bytes/written.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const variable = (length: number): Buffer => {
  const bytes: number[] = [];
  let rest = length;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
};
const compareKeys = (a: Buffer, b: Buffer): number => a.length - b.length || a.compare(b);

/** MySQL's binary form of a document, type first (`json_binary.cc`), small or large. */
function encode(value: Json, large = false): Buffer {
  if (value === null) return Buffer.of(4, 0);
  if (typeof value === 'boolean') return Buffer.of(4, value ? 1 : 2);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.of(12), variable(bytes.length), bytes]);
  }
  if (typeof value === 'number') return encodeNumber(value);
  const object = !Array.isArray(value);
  const members = object
    ? Object.entries(value)
        .map(([key, item]) => [Buffer.from(key), item] as const)
        .sort(([a], [b]) => compareKeys(a, b))
    : value.map(item => [Buffer.alloc(0), item] as const);
  const offset = large ? 4 : 2;
  const keyEntry = object ? offset + 2 : 0;
  const valueEntry = offset + 1;
  let at = 2 * offset + members.length * (keyEntry + valueEntry);
  const header = Buffer.alloc(at);
  const put = (where: number, number: number): void => void header.writeUIntLE(number, where, offset);
  put(0, members.length);
  const parts: Buffer[] = [];
  if (object) {
    for (const [i, [key]] of members.entries()) {
      put(2 * offset + i * keyEntry, at);
      header.writeUInt16LE(key.length, 2 * offset + i * keyEntry + offset);
      parts.push(key);
      at += key.length;
    }
  }
  for (const [i, [, item]] of members.entries()) {
    const encoded = encode(item, large);
    const entry = 2 * offset + members.length * keyEntry + i * valueEntry;
    const type = encoded[0] ?? 0;
    header[entry] = type;
    if (type >= 4 && type <= (large ? 8 : 6)) {
      encoded.copy(header, entry + 1, 1);
    } else {
      put(entry + 1, at);
      parts.push(encoded.subarray(1));
      at += encoded.length - 1;
    }
  }
  put(offset, at);
  return Buffer.concat([Buffer.of((object ? 0 : 2) + (large ? 1 : 0)), header, ...parts]);
}

function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    bytes[0] = 11;
    bytes.writeDoubleLE(value, 1);
    return bytes;
  }
  if (value >= -32768 && value <= 32767) {
    bytes[0] = 5;
    bytes.writeInt16LE(value, 1);
    return bytes.subarray(0, 3);
  }
  if (value >= -(2 ** 31) && value < 2 ** 31) {
    bytes[0] = 7;
    bytes.writeInt32LE(value, 1);
    return bytes.subarray(0, 5);
  }
  bytes[0] = 9;
  bytes.writeBigInt64LE(BigInt(value), 1);
  return bytes;
}

const document = fc.letrec<{ value: Json }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(fc.string({ maxLength: 12 }), tie('value'), { maxKeys: 6 }).map(object => ({ ...object })),
  ),
})).value;

const text = (value: Uint8Array): unknown => JSON.parse(say(writeJsonBinary, value).json);

describe('binary JSON', () => {
  it.each([false, true])('is read back, large: %s', large => {
    fc.assert(
      fc.property(document, value => {
        const { json, verdict } = say(writeJsonBinary, encode(value, large));
        expect(verdict).toBe(SAID);
        expect(JSON.parse(JSON.parse(json) as string)).toEqual(value);
      }),
      { numRuns: 1500 },
    );
  });

  it('is written as the value itself too', () => {
    expect(say(writeJsonBinaryNative, encode({ b: [1, 'x\n', 1.5], a: null }))).toEqual({
      json: '{"a":null,"b":[1,"x\\n",1.5]}',
      verdict: SAID,
    });
    expect(say(writeJsonBinaryNative, encode('\0'))).toEqual({ json: '"\\ufffd"', verdict: REPAIRED });
    expect(say(writeJsonBinary, encode('\0'))).toEqual({ json: JSON.stringify('"\\u0000"'), verdict: SAID });
  });

  it.each([
    ['', 'null'],
    ['0400', 'null'],
    ['0401', 'true'],
    ['06ffff', '65535'],
    ['05ffff', '-1'],
    ['08ffffffff', '4294967295'],
    ['0affffffffffffffff', '18446744073709551615'],
    ['090000000000000080', '-9223372036854775808'],
    ['0b000000000000f03f', '1.0'],
    ['0b0000000000000080', '-0.0'],
    ['0b408cb5781daf1544', '1e20'],
    ['0b000000fd6d894542', '185000000000.0'],
    ['0ff60404028119', '1.25'],
    ['0f0f0200ff', '"base64:type15:AP8="'],
    ['0ffc00', '"base64:type252:"'],
    ['000000 0400'.replaceAll(' ', ''), '{}'],
    ['0200000400', '[]'],
  ])('%s is %s', (hex, expected) => {
    const { json, verdict } = say(writeJsonBinary, Buffer.from(hex, 'hex'));
    expect({ json: JSON.parse(json) as unknown, verdict }).toEqual({ json: expected, verdict: SAID });
  });

  it('breaks long base64 as the server does', () => {
    const opaque = (bytes: number): Buffer => Buffer.concat([Buffer.of(15, 252), variable(bytes), Buffer.alloc(bytes)]);
    expect(text(opaque(57))).toBe(`"base64:type252:${'A'.repeat(76)}"`);
    expect(text(opaque(58))).toBe(`"base64:type252:${'A'.repeat(76)}\\nAA=="`);
    expect(text(opaque(114))).toBe(`"base64:type252:${'A'.repeat(76)}\\n${'A'.repeat(76)}"`);
  });

  it.each([
    ['0403', 'a literal that is none'],
    ['01', 'a header cut short'],
    ['0001000400', 'entries beyond the size'],
    ['020100070005', 'a value without its bytes'],
    ['0c05616263', 'a string cut short'],
    ['0cffffffffff', 'a length without end'],
    ['0d00', 'an unknown type'],
    ['0b0000000000 00f07f'.replaceAll(' ', ''), 'infinity'],
    ['0f0a020102', 'a date of two bytes'],
    ['0201000700020000', 'an array that holds itself'],
  ])('%s, %s, is null and said so', hex => {
    expect(say(writeJsonBinary, Buffer.from(hex, 'hex'))).toEqual({ json: 'null', verdict: NULLED });
  });

  it('never writes anything but one JSON value, whatever it is given', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(document, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.boolean())
        .map(([value, changes, large]) => {
          const bytes = encode(value, large);
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
          return bytes;
        }),
    );
    fc.assert(
      fc.property(garbage, bytes => {
        const plain = say(writeJsonBinary, bytes);
        const parsed: unknown = JSON.parse(plain.json);
        expect(plain.verdict === NULLED).toBe(parsed === null);
        if (typeof parsed === 'string') JSON.parse(parsed);
        const native = say(writeJsonBinaryNative, bytes);
        JSON.parse(native.json);
        expect(native.verdict === NULLED).toBe(plain.verdict === NULLED);
        // One is made in one step where it can be, the other never is.
        if (plain.verdict === SAID && native.verdict === SAID) expect(parsed).toBe(native.json);
        expect(plain.json).not.toMatch(/[\n\r]/);
      }),
      { numRuns: 4000 },
    );
  });
});

type Step = readonly [operation: number, path: string, value?: Json];
const lengthOf = (bytes: Buffer): Buffer => {
  if (bytes.length < 251) return Buffer.of(bytes.length);
  const long = Buffer.alloc(3);
  long[0] = 252;
  long.writeUInt16LE(bytes.length, 1);
  return long;
};
const encodeDiffs = (steps: readonly Step[]): Buffer =>
  Buffer.concat(
    steps.flatMap(([operation, path, value]) => {
      const where = Buffer.from(path);
      const encoded = value === undefined ? [] : [lengthOf(encode(value)), encode(value)];
      return [Buffer.of(operation), lengthOf(where), where, ...encoded];
    }),
  );

describe('differences of JSON', () => {
  const before: Json = { a: [1, { b: 'x' }, 'three'], bb: { é: 1 }, 'q"': 5 };
  function apply(document: Json, diffs: Buffer): unknown {
    const old = embed(encode(document));
    const changes = embed(diffs);
    let verdict: number = UNFIT;
    const json = written(out => {
      verdict = writeJsonDiff(out, false, old.source, old.start, old.end, changes.source, changes.start, changes.end);
    });
    if (verdict === UNFIT) {
      expect(json).toBe('');
      return UNFIT;
    }
    expect(verdict).toBe(SAID);
    return JSON.parse(json);
  }

  it.each<[string, Step[], string]>([
    ['nothing', [], '{"a":[1,{"b":"x"},"three"],"bb":{"é":1},"q\\"":5}'],
    ['the whole', [[0, '$', [1]]], '[1]'],
    ['a member', [[0, '$.a', null]], '{"a":null,"bb":{"é":1},"q\\"":5}'],
    ['an item of an item', [[0, '$.a[1].b', 2]], '{"a":[1,{"b":2},"three"],"bb":{"é":1},"q\\"":5}'],
    [
      'new members in their places',
      [
        [1, '$.c', 1],
        [1, '$.""', 2],
        [1, '$.longer', 3],
      ],
      '{"":2,"a":[1,{"b":"x"},"three"],"c":1,"bb":{"é":1},"q\\"":5,"longer":3}',
    ],
    [
      'items',
      [
        [1, '$.a[0]', 0],
        [1, '$.a[99]', 'end'],
        [2, '$.a[2]'],
      ],
      '{"a":[0,1,"three","end"],"bb":{"é":1},"q\\"":5}',
    ],
    ['the last of an object', [[2, '$.bb."é"']], '{"a":[1,{"b":"x"},"three"],"bb":{},"q\\"":5}'],
    [
      'the last of an array',
      [
        [2, '$.a[2]'],
        [2, '$.a[0]'],
        [2, '$.a[0]'],
      ],
      '{"a":[],"bb":{"é":1},"q\\"":5}',
    ],
    ['a quoted name', [[0, '$."q\\""', 'x'.repeat(300)]], `{"a":[1,{"b":"x"},"three"],"bb":{"é":1},"q\\"":"${'x'.repeat(300)}"}`],
    [
      'what another put in',
      [
        [1, '$.n', { k: [1] }],
        [1, '$.n.k[1]', 2],
      ],
      '{"a":[1,{"b":"x"},"three"],"n":{"k":[1,2]},"bb":{"é":1},"q\\"":5}',
    ],
  ])('change %s', (_, steps, expected) => {
    expect(apply(before, encodeDiffs(steps))).toBe(expected);
  });

  it.each<[string, Step[]]>([
    ['a member that is not there', [[0, '$.z', 1]]],
    ['a member that is there already', [[1, '$.a', 1]]],
    ['an item that is not there', [[2, '$.a[3]']]],
    ['a member of an array', [[1, '$.a.b', 1]]],
    ['an item of a number', [[1, '$.a[0][0]', 1]]],
    ['without the whole', [[2, '$']]],
    ['a path that is none', [[0, 'a', 1]]],
    ['a path with a wildcard', [[0, '$.*', 1]]],
    ['an unknown operation', [[3, '$.a', 1]]],
    ['a value that is missing', [[0, '$.a']]],
  ])('do not fit: %s', (_, steps) => {
    expect(apply(before, encodeDiffs(steps))).toBe(UNFIT);
  });

  it('do not fit, cut short anywhere', () => {
    const whole = encodeDiffs([
      [0, '$.a', 'value'],
      [2, '$.bb'],
    ]);
    const first = encodeDiffs([[0, '$.a', 'value']]).length;
    for (let end = 1; end < whole.length; end++)
      expect(apply(before, whole.subarray(0, end)) === UNFIT, `${end}`).toBe(end !== first);
  });

  it('never write anything but one JSON value', () => {
    const steps = encodeDiffs([
      [0, '$.a[1].b', { k: 1 }],
      [1, '$.n', [1, 'x']],
    ]);
    const changed = (bytes: Buffer): fc.Arbitrary<Buffer> =>
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }).map(list => {
        const copy = Buffer.from(bytes);
        for (const [place, byte] of list) copy[place] = byte;
        return copy;
      });
    fc.assert(
      fc.property(changed(encode(before)), changed(steps), (old, diffs) => {
        let verdict: number = UNFIT;
        const json = written(out => {
          verdict = writeJsonDiff(out, true, old, 0, old.length, diffs, 0, diffs.length);
        });
        if (verdict === UNFIT) expect(json).toBe('');
        else JSON.parse(json);
      }),
      { numRuns: 4000 },
    );
  });
});
