import type { Followed, Logger } from '../../../contract/engine.ts';
import type { Json, JsonObject, Position } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-writer.ts';
import type { TableMap } from '../binlog/table-map.ts';
import type { TextDefaults } from '../layout/column-definition.ts';
import { type ColumnLayout, layoutFromJson, layoutToJson, type TableLayout } from '../layout/column-layout.ts';
import { followStatement, type LayoutEffect } from '../layout/ddl.ts';
import { layoutFromTableMap } from '../layout/from-table-map.ts';
import { LayoutCatalog, type LayoutRules } from '../layout/layout-catalog.ts';
import { columnMismatch, mismatch } from '../layout/match.ts';
import type { StatementContext } from '../layout/sql-tokens.ts';
import { covers } from '../position.ts';
import type { MysqlColumn, MysqlTable } from '../table.ts';
import type { TypeOptions } from '../types.ts';
import type { LogPlace } from './log-place.ts';
import { RowPlan } from './row-plan.ts';
import { changedByStatement, changesRows, uncertain } from './uncertain.ts';

export interface LogTablesOptions {
  readonly rules: LayoutRules;
  readonly types: TypeOptions;
  /** Defaults of the databases now. */
  readonly databases: Readonly<Record<string, TextDefaults>>;
  /** `binlog_row_metadata=FULL` now: nothing needs to be remembered of tables that are not followed. */
  readonly namesInLog: boolean;
  /** Up to where the log must be read for the present layouts to hold. */
  readonly present: Position;
  readonly template: (followed: Followed) => RecordTemplate;
  readonly log: Logger;
}

/** A followed table, and how much is known of its columns at the place where the log is. */
interface Entry {
  readonly followed: Followed;
  readonly table: MysqlTable;
  /** What the memo was when it was last taken over or written. */
  memo: JsonObject | null;
  /** The layout known is that of this later place; null: of the log's own place. */
  ahead: Position | null;
  /** Why rows before `ahead` may be left out: the table gets a snapshot that shows them, or shows what became of them. */
  snapshotComes: boolean;
}

/** The rows of this TABLE_MAP are of a followed table, and cannot be told for certain, and need not. */
export const LEFT_OUT = 'left out';

/**
 * The layouts of the followed tables at the place where the log is read: taken from the memos and the position, moved on by
 * the statements of the log, held against every TABLE_MAP, and noted for the state.
 */
export class LogTables {
  readonly #options: LogTablesOptions;
  readonly #catalog: LayoutCatalog;
  readonly #entries = new Map<string, Entry>();
  readonly #noted = new Set<Followed>();
  #ahead = 0;
  /** The log is at a place where columns may have had other types than those that were discovered for this read. */
  #isPast: boolean;
  #plans = new WeakMap<TableMap, RowPlan | typeof LEFT_OUT | null>();

  constructor(followed: readonly Followed[], from: Position, options: LogTablesOptions) {
    this.#options = options;
    const { tables } = from as JsonObject;
    const names = followed.map(({ selection }) => nameOf(selection.table as MysqlTable));
    this.#catalog = LayoutCatalog.fromJson((tables ?? {}) as JsonObject, { rules: options.rules, followed: names });
    for (const [name, defaults] of Object.entries(options.databases)) {
      if (this.#catalog.databaseDefaults(name) === null) this.#catalog.setDatabaseDefaults(name, defaults);
    }
    this.#isPast = !covers(from, options.present);
    for (const each of followed) this.#add(each, from);
  }

  #add(followed: Followed, from: Position): void {
    const table = followed.selection.table as MysqlTable;
    const { memo, since, awaitsOrigin } = followed;
    const entry: Entry = { followed, table, memo, ahead: null, snapshotComes: awaitsOrigin };
    this.#entries.set(this.#catalog.keyOf(nameOf(table)), entry);
    if (memo === null) {
      entry.ahead = awaitsOrigin ? NEVER : this.#options.present;
      this.#catalog.set(table.layout);
    } else {
      this.#takeMemo(entry, memo);
      // Tables with positions of their own: what is known is of there.
      if (entry.ahead === null && since !== null && !covers(from, since)) {
        entry.ahead = since;
        entry.snapshotComes = true;
      }
    }
    if (entry.ahead !== null && entry.ahead !== NEVER && covers(from, entry.ahead)) {
      entry.ahead = null;
      this.#note(entry);
    }
    if (entry.ahead !== null) this.#ahead += 1;
  }

