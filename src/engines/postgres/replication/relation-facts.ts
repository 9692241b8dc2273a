import type { TableId } from '../../../contract/ids.ts';

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
