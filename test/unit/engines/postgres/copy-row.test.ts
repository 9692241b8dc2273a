import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectorError } from '../../../../src/contract/errors.ts';
import { CopyRow } from '../../../../src/engines/postgres/wire/copy-row.ts';
import { printed } from '../../values/copy-text.ts';

const encode = (fields: readonly (string | null)[]): string =>
  `${fields.map(field => (field === null ? '\\N' : printed(field))).join('\t')}\n`;

const split = (text: string, columns: number, shift = 0): (string | null)[] => {
  const bytes = Buffer.concat([Buffer.alloc(shift, '\\'), Buffer.from(text), Buffer.alloc(shift, '\t')]);
  const row = new CopyRow(columns);
  row.split(bytes, shift, bytes.length - shift);
  return Array.from({ length: columns }, (_, i) =>
    row.starts[i] === -1 ? null : bytes.toString('utf8', row.starts[i], row.ends[i]),
  );
};

const refusal = (text: string, columns: number): string => {
  try {
    split(text, columns);
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'VALUE_UNREADABLE') return error.detail;
    throw error;
  }
  throw new Error(`${JSON.stringify(text)} was accepted`);
};

describe('CopyRow', () => {
  it('gives back any fields that COPY can write', () => {
    const field = fc.option(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('\\', 'N', 't', '\t', '\n', '\b', '.', 'é', '🐘') }),
      ),
    );
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 5 }), (fields, shift) => {
        const sound = fields.map(each => (each === null ? null : Buffer.from(each).toString()));
        expect(split(encode(sound), sound.length, shift)).toEqual(sound);
      }),
      { numRuns: 1000 },
    );
  });

  it('tells null, the empty string and the text \\N apart', () => {
    expect(split('\\N\t\t\\\\N\n', 3)).toEqual([null, '', '\\N']);
    expect(split('\n', 1)).toEqual(['']);
    expect(split('\\N\n', 1)).toEqual([null]);
  });

  it('forgets the row before', () => {
    const row = new CopyRow(2);
    for (const [text, starts, ends] of [
      ['\\N\ta\\tb\n', [-1, 3], [-1, 6]],
      ['x\t\\N\n', [0, -1], [1, -1]],
      ['yy\tz\n', [0, 3], [2, 4]],
    ] as const) {
      const bytes = Buffer.from(text);
      row.split(bytes, 0, bytes.length);
      expect([[...row.starts], [...row.ends]]).toEqual([starts, ends]);
    }
  });

  it('takes rows without columns', () => {
    expect(split('\n', 0)).toEqual([]);
    expect(refusal('x\n', 0)).toContain('without columns');
  });

  it('refuses a wrong number of fields', () => {
    expect(refusal('a\n', 2)).toContain('1 fields instead of 2');
    expect(refusal('\n', 2)).toContain('1 fields instead of 2');
    expect(refusal('a\tb\tc\n', 2)).toContain('more than 2 fields');
    expect(refusal('a\tb\t\n', 2)).toContain('more than 2 fields');
  });

  it('refuses a row without its newline, or with one more', () => {
    for (const text of ['', 'a', 'a\tb']) expect(refusal(text, 2)).toContain('does not end with a newline');
    for (const text of ['a\n\tb\n', '\n\n', 'a\tb\n\n']) expect(refusal(text, 2)).toContain('newline stands within');
  });

  it('refuses escapes that COPY TO does not write', () => {
    for (const text of ['\\x41\n', '\\101\n', '\\.\n', '\\q\n', '\\\n', 'a\\\n', '\\Na\n', 'a\\N\n', '\\n\\N\n', '\\\t\n']) {
      expect(refusal(text, 1)).toContain('escape');
    }
  });

  it('refuses a range that is not in the bytes', () => {
    const row = new CopyRow(1);
    expect(() => row.split(Buffer.from('a\n'), 0, 3)).toThrow(ConnectorError);
    expect(() => row.split(Buffer.from('a\n'), -1, 2)).toThrow(ConnectorError);
    expect(() => row.split(Buffer.from('a\n'), 2, 2)).toThrow(ConnectorError);
  });
});
