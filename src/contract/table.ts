import type { LogicalType } from '../values/logical-type.ts';
import type { TableId } from './ids.ts';

export interface Column {
  readonly name: string;
  readonly type: LogicalType;
  readonly nullable: boolean;
}

/** A table as `discover` offers it. Engines may return richer objects; the core hands the same object back. */
export interface Table {
  readonly id: TableId;
  readonly columns: readonly Column[];
  /** The key that snapshot rows, changes and deletes all carry; empty when there is none. */
  readonly primaryKey: readonly string[];
  /** Whether changes can be read from the log without losing any; otherwise the reason, for people. */
  readonly follow: true | { readonly reason: string };
  /** Whether a snapshot that is not followed by the log can go on after an interruption. */
  readonly resumable: boolean;
  /** Changes when the table is dropped and created again, or leaves and re-enters the log. */
  readonly identity: string;
  readonly estimatedRows?: number;
  readonly estimatedBytes?: number;
}

/**
 * A table as the user wants it: some of its columns, in the types that the configured catalog promises to the
 * destination. An engine writes values of those types, or refuses with SCHEMA_CHANGED.
 */
export interface Selection {
  readonly table: Table;
  readonly columns: readonly Column[];
  /** The columns by which the destination tells the table's rows apart, as the catalog has it; absent: by none. */
  readonly key?: readonly string[];
}
