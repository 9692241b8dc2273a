import type { TableId } from '../../contract/ids.ts';
import type { Column, Table } from '../../contract/table.ts';
import type { TypeForm } from './catalog-queries.ts';
import type { Comparison } from './key-comparison.ts';
import type { ReplicaIdentity } from './replication/replica-identity.ts';
import type { Storage } from './replication/storage.ts';
import type { ColumnType, PgType } from './types.ts';

export interface PgColumn extends Column {
  readonly attnum: number;
  /** How its text form is written; `pg.logical` is `type`. */
  readonly pg: ColumnType;
  readonly pgType: PgType;
  readonly typeOid: number;
  readonly typmod: number;
  /** The type as SQL writes it, schema and modifier included: for casts. */
  readonly typeSql: string;
  /** The operators by which an index orders the column. */
  readonly comparison: Comparison;
  readonly ndims: number;
  /** Empty, `s` stored, `v` virtual (version 18). */
  readonly generated: string;
  /** Empty, `a` GENERATED ALWAYS AS IDENTITY, `d` BY DEFAULT. */
  readonly identity: string;
  readonly collation: string | null;
  /** May be stored out of line, so an update that leaves it alone does not bring its value. */
  readonly toastable: boolean;
  /** The transaction that last wrote the column's entry in the catalog. */
  readonly written: string;
  /** Of a virtual column (version 18); null: none. */
  readonly virtualExpression: number | null;
  /** Labels and attributes that the text of its values is made of, where users may change these. */
  readonly forms: readonly TypeForm[];
  /** The log brings it. False for generated columns that are not published, and outside a publication's column list. */
  readonly published: boolean;
}

/** A partition that holds rows. */
export interface PgLeaf {
  readonly oid: number;
  readonly id: TableId;
  readonly relkind: string;
  readonly heap: boolean;
  /** How it came to the root: see `LeafRow`. */
  readonly attached: string;
  readonly file: number;
  readonly toast: number;
  /** SELECT on the partition itself; the right on the root is enough to read through the root. */
  readonly readable: boolean;
  /** Its own row-level security hides rows from the role; read through the root, the root's counts alone. */
  readonly rowSecurity: boolean;
  readonly pages: number;
}

export interface PgTable extends Table {
  readonly columns: readonly PgColumn[];
  readonly oid: number;
  /** r table, p partitioned table, v view, m materialized view, f foreign table. */
  readonly relkind: string;
  /** p permanent, u unlogged. */
  readonly persistence: string;
  /** All of its storage is of access method heap: `ctid` is a page and a line. */
  readonly heap: boolean;
  /** Pages of 8 kB when last counted, without the leaves'. */
  readonly pages: number;
  /** A partition offered as a table of its own, since the publication publishes partitions as themselves. */
  readonly isPartition: boolean;
  /** Partitioned tables: the partitions that hold the rows. */
  readonly leaves: readonly PgLeaf[];
  /** It is read with the rows of the tables that inherit from it, since they are not all offered as tables of their own. */
  readonly withChildren: boolean;
  /** What updates and deletes bring of the old row; null where `follow` is a reason. */
  readonly replicaIdentity: ReplicaIdentity | null;
  /** Columns of the primary key, in index order: what a snapshot can be paged by. Empty: none, or not readable. */
  readonly keyset: readonly string[];
  /** WHERE of the user's publication: rows outside do not come by the log, so a snapshot must leave them out too. */
  readonly rowFilter: string | null;
  /**
   * The transactions that last wrote what in the catalog decides whether the publication has the table: two entries that
   * are alike prove that it had the table all the while in between. Null: there is no publication yet.
   */
  readonly entry: string | null;
  /** See `Publication.removals`. */
  readonly removals: number | null;
  /** The server lets the table be made unlogged although it is published: it is not listed by name. */
  readonly mayBeUnlogged: boolean;
  readonly storage: Storage;
  /** Transactions before this one, a 64-bit id in digits, had ended when the table was looked at. */
  readonly horizon: string;
}
