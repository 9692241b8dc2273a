import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogicalType, ScalarKind } from '../../../src/values/logical-type.ts';
import { jsonSchema, parseSchema, sameType } from '../../../src/values/logical-type.ts';

const KINDS: readonly (ScalarKind | 'object')[] = [
  'boolean',
  'integer',
  'number',
  'string',
  'binary',
  'json',
  'object',
  'date',
  'time',
  'time_tz',
  'timestamp',
  'timestamp_tz',
];
const { type: anyType } = fc.letrec<{ type: LogicalType }>(tie => ({
  type: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...KINDS).map(kind => ({ kind })),
    tie('type').map(items => ({ kind: 'array' as const, items })),
  ),
}));

describe('jsonSchema', () => {
  it.each([
    ['boolean', { type: 'boolean' }],
    ['integer', { type: 'number', airbyte_type: 'integer' }],
    ['number', { type: 'number' }],
    ['string', { type: 'string' }],
    ['json', { type: 'string' }],
    ['object', { type: 'object' }],
    ['binary', { type: 'string', contentEncoding: 'base64' }],
    ['date', { type: 'string', format: 'date' }],
    ['time', { type: 'string', format: 'time', airbyte_type: 'time_without_timezone' }],
    ['time_tz', { type: 'string', format: 'time', airbyte_type: 'time_with_timezone' }],
    ['timestamp', { type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' }],
    ['timestamp_tz', { type: 'string', format: 'date-time', airbyte_type: 'timestamp_with_timezone' }],
  ] as const)('of %s', (kind, expected) => {
    expect(jsonSchema({ kind }, false)).toEqual(expected);
    expect(jsonSchema({ kind }, true)).toEqual({ ...expected, type: ['null', expected.type] });
  });

  it('of arrays has nullable items at every level', () => {
    const matrix: LogicalType = { kind: 'array', items: { kind: 'array', items: { kind: 'integer' } } };
    expect(jsonSchema(matrix, true)).toEqual({
      type: ['null', 'array'],
      items: { type: ['null', 'array'], items: { type: ['null', 'number'], airbyte_type: 'integer' } },
    });
  });

  it('gives a fresh object, with `type` first', () => {
    expect(jsonSchema({ kind: 'date' }, false)).not.toBe(jsonSchema({ kind: 'date' }, false));
    expect(Object.keys(jsonSchema({ kind: 'timestamp' }, true))).toEqual(['type', 'format', 'airbyte_type']);
  });
});

describe('parseSchema', () => {
  it('is the reverse of jsonSchema', () => {
    fc.assert(
      fc.property(anyType, fc.boolean(), (type, nullable) => {
        const parsed = parseSchema(JSON.parse(JSON.stringify(jsonSchema(type, nullable))));
        expect(parsed !== null && sameType(parsed, type)).toBe(true);
      }),
    );
  });

  it.each([
    [{ type: 'integer' }, { kind: 'integer' }],
    [{ type: ['integer', 'null'] }, { kind: 'integer' }],
    [{ type: 'string', format: 'uuid', title: 'x' }, { kind: 'string' }],
    [{ type: 'string', airbyte_type: 'big_number' }, { kind: 'string' }],
    [{ type: 'string', format: 'date-time' }, { kind: 'timestamp_tz' }],
    [{ type: 'string', format: 'time' }, { kind: 'time_tz' }],
    [{ type: 'object', properties: {} }, { kind: 'object' }],
    [{ oneOf: [{ type: 'null' }, { type: 'string', format: 'date' }] }, { kind: 'date' }],
    [{ anyOf: [{ type: 'number' }, { type: 'null' }] }, { kind: 'number' }],
  ])('reads %j', (schema, expected) => {
    expect(parseSchema(schema)).toEqual(expected);
  });

  it.each([
    [{}],
    [{ type: 'null' }],
    [{ type: ['null'] }],
    [{ type: [] }],
    [{ type: ['string', 'number'] }],
    [{ type: 'array' }],
    [{ type: 'array', items: {} }],
    [{ type: 'array', items: [{ type: 'string' }] }],
    [{ type: 'thing' }],
    [{ type: 7 }],
    [{ oneOf: [{ type: 'string' }, { type: 'number' }] }],
    [{ $ref: 'WellKnownTypes.json#/definitions/String' }],
    [null],
    [true],
    ['string'],
    [[]],
    [undefined],
  ])('finds no promise in %j', schema => {
    expect(parseSchema(schema)).toBeNull();
  });
});

describe('sameType', () => {
  it('holds exactly where the schemas are the same', () => {
    fc.assert(
      fc.property(anyType, anyType, (a, b) => {
        expect(sameType(a, b)).toBe(JSON.stringify(jsonSchema(a, true)) === JSON.stringify(jsonSchema(b, true)));
      }),
      { numRuns: 1000 },
    );
    expect(sameType({ kind: 'json' }, { kind: 'string' })).toBe(true);
    expect(sameType({ kind: 'json' }, { kind: 'object' })).toBe(false);
  });
});
