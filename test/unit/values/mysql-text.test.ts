import { describe, expect, it } from 'vitest';
import * as text from '../../../src/values/mysql-text.ts';
import type { ValueWriter } from '../../../src/values/value-writer.ts';
import { NULLED, SAID } from '../../../src/values/value-writer.ts';
import { say } from '../bytes/written.ts';

function says(writer: ValueWriter, cases: readonly (readonly [text: string | Uint8Array, json: string])[]): void {
  it.each(cases)('%j is %s', (value, json) => {
    expect(say(writer, value)).toEqual({ json, verdict: SAID });
  });
}
function refuses(writer: ValueWriter, values: readonly (string | Uint8Array)[]): void {
  it.each(values)('%j is null and said so', value => {
    expect(say(writer, value)).toEqual({ json: 'null', verdict: NULLED });
  });
}
const same = (...values: string[]): [string, string][] => values.map(value => [value, value]);
const quoted = (...values: string[]): [string, string][] => values.map(value => [value, `"${value}"`]);

describe('writeInteger', () => {
  says(text.writeInteger, [
    ...same('0', '-1', '127', '-9223372036854775808', '18446744073709551615'),
    ['00042', '42'],
    ['0000', '0'],
  ]);
  refuses(text.writeInteger, ['', '-', '+1', '1.0', '1e3', ' 1', '1 ', 'abc', '--1', '1-']);
});

describe('writeDecimal', () => {
  says(text.writeDecimal, [
    ...same('0.50', '-12.50', '1', '99999999999999999999999999999999999.000000000000000000000000000001'),
    ['00012.30', '12.30'],
  ]);
  refuses(text.writeDecimal, ['', '.5', '5.', '-.5', '1.2.3', '1e3', '1,5', 'NaN']);
});

describe('writeBoolean', () => {
  says(text.writeBoolean, [
    ['0', 'false'],
    ['1', 'true'],
    ['-1', 'true'],
    ['2', 'true'],
    ['000', 'false'],
  ]);
  refuses(text.writeBoolean, ['', '-', 't', '1.0']);
});

describe('bits', () => {
  describe('bit(1)', () => {
    says(text.writeBitBoolean, [
      [Uint8Array.of(0), 'false'],
      [Uint8Array.of(1), 'true'],
    ]);
    refuses(text.writeBitBoolean, ['', '1', Uint8Array.of(2), Uint8Array.of(0, 1)]);
  });
  describe('bit(10)', () => {
    says(text.bitsWriter(10), [
      [Uint8Array.of(2, 1), '"1000000001"'],
      [Uint8Array.of(0, 0), '"0000000000"'],
    ]);
    refuses(text.bitsWriter(10), [Uint8Array.of(1), Uint8Array.of(4, 0), Uint8Array.of(0, 0, 0)]);
  });
  describe('bit(64)', () => {
    says(text.bitsWriter(64), [[new Uint8Array(8).fill(0xff), `"${'1'.repeat(64)}"`]]);
  });
});

describe('writeDate', () => {
  says(text.writeDate, quoted('2024-02-29', '0001-01-01', '9999-12-31'));
  refuses(text.writeDate, [
    '',
    '0000-00-00',
    '2024-00-01',
    '2024-01-00',
    '2023-02-29',
    '0000-01-01',
    '2024-01-02 00:00:00',
    '24-01-02',
  ]);
});

describe('writeDatetime', () => {
  says(text.writeDatetime, [
    ['2024-01-02 03:04:05', '"2024-01-02T03:04:05"'],
    ['2024-01-02 03:04:05.123456', '"2024-01-02T03:04:05.123456"'],
  ]);
  refuses(text.writeDatetime, [
    '',
    '0000-00-00 00:00:00',
    '2024-01-02',
    '2024-01-02T03:04:05',
    '2024-01-02 24:00:00',
    '2024-00-02 00:00:00.5',
  ]);
});

describe('writeTimestamp', () => {
  says(text.writeTimestamp, [
    ['2024-01-02 03:04:05', '"2024-01-02T03:04:05Z"'],
    ['2038-01-19 03:14:07.999999', '"2038-01-19T03:14:07.999999Z"'],
  ]);
  refuses(text.writeTimestamp, ['0000-00-00 00:00:00', '0000-00-00 00:00:00.000000', '2024-01-02 03:04:05+00']);
});

describe('writeTime', () => {
  says(text.writeTime, quoted('00:00:00', '-00:00:00.5', '838:59:59.000000', '-838:59:59', '23:59:59.1'));
  refuses(text.writeTime, [
    '',
    '-',
    '1:00:00',
    '0001:00:00',
    '00:60:00',
    '00:00:60',
    '00:00',
    '00:00:00.',
    '00:00:00.1234567',
    '00-00-00',
    '00:00:0',
    '00:00:00 ',
  ]);
});

describe('writeTimeOfDay', () => {
  says(text.writeTimeOfDay, quoted('00:00:00', '23:59:59.999999'));
  refuses(text.writeTimeOfDay, ['-00:00:01', '24:00:00', '100:00:00']);
});
