import { type TableId, tableLabel } from '../../../contract/ids.ts';
import { qualified } from '../sql.ts';

/** What `pg_class` and `pg_index` say about a relation that stores rows (or, partitioned, stands for them). */
export interface RelationFacts {
  readonly id: TableId;
  /** r table, p partitioned, f foreign table, v view, m materialized view. */
  readonly relkind: string;
  /** p permanent, u unlogged. */
  readonly persistence: string;
  /** d default, n nothing, f full, i index. */
  readonly replicaIdentity: string;
  readonly indexes: readonly IndexFacts[];
}

/** A valid primary key or replica identity index. */
export interface IndexFacts {
  readonly primary: boolean;
  readonly replicaIdentity: boolean;
  /** False for DEFERRABLE constraints. */
  readonly immediate: boolean;
  readonly columns: readonly string[];
}

/**
 * What the log says about the old row of an update or delete: `full` all of it, `key` the named columns.
 * For a partitioned table `full` only when all leaves are: the server marks the old row by the root's setting, but fills
 * it by the leaf's.
 */
export interface ReplicaIdentity {
  readonly kind: 'full' | 'key';
  readonly columns: readonly string[];
}

export interface Reason {
  readonly reason: string;
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(each => b.includes(each));

/** The primary key, if its checks are immediate: two rows that swap a deferrable key overwrite each other in the log's order. */
export const immediateKey = (facts: RelationFacts): readonly string[] =>
  facts.indexes.find(index => index.primary && index.immediate)?.columns ?? [];

/** The identity of one relation by its own settings, or why an update of it would fail once it is published. */
function ownIdentity(facts: RelationFacts): ReplicaIdentity | Reason {
  const name = tableLabel(facts.id);
  const table = qualified(facts.id);
  const full = `ALTER TABLE ${table} REPLICA IDENTITY FULL;`;
  switch (facts.replicaIdentity) {
    case 'f':
      return { kind: 'full', columns: [] };
    case 'n':
      return { reason: `${name} has REPLICA IDENTITY NOTHING. Run: ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;` };
    case 'i': {
      const index = facts.indexes.find(each => each.replicaIdentity);
      if (index !== undefined) return { kind: 'key', columns: index.columns };
      return { reason: `the replica identity index of ${name} is gone. Run: ALTER TABLE ${table} REPLICA IDENTITY DEFAULT;` };
    }
    default: {
      const primary = facts.indexes.find(each => each.primary);
      if (primary === undefined) {
        return {
          reason: `${name} has no primary key, so updates and deletes of it cannot be followed (and would fail once it is published). Add a primary key, or run: ${full}`,
        };
      }
      if (primary.immediate) return { kind: 'key', columns: primary.columns };
      return { reason: `the primary key of ${name} is DEFERRABLE, which the log cannot use. Run: ${full}` };
    }
  }
}

const NOT_LOGGED: Readonly<Record<string, string>> = {
  v: 'is a view: its changes are in no log',
  m: 'is a materialized view: its changes are in no log',
  f: 'is a foreign table: its changes are in the log of another server',
};

/** Whether the log has this relation's changes at all. */
function notLogged(facts: RelationFacts): Reason | undefined {
  const kind = NOT_LOGGED[facts.relkind];
  if (kind !== undefined) return { reason: `${tableLabel(facts.id)} ${kind}.` };
  if (facts.persistence !== 'u') return undefined;
  return { reason: `${tableLabel(facts.id)} is unlogged. Run: ALTER TABLE ${qualified(facts.id)} SET LOGGED;` };
}

/**
 * The identity under which changes of a table arrive, or the reason why they cannot be followed. `leaves` are the
 * partitions that hold the rows; empty for all other tables.
 */
export function replicaIdentity(table: RelationFacts, leaves: readonly RelationFacts[]): ReplicaIdentity | Reason {
  const unlogged = [table, ...leaves].map(notLogged).find(reason => reason !== undefined);
  if (unlogged !== undefined) return unlogged;
  const own = ownIdentity(table);
  if ('reason' in own) return own;
  let full = own.kind === 'full';
  const key = full ? immediateKey(table) : own.columns;
  for (const leaf of leaves) {
    const identity = ownIdentity(leaf);
    if ('reason' in identity) return identity;
    if (identity.kind === 'full') continue;
    full = false;
    if (key.length > 0 && sameSet(identity.columns, key)) continue;
    const where = `${tableLabel(leaf.id)}, a partition of ${tableLabel(table.id)},`;
    return {
      reason: `${where} has another replica identity than the whole. Run: ALTER TABLE ${qualified(leaf.id)} REPLICA IDENTITY FULL;`,
    };
  }
  return full ? { kind: 'full', columns: key } : { kind: 'key', columns: key };
}
