import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import {
  booleanField,
  type FieldWriter,
  integerField,
  jsonField,
  numberField,
  textField,
  timestampField,
  timestampTzField,
} from '../../../src/values/postgres-fields.ts';
import {
  writeBoolean,
  writeInteger,
  writeJsonText,
  writeNumber,
  writeString,
  writeTimestamp,
  writeTimestampTz,
} from '../../../src/values/postgres-text.ts';
import { SAID, type ValueWriter } from '../../../src/values/value-writer.ts';

const PAIRS: readonly (readonly [string, FieldWriter, ValueWriter])[] = [
  ['textField', textField, writeString],
  ['numberField', numberField, writeNumber],
  ['integerField', integerField, writeInteger],
  ['booleanField', booleanField, writeBoolean],
  ['jsonField', jsonField, writeJsonText],
  ['timestampField', timestampField, writeTimestamp],
  ['timestampTzField', timestampTzField, writeTimestampTz],
];

/** What COPY puts into a field may hold any byte but a bare tab or newline. */
const field = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes.filter(byte => byte !== 0x09 && byte !== 0x0a))),
  fc.string({ unit: fc.constantFrom(...'abc 0123456789.-+eE"\\Nü\u0001'), maxLength: 60 }).map(text => Buffer.from(text)),
  fc.json().map(text => Buffer.from(text)),
  fc
    .tuple(
      fc.date({ noInvalidDate: true }),
      fc.constantFrom('', '.1', '.123456', '.', '.1234567890'),
      fc.constantFrom('', '+00', '+01', ' BC'),
    )
    .map(([date, fraction, zone]) => Buffer.from(`${date.toISOString().slice(0, 19).replace('T', ' ')}${fraction}${zone}`)),
  fc.stringMatching(/^[0-9]{4}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-6][0-9]:[0-6][0-9]$/).map(text => Buffer.from(text)),
  fc.constantFrom('t', 'f', 'tf', '').map(text => Buffer.from(text)),
  fc.stringMatching(/^-?[0-9]{0,25}(\.[0-9]{0,9})?$/).map(text => Buffer.from(text)),
);

describe.each(PAIRS)('%s', (_, write, reference) => {
  it('writes what the writer of whole values writes, or nothing', () => {
    fc.assert(
      fc.property(field, fc.boolean(), fc.integer({ min: 0, max: 7 }), (bytes, isLast, lead) => {
        const behind = isLast ? '\n' : '\tnext\n';
        const row = Buffer.concat([Buffer.alloc(lead, 'x'), bytes, Buffer.from(behind)]);
        const out = new JsonWriter(64);
        out.raw(Buffer.from('[')); // something stands in front
        const stop = write(out, row, lead, row.length - 1);
        if (stop < 0) {
          expect(out.length).toBe(1);
          return;
        }
        expect(stop).toBe(lead + bytes.length);
        const whole = new JsonWriter(64);
        expect(reference(whole, bytes, 0, bytes.length)).toBe(SAID);
        expect(out.bytes.toString('latin1', 1, out.length)).toBe(whole.bytes.toString('latin1', 0, whole.length));
        expect(bytes.includes(0x5c)).toBe(false); // an escape of COPY was not undone
      }),
      { numRuns: 20_000 },
    );
  });
});

it.each([
  ['textField', textField, 'plain text of some length, without quotes'],
  ['numberField', numberField, '-12345678901234567890.123'],
  ['integerField', integerField, '-9223372036854775808'],
  ['booleanField', booleanField, 't'],
  ['timestampField', timestampField, '2024-01-02 03:04:05.123456'],
  ['timestampTzField', timestampTzField, '0001-12-28 23:59:59+00'],
  ['jsonField', jsonField, '{"n": [1, "two words"], "t": null}'],
] as const)('%s does the common case itself', (_, write, text) => {
  const row = Buffer.from(`${text}\tnext\n`);
  expect(write(new JsonWriter(64), row, 0, row.length - 1)).toBe(text.length);
});

it('integerField leaves a fraction alone', () => {
  expect(integerField(new JsonWriter(64), Buffer.from('1.5\n'), 0, 3)).toBe(-1);
});
