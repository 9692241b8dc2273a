import type { Followed, Logger } from '../../../contract/engine.ts';
import type { JsonObject, Position } from '../../../contract/ids.ts';
import type { RecordTemplate } from '../../../contract/record-template.ts';
import type { TableMap } from '../binlog/table-map.ts';
import type { TextDefaults } from '../layout/column-definition.ts';
import type { TableLayout } from '../layout/column-layout.ts';
import { followStatement, type LayoutEffect } from '../layout/ddl.ts';
import { type KnownTable, LayoutCatalog, type LayoutRules } from '../layout/layout-catalog.ts';
import type { TableChange } from '../layout/moved-values.ts';
import type { StatementContext, TableName } from '../layout/sql-tokens.ts';
import { covers } from '../position.ts';
import type { MysqlColumn } from '../table.ts';
import type { TypeOptions } from '../types.ts';
import { FollowedTable, NEVER } from './followed-table.ts';
import { holdKey, withSentKey } from './held-key.ts';
import { completedBy, hasOtherColumns, LayoutCheck, type PresentLayouts } from './layout-check.ts';
import type { LogPlace } from './log-place.ts';
import { nameOf as nameOfKnown, type Prepared } from './prepared.ts';
import { isNamed, rowLayout } from './row-layout.ts';
import { RowPlan } from './row-plan.ts';
import { changedByStatement, tellEffect, uncertain } from './uncertain.ts';
import { looksVersioned, versioned } from './versioned.ts';

export interface LogTablesOptions {
  readonly rules: LayoutRules;
  readonly types: TypeOptions;
  /** Defaults of the databases now. */
  readonly databases: Readonly<Record<string, TextDefaults>>;
  /** `binlog_row_metadata=FULL` now: nothing needs to be remembered of tables that are not followed. */
  readonly namesInLog: boolean;
  /** Up to where the log must be read for the present layouts to hold, and they: none where the log names its columns. */
  readonly present: PresentLayouts;
  readonly template: (followed: Followed) => RecordTemplate;
  readonly log: Logger;
}

/** Nobody knows the statement, nor in which mode it ran. */
const UNSEEN: TableChange = { strictness: 'strict' };
/** Copied by statements that take what they can get, as those of gh-ost. */
const COPIED: TableChange = { strictness: 'lenient' };

/** The rows of this TABLE_MAP are of a followed table, and cannot be told for certain, and need not. */
export const LEFT_OUT = 'left out';

/**
 * The layouts of the followed tables at the place where the log is read: taken from the memos and the position, moved on by
 * the statements of the log, held against every TABLE_MAP, and noted for the state.
 */
export class LogTables {
  readonly #options: LogTablesOptions;
  readonly #catalog: LayoutCatalog;
  readonly #entries = new Map<string, FollowedTable>();
  readonly check: LayoutCheck;
  readonly #noted = new Set<Followed>();
  #ahead = 0;
  /** The log is at a place where columns may have had other types than those that were discovered for this read. */
  #isPast: boolean;
  #plans = new WeakMap<TableMap, RowPlan | typeof LEFT_OUT | null>();

