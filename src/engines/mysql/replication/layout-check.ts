import type { Position } from '../../../contract/ids.ts';
import { parseColumnType, type TableLayout } from '../layout/column-layout.ts';
import type { LogPlace } from './log-place.ts';

/** What the catalog says of tables, at a place in the log: only of those that did not change around it. */
export interface PresentLayouts {
  readonly at: Position;
  readonly layouts: readonly TableLayout[];
}

/** How long a statement may have to stand in the catalog before it stands in the log. */
const PAUSE_MILLIS = 500;

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

  /** The log is at `place`. Gives the tables that differ for certain. */
  reached(place: LogPlace, followed: (table: TableLayout) => TableLayout | null): readonly TableLayout[] {
    const { at, layouts } = this.#present;
    if (this.#isDone || !place.covers(at)) return [];
    this.#isDone = true;
    // Further than that: what was altered behind it is not known.
    if (!place.isWithin(at)) return [];
    const differing = layouts.filter(layout => {
      const known = followed(layout);
      return known !== null && shape(known) !== shape(layout);
    });
    const before = new Set([...this.#doubts].map(nameOf));
    this.#doubts = new Set(differing);
    const certain = differing.filter(layout => before.has(nameOf(layout)));
    if (certain.length > 0) this.#doubts = new Set();
    return certain;
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

/** What a TABLE_MAP without names does not tell of columns, and values depend on. Types are held against it row by row. */
const shape = ({ columns }: TableLayout): string =>
  JSON.stringify(
    columns.map(({ name, columnType }) => {
      const { unsigned, labels } = parseColumnType(columnType);
      return [name.toLowerCase(), unsigned, labels];
    }),
  );
