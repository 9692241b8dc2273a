import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Constant } from '../../../src/bytes/constant.ts';
import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import { embed, written } from './written.ts';

/** The model: decode as the WHATWG decoder does, replace NUL, let JSON.stringify do the rest. */
function model(bytes: Uint8Array): { json: string; exact: boolean } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const repaired = text.replaceAll('\0', '\ufffd');
  return { json: JSON.stringify(repaired), exact: Buffer.from(repaired).equals(bytes) };
}

function utf8(bytes: Uint8Array, capacity?: number): { json: string; exact: boolean } {
  const { source, start, end } = embed(bytes);
  let exact = false;
  const json = written(out => {
    exact = out.utf8(source, start, end);
  }, capacity);
  return { json, exact };
}

/** Bytes around every border of UTF-8, mixed with ASCII that needs escapes and that does not, in short and long runs. */
const hardBytes = fc
  .array(
    fc.oneof(
      fc
        .constantFrom(
          0x00,
          0x1f,
          0x20,
          0x22,
          0x5c,
          0x7f,
          0x80,
          0xa0,
          0xbf,
          0xc1,
          0xc2,
          0xdf,
          0xe0,
          0xed,
          0xef,
          0xf0,
          0xf4,
          0xf5,
          0xff,
        )
        .map(byte => [byte]),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map(bytes => [...bytes]),
      fc.string({ unit: 'binary', maxLength: 8 }).map(text => [...Buffer.from(text)]),
      fc.nat(120).map(count => new Array<number>(count).fill(0x61)),
    ),
    { maxLength: 12 },
  )
  .map(parts => Uint8Array.from(parts.flat()));

/** Longer than 500 bytes, a string is written in another way. */
const lengths = [1, 490].flatMap(from => Array.from({ length: 100 }, (_, at) => from + at));