  constructor(followed: readonly Followed[], from: Position, options: LogTablesOptions) {
    this.#options = options;
    this.check = new LayoutCheck(options.present);
    const { tables } = from as JsonObject;
    const entries = followed.map(each => new FollowedTable(each, options.log));
    const names = entries.map(({ name }) => name);
    this.#catalog = LayoutCatalog.fromJson((tables ?? {}) as JsonObject, { rules: options.rules, followed: names });
    for (const [name, defaults] of Object.entries(options.databases)) {
      if (this.#catalog.databaseDefaults(name) === null) this.#catalog.setDatabaseDefaults(name, defaults);
    }
    this.#isPast = !covers(from, options.present.at);
    for (const each of entries) this.#add(each, from);
  }

  #add(entry: FollowedTable, from: Position): void {
    const { followed, table, memo } = entry;
    const { since, awaitsOrigin } = followed;
    this.#entries.set(this.#catalog.keyOf(entry.name), entry);
    if (memo === null) {
      entry.ahead = awaitsOrigin ? NEVER : this.#options.present.at;
      entry.shown.set(table.layout);
      this.#catalog.set(table.layout);
    } else {
      entry.takeMemo(memo, this.#catalog);
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
    // Also where the log has no rows under the other key: the destination has those from before.
    const known = this.#followedLayout(entry.name);
    if (memo !== null && known !== null) holdKey(followed, known, 'where the read goes on');
  }

  /** `origin` has set the memo of this table. */
  adopt(followed: Followed): void {
    const entry = [...this.#entries.values()].find(each => each.followed === followed);
    if (entry === undefined || followed.memo === null) return;
    const was = entry.ahead !== null;
    entry.takeMemo(followed.memo, this.#catalog);
    this.#ahead += Number(entry.ahead !== null) - Number(was);
    this.#plans = new WeakMap();
  }

  /** Behind a transaction: layouts that were of a later place may be of this one now. */
  reached(place: LogPlace): void {
    const seen = this.check.reached(place, present => this.#isUnlike(present));
    for (const present of seen.alike) this.#complete(present);
    for (const present of seen.unlike) this.#correct(present);
    if (this.#isPast && place.covers(this.#options.present.at)) {
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

  /** Whether the table, as the catalog has it at this place, is not as the log leaves it. */
  #isUnlike(present: TableLayout): boolean {
    const entry = this.#entries.get(this.#catalog.keyOf(present));
    const known = this.#catalog.find(present);
    if (entry === undefined || entry.ahead !== null || known === undefined) return false;
    if (!('layout' in known)) return this.#options.namesInLog;
    return hasOtherColumns(known.layout, present) || entry.shown.wouldMove(present, UNSEEN);
  }

  /** It is alike: what statements do not tell is taken from the catalog. */
  #complete(present: TableLayout): void {
    const entry = this.#entries.get(this.#catalog.keyOf(present));
    const known = this.#followedLayout(present);
    const completed = known === null ? null : completedBy(known, present);
    if (entry === undefined || completed === null) return;
    this.#catalog.set(completed);
    entry.shown.set(completed, entry.shown.toJson());
    this.#note(entry);
  }

  /** A statement is missing from the log: only where it names the columns of rows can it be read on without that. */
  #correct(present: TableLayout): void {
    const entry = this.#entries.get(this.#catalog.keyOf(present));
    if (entry === undefined) return;
    const known = this.#followedLayout(present);
    if (!this.#options.namesInLog && known !== null && hasOtherColumns(known, present)) {
      const why = 'its columns are not those that the log leaves it with: a statement is missing from the log (sql_log_bin = 0)';
      throw uncertain(entry.table, why);
    }
    entry.shown.move(present, UNSEEN);
    this.#catalog.set(present);
    this.#plans = new WeakMap();
    this.#note(entry);
  }

  /** The layout at the place where the log is, if it is known. */
  #followedLayout(table: TableName): TableLayout | null {
    const known = this.#catalog.find(table);
    const isHere = this.#entries.get(this.#catalog.keyOf(table))?.ahead === null;
    return isHere && known !== undefined && 'layout' in known ? known.layout : null;
  }

  /** Every table gets a snapshot that shows what is committed here. */
  get allAwaitSnapshots(): boolean {
    return [...this.#entries.values()].every(entry => entry.ahead !== null && entry.snapshotComes);
  }

  /**
   * How the rows of this TABLE_MAP become records; null: the table is not followed. `was`: the rows stand further ahead in the
   * log, and these tables were altered in between. Throws SCHEMA_CHANGED.
   */
  planOf(map: TableMap, was?: readonly KnownTable[]): RowPlan | typeof LEFT_OUT | null {
    let plan = this.#plans.get(map);
    if (plan === undefined) {
      plan = this.#compile(map, was);
      this.#plans.set(map, plan);
    }
    return plan;
  }

  /** Up to where changes of its table are left out. */
  sinceOf = ({ schema, table: name }: TableMap): Position | null =>
    this.#entries.get(this.#catalog.keyOf({ schema, name }))?.followed.since ?? null;

  #compile(map: TableMap, was: readonly KnownTable[] | undefined): RowPlan | typeof LEFT_OUT | null {
    const key = this.#catalog.keyOf({ schema: map.schema, name: map.table });
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    const past = was?.find(known => this.#catalog.keyOf(nameOfKnown(known)) === key);
    const known = past ?? this.#catalog.find(entry.name);
    const found = this.#layoutOf(map, entry, { known, isPast: was !== undefined });
    if (found === null) return LEFT_OUT;
    const { layout, isSent } = found;
    const isVersioned = isSent && this.#options.types.flavor === 'mariadb' && looksVersioned(map, entry.table.layout);
    if (isVersioned && !entry.waitsForSnapshot) throw versioned(entry.table);
    if (!entry.waitsForSnapshot) holdKey(entry.followed, withSentKey(layout, map), 'at this place in the log');
    const { types, template } = this.#options;
    // A type that is newer than this read the catalog cannot know: the present one may not be what is read again.
    const mayReread = ({ name }: MysqlColumn): boolean =>
      (this.#isPast || past !== undefined) && !entry.table.primaryKey.includes(name);
    const deletesOnly = entry.waitsForSnapshot && (isVersioned || !isNamed(map));
    const options = { types, mayReread, deletesOnly, isVersioned };
    const plan = new RowPlan(entry.followed, map, layout, template(entry.followed), options);
    return deletesOnly && plan.keySources.some(source => source < 0) ? LEFT_OUT : plan;
  }

  #layoutOf(
    map: TableMap,
    entry: FollowedTable,
    { known, isPast }: { readonly known: KnownTable | undefined; readonly isPast: boolean },
  ): { readonly layout: TableLayout; readonly isSent: boolean } | null {
    const { flavor } = this.#options.types;
    const { table, followed } = entry;
    const mayLeaveOut = entry.waitsForSnapshot;
    const selected = followed.selection.columns.map(column => column.name);
    const found = rowLayout(map, known, { discovered: table.layout, selected, flavor });
    if ('why' in found) {
      if (mayLeaveOut) return null;
      throw uncertain(table, found.why);
    }
    if (found.isSent && entry.ahead === null && !isPast) {
      const layout = { ...found.layout, ...entry.name };
      entry.shown.move(layout, UNSEEN);
      this.#catalog.set(layout);
      this.#note(entry);
    }
    return found;
  }

  /** A statement of the log; what it changes is noted of transactions that are prepared. Throws SCHEMA_CHANGED where reading on could be wrong. */
  statement(sql: string, context: StatementContext, prepared: Prepared): void {
    const before = prepared.size === 0 ? [] : this.#catalog.followed.map(table => [table, this.#catalog.find(table)] as const);
    const effects = followStatement(this.#catalog, sql, context);
    if (effects.length === 0) return;
    this.#plans = new WeakMap();
    for (const effect of effects) {
      const entry = this.#entries.get(this.#catalog.keyOf(effect.table));
      if (entry === undefined) continue;
      if (prepared.size > 0 && effect.kind !== 'rows-removed' && effect.kind !== 'rows-changed') {
        const known = before.find(([table]) => this.#catalog.keyOf(table) === this.#catalog.keyOf(effect.table))?.[1];
        const why = 'its columns were changed while a transaction was prepared, and are not known from before';
        prepared.changes(known === undefined || entry.ahead !== null ? { table: effect.table, why } : known);
      }
      if (entry.ahead === null) this.#apply(entry, effect);
      else this.#keepAhead(entry, effect);
    }
  }

  /** What is known of the table is of a later place, where this statement has had its effect. */
  #keepAhead(entry: FollowedTable, effect: LayoutEffect): void {
    const { table, memo } = entry;
    if (effect.kind === 'versioned' && !entry.snapshotComes) throw versioned(table);
    if (effect.kind === 'rows-changed' && !entry.snapshotComes) throw changedByStatement(table);
    const changes = effect.kind === 'altered' || effect.kind === 'replaced' || effect.kind === 'uncertain';
    if (changes && !entry.snapshotComes && !this.#options.namesInLog) {
      throw uncertain(table, 'its columns were changed between the configured position and now');
    }
    if (memo === null) this.#catalog.set(table.layout);
    else entry.takeMemo(memo, this.#catalog);
  }

  #apply(entry: FollowedTable, effect: LayoutEffect): void {
    const { log, namesInLog } = this.#options;
    if (effect.kind === 'versioned') throw versioned(entry.table);
    if (effect.kind === 'rows-changed') throw changedByStatement(entry.table);
    if (effect.kind === 'uncertain') {
      if (!namesInLog) throw uncertain(entry.table, effect.why);
    } else tellEffect(effect, entry.table, log);
    if (effect.kind === 'altered') entry.shown.move(effect.layout, effect.change);
    // Of a table that was made anew all rows are to be read anew: that was said.
    else if (effect.kind === 'replaced' && effect.from === null) entry.shown.set(effect.layout);
    else if (effect.kind === 'replaced') entry.shown.move(effect.layout, COPIED);
    if (effect.kind !== 'rows-removed') this.#note(entry);
  }

  #note(entry: FollowedTable): void {
    if (entry.note(this.#catalog)) this.#noted.add(entry.followed);
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
    return this.#options.namesInLog ? null : this.#catalog.others();
  }
}
