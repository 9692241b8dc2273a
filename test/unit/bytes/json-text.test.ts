import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJson, numberEnd } from '../../../src/bytes/json-scan.ts';
import { embed, written } from './written.ts';

/** JSON text with white space wherever it may stand; `compact` is the same without. Both spell every number alike. */
interface Spaced {
  readonly text: string;
  readonly compact: string;
}
const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 });
const numberText = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.bigInt({ min: 1n, max: 10n ** 30n }).map(String)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,25}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/)),
  )
  .map(parts => parts.join(''));
const stringText = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('\\', '"', ' ', 'a', '\n'), maxLength: 6 }),
  )
  .map(text => JSON.stringify(text.replaceAll('\0', '')));
const scalarText = fc.oneof(fc.constantFrom('null', 'true', 'false'), numberText, stringText);

const { value: spaced } = fc.letrec<{ value: Spaced }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(space, scalarText, space).map(([a, text, b]) => ({ text: a + text + b, compact: text })),
    fc.tuple(space, space, fc.array(tie('value'), { maxLength: 4 }), space).map(([a, b, items, c]) => ({
      text: `${a}[${items.length === 0 ? b : items.map(item => item.text).join(',')}]${c}`,
      compact: `[${items.map(item => item.compact).join(',')}]`,
    })),
    fc
      .tuple(space, space, fc.array(fc.tuple(space, stringText, space, tie('value')), { maxLength: 4 }), space)
      .map(([a, b, members, c]) => ({
        text: `${a}{${members.length === 0 ? b : members.map(([x, name, y, item]) => `${x}${name}${y}:${item.text}`).join(',')}}${c}`,
        compact: `{${members.map(([, name, , item]) => `${name}:${item.compact}`).join(',')}}`,
      })),
  ),
}));

function json(text: Uint8Array | string): { text: string; exact: boolean } {
  const { source, start, end } = embed(text);
  let exact = false;
  const result = written(out => {
    exact = out.json(source, start, end);
  });
  return { text: result, exact };
}
function asString(text: Uint8Array | string): { text: string; exact: boolean } {
  const { source, start, end } = embed(text);
  let exact = false;
  const result = written(out => {
    exact = out.jsonAsString(source, start, end);
  });
  return { text: result, exact };
}
const scan = (text: Uint8Array | string): boolean => {
  const { source, start, end } = embed(text);
  return isJson(source, start, end);
};

describe('JsonWriter.json', () => {
  it('removes white space between tokens and nothing else', () => {
    fc.assert(
      fc.property(spaced, value => {
        expect(json(value.text)).toEqual({ text: value.compact, exact: true });
      }),
      { numRuns: 1000 },
    );
  });

  it('equals JSON.stringify of JSON.parse where numbers have one spelling', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5, stringUnit: 'binary' }), fc.constantFrom('', ' ', '\t', '\n  '), (text, indent) => {
        fc.pre(!text.includes('\\u0000'));
        const value: unknown = JSON.parse(text);
        expect(json(JSON.stringify(value, null, indent))).toEqual({ text: JSON.stringify(value), exact: true });
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['"\\u0000"', '"\\ufffd"', false],
    ['"a\\u0000b"', '"a\\ufffdb"', false],
    ['"\\\\u0000"', '"\\\\u0000"', true],
    ['"\\ud83d"', '"\\ufffd"', false],
    ['"\\ud83dx"', '"\\ufffdx"', false],
    ['"\\ud83d\\n"', '"\\ufffd\\n"', false],
    ['"\\ud83d\\ud83d\\ude00"', '"\\ufffd\\ud83d\\ude00"', false],
    ['"\\ude00\\ud83d"', '"\\ufffd\\ufffd"', false],
    ['"\\uD83D\\uDE00"', '"\\uD83D\\uDE00"', true],
    ['"\\ud83d\\u0041"', '"\\ufffd\\u0041"', false],
    ['"\\ud7ff\\ue000"', '"\\ud7ff\\ue000"', true],
    ['{"\\u0000": [1, "\\udfff"]}', '{"\\ufffd":[1,"\\ufffd"]}', false],
    ['{"a": 1.50, "a": 1e400, "b": -0}', '{"a":1.50,"a":1e400,"b":-0}', true],
    ['"\\/ \\u00e9 \u2028"', '"\\/ \\u00e9 \u2028"', true],
  ])('%s becomes %s', (text, expected, exact) => {
    expect(json(text)).toEqual({ text: expected, exact });
  });

  it('repairs invalid UTF-8 inside strings', () => {
    expect(json(Buffer.from('{"k":"a\xffb\xe2\x82"}', 'latin1'))).toEqual({ text: '{"k":"a\\ufffdb\\ufffd"}', exact: false });
  });
});

