import { tableLabel } from '../../../contract/ids.ts';
import { type Flawed, type IdentityFlaw, identityReasons } from './identity-reasons.ts';
import type { RelationFacts } from './relation-facts.ts';

/**
 * What the log says about the old row of an update or delete: `full` all of it, `key` the named columns.
 * For a partitioned table `full` only when all leaves are: the server marks the old row by the root's setting, but fills
 * it by the leaf's.
 */
export interface ReplicaIdentity {
  readonly kind: 'full' | 'key';
  readonly columns: readonly string[];
}

/** Why a table cannot be followed. */
export interface Hindered {
  /** Each a sentence with its remedy; all that there are. */
  readonly reasons: readonly string[];
  /** The identity once the remedies are carried out; null where nothing helps. */
  readonly after: ReplicaIdentity | null;
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(each => b.includes(each));

/** The primary key, if its checks are immediate: two rows that swap a deferrable key overwrite each other in the log's order. */
export const immediateKey = (facts: RelationFacts): readonly string[] =>
  facts.indexes.find(index => index.primary && index.immediate)?.columns ?? [];

const NOT_LOGGED: Readonly<Record<string, string>> = {
  v: 'is a view: its changes are in no log.',
  m: 'is a materialized view: its changes are in no log.',
  f: 'is a foreign table: its changes are in the log of another server.',
};

/** What is wrong with the identity of one relation by its own settings: an update of it would fail once it is published. */
function identityFlaw(facts: RelationFacts): IdentityFlaw | undefined {
  switch (facts.replicaIdentity) {
    case 'f':
      return undefined;
    case 'n':
      return 'nothing';
    case 'i':
      return facts.indexes.some(index => index.replicaIdentity) ? undefined : 'index';
    default: {
      const primary = facts.indexes.find(index => index.primary);
      if (primary === undefined) return 'keyless';
      return primary.immediate ? undefined : 'deferrable';
    }
  }
}

/** Of a relation without a flaw; empty for `full`. */
const identityColumns = (facts: RelationFacts): readonly string[] => {
  if (facts.replicaIdentity === 'f') return [];
  if (facts.replicaIdentity === 'i') return facts.indexes.find(index => index.replicaIdentity)?.columns ?? [];
  return immediateKey(facts);
};

/**
 * The identity under which changes of a table arrive, or all reasons why they cannot be followed. `leaves` are the
 * partitions that hold the rows; empty for all other tables. `unpublished`: a generated column with which REPLICA IDENTITY
 * FULL would make updates fail, so that it is no remedy.
 */
export function replicaIdentity(
  table: RelationFacts,
  leaves: readonly RelationFacts[],
  unpublished?: string,
): ReplicaIdentity | Hindered {
  const kind = NOT_LOGGED[table.relkind];
  if (kind !== undefined) return { reasons: [`${tableLabel(table.id)} ${kind}`], after: null };
  const flawed: Flawed[] = [];
  for (const facts of [table, ...leaves]) {
    if (facts.persistence === 'u') flawed.push({ facts, flaw: 'unlogged', remedy: 'logged' });
  }
  const own = identityFlaw(table);
  const byDefault = immediateKey(table);
  if (own !== undefined) flawed.push({ facts: table, flaw: own, remedy: byDefault.length > 0 ? 'default' : 'full' });
  const key = own !== undefined || table.replicaIdentity === 'f' ? byDefault : identityColumns(table);
  let full = own === undefined ? table.replicaIdentity === 'f' : byDefault.length === 0;
  const isKey = (columns: readonly string[]): boolean => key.length > 0 && sameSet(columns, key);
  for (const facts of leaves) {
    if (NOT_LOGGED[facts.relkind] !== undefined) {
      flawed.push({ facts, flaw: 'foreign', remedy: 'none' });
      continue;
    }
    const flaw = identityFlaw(facts) ?? (facts.replicaIdentity === 'f' || isKey(identityColumns(facts)) ? undefined : 'other');
    // An index that somebody chose is left to those who need it: the whole row has its columns too.
    const remedy = flaw !== 'other' && isKey(immediateKey(facts)) ? 'default' : 'full';
    if (flaw !== undefined) flawed.push({ facts, flaw, remedy });
    if (flaw === undefined ? facts.replicaIdentity !== 'f' : remedy === 'default') full = false;
  }
  const identity: ReplicaIdentity = full ? { kind: 'full', columns: key } : { kind: 'key', columns: key };
  if (flawed.length === 0) return identity;
  const hopeless = flawed.some(({ remedy }) => remedy === 'none' || (remedy === 'full' && unpublished !== undefined));
  return { reasons: identityReasons(table, flawed, unpublished), after: hopeless ? null : identity };
}
