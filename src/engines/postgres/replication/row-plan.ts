import type { Followed } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Position } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-template.ts';
import type { ValueWriter } from '../../../values/value-writer.ts';
import { fromPosition } from '../position.ts';
import type { PgColumn, PgTable } from '../table.ts';
import { type ColumnType, columnType, type PgType, writerFor } from '../types.ts';
import type { Relation, RelationColumn } from '../wire/relation.ts';
import type { Computation } from './computed.ts';

/** The column is not among those that the log brings, or not as it is now: it is read again by key. */
export const NOT_IN_LOG = -1;
/** The table has the column no more, or never had it: it is left out. */
export const NOWHERE = -2;

/**
 * How rows of one relation become records: made once for each Relation message, then used for every row until the next.
 */
export class RowPlan {
  readonly table: PgTable;
  readonly template: RecordTemplate;
  /** For each selected column, its index in the tuples of the log; or NOT_IN_LOG, or NOWHERE. */
  readonly sources: Int32Array;
  /** For each selected column. */
  readonly writers: readonly ValueWriter[];
  /** Index in the tuples of each column of the key; NOT_IN_LOG for one that the log lacks. */
  readonly keySources: Int32Array;
  /** For each selected column, whether it belongs to the key: deletes carry these. */
  readonly keyColumns: Uint8Array;
  /** Selected columns that every insert and update has to look up. */
  readonly absent: readonly number[];
  /** Changes of partitions arrive as changes of the table. */
  readonly partitioned: boolean;
  /** New rows have all columns of the key that the table has now. */
  readonly carriesKey: boolean;
  /**
   * Old rows come with the key that the table has now, and an update without an old row has left it alone. False for log
   * that was written under another replica identity or another primary key.
   */
  readonly namesRows: boolean;
  /** Where no row can be read again: what can be had from the rest of it. */
  computation: Computation | null = null;

  readonly #followed: Followed;
  /** Columns of the replica identity as of the relation. */
  readonly #identity: readonly string[];
  #since: Position | null = null;
  #sinceLsn = Number.POSITIVE_INFINITY;

  /**
   * `retyped` are columns whose type in the relation is of the past: what cannot be written from the log as the catalog
   * promises is then read again. Throws SCHEMA_CHANGED for any other column of an unexpected type.
   */
  constructor(
    followed: Followed,
    table: PgTable,
    relation: Relation,
    template: RecordTemplate,
    types: RowTypes,
    retyped: ReadonlySet<string>,
  ) {
    const { columns } = followed.selection;
    const index = new Map(relation.columns.map((column, at) => [column.name, at]));
    const known = new Map(table.columns.map(column => [column.name, column]));
    const sourceOf = (name: string): number => index.get(name) ?? (known.has(name) ? NOT_IN_LOG : NOWHERE);
    this.#followed = followed;
    this.table = table;
    this.template = template;
    this.sources = Int32Array.from(columns, column => sourceOf(column.name));
    this.writers = columns.map((column, at) => {
      const source = this.sources[at] ?? NOWHERE;
      const current = known.get(column.name);
      const announced = relation.columns[source];
      if (announced === undefined && current === undefined) return unreachable;
      const actual = announced === undefined ? (current as PgColumn).pg : types.announced(announced, current);
      const write = writerFor(actual, column.type);
      if (write !== null) return write;
      const present = current === undefined ? null : writerFor(current.pg, column.type);
      if (present !== null && retyped.has(column.name) && !table.primaryKey.includes(column.name)) {
        this.sources[at] = NOT_IN_LOG;
        return present;
      }
      const type = announced === undefined ? 'its present type' : types.nameOf(announced.typeOid);
      const detail = `column "${column.name}" of ${tableLabel(table.id)} is ${type} in the log, which is not what the catalog promises (${column.type.kind}).`;
      throw new ConnectorError('SCHEMA_CHANGED', detail, { table: table.id });
    });
    this.keySources = Int32Array.from(table.primaryKey, name => index.get(name) ?? NOT_IN_LOG);
    this.keyColumns = Uint8Array.from(columns, column => (table.primaryKey.includes(column.name) ? 1 : 0));
    this.absent = [...this.sources.keys()].filter(at => this.sources[at] === NOT_IN_LOG);
    this.partitioned = table.relkind === 'p';
    const identity = relation.columns.flatMap((column, at) => (column.isKey ? [at] : []));
    // Where the rows were named by more columns than the key has now, two of them may have had this key at the same time.
    const key = this.keySources;
    const identified = key.length > 0 && key.length === identity.length && key.every(source => identity.includes(source));
    this.carriesKey = this.keySources.every(source => source >= 0);
    this.namesRows = relation.replicaIdentity === 'f' || identified;
    this.#identity = identity.map(at => relation.columns[at]?.name ?? '');
  }

  /** The table has no place in the log yet: what it is now comes with a snapshot. */
  get snapshotComes(): boolean {
    return this.#followed.awaitsOrigin;
  }

  /** What to say of a change whose row cannot be told by the present key. */
  keyChanged(): ConnectorError {
    const { id, primaryKey } = this.table;
    const key = primaryKey.length === 0 ? 'none' : primaryKey.join(', ');
    const detail =
      `the key of ${tableLabel(id)} is ${key} now, but the log has changes from before, which name rows by ${this.#identity.join(', ')}. ` +
      'Refresh the source schema and clear the stream, so that it is read anew.';
    return new ConnectorError('SCHEMA_CHANGED', detail, { table: id });
  }

  /** Whether changes of the transaction whose commit record begins at `commitLsn` are wanted. */
  wants(commitLsn: number): boolean {
    const { since } = this.#followed;
    if (since !== this.#since) {
      this.#since = since;
      this.#sinceLsn = since === null ? Number.POSITIVE_INFINITY : fromPosition(since).lsn;
    }
    return commitLsn >= this.#sinceLsn;
  }
}

const unreachable: ValueWriter = () => {
  throw new ConnectorError('INVARIANT', 'a column without a value was written');
};

/** Types by oid, as the server's catalog has them now. */
export class RowTypes {
  readonly #types: ReadonlyMap<number, PgType>;
  readonly #nativeJson: boolean;

  constructor(types: ReadonlyMap<number, PgType>, nativeJson: boolean) {
    this.#types = types;
    this.#nativeJson = nativeJson;
  }

  /** The type in a Relation message, which does not tell an array's depth; one that the catalog has no more is its text. */
  announced(column: RelationColumn, current: PgColumn | undefined): ColumnType {
    const type = this.#types.get(column.typeOid) ?? current?.pgType;
    const known = type?.oid === column.typeOid ? type : { ...UNKNOWN, oid: column.typeOid };
    return columnType(known, column.typmod, current?.ndims ?? 1, { nativeJson: this.#nativeJson });
  }

  nameOf(oid: number): string {
    return this.#types.get(oid)?.name ?? `type ${oid}`;
  }
}

const UNKNOWN: PgType = {
  oid: 0,
  name: 'unknown',
  namespace: 'pg_catalog',
  typtype: 'b',
  typcategory: 'X',
  typelem: 0,
  typdelim: ',',
  typbasetype: 0,
  typmod: -1,
  ndims: 0,
};