describe('JsonWriter.utf8', () => {
  it('equals JSON.stringify for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1200, size: 'max' }), text => {
        const bytes = Buffer.from(text);
        expect(utf8(bytes)).toEqual(model(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('repairs any bytes as the WHATWG decoder does, and says so', () => {
    fc.assert(
      fc.property(hardBytes, bytes => {
        expect(utf8(bytes)).toEqual(model(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('finds the one byte that needs an escape, wherever it is, in short strings and in those that are copied first', () => {
    const kinds = [0x00, 0x01, 0x1f, 0x22, 0x5c, 0x7f, 0x80, 0xff];
    for (const length of lengths) {
      const bytes = Buffer.alloc(length, 'Zz !#[]~');
      const place = (length * 31) % length === 0 ? (length * 7) % length : length - 1;
      for (const at of new Set([0, 1, 2, 3, place, length - 4, length - 3, length - 2, length - 1])) {
        if (at < 0 || at >= length) continue;
        for (const kind of kinds) {
          const hard = Buffer.from(bytes);
          hard[at] = kind;
          expect(utf8(hard)).toEqual(model(hard));
        }
      }
    }
  });

  it('writes every byte value below 0x80 on its own as JSON.stringify does', () => {
    for (let byte = 1; byte < 0x80; byte++) {
      expect(utf8(Uint8Array.of(byte))).toEqual({ json: JSON.stringify(String.fromCharCode(byte)), exact: true });
    }
  });

  it('is the same whatever the capacity, the offset and the value before', () => {
    fc.assert(
      fc.property(
        fc.array(hardBytes, { maxLength: 8 }),
        fc.integer({ min: 0, max: 400 }),
        fc.nat(9),
        (values, capacity, offset) => {
          const text = written(out => {
            out.raw(Buffer.alloc(offset, ' '));
            for (const value of values) out.utf8(value, 0, value.length);
          }, capacity);
          expect(text).toBe(' '.repeat(offset) + values.map(value => model(value).json).join(''));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('grows for the last byte of a string that fills the buffer', () => {
    for (const length of lengths.filter(each => each > 61)) {
      const text = Buffer.alloc(length, 'x');
      for (const room of [-1, 0, 1, 2, 3]) {
        expect(written(out => out.utf8(text, 0, length), length + room)).toBe(`"${text}"`);
      }
    }
  });

  it('looks at the buffer it has, not at the one it had', () => {
    for (const count of [300, 1300]) {
      const plain = Buffer.alloc(count, 'x');
      const hard = Buffer.from(plain);
      hard[150] = 0x22;
      for (const size of [count + 2, 2000]) {
        const out = new JsonWriter(4096);
        out.utf8(plain, 0, count);
        expect(out.swap(Buffer.alloc(size)).toString('utf8', 0, count + 2)).toBe(`"${plain}"`);
        out.utf8(hard, 0, count);
        expect(out.bytes.toString('utf8', 0, out.length)).toBe(JSON.stringify(hard.toString()));
      }
    }
  });

  it('works on when its buffer is replaced by another, pooled or not', () => {
    const out = new JsonWriter(1024);
    const text = Buffer.from(`${'x'.repeat(350)}"${'y'.repeat(350)}`);
    for (const buffer of [Buffer.allocUnsafe(2000), Buffer.alloc(3001).subarray(1), Buffer.allocUnsafeSlow(999), out.bytes]) {
      out.swap(buffer);
      out.byte(0x20);
      expect(out.utf8(text, 0, text.length)).toBe(true);
      expect(out.bytes.toString('utf8', 0, out.length)).toBe(` ${JSON.stringify(text.toString())}`);
    }
  });

  it('takes plain Uint8Arrays that begin in the middle of their memory', () => {
    const memory = new Uint8Array(Buffer.from(`..${'ä"'.repeat(100)}..`));
    const view = new Uint8Array(memory.buffer, memory.byteOffset + 2, memory.length - 4);
    expect(written(out => out.utf8(view, 0, view.length))).toBe(JSON.stringify('ä"'.repeat(100)));
  });
});

describe('JsonWriter numbers', () => {
  const integer = (value: number): string => written(out => out.integer(value));
  it('integer prints every safe integer as String does', () => {
    for (let power = 0; power < 16; power++) {
      for (const near of [-1, 0, 1]) {
        const value = 10 ** power + near;
        if (!Number.isSafeInteger(value)) continue;
        expect(integer(value)).toBe(String(value));
        expect(integer(-value)).toBe(String(-value || 0));
      }
    }
    for (const value of [2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      expect(integer(value)).toBe(String(value));
    }
    fc.assert(
      fc.property(fc.maxSafeInteger(), value => {
        expect(integer(value)).toBe(String(value || 0));
      }),
    );
    expect(integer(-0)).toBe('0');
  });

  it('integer refuses what is not a safe integer', () => {
    for (const value of [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => integer(value)).toThrow(RangeError);
  });

  it('int64 prints every 64-bit integer as BigInt does', () => {
    const check = (value: bigint): void => {
      const source = Buffer.alloc(11);
      source.writeBigUInt64LE(BigInt.asUintN(64, value), 3);
      expect(written(out => out.int64(source, 3, true))).toBe(String(BigInt.asIntN(64, value)));
      expect(written(out => out.int64(source, 3, false))).toBe(String(BigInt.asUintN(64, value)));
    };
    for (let shift = 0n; shift < 64n; shift++) for (const near of [-1n, 0n, 1n]) check((1n << shift) + near);
    for (let power = 0n; power < 20n; power++) for (const near of [-1n, 0n, 1n]) check(10n ** power + near);
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), check), { numRuns: 2000 });
  });
});

describe('JsonWriter base64', () => {
  it('base64 equals Buffer.toString', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const { source, start, end } = embed(bytes);
        expect(written(out => out.base64(source, start, end))).toBe(`"${Buffer.from(bytes).toString('base64')}"`);
      }),
    );
  });

  it('base64FromHex equals Buffer.toString, in either case of digits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, upper) => {
        const hex = Buffer.from(bytes).toString('hex');
        const { source, start, end } = embed(upper ? hex.toUpperCase() : hex);
        expect(written(out => expect(out.base64FromHex(source, start, end)).toBe(true))).toBe(
          `"${Buffer.from(bytes).toString('base64')}"`,
        );
      }),
    );
  });

  it('base64FromHex refuses anything else and writes nothing', () => {
    for (let length = 1; length < 20; length++) {
      for (let at = 0; at < length; at++) {
        for (const wrong of ['g', '/', ':', '@', 'G', '`', ' ', '\xff']) {
          const digits = Buffer.alloc(length, 'a');
          digits.write(wrong, at, 'latin1');
          expect(written(out => expect(out.base64FromHex(digits, 0, length)).toBe(false))).toBe('');
        }
      }
      if (length % 2 === 1) expect(written(out => out.base64FromHex(Buffer.alloc(length, 'a'), 0, length))).toBe('');
    }
  });
});

describe('JsonWriter as a buffer', () => {
  it('writes constants', () => {
    const text = written(out => {
      out.byte(0x5b);
      out.null();
      out.byte(0x2c);
      out.boolean(true);
      out.byte(0x2c);
      out.boolean(false);
      out.byte(0x2c);
      out.raw(Buffer.from('{"a":1}'));
      out.byte(0x2c);
      out.digits(Buffer.from('x-12.50e7y'), 1, 9);
      out.byte(0x2c);
      out.string('a"\ud83d\u0000');
      out.byte(0x5d);
    });
    expect(text).toBe('[null,true,false,{"a":1},-12.50e7,"a\\"\ufffd\ufffd"]');
  });

  it('keeps what is written when it grows byte by byte', () => {
    const out = new JsonWriter(1);
    for (let i = 0; i < 10_000; i++) out.byte(0x30 + (i % 10));
    expect(out.bytes.toString('latin1', 0, out.length)).toBe('0123456789'.repeat(1000));
  });

  it('rewind takes back', () => {
    const out = new JsonWriter(64);
    out.null();
    const mark = out.length;
    out.boolean(true);
    out.rewind(mark);
    expect(out.bytes.toString('latin1', 0, out.length)).toBe('null');
  });

  it('gives memory back after a huge value, keeps a moderate one, and never asks six times the value', () => {
    const out = new JsonWriter(1000);
    const huge = Buffer.alloc(10_000_000, 'x');
    huge[9_000_000] = 0x22;
    expect(out.utf8(huge, 0, huge.length)).toBe(true);
    expect(out.length).toBe(10_000_003);
    expect(out.bytes.length).toBeLessThan(12_000_000);
    out.clear();
    expect(out.length).toBe(0);
    expect(out.bytes.length).toBe(1000);
    out.utf8(huge, 0, 1_000_000);
    const kept = out.bytes.length;
    out.clear();
    expect(out.bytes.length).toBe(kept);
  });
});

it('writes constants of any length as they stand, wherever they land', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 60 })), texts => {
      const out = new JsonWriter(64);
      for (const text of texts) out.constant(new Constant(text));
      expect(out.bytes.toString('utf8', 0, out.length)).toBe(texts.map(text => Buffer.from(text).toString()).join(''));
    }),
  );
});
