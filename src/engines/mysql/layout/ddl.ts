import { alterTable, chooseDefaults } from './alter-table.ts';
import { resolveColumn } from './column-definition.ts';
import type { TableLayout } from './column-layout.ts';
import { parseStatement } from './ddl-parser.ts';
import type { KnownTable, LayoutCatalog } from './layout-catalog.ts';
import type { TableChange } from './moved-values.ts';
import type { StatementContext, TableName } from './sql-tokens.ts';
import { SqlTokens, UnclearStatement } from './sql-tokens.ts';
import type { Statement } from './statement.ts';
import { declaredKeys } from './unique-keys.ts';

/** What a statement of the log did to a followed table. */
export type LayoutEffect =
  /** It has other columns than before, or the same. */
  | { readonly kind: 'altered'; readonly table: TableName; readonly layout: TableLayout; readonly change: TableChange }
  /** It was not there before, or it is another table than before: made anew, or renamed from `from`. */
  | { readonly kind: 'replaced'; readonly table: TableName; readonly layout: TableLayout; readonly from: TableName | null }
  | { readonly kind: 'dropped'; readonly table: TableName }
  /** The table goes on under the name `to`. */
  | { readonly kind: 'renamed'; readonly table: TableName; readonly to: TableName }
  /** Rows came or went that do not stand in the log as rows. `how`: the words of the statement. */
  | { readonly kind: 'rows-removed'; readonly table: TableName; readonly how: string }
  /** Rows may have been changed that do not stand in the log as rows. */
  | { readonly kind: 'rows-changed'; readonly table: TableName }
  /** Its columns are not known any more: reading on could be wrong. */
  | { readonly kind: 'uncertain'; readonly table: TableName; readonly why: string }
  /** It gets or loses system versioning: its log has old versions of rows as rows, and deletes as updates. */
  | { readonly kind: 'versioned'; readonly table: TableName };

/**
 * Moves the catalog on behind a statement of the log (a QUERY event) and says what it did to the followed tables, in its
 * order. Costs a look at the first word where it is no DDL. `sql` is decoded by the character set of the event's client; the
 * session's `sql_mode` and default database come with the event.
 */
export function followStatement(catalog: LayoutCatalog, sql: string, context: StatementContext): readonly LayoutEffect[] {
  const statement = parseStatement(sql, context, catalog.rules);
  if (statement === null) return [];
  switch (statement.kind) {
    case 'create-table':
    case 'create-like':
      return create(catalog, statement);
    case 'alter-table':
      return alter(catalog, statement);
    case 'rename-tables':
      return statement.renames.flatMap(([from, to]) => rename(catalog, from, to));
    case 'drop-tables':
      return statement.tables.flatMap(table => drop(catalog, table));
    case 'rows-removed':
      return removed(catalog, statement.table, statement.how);
    case 'database': {
      const current = statement.made ? null : catalog.databaseDefaults(statement.name);
      const says = statement.options.charset !== null || statement.options.collation !== null;
      if (says || statement.made) catalog.setDatabaseDefaults(statement.name, databaseDefaults(statement, current));
      return [];
    }
    case 'drop-database': {
      const name = catalog.fold(statement.name);
      catalog.setDatabaseDefaults(name, null);
      return [...catalog.known, ...catalog.followed]
        .filter(({ schema }) => catalog.fold(schema) === name)
        .flatMap(table => drop(catalog, table));
    }
    case 'unclear':
      if (statement.ifNotExists && catalog.find(statement.table) !== undefined) return [];
      return statement.versioned ? loseVersioned(catalog, statement.table) : lose(catalog, statement.table, statement.why);
    case 'unclear-words':
      return named(catalog, sql, context).flatMap(table => lose(catalog, table, statement.why));
    case 'rows-changed': {
      const tables = statement.tables === 'any' ? known(catalog) : named(catalog, sql, context);
      return tables.filter(table => catalog.isFollowed(table)).map(table => ({ kind: 'rows-changed', table }));
    }
  }
}

type TextDefaults = NonNullable<ReturnType<LayoutCatalog['databaseDefaults']>>;

/** Null: the statement says DEFAULT, or nothing at all, and the server's own default is not in the log's text. */
function databaseDefaults(
  { options }: Extract<Statement, { kind: 'database' }>,
  current: TextDefaults | null,
): TextDefaults | null {
  try {
    const chosen = chooseDefaults(options, current ?? NOTHING, null);
    return chosen.charset === '' ? null : chosen;
  } catch (error) {
    if (error instanceof UnclearStatement) return null;
    throw error;
  }
}

const NOTHING: TextDefaults = { charset: '', collation: null };

function create(
  catalog: LayoutCatalog,
  statement: Extract<Statement, { kind: 'create-table' | 'create-like' }>,
): readonly LayoutEffect[] {
  const { table } = statement;
  if (!catalog.isOurs(table.schema)) return [];
  if (statement.ifNotExists) {
    if (catalog.find(table) !== undefined) return [];
    // The log has such statements also where they did nothing, for a table was there.
    if (!catalog.isAbsent(table)) return lose(catalog, table, 'it may have been there before CREATE TABLE IF NOT EXISTS');
  }
  if (statement.kind === 'create-like' && isVersioned(catalog.find(statement.source))) return loseVersioned(catalog, table);
  let layout: TableLayout;
  try {
    layout = statement.kind === 'create-like' ? like(catalog, table, statement.source) : made(catalog, statement);
  } catch (error) {
    if (error instanceof UnclearStatement) return lose(catalog, table, error.message);
    throw error;
  }
  catalog.set(layout);
  return catalog.isFollowed(table) ? [{ kind: 'replaced', table, layout, from: null }] : [];
}

