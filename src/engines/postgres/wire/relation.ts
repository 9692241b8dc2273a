/** A column as a Relation message announces it. */
export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  /** `atttypmod`; -1 where the type has no modifier. */
  readonly typmod: number;
  /** Part of the replica identity. With identity `full`, every column is. */
  readonly isKey: boolean;
}

/** `pg_class.relreplident`: d default (primary key), n nothing, f full (all columns), i a chosen index. */
export type ReplicaIdentity = 'd' | 'n' | 'f' | 'i';

/**
 * The shape of a table's tuples in the log from one Relation message on. Every Relation message makes a new object, so a
 * plan compiled for one may be kept by identity.
 */
export interface Relation {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly replicaIdentity: ReplicaIdentity;
  /** Published columns only, in the order of the tuples. */
  readonly columns: readonly RelationColumn[];
}