  #takeMemo(entry: Entry, memo: JsonObject): void {
    const { at, unknown, absent } = memo;
    const name = nameOf(entry.table);
    if (absent === true) this.#catalog.forget(name);
    else if (typeof unknown === 'string') this.#catalog.put(name, { table: name, why: unknown });
    else this.#catalog.set({ ...layoutFromJson(memo), ...name });
    entry.memo = memo;
    entry.ahead = at === undefined ? null : (at as Position);
    if (at !== undefined) entry.snapshotComes = true;
  }

  /** `origin` has set the memo of this table. */
  adopt(followed: Followed): void {
    const entry = [...this.#entries.values()].find(each => each.followed === followed);
    if (entry === undefined || followed.memo === null) return;
    const was = entry.ahead !== null;
    this.#takeMemo(entry, followed.memo);
    this.#ahead += Number(entry.ahead !== null) - Number(was);
    this.#plans = new WeakMap();
  }

  /** Behind a transaction: layouts that were of a later place may be of this one now. */
  reached(place: LogPlace): void {
    if (this.#isPast && place.covers(this.#options.present)) {
      this.#isPast = false;
      this.#plans = new WeakMap();
    }
    if (this.#ahead === 0) return;
    for (const entry of this.#entries.values()) {
      if (entry.ahead === null || entry.ahead === NEVER || !place.covers(entry.ahead)) continue;
      entry.ahead = null;
      this.#ahead -= 1;
      this.#plans = new WeakMap();
      this.#note(entry);
    }
  }

  /** How the rows of this TABLE_MAP become records; null: the table is not followed. Throws SCHEMA_CHANGED. */
  planOf(map: TableMap): RowPlan | typeof LEFT_OUT | null {
    let plan = this.#plans.get(map);
    if (plan === undefined) {
      plan = this.#compile(map);
      this.#plans.set(map, plan);
    }
    return plan;
  }

  #compile(map: TableMap): RowPlan | typeof LEFT_OUT | null {
    const entry = this.#entries.get(this.#catalog.keyOf({ schema: map.schema, name: map.table }));
    if (entry === undefined) return null;
    const layout = this.#layoutOf(map, entry);
    if (layout === null) return LEFT_OUT;
    const { types, template } = this.#options;
    // A type that is newer than this read the catalog cannot know: the present one may not be what is read again.
    const mayReread = ({ name }: MysqlColumn): boolean => this.#isPast && !entry.table.primaryKey.includes(name);
    return new RowPlan(entry.followed, map, layout, template(entry.followed), { types, mayReread });
  }

  #layoutOf(map: TableMap, entry: Entry): TableLayout | null {
    const { flavor } = this.#options.types;
    const { table } = entry;
    const named = map.columns.every(column => column.name !== undefined);
    if (entry.ahead !== null && entry.snapshotComes && !named) return null;
    const known = this.#catalog.find(nameOf(table));
    const layout = known !== undefined && 'layout' in known ? known.layout : null;
    const why = layout === null ? null : mismatch(map, layout, flavor);
    if (layout !== null && why === null) return layout;
    const sent = named ? layoutFromTableMap(map, bestOf(map, [layout, table.layout])) : null;
    const selected = new Set(entry.followed.selection.columns.map(column => column.name));
    const unclear = sent?.ambiguous.filter(name => selected.has(name)) ?? [];
    if (sent !== null && unclear.length === 0) {
      if (entry.ahead === null) {
        this.#catalog.set({ ...sent.layout, ...nameOf(table) });
        this.#note(entry);
      }
      return sent.layout;
    }
    if (entry.ahead !== null && entry.snapshotComes) return null;
    const reason =
      unclear.length > 0
        ? `the types of ${unclear.join(', ')} cannot be told from the log`
        : known !== undefined && 'why' in known
          ? known.why
          : (why?.why ?? 'its columns are not known');
    throw uncertain(table, reason);
  }

  /** A statement of the log. Throws SCHEMA_CHANGED where reading on could be wrong. */
  statement(sql: string, context: StatementContext): void {
    const effects = followStatement(this.#catalog, sql, context);
    if (effects.length === 0) return;
    this.#plans = new WeakMap();
    for (const effect of effects) {
      const entry = this.#entries.get(this.#catalog.keyOf(effect.table));
      if (entry === undefined) continue;
      if (entry.ahead === null) this.#apply(entry, effect, sql);
      else this.#keepAhead(entry, effect, sql);
    }
  }

  /** What is known of the table is of a later place, where this statement has had its effect. */
  #keepAhead(entry: Entry, effect: LayoutEffect, sql: string): void {
    const { table, memo } = entry;
    if (effect.kind === 'uncertain' && changesRows(sql) && !entry.snapshotComes) throw changedByStatement(table);
    const changes = effect.kind === 'altered' || effect.kind === 'replaced' || effect.kind === 'uncertain';
    if (changes && !entry.snapshotComes && !this.#options.namesInLog) {
      throw uncertain(table, 'its columns were changed between the configured position and now');
    }
    if (memo === null) this.#catalog.set(table.layout);
    else this.#takeMemo(entry, memo);
  }

  #apply(entry: Entry, effect: LayoutEffect, sql: string): void {
    const { table } = entry;
    const { log, namesInLog } = this.#options;
    const label = tableLabel(table.id);
    const gone = 'The rows stay at the destination: no delete records exist for them. Refresh the stream to empty it there too.';
    switch (effect.kind) {
      case 'altered':
        break;
      case 'replaced':
        if (effect.from !== null)
          log.info(`${effect.from.schema}.${effect.from.name} took the name ${label}; its changes are followed.`);
        else log.warn(`${label} was created anew. ${gone}`);
        break;
      case 'dropped':
        log.warn(`${label} was dropped. ${gone}`);
        break;
      case 'renamed':
        log.warn(`${label} was renamed to ${effect.to.schema}.${effect.to.name}; what happens to it there is not followed.`);
        break;
      case 'rows-removed':
        log.warn(
          `${effect.how} of ${label}: the rows are gone at the source, but no delete records exist for them. Refresh the stream to empty it at the destination too.`,
        );
        return;
      case 'uncertain':
        if (changesRows(sql)) throw changedByStatement(table);
        if (!namesInLog) throw uncertain(table, effect.why);
        break;
    }
    this.#note(entry);
  }

  #note(entry: Entry): void {
    const known = this.#catalog.find(nameOf(entry.table));
    const memo: JsonObject =
      known === undefined ? { absent: true } : 'layout' in known ? layoutToJson(known.layout) : { unknown: known.why };
    if (JSON.stringify(memo) === JSON.stringify(entry.memo)) return;
    entry.memo = memo;
    entry.followed.memo = memo;
    this.#noted.add(entry.followed);
  }

  /** Tables whose memo has changed since the last call; null: none. */
  takeNoted(): readonly Followed[] | null {
    if (this.#noted.size === 0) return null;
    const noted = [...this.#noted];
    this.#noted.clear();
    return noted;
  }

  /** What the position must say of other tables, which may be given a followed name later; null: nothing. */
  others(): JsonObject | null {
    if (this.#options.namesInLog) return null;
    const { layouts = [], unknown = [], databases = {} } = this.#catalog.toJson();
    const isOther = (json: Json): boolean => {
      const { schema, name } = json as { schema: string; name: string };
      return !this.#catalog.isFollowed({ schema, name });
    };
    const made = (layouts as readonly Json[]).filter(isOther);
    const lost = (unknown as readonly Json[]).filter(isOther);
    if (made.length === 0 && lost.length === 0) return null;
    return { layouts: made, databases, ...(lost.length > 0 ? { unknown: lost } : {}) };
  }
}

/** A place that no log reaches: until `origin` says where. */
const NEVER = {} as Position;

const nameOf = ({ id }: MysqlTable): { schema: string; name: string } => ({ schema: id.namespace, name: id.name });

/** For each column that the log names, the first of the layouts that knows one of that name which fits. */
function bestOf(map: TableMap, layouts: readonly (TableLayout | null)[]): TableLayout | null {
  const [first] = layouts.filter(layout => layout !== null);
  if (first === undefined) return null;
  const columns = map.columns.flatMap((sent): readonly ColumnLayout[] => {
    for (const layout of layouts) {
      const column = layout?.columns.find(({ name }) => name === sent.name);
      if (column !== undefined && columnMismatch(sent, column) === null) return [column];
    }
    return [];
  });
  return { ...first, columns };
}
