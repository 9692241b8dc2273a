import type { Logger } from '../../../contract/engine.ts';
import { listed } from '../../../contract/findings.ts';
import type { Json, JsonObject } from '../../../contract/ids.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { Selection } from '../../../contract/table.ts';
import type { TableLayout } from '../layout/column-layout.ts';
import { type Homes, type MovedValues, movedValues, type TableChange } from '../layout/moved-values.ts';

const MOST_NAMES = 10;
const STANDING: Homes = new Map();

/** Of which columns the values at the destination are, so that it is told when DDL makes them others: the log has no rows for that. */
export class ShownValues {
  readonly #selection: Selection;
  readonly #log: Logger;
  #layout: TableLayout | null = null;
  #homes: Homes = STANDING;

  constructor(selection: Selection, log: Logger) {
    this.#selection = selection;
    this.#log = log;
  }

  /** The layout whose columns they are of; null: it is not known. */
  get layout(): TableLayout | null {
    return this.#layout;
  }

  /** They are of these columns, each under its own name, unless a memo says more. */
  set(layout: TableLayout | null, memo: JsonObject = {}): void {
    const { homes = {} } = memo;
    this.#layout = layout;
    this.#homes = new Map(
      Object.entries(homes as JsonObject).map(([name, home]) => [name, typeof home === 'string' ? home : null]),
    );
  }

  /** Whether there would be something to say if the table became this. */
  wouldMove(layout: TableLayout, change: TableChange): boolean {
    return this.#layout !== null && this.#wanted(movedValues(this.#layout, layout, this.#homes, change).moved).length > 0;
  }

  /** The table has become this. Says of which columns the values may be others. */
  move(layout: TableLayout, change: TableChange): void {
    if (this.#layout !== null) {
      const { moved, homes } = movedValues(this.#layout, layout, this.#homes, change);
      this.#homes = homes;
      const names = this.#wanted(moved).map(({ column, why }) => `${column} (${why})`);
      if (names.length > 0) {
        this.#log.warn(
          `${tableLabel(this.#selection.table.id)}: DDL may have changed values of ${listed(names, MOST_NAMES)} in rows that the log does not mention. ` +
            'The destination keeps the old values there. Refresh the stream to read them anew.',
        );
      }
    }
    this.#layout = layout;
  }

  /** For the memo. */
  toJson(): JsonObject {
    return this.#homes.size === 0 ? {} : { homes: Object.fromEntries(this.#homes) as Json };
  }

  #wanted(moved: readonly MovedValues[]): readonly MovedValues[] {
    const selected = new Set(this.#selection.columns.map(column => column.name.toLowerCase()));
    return moved.filter(({ column }) => selected.has(column.toLowerCase()));
  }
}
