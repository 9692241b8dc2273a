import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/cli/nearest.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['pasword', 'password', 1],
    ['prot', 'port', 1],
    ['ca', 'abc', 3], // the restricted form does not edit what it has swapped
    ['kitten', 'sitting', 3],
  ])('%j and %j are %i apart', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is symmetric, zero only for equals, and at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });
});

describe('nearest', () => {
  const keys = ['host', 'port', 'database', 'username', 'password', 'replication_slot'];
  it.each([
    ['pasword', 'password'],
    ['prot', 'port'],
    ['Host', 'host'],
    ['user_name', 'username'],
    ['replicationslot', 'replication_slot'],
    ['replication', undefined],
    ['x', undefined],
    ['timeout', undefined],
  ])('of %j is %j', (word, expected) => {
    expect(nearest(word, keys)).toBe(expected);
  });
});
