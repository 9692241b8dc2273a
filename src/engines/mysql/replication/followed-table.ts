import type { Followed, Logger } from '../../../contract/engine.ts';
import type { JsonObject, Position } from '../../../contract/ids.ts';
import { layoutFromJson, memoOfLayout } from '../layout/column-layout.ts';
import type { LayoutCatalog } from '../layout/layout-catalog.ts';
import type { TableName } from '../layout/sql-tokens.ts';
import type { MysqlTable } from '../table.ts';
import { ShownValues } from './shown-values.ts';

/** A place that no log reaches: until `origin` says where. */
export const NEVER = {} as Position;

/** A followed table, and how much is known of its columns at the place where the log is. */
export class FollowedTable {
  readonly followed: Followed;
  readonly table: MysqlTable;
  readonly name: TableName;
  readonly shown: ShownValues;
  /** What the memo was when it was last taken over or written. */
  memo: JsonObject | null;
  /** The layout known is that of this later place; null: of the log's own place. */
  ahead: Position | null = null;
  /** Why rows before `ahead` may be left out: the table gets a snapshot that shows them, or shows what became of them. */
  snapshotComes: boolean;

  constructor(followed: Followed, log: Logger) {
    this.followed = followed;
    this.table = followed.selection.table as MysqlTable;
    this.name = { schema: this.table.id.namespace, name: this.table.id.name };
    this.memo = followed.memo;
    this.snapshotComes = followed.awaitsOrigin;
    this.shown = new ShownValues(followed.selection, log);
  }

  /** Its rows here are those of a time whose layout is not known for certain; a snapshot shows what became of them. */
  get waitsForSnapshot(): boolean {
    return this.ahead !== null && this.snapshotComes;
  }

  /** Puts into the catalog what the memo says. Throws STATE_INVALID. */
  takeMemo(memo: JsonObject, catalog: LayoutCatalog): void {
    const { at, unknown, absent, columns } = memo;
    const { name } = this;
    const layout = columns === undefined ? null : layoutFromJson({ ...memo, ...name });
    this.shown.set(layout, memo);
    if (absent === true) catalog.forget(name);
    else if (typeof unknown === 'string') catalog.put(name, { table: name, why: unknown });
    else catalog.set(layout ?? layoutFromJson(memo));
    this.memo = memo;
    this.ahead = at === undefined ? null : (at as Position);
    if (at !== undefined) this.snapshotComes = true;
  }

  /** Sets the memo by what the catalog knows. False: it says that already. */
  note(catalog: LayoutCatalog): boolean {
    const known = catalog.find(this.name);
    const { layout } = this.shown;
    const shown = layout === null ? {} : memoOfLayout(layout);
    const said =
      known === undefined
        ? { ...shown, absent: true }
        : 'layout' in known
          ? memoOfLayout(known.layout)
          : { ...shown, unknown: known.why };
    const memo: JsonObject = { ...said, ...this.shown.toJson() };
    if (JSON.stringify(memo) === JSON.stringify(this.memo)) return false;
    this.memo = memo;
    this.followed.memo = memo;
    return true;
  }
}
