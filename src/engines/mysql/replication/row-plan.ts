import type { Followed } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import type { Position } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-template.ts';
import type { ValueWriter } from '../../../values/value-writer.ts';
import { ROWS_DELETE, type Rows, VALUE_ABSENT } from '../binlog/rows.ts';
import type { TableMap } from '../binlog/table-map.ts';
import type { TableLayout } from '../layout/column-layout.ts';
import type { MysqlColumn, MysqlTable } from '../table.ts';
import { columnType, type TypeOptions, type Writers, widthByLayout, writersFor } from '../types.ts';
import type { LogPlace } from './log-place.ts';

/** The column is not among those that the log brings, or not as it is now: it is read again by key. */
export const NOT_IN_LOG = -1;
/** The table has the column no more, or never had it: it is left out. */
export const NOWHERE = -2;

const NOTHING: readonly number[] = [];

/** How rows of one TABLE_MAP become records: made once, then used for every row until the table looks otherwise. */
export class RowPlan {
  readonly table: MysqlTable;
  readonly template: RecordTemplate;
  /** For each selected column, its place in the rows of the log; or NOT_IN_LOG, or NOWHERE. */
  readonly sources: Int32Array;
  /**
   * For each column of the log the selected column that it is, or -1; null where the selected ones come in another order, or
   * not all are in the log.
   */
  readonly inOrder: Int16Array | null;
  /** For each selected column. `text` writes what was read again. */
  readonly writers: readonly Writers[];
  /** For each selected column: writes a value of the log, without its length. */
  readonly values: readonly ValueWriter[];
  /** For each selected column: how many bytes of length stand in front of a value of the log. */
  readonly lengths: Uint8Array;
  /** For each column of the key, its place in the rows of the log; NOT_IN_LOG for one that the log lacks. */
  readonly keySources: Int32Array;
  /** For each column of the key: as `values` and `lengths`. */
  readonly keyValues: readonly ValueWriter[];
  readonly keyLengths: Uint8Array;
  /**
   * Only keys that went away are written: a snapshot comes with larger ordering keys and brings all that is there, but what
   * runs without a stored state have printed, and is deleted by now, only the log tells of. Were the layout wrong after
   * all, it would be a key that nobody has, or that the snapshot brings again.
   */
  readonly deletesOnly: boolean;
  /** The table has system versioning: an update may be a delete. Only keys that went away are written then. */
  readonly isVersioned: boolean;

  readonly #followed: Followed;
  #serial = -1;
  #since: Position | null = null;
  #wanted = false;

  /**
   * `layout` is that of the rows. `mayReread` says of a column whether its type is of the past, and the present one is as
   * the catalog promises: then it is read again. Throws SCHEMA_CHANGED for any other column of an unexpected type.
   */
  constructor(
    followed: Followed,
    map: TableMap,
    layout: TableLayout,
    template: RecordTemplate,
    options: {
      readonly types: TypeOptions;
      readonly mayReread: (column: MysqlColumn) => boolean;
      readonly deletesOnly: boolean;
      readonly isVersioned: boolean;
    },
  ) {
    const table = followed.selection.table as MysqlTable;
    const { columns } = followed.selection;
    const places = new Map(layout.columns.map((column, at) => [column.name, at]));
    const present = new Map(table.columns.map(column => [column.name, column]));
    this.#followed = followed;
    this.table = table;
    this.template = template;
    this.deletesOnly = options.deletesOnly;
    this.isVersioned = options.isVersioned;
    this.sources = Int32Array.from(columns, ({ name }) => places.get(name) ?? (present.has(name) ? NOT_IN_LOG : NOWHERE));
    this.writers = columns.map((column, at): Writers => {
      const source = this.sources[at] ?? NOWHERE;
      const now = present.get(column.name);
      const then = layout.columns[source];
      const past = then === undefined ? null : writersFor(columnType(then, options.types), column.type);
      if (past !== null) return past;
      const text = now === undefined ? null : writersFor(now.types, column.type);
      if (then === undefined && now === undefined) return UNREACHABLE;
      if (text !== null && (then === undefined || (now !== undefined && options.mayReread(now)))) {
        this.sources[at] = NOT_IN_LOG;
        return text;
      }
      const type = then?.columnType ?? now?.layout.columnType ?? 'gone';
      const detail = `column "${column.name}" of ${tableLabel(table.id)} is ${type} in the log, which is not what the catalog promises (${column.type.kind}).`;
      throw new ConnectorError('SCHEMA_CHANGED', detail, { table: table.id });
    });
    this.inOrder = inOrder(this.sources, map.columns.length);
    this.keySources = Int32Array.from(table.primaryKey, name => places.get(name) ?? NOT_IN_LOG);
    // What TABLE_MAP cannot tell of MariaDB's older times.
    for (const [at, column] of layout.columns.entries()) {
      const width = widthByLayout(column);
      if (width !== null) map.widths[at] = width;
    }
    this.values = this.writers.map((writers, at) => writerOf(writers, map, this.sources[at] ?? NOWHERE, layout));
    this.lengths = Uint8Array.from(this.sources, source => lengthOf(map, source));
    this.keyValues = [...this.keySources].map(source => {
      const column = layout.columns[source];
      const writers = column === undefined ? UNREACHABLE : columnType(column, { ...options.types, tinyint1: 'integer' });
      return writerOf(writers, map, source, layout);
    });
    this.keyLengths = Uint8Array.from(this.keySources, source => lengthOf(map, source));
  }

