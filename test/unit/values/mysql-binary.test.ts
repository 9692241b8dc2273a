import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeInet4, writeInet6, writeUuid } from '../../../src/values/mariadb-network.ts';
import * as older from '../../../src/values/mariadb-temporal.ts';
import { decimalBytes, writeDecimalBinary } from '../../../src/values/mysql-decimal.ts';
import * as temporal from '../../../src/values/mysql-temporal.ts';
import type { Verdict } from '../../../src/values/value-writer.ts';
import { NULLED, SAID } from '../../../src/values/value-writer.ts';
import { embed, say, written } from '../bytes/written.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('writeDecimalBinary', () => {
  const decimal = (value: Uint8Array, precision: number, scale: number): { json: string; verdict: Verdict } =>
    say((out, source, start, end) => writeDecimalBinary(out, source, start, end, precision * 256 + scale), value);

  // From a MySQL 9.7 server.
  it.each([
    ['7ffffff3cd', 10, 2, '-12.50'],
    ['8000000000', 11, 2, '0.00'],
    ['80', 1, 0, '0'],
    ['89', 1, 0, '9'],
  ] as const)('%s as DECIMAL(%d,%d) is %s', (hex, precision, scale, json) => {
    expect(decimal(bytes(hex), precision, scale)).toEqual({ json, verdict: SAID });
  });

  /** `decimal2bin`, by BigInt. */
  function encode(negative: boolean, whole: string, fraction: string): Buffer {
    const sizes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
    const groups = [
      whole.slice(0, whole.length % 9),
      ...(whole.slice(whole.length % 9).match(/.{9}/g) ?? []),
      ...(fraction.match(/.{1,9}/g) ?? []),
    ];
    const parts = groups.filter(Boolean).map(group => {
      const part = Buffer.alloc(sizes[group.length] ?? 0);
      part.writeUIntBE(Number(group), 0, part.length);
      return part;
    });
    const all = Buffer.concat(parts);
    for (const [i, byte] of all.entries()) all[i] = negative ? byte ^ 0xff : byte;
    all[0] = (all[0] ?? 0) ^ 0x80;
    return all;
  }
  const digits = (length: number): fc.Arbitrary<string> =>
    fc.array(fc.nat(9), { minLength: length, maxLength: length }).map(list => list.join(''));
  const value = fc
    .tuple(fc.nat(65), fc.nat(30), fc.boolean())
    .filter(([whole, fraction]) => whole + fraction >= 1 && whole + fraction <= 65)
    .chain(([whole, fraction, negative]) => fc.tuple(fc.constant(negative), digits(whole), digits(fraction)));

  it('undoes the encoding', () => {
    fc.assert(
      fc.property(value, ([negative, whole, fraction]) => {
        const encoded = encode(negative, whole, fraction);
        expect(encoded.length).toBe(decimalBytes(whole.length + fraction.length, fraction.length));
        const text = `${negative ? '-' : ''}${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`;
        expect(decimal(encoded, whole.length + fraction.length, fraction.length)).toEqual({ json: text, verdict: SAID });
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses groups that are no digits, and another length', () => {
    expect(decimal(bytes('bfffffff'), 9, 0)).toEqual({ json: 'null', verdict: NULLED });
    expect(decimal(bytes('80ff'), 4, 2)).toEqual({ json: 'null', verdict: NULLED });
    expect(decimal(bytes('80'), 4, 2)).toEqual({ json: 'null', verdict: NULLED });
    expect(decimal(bytes('80'), 70, 2)).toEqual({ json: 'null', verdict: NULLED });
  });
});

type Write = (out: Parameters<typeof temporal.writeTimeBinary>[0], source: Uint8Array, start: number, digits: number) => Verdict;
function of(write: Write, hex: string, digits: number): string {
  const { source, start } = embed(bytes(hex));
  let verdict: Verdict = SAID;
  const json = written(out => {
    verdict = write(out, source, start, digits);
  });
  expect(verdict).toBe(json === 'null' ? NULLED : SAID);
  return json;
}

// Bytes from MySQL 9.7 and MariaDB 10.11, but for what no server writes.
describe('dates and times of the log', () => {
  it.each([
    [temporal.writeTimestampBinary, '65937d25 1a7c', 3, '"2024-01-02T03:04:05.678Z"'],
    [temporal.writeTimestampBinary, '00000001', 0, '"1970-01-01T00:00:01Z"'],
    [temporal.writeTimestampBinary, '7fffffff', 0, '"2038-01-19T03:14:07Z"'],
    [temporal.writeTimestampBinary, 'ffffffff', 0, '"2106-02-07T06:28:15Z"'],
    [temporal.writeTimestampBinary, '00000000', 0, 'null'],
    [temporal.writeTimestampBinary, '00000001 ff', 1, 'null'],
    [temporal.writeDatetimeBinary, '99b2443105 0a5bf5', 6, '"2024-01-02T03:04:05.678901"'],
    [temporal.writeDatetimeBinary, '8000000000', 0, 'null'],
    [temporal.writeDatetimeBinary, '0000000000', 0, 'null'],
    [temporal.writeDatetimeBinary, 'ffffffffff', 0, 'null'],
    [temporal.writeTimeBinary, '7f3747 b2', 2, '"-12:34:56.78"'],
    [temporal.writeTimeBinary, '800000', 0, '"00:00:00"'],
    [temporal.writeTimeBinary, '7fffff ff', 1, '"-00:00:00.0"'],
    [temporal.writeTimeBinary, '7fffff', 0, '"-00:00:01"'],
    [temporal.writeTimeBinary, 'ffffff', 0, 'null'],
    [temporal.writeDateBinary, '22d00f', 0, '"2024-01-02"'],
    [temporal.writeDateBinary, '000000', 0, 'null'],
    [temporal.writeDateBinary, '02d00f', 0, 'null'],
    [older.writeOldTimestamp, '257d9365', 0, '"2024-01-02T03:04:05Z"'],
    [older.writeOldTimestamp, '65937d25 02a6', 3, '"2024-01-02T03:04:05.678Z"'],
    [older.writeOldTimestamp, '00000000 0000', 3, 'null'],
    [older.writeOldTime, 'c01dfe', 0, '"-12:34:56"'],
    [older.writeOldTime, 'c04f0f', 0, '"100:34:56"'],
    [older.writeOldTime, '00b15478eb', 3, '"-12:34:56.789"'],
    [older.writeOldTime, '03138c850214', 6, '"100:34:56.789012"'],
    [older.writeOldTime, 'ffffffffffff', 6, 'null'],
    [older.writeOldDatetime, '457c178468120000', 0, '"2024-01-02T03:04:05"'],
    [older.writeOldDatetime, '00a96298ed78', 1, '"2024-01-02T03:04:05.6"'],
    [older.writeOldDatetime, '01027612995a6f35', 6, '"2024-01-02T03:04:05.678901"'],
    [older.writeOldDatetime, '00000000000000', 3, 'null'],
    [older.writeOldDatetime, 'ffffffffffffffff', 0, 'null'],
  ] as const)('%o of %s with %d digits is %s', (write, hex, digits, json) => {
    expect(of(write, hex, digits)).toBe(json);
  });

  it('finds the day of every second of 68 years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0xffffffff }), seconds => {
        const hex = seconds.toString(16).padStart(8, '0');
        expect(of(temporal.writeTimestampBinary, hex, 0)).toBe(JSON.stringify(new Date(seconds * 1000)).replace('.000Z', 'Z'));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("MariaDB's network types", () => {
  it.each([
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000000000001', '::1'],
    ['00010000000000000000000000000000', '1::'],
    ['00000000000000000000000001020304', '::1.2.3.4'],
    ['00000000000000000000ffff01020304', '::ffff:1.2.3.4'],
    ['20010db80000000000000000000000ff', '2001:db8::ff'],
    ['00010000000000020000000000030004', '1::2:0:0:3:4'],
    ['00010000000200030004000500060007', '1::2:3:4:5:6:7'],
  ])('%s is the INET6 %s', (hex, text) => {
    expect(say(writeInet6, bytes(hex))).toEqual({ json: JSON.stringify(text), verdict: SAID });
  });
  it('writes UUID and INET4', () => {
    const uuid = '123e4567-e89b-12d3-a456-426614174000';
    expect(say(writeUuid, bytes(uuid.replaceAll('-', '')))).toEqual({ json: JSON.stringify(uuid), verdict: SAID });
    expect(say(writeInet4, Uint8Array.of(0, 10, 100, 255))).toEqual({ json: '"0.10.100.255"', verdict: SAID });
  });
  it.each([writeUuid, writeInet4, writeInet6])('%o refuses another length', write => {
    expect(say(write, 'abc')).toEqual({ json: 'null', verdict: NULLED });
  });
});