describe('isJson', () => {
  it('takes what JSON.parse takes and nothing else, on mutated documents', () => {
    const parses = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const mutation = fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...'{}[],:"\\u0e+-. \n1tfna'));
    fc.assert(
      fc.property(spaced, fc.array(mutation, { maxLength: 3 }), (value, mutations) => {
        let text = value.text;
        for (const [seed, kind, letter] of mutations) {
          const at = seed % (text.length + 1);
          text = text.slice(0, at) + (kind === 0 ? '' : letter) + text.slice(kind === 1 ? at : at + 1);
        }
        text = Buffer.from(text).toString();
        expect([text, scan(text)]).toEqual([text, parses(text)]);
      }),
      { numRuns: 4000 },
    );
  });

  it.each([
    '',
    ' ',
    '{',
    '[',
    '[1',
    '[1,',
    '[1,]',
    '{"a"',
    '{"a":',
    '{"a":1,}',
    '{1:2}',
    '{"a":1]',
    '[}',
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '1e+',
    '+1',
    'nul',
    'nulll',
    'tru',
    'NaN',
    'Infinity',
    '"',
    '"\\"',
    '"\\u12"',
    '"\\x"',
    '"\n"',
    '1 2',
    '[]]',
    '\u00a01',
    '"a"b',
    "'a'",
  ])('refuses %j', text => {
    expect(scan(text)).toBe(false);
  });

  it('takes any depth', () => {
    const depth = 10_000;
    expect(scan('['.repeat(depth) + ']'.repeat(depth))).toBe(true);
    expect(scan(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)).toBe(true);
    expect(scan(`${'['.repeat(depth)}${']'.repeat(depth - 1)}}`)).toBe(false);
  });

  it('finds the end of a number', () => {
    const end = (text: string): number => numberEnd(Buffer.from(text), 0, text.length);
    expect([end('12'), end('-0.5e-07,'), end('1e+20'), end('0123'), end('x'), end('')]).toEqual([2, 8, 5, -1, -1, -1]);
  });
});

describe('JsonWriter.jsonAsString', () => {
  it('holds the compact text, escapes inside strings untouched', () => {
    fc.assert(
      fc.property(spaced, value => {
        expect(asString(value.text)).toEqual({ text: JSON.stringify(value.compact), exact: true });
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps escapes that a value could not hold', () => {
    expect(asString('{"a": "\\u0000 \\ud83d \\\\ \\" x"}')).toEqual({
      text: JSON.stringify('{"a":"\\u0000 \\ud83d \\\\ \\" x"}'),
      exact: true,
    });
  });

  it('holds long documents across its blocks', () => {
    const value = { text: 'ä" \\ \n'.repeat(5000), more: new Array(3000).fill(1) };
    expect(asString(JSON.stringify(value, null, ' '))).toEqual({ text: JSON.stringify(JSON.stringify(value)), exact: true });
  });

  it('makes one JSON string of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
        expect(typeof JSON.parse(asString(bytes).text)).toBe('string');
      }),
      { numRuns: 1000 },
    );
  });
});
