import type { ColumnLayout, TableLayout, UniqueKey } from './column-layout.ts';
import type { AlterAction, DeclaredKey } from './statement.ts';

const PRIMARY = 'PRIMARY';

const same = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase();

/** Whether two keys have the same columns, in whatever order. */
export const sameKey = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every(name => b.some(other => same(name, other)));

/** Whether these columns are a unique key of the table, without NULL: no two of its rows agree in all of them. Null: its keys are not known. */
export function tellsApart({ columns, keys }: Pick<TableLayout, 'columns' | 'keys'>, key: readonly string[]): boolean | null {
  if (keys === undefined) return null;
  const isNullable = (name: string): boolean => columns.find(column => same(column.name, name))?.nullable !== false;
  return keys.some(each => sameKey(each.columns, key)) && !key.some(isNullable);
}

/** The columns of the primary key, else of the first unique key without NULL; empty: there is none. */
export function firstKey({ columns, keys = [] }: Pick<TableLayout, 'columns' | 'keys'>): readonly string[] {
  const apart = keys.filter(each => tellsApart({ columns, keys }, each.columns) === true);
  return (apart.find(({ name }) => name === PRIMARY) ?? apart[0])?.columns ?? [];
}

/** The columns of the primary key; empty: there is none, or the keys are not known. */
export const primaryKeyOf = (keys: readonly UniqueKey[] = []): readonly string[] =>
  keys.find(({ name }) => name === PRIMARY)?.columns ?? [];

/** The keys with the primary key that the log itself shows; null: it shows that there is none. */
export function withPrimaryKey(keys: readonly UniqueKey[] | undefined, primary: readonly string[] | null): readonly UniqueKey[] {
  const others = (keys ?? []).filter(({ name }) => name !== PRIMARY);
  return primary === null ? others : [{ name: PRIMARY, columns: primary }, ...others];
}

const keyOf = ({ primary, name, columns }: DeclaredKey): readonly UniqueKey[] =>
  columns === null ? [] : [{ name: primary ? PRIMARY : (name ?? ''), columns }];

/** The keys that a statement declares: those of its columns, and those beside them. */
export const declaredKeys = (keys: readonly DeclaredKey[]): readonly UniqueKey[] => keys.flatMap(keyOf);

/**
 * The keys behind ALTER TABLE; `columns` are those behind it, each with what it was. A column that is dropped leaves its
 * indexes, and one that is renamed stays in them.
 */
export function alterKeys(
  before: readonly UniqueKey[] | undefined,
  columns: readonly { readonly column: ColumnLayout; readonly origin: ColumnLayout | null }[],
  actions: readonly AlterAction[],
): readonly UniqueKey[] | undefined {
  if (before === undefined) return undefined;
  const now = new Map(columns.map(({ column, origin }) => [origin?.name.toLowerCase(), column.name]));
  const dropped = actions.flatMap(action => (action.kind === 'drop-key' ? [action.name] : []));
  const renamed = new Map(
    actions.flatMap(action => (action.kind === 'rename-key' ? [[action.name.toLowerCase(), action.to]] : [])),
  );
  const kept = before
    .filter(key => !dropped.some(name => isCalled(key, name)))
    .map(({ name, columns: parts }) => ({
      name: renamed.get(name.toLowerCase()) ?? name,
      columns: parts.flatMap(part => now.get(part.toLowerCase()) ?? []),
    }))
    .filter(key => key.columns.length > 0);
  const isThere = ({ ifNotExists, name }: DeclaredKey): boolean =>
    ifNotExists && name !== null && kept.some(key => isCalled(key, name));
  const added = actions.flatMap(action => (action.kind === 'add-key' && !isThere(action.key) ? keyOf(action.key) : []));
  return [...kept, ...added];
}

/** A name that the server chose is that of the first column, with a number behind it where that was taken. */
function isCalled({ name, columns: [first = ''] }: UniqueKey, called: string): boolean {
  if (name !== '') return same(name, called);
  const rest = same(called.slice(0, first.length), first) ? called.slice(first.length) : null;
  return rest !== null && /^(?:_[0-9]+)?$/.test(rest);
}
