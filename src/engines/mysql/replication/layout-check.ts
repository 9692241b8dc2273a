import type { Position } from '../../../contract/ids.ts';
import { type ColumnLayout, parseColumnType, type TableLayout } from '../layout/column-layout.ts';
import type { LogPlace } from './log-place.ts';

/** What the catalog says of tables, at a place in the log: only of those that did not change around it. */
export interface PresentLayouts {
  readonly at: Position;
  readonly layouts: readonly TableLayout[];
}

/** How long a statement may have to stand in the catalog before it stands in the log. */
const PAUSE_MILLIS = 500;

/** What the check found at its place; both empty where the log is not there. */
export interface Seen {
  /** As the log leaves them. */
  readonly alike: readonly TableLayout[];
  /** Certainly not. */
  readonly unlike: readonly TableLayout[];
}

const NOTHING: Seen = { alike: [], unlike: [] };

/**
 * Holds the layouts that were followed through the log against those of the catalog, where the log has reached the place that the
 * catalog was read at. They differ when the log does not have all that happened: a session with `sql_log_bin = 0` altered a
 * table. Where rows come without names, nobody else would notice two columns of one type that changed places.
 */
export class LayoutCheck {
  #present: PresentLayouts;
  /** Those that differed when they were held against each other last. */
  #doubts: ReadonlySet<TableLayout> = new Set();
  #isDone = false;

  constructor(present: PresentLayouts) {
    this.#present = present;
    this.#isDone = present.layouts.length === 0;
  }

  /** Some tables differ: it may be that the log was a moment behind the catalog. */
  get hasDoubts(): boolean {
    return this.#isDone && this.#doubts.size > 0;
  }

  /** The log is at `place`. `isUnlike` says of a layout of the catalog whether it is not the one that was followed. */
  reached(place: LogPlace, isUnlike: (present: TableLayout) => boolean): Seen {
    const { at, layouts } = this.#present;
    if (this.#isDone || !place.covers(at)) return NOTHING;
    this.#isDone = true;
    // Further than that: what was altered behind it is not known.
    if (!place.isWithin(at)) return NOTHING;
    const differing = layouts.filter(isUnlike);
    const before = new Set([...this.#doubts].map(nameOf));
    this.#doubts = new Set(differing);
    const unlike = differing.filter(layout => before.has(nameOf(layout)));
    if (unlike.length > 0) this.#doubts = new Set();
    return { alike: layouts.filter(layout => !differing.includes(layout)), unlike };
  }

  /** Reads the catalog again: who still differs there differs for certain. */
  async again(present: () => Promise<PresentLayouts>): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, PAUSE_MILLIS));
    const { at, layouts } = await present();
    const doubted = new Set([...this.#doubts].map(nameOf));
    this.#present = { at, layouts: layouts.filter(layout => doubted.has(nameOf(layout))) };
    this.#isDone = this.#present.layouts.length === 0;
    if (this.#isDone) this.#doubts = new Set();
  }
}

const nameOf = ({ schema, name }: TableLayout): string => `${schema}\0${name}`;

/** Whether they differ in what a TABLE_MAP without names does not tell of columns, and values depend on. Types are held against it row by row. */
export const hasOtherColumns = (known: TableLayout, present: TableLayout): boolean =>
  known.columns.length !== present.columns.length ||
  known.columns.some((column, at) => !isAlike(column, present.columns[at] as ColumnLayout));

function isAlike(known: ColumnLayout, present: ColumnLayout): boolean {
  if (known.name !== present.name && known.name.toLowerCase() !== present.name.toLowerCase()) return false;
  return known.columnType === present.columnType || signAndLabels(known) === signAndLabels(present);
}

function signAndLabels({ columnType }: ColumnLayout): string {
  const { unsigned, labels } = parseColumnType(columnType);
  return JSON.stringify([unsigned, labels]);
}

/** The layout with what only the catalog has; null where it has all of it. */
export function completedBy(known: TableLayout, present: TableLayout): TableLayout | null {
  const lacks = known.columns.some(
    ({ expression }, at) => expression === undefined && present.columns[at]?.expression !== undefined,
  );
  if ((known.keys !== undefined || present.keys === undefined) && !lacks) return null;
  const columns = known.columns.map((column, at) => {
    const expression = column.expression ?? present.columns[at]?.expression;
    return expression === undefined ? column : { ...column, expression };
  });
  const keys = known.keys ?? present.keys;
  return { ...known, columns, ...(keys === undefined ? {} : { keys }) };
}
