import { describe, expect, it } from 'vitest';
import type { RelationFacts } from '../../../../src/engines/postgres/replication/relation-facts.ts';
import { replicaIdentity } from '../../../../src/engines/postgres/replication/replica-identity.ts';

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
    expect(replicaIdentity(facts, [])).toMatchObject({ reasons: [expect.stringContaining(reason)] });
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
    [
      'a leaf without identity',
      [leaf({ replicaIdentity: 'n' })],
      'public.leaf, a partition of public.t, has REPLICA IDENTITY NOTHING',
    ],
    ['a leaf with another key', [leaf({ indexes: [key('other')] })], 'another replica identity'],
    ['an unlogged leaf', [leaf({ persistence: 'u' })], 'public.leaf, a partition of public.t, is unlogged'],
    ['a foreign leaf', [leaf({ relkind: 'f' })], 'public.leaf, a partition of public.t, is a foreign table'],
  ])('of a partitioned table has a reason: %s', (_, leaves, reason) => {
    expect(replicaIdentity(table({ relkind: 'p' }), leaves)).toMatchObject({ reasons: [expect.stringContaining(reason)] });
  });

  const part = (name: string, facts: Partial<RelationFacts> = {}): RelationFacts =>
    table({ id: { namespace: 'public', name }, ...facts });
  const reasonsOf = (...args: Parameters<typeof replicaIdentity>): readonly string[] => {
    const found = replicaIdentity(...args);
    return 'reasons' in found ? found.reasons : [];
  };

  it('names the root and every partition of one kind in one sentence, and every kind', () => {
    const none = { indexes: [] };
    const leaves = [part('a', none), part('b', { ...none, persistence: 'u' }), part('c', { replicaIdentity: 'n' })];
    expect(reasonsOf(table({ relkind: 'p', ...none }), leaves)).toEqual([
      'public.b, a partition of public.t, is unlogged. Run: ALTER TABLE "public"."b" SET LOGGED;',
      'public.t and its partitions public.a and public.b have no primary key, so updates and deletes of them cannot be followed ' +
        '(and would fail once they are published). Add a primary key, or run: ALTER TABLE "public"."t" REPLICA IDENTITY FULL; ' +
        'ALTER TABLE "public"."a" REPLICA IDENTITY FULL; ALTER TABLE "public"."b" REPLICA IDENTITY FULL;',
      'public.c, a partition of public.t, has REPLICA IDENTITY NOTHING. Run: ALTER TABLE "public"."c" REPLICA IDENTITY FULL;',
    ]);
    expect(replicaIdentity(table({ relkind: 'p', ...none }), leaves)).toMatchObject({ after: { kind: 'full', columns: [] } });
  });

  it('a remedy never leads to another reason: what the default would not mend needs the whole row', () => {
    expect(reasonsOf(table({ replicaIdentity: 'n', indexes: [] }), [])).toEqual([
      'public.t has REPLICA IDENTITY NOTHING. Run: ALTER TABLE "public"."t" REPLICA IDENTITY FULL;',
    ]);
    expect(reasonsOf(table({ indexes: [] }), [], 'g')).toEqual([expect.stringMatching(/ Add a primary key: with .* column "g"/)]);
    expect(replicaIdentity(table({ indexes: [] }), [], 'g')).toMatchObject({ after: null });
    expect(reasonsOf(table({ indexes: [], persistence: 'u' }), [])).toHaveLength(2);
  });

  it('of hundreds of partitions shortens the names in the middle, and finds them by SQL', () => {
    const leaves = Array.from({ length: 300 }, (_, at) => part(`p${at}`, { indexes: [] }));
    const [reason] = reasonsOf(table({ relkind: 'p' }), leaves);
    expect(reason).toMatch(
      /^public\.p0, .*, public\.p7, …, public\.p298, public\.p299 \(300 in all\), partitions of public\.t, have /,
    );
    expect(reason).toContain('pg_partition_tree(\'"public"."t"\')');
    expect(reason?.length).toBeLessThan(900);
  });
});
