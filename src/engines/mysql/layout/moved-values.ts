import type { ColumnLayout, TableLayout } from './column-layout.ts';
import { keepsValues, type Strictness } from './value-change.ts';

/** How a table became what it is. */
export interface TableChange {
  /** For each column behind the change, the name of the one before it from which its values come; null: it is new. Absent: that of its name. */
  readonly origins?: readonly (string | null)[];
  readonly strictness: Strictness;
}

/** A column of which a destination, which knows columns by their names, has other values than the table. */
export interface MovedValues {
  readonly column: string;
  /** For people. */
  readonly why: string;
}

/**
 * Under which name a column stands now whose values a destination has under another one, by that one in lower case; null:
 * nowhere any more. Those that have their own name are not in it.
 */
export type Homes = ReadonlyMap<string, string | null>;

const folded = (name: string): string => name.toLowerCase();

/**
 * What a change of a table did to values that a destination has: of columns whose values are others now, and of names that
 * another column has taken over. `homes`: what became of names that were given up before; those that are back, or were told, leave it.
 */
export function movedValues(
  before: TableLayout,
  after: TableLayout,
  homes: Homes,
  { origins, strictness }: TableChange,
): { readonly moved: readonly MovedValues[]; readonly homes: Homes } {
  const columns = new Map(before.columns.map(column => [folded(column.name), column]));
  const next = new Map<string, ColumnLayout>();
  for (const [at, column] of after.columns.entries()) {
    const origin = origins === undefined ? column.name : origins[at];
    if (origin != null) next.set(folded(origin), column);
  }
  const named = new Map(after.columns.map(column => [folded(column.name), column]));
  const still = new Map<string, string | null>();
  const moved: MovedValues[] = [];
  for (const name of new Set([...columns.keys(), ...homes.keys()])) {
    const home = homes.has(name) ? (homes.get(name) ?? null) : name;
    const was = home === null ? undefined : columns.get(home);
    const is = home === null ? undefined : next.get(home);
    const kept = was !== undefined && is !== undefined && keepsValues(was, is, strictness);
    const now = named.get(name);
    if (now === undefined) still.set(name, kept ? folded(is.name) : null);
    else if (now !== is) moved.push({ column: now.name, why: takenOver(now, origins, after, name) });
    else if (!kept) moved.push({ column: now.name, why: was === undefined ? ANEW : retyped(was, now) });
  }
  return { moved, homes: still };
}

const ANEW = 'dropped and added anew';

function takenOver(now: ColumnLayout, origins: TableChange['origins'], after: TableLayout, name: string): string {
  const origin = origins?.[after.columns.indexOf(now)] ?? null;
  return origin === null || folded(origin) === name ? ANEW : `the column that was ${origin} before`;
}

function retyped(before: ColumnLayout, after: ColumnLayout): string {
  const [from, to] = [before, after].map(column => column.columnType);
  if (from !== to) return `${from} → ${to}`;
  if (before.charset !== after.charset) return `${from} in ${before.charset ?? 'binary'} → ${after.charset ?? 'binary'}`;
  if (before.generated !== after.generated)
    return `${before.generated || 'not'} generated → ${after.generated || 'not'} generated`;
  return before.nullable === after.nullable ? 'another expression' : 'NULL → NOT NULL';
}
