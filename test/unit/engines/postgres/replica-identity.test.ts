import { describe, expect, it } from 'vitest';
import { type RelationFacts, replicaIdentity } from '../../../../src/engines/postgres/replication/replica-identity.ts';

const key = (...columns: string[]): RelationFacts['indexes'][number] => ({
  primary: true,
  replicaIdentity: false,
  immediate: true,
  columns,
});
const table = (facts: Partial<RelationFacts> = {}): RelationFacts => ({
  id: { namespace: 'public', name: 't' },
  relkind: 'r',
  persistence: 'p',
  replicaIdentity: 'd',
  indexes: [key('id')],
  ...facts,
});
const leaf = (facts: Partial<RelationFacts> = {}): RelationFacts =>
  table({ id: { namespace: 'public', name: 'leaf' }, ...facts });

describe('replicaIdentity', () => {
  it.each([
    ['default with a primary key', table(), { kind: 'key', columns: ['id'] }],
    ['full with a primary key', table({ replicaIdentity: 'f' }), { kind: 'full', columns: ['id'] }],
    ['full without', table({ replicaIdentity: 'f', indexes: [] }), { kind: 'full', columns: [] }],
    [
      'full with a deferrable key, which is none in the log',
      table({ replicaIdentity: 'f', indexes: [{ ...key('id'), immediate: false }] }),
      { kind: 'full', columns: [] },
    ],
    [
      'an index beside the primary key',
      table({
        replicaIdentity: 'i',
        indexes: [key('id'), { primary: false, replicaIdentity: true, immediate: true, columns: ['b', 'a'] }],
      }),
      { kind: 'key', columns: ['b', 'a'] },
    ],
  ])('%s', (_, facts, identity) => {
    expect(replicaIdentity(facts, [])).toEqual(identity);
  });

  it.each([
    [
      'nothing',
      table({ replicaIdentity: 'n' }),
      'REPLICA IDENTITY NOTHING. Run: ALTER TABLE "public"."t" REPLICA IDENTITY DEFAULT;',
    ],
    ['no key', table({ indexes: [] }), 'no primary key'],
    ['a deferrable key', table({ indexes: [{ ...key('id'), immediate: false }] }), 'DEFERRABLE'],
    ['the index is gone', table({ replicaIdentity: 'i' }), 'index of public.t is gone'],
    ['unlogged', table({ persistence: 'u' }), 'SET LOGGED'],
    ['a view', table({ relkind: 'v' }), 'is a view'],
    ['a materialized view', table({ relkind: 'm' }), 'is a materialized view'],
    ['a foreign table', table({ relkind: 'f' }), 'is a foreign table'],
  ])('has a reason: %s', (_, facts, reason) => {
    expect(replicaIdentity(facts, [])).toEqual({ reason: expect.stringContaining(reason) });
  });

  it('of a partitioned table is what all of its leaves give', () => {
    const root = table({ relkind: 'p' });
    const full = table({ relkind: 'p', replicaIdentity: 'f' });
    expect(replicaIdentity(root, [leaf(), leaf()])).toEqual({ kind: 'key', columns: ['id'] });
    expect(replicaIdentity(root, [leaf(), leaf({ replicaIdentity: 'f' })])).toEqual({ kind: 'key', columns: ['id'] });
    expect(replicaIdentity(full, [leaf({ replicaIdentity: 'f' })])).toEqual({ kind: 'full', columns: ['id'] });
    // The server would mark the old row as whole, and fill in nothing but the key.
    expect(replicaIdentity(full, [leaf({ replicaIdentity: 'f' }), leaf()])).toEqual({ kind: 'key', columns: ['id'] });
    expect(replicaIdentity(root, [])).toEqual({ kind: 'key', columns: ['id'] });
  });

  it.each([
    ['a leaf without identity', [leaf({ replicaIdentity: 'n' })], 'public.leaf has REPLICA IDENTITY NOTHING'],
    ['a leaf with another key', [leaf({ indexes: [key('other')] })], 'another replica identity'],
    ['an unlogged leaf', [leaf({ persistence: 'u' })], 'public.leaf is unlogged'],
    ['a foreign leaf', [leaf({ relkind: 'f' })], 'public.leaf is a foreign table'],
  ])('of a partitioned table has a reason: %s', (_, leaves, reason) => {
    expect(replicaIdentity(table({ relkind: 'p' }), leaves)).toEqual({ reason: expect.stringContaining(reason) });
  });
});