function made(
  catalog: LayoutCatalog,
  { table, columns, keys, options }: Extract<Statement, { kind: 'create-table' }>,
): TableLayout {
  const database = catalog.databaseDefaults(table.schema);
  const defaults = chooseDefaults(options, database ?? NOTHING, database);
  const primary = keys.flatMap(key => (key.primary ? (key.columns ?? []) : []));
  const layouts = columns.map(column => {
    const layout = resolveColumn(column, defaults, catalog.rules.timestampsNullable);
    const inKey = primary.some(name => name.toLowerCase() === layout.name.toLowerCase());
    return inKey ? { ...layout, nullable: false } : layout;
  });
  const { charset: defaultCharset, collation: defaultCollation } = defaults;
  return { ...table, columns: layouts, defaultCharset, defaultCollation, keys: declaredKeys(keys) };
}

function like(catalog: LayoutCatalog, table: TableName, source: TableName): TableLayout {
  const known = catalog.find(source);
  if (known === undefined) throw new UnclearStatement(`it is like ${source.schema}.${source.name}, which is not known`);
  if (!('layout' in known)) throw new UnclearStatement(`it is like ${source.schema}.${source.name}: ${known.why}`);
  return { ...known.layout, ...table };
}

function alter(
  catalog: LayoutCatalog,
  { table, actions, strictness }: Extract<Statement, { kind: 'alter-table' }>,
): readonly LayoutEffect[] {
  const known = catalog.find(table);
  const effects: LayoutEffect[] = [];
  if (known !== undefined && 'layout' in known) {
    try {
      const { layout, origins } = alterTable(known.layout, actions, catalog.databaseDefaults(table.schema), catalog.rules);
      catalog.set(layout);
      if (catalog.isFollowed(table)) effects.push({ kind: 'altered', table, layout, change: { origins, strictness } });
    } catch (error) {
      if (!(error instanceof UnclearStatement)) throw error;
      effects.push(...lose(catalog, table, error.message));
    }
  }
  for (const action of actions) {
    if (action.kind === 'rows-removed') {
      effects.push(...removed(catalog, table, action.how));
      if (action.other !== null) effects.push(...removed(catalog, action.other, action.how));
    } else if (action.kind === 'rename-table') effects.push(...rename(catalog, table, action.to));
  }
  return effects;
}

function rename(catalog: LayoutCatalog, from: TableName, to: TableName): readonly LayoutEffect[] {
  if (catalog.keyOf(from) === catalog.keyOf(to)) return [];
  const known = catalog.find(from);
  const effects: LayoutEffect[] = catalog.isFollowed(from) ? [{ kind: 'renamed', table: from, to }] : [];
  catalog.forget(from);
  if (!catalog.isOurs(to.schema)) return effects;
  if (known !== undefined && 'layout' in known) {
    const layout = { ...known.layout, ...to };
    catalog.set(layout);
    if (catalog.isFollowed(to)) effects.push({ kind: 'replaced', table: to, layout, from });
  } else if (isVersioned(known)) effects.push(...loseVersioned(catalog, to));
  else if (known !== undefined || catalog.isFollowed(to)) {
    effects.push(...lose(catalog, to, known?.why ?? `it was ${from.schema}.${from.name}, which is not known`));
  }
  return effects;
}

const isVersioned = (known: KnownTable | undefined): boolean => known !== undefined && 'why' in known && known.versioned === true;

function drop(catalog: LayoutCatalog, table: TableName): readonly LayoutEffect[] {
  const was = catalog.isFollowed(table) && !catalog.isAbsent(table);
  catalog.forget(table);
  return was ? [{ kind: 'dropped', table }] : [];
}

const removed = (catalog: LayoutCatalog, table: TableName, how: string): readonly LayoutEffect[] =>
  catalog.isFollowed(table) ? [{ kind: 'rows-removed', table, how }] : [];

/** Its rows cannot be told from old versions of rows. */
function loseVersioned(catalog: LayoutCatalog, table: TableName): readonly LayoutEffect[] {
  if (!catalog.isOurs(table.schema)) return [];
  catalog.put(table, { table, why: 'it has or had system versioning', versioned: true });
  return catalog.isFollowed(table) ? [{ kind: 'versioned', table }] : [];
}

/** Nothing certain is known of the table any more. */
function lose(catalog: LayoutCatalog, table: TableName, why: string): readonly LayoutEffect[] {
  if (!catalog.isOurs(table.schema)) return [];
  catalog.put(table, { table, why });
  return catalog.isFollowed(table) ? [{ kind: 'uncertain', table, why }] : [];
}

/** Each table known here, once. */
const known = (catalog: LayoutCatalog): readonly TableName[] => [
  ...new Map([...catalog.known, ...catalog.followed].map(table => [catalog.keyOf(table), table])).values(),
];

/** The tables known here that the words of a statement name, in any place, with or without their database. */
function named(catalog: LayoutCatalog, sql: string, { database, sqlMode }: StatementContext): readonly TableName[] {
  const candidates = known(catalog);
  const words = new Set<string>();
  try {
    const tokens = new SqlTokens(sql, catalog.rules, sqlMode);
    for (let token = tokens.next(); token.kind !== 'end'; token = tokens.next()) {
      if (token.kind !== 'string') words.add(catalog.fold(token.text));
    }
  } catch (error) {
    if (error instanceof UnclearStatement) return candidates;
    throw error;
  }
  const here = database === null ? null : catalog.fold(database);
  return candidates.filter(({ schema, name }) => {
    const folded = catalog.fold(schema);
    return words.has(catalog.fold(name)) && (folded === here || words.has(folded));
  });
}