  /** Whether changes of the transaction at hand are wanted. */
  wants(place: LogPlace): boolean {
    const { since } = this.#followed;
    if (place.serial !== this.#serial || since !== this.#since) {
      this.#serial = place.serial;
      this.#since = since;
      this.#wanted = since !== null && !place.isIn(since);
    }
    return this.#wanted;
  }

  /** The selected columns that rows like the one at hand do not have: they are read again. */
  lacking(rows: Rows): readonly number[] {
    if (rows.kind === ROWS_DELETE) return NOTHING;
    const { sources } = this;
    const { before, after } = rows;
    const diffs = rows.isPartial ? (rows.table?.jsonColumns ?? NOTHING) : NOTHING;
    let lacking: number[] | null = null;
    for (let at = 0; at < sources.length; at++) {
      const source = sources[at] as number;
      const mayBeDiffs = diffs.length > 0 && diffs.includes(source);
      if (source === NOWHERE || (source >= 0 && after.marks[source] !== VALUE_ABSENT && !mayBeDiffs)) continue;
      if (source >= 0 && before.count > 0 && before.marks[source] !== VALUE_ABSENT) continue;
      lacking ??= [];
      lacking.push(at);
    }
    return lacking ?? NOTHING;
  }
}

/** See `RowPlan.inOrder`. */
function inOrder(sources: Int32Array, columns: number): Int16Array | null {
  const selected = new Int16Array(columns).fill(-1);
  let latest = -1;
  for (const [at, source] of sources.entries()) {
    if (source === NOWHERE) continue;
    if (source <= latest) return null;
    selected[source] = at;
    latest = source;
  }
  return selected;
}

/** The writer for the values of a column of the log. A type that does not fit its values is an error of the first of them. */
function writerOf({ binary }: Writers, map: TableMap, source: number, layout: TableLayout): ValueWriter {
  const column = map.columns[source];
  if (column === undefined) return unreachable;
  try {
    return binary(column.metadata, map.widths[source] ?? 0);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const table = { namespace: layout.schema, name: layout.name };
    const detail = `the column "${layout.columns[source]?.name}" of ${tableLabel(table)} is not as its type is in the log: ${error.detail}`;
    return () => {
      throw new ConnectorError(error.code, detail, { table });
    };
  }
}

const lengthOf = (map: TableMap, source: number): number => Math.max(0, -(map.widths[source] ?? 0));

const unreachable: ValueWriter = () => {
  throw new ConnectorError('INVARIANT', 'a column without a value was written');
};

const UNREACHABLE: Writers = { text: unreachable, binary: () => unreachable };
