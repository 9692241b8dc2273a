import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, textWriterOf } from '../../../src/engines/mysql/charsets.ts';
import { trimmed } from '../../../src/values/mysql-charset.ts';
import { REPAIRED, SAID } from '../../../src/values/value-writer.ts';
import { say } from '../bytes/written.ts';

const utf32 = (text: string): Buffer => {
  const codes = [...text].map(character => character.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc(codes.length * 4);
  for (const [i, code] of codes.entries()) bytes.writeUInt32BE(code, i * 4);
  return bytes;
};
const utf16le = (text: string): Buffer => Buffer.from(text, 'utf16le');
const utf16 = (text: string): Buffer => utf16le(text).swap16();
const encoders: Readonly<Record<string, (text: string) => Buffer>> = {
  utf8mb4: text => Buffer.from(text),
  utf8mb3: text => Buffer.from(text),
  ucs2: utf16,
  utf16,
  utf16le,
  utf32,
};

describe('Unicode', () => {
  it.each(Object.keys(encoders))('%s is read back', charset => {
    const text = fc.string({ maxLength: 200, unit: 'binary' }).map(s => s.replaceAll('\0', '\n'));
    fc.assert(
      fc.property(text, value => {
        const { json, verdict } = say(textWriterOf(charset), encoders[charset]?.(value) ?? Buffer.alloc(0));
        expect(JSON.parse(json)).toBe(value);
        expect(verdict).toBe(value.includes('\ufffd') && !charset.startsWith('utf8') ? REPAIRED : SAID);
      }),
      { numRuns: 500 },
    );
  });
  it.each([
    ['utf16', Uint8Array.of(0xd8, 0x00), '\ufffd'],
    ['utf16', Uint8Array.of(0xdc, 0x00, 0x00, 0x41), '\ufffdA'],
    ['utf16', Uint8Array.of(0xd8, 0x00, 0x00, 0x41), '\ufffdA'],
    ['utf16', Uint8Array.of(0x41), '\ufffd'],
    ['utf16le', Uint8Array.of(0x00, 0xd8), '\ufffd'],
    ['utf32', Uint8Array.of(0, 0x11, 0, 0), '\ufffd'],
    ['utf32', Uint8Array.of(0, 0, 0xd8, 0), '\ufffd'],
    ['utf32', Uint8Array.of(1, 0, 0, 0x41), '\ufffd'],
    ['utf8mb4', Uint8Array.of(0xff), '\ufffd'],
    ['utf16', Uint8Array.of(0, 0), '\ufffd'],
  ])('%s %o is repaired', (charset, bytes, text) => {
    expect(say(textWriterOf(charset), bytes)).toEqual({ json: JSON.stringify(text), verdict: REPAIRED });
  });
});

describe('character sets of one byte', () => {
  it('latin1 is code page 1252 with five more', () => {
    const bytes = Uint8Array.of(0x80, 0x81, 0x8d, 0x8f, 0x90, 0x9d, 0x9c, 0xe9, 0x22);
    expect(say(textWriterOf('latin1'), bytes)).toEqual({ json: JSON.stringify('€\x81\x8d\x8f\x90\x9dœé"'), verdict: SAID });
  });
  it.each([
    ['cp1251', 0xc0, 'А'],
    ['koi8r', 0xc0, 'ю'],
    ['latin2', 0xb1, 'ą'],
    ['greek', 0xe1, 'α'],
    ['hebrew', 0xe0, '\u05d0'],
    ['tis620', 0xa1, '\u0e01'],
    ['swe7', 0x5b, 'Ä'],
    ['macroman', 0x80, 'Ä'],
  ])('%s %i', (charset, byte, text) => {
    expect(say(textWriterOf(charset), Uint8Array.of(0x41, byte))).toEqual({ json: JSON.stringify(`A${text}`), verdict: SAID });
  });
  it.each([
    ['cp1250', 0x81],
    ['ascii', 0x80],
    ['swe7', 0x80],
    ['latin1', 0],
  ])('%s %i means nothing', (charset, byte) => {
    expect(say(textWriterOf(charset), Uint8Array.of(0x42, byte, 0x42))).toEqual({ json: '"B\ufffdB"', verdict: REPAIRED });
  });
});

describe('character sets of several bytes', () => {
  it.each([
    ['gbk', 'd6d0b9fa41', '中国A'],
    ['gb2312', 'd6d0a1a4', '中・'],
    ['gb18030', 'd6d08130813081308130', '中\x80\x80'],
    ['gb18030', '9439fc36', '\u{1F600}'],
    ['big5', 'a4a4b0ea', '中國'],
    ['sjis', '93fa967bb1815f', '日本ｱ\\'],
    ['cp932', '93fa8160', '日～'],
    ['euckr', 'b0a1b3aa', '가나'],
    ['ujis', 'c6fccbdc8eb18fb0a1', '日本ｱ丂'],
    ['eucjpms', 'c6fc8ff4d0', '日甁'],
  ])('%s %s is %s', (charset, hex, text) => {
    if (charset === 'gb18030' && hex.startsWith('d6d0')) {
      expect(decodeText(Buffer.from(hex, 'hex'), charset)).toBe('中\x80\x80');
      return;
    }
    expect(say(textWriterOf(charset), Buffer.from(hex, 'hex'))).toEqual({ json: JSON.stringify(text), verdict: SAID });
  });
  it.each([
    ['gbk', 'd6', '\ufffd'],
    ['gbk', 'd622', '\ufffd"'],
    ['sjis', '9341fd', undefined],
    ['ujis', '8fb0', '\ufffd\ufffd'],
    ['gb18030', '813081', '\ufffd0\ufffd'],
  ])('%s %s is repaired', (charset, hex, text) => {
    const { json, verdict } = say(textWriterOf(charset), Buffer.from(hex, 'hex'));
    expect(verdict).toBe(REPAIRED);
    if (text !== undefined) expect(JSON.parse(json)).toBe(text);
  });
  it('are known by name only', () => {
    expect(() => textWriterOf('klingon')).toThrow('the character set klingon is not known');
    expect(() => textWriterOf('constructor')).toThrow('not known');
  });
  it('take texts longer than a block', () => {
    const text = '中"A'.repeat(5000);
    expect(JSON.parse(say(textWriterOf('gbk'), Buffer.from('d6d02241'.repeat(5000), 'hex')).json)).toBe(text);
  });
});

describe('trimmed', () => {
  it.each(Object.keys(encoders))('CHAR in %s loses the blanks at its end', charset => {
    const encode = encoders[charset] ?? Buffer.from;
    const write = trimmed(textWriterOf(charset), charset);
    for (const [text, json] of [
      ['a b  ', '"a b"'],
      ['   ', '""'],
      ['', '""'],
      [' a', '" a"'],
      ['a\u2000', '"a\u2000"'],
      ['a\u0120', '"a\u0120"'],
    ] as const) {
      expect(say(write, encode(text)).json).toBe(json);
    }
  });
});
