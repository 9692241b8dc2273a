import { charsetOfCollation, defaultCollation, widestCharacter } from './charsets.ts';
import type { ColumnDefinition, TextDefaults } from './column-definition.ts';
import { resolveColumn, textOfLength } from './column-definition.ts';
import type { ColumnLayout, TableLayout } from './column-layout.ts';
import { formatColumnType, parseColumnType } from './column-layout.ts';
import { UnclearStatement } from './sql-tokens.ts';
import type { AlterAction, CharsetOptions, ColumnPlace } from './statement.ts';
import { mergeOptions, NO_CHARSET } from './table-elements.ts';
import { alterKeys, primaryKeyOf } from './unique-keys.ts';

/** What a statement's result depends on beside its text and the table. */
export interface ResolveRules {
  /** A TIMESTAMP without NULL or NOT NULL may be null (`explicit_defaults_for_timestamp`). */
  readonly timestampsNullable: boolean;
}

/** Names of columns are compared without regard to case by both servers, on all systems. */
const same = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase();

/** A column behind the statement, and what it was: null for one that is added. */
interface Built {
  readonly column: ColumnLayout;
  readonly origin: ColumnLayout | null;
}

interface Placed extends Built {
  readonly place: ColumnPlace | null;
}

export interface AlteredTable {
  readonly layout: TableLayout;
  /** For each column of the layout, the name of the one before from which its values come; null: it is new. */
  readonly origins: readonly (string | null)[];
}

/**
 * The table behind ALTER TABLE, its clauses taken in the server's order (`prepare_fields_and_keys`; MariaDB
 * `mysql_prepare_alter_table`): first what was there, without the dropped and with the changed where they stay; then what
 * is added or moved, in the order of the statement, each placed among those that stand already, by their new names.
 * `database`: what DEFAULT stands for. Throws UnclearStatement where the table and the statement do not fit.
 */
export function alterTable(
  before: TableLayout,
  actions: readonly AlterAction[],
  database: TextDefaults | null,
  rules: ResolveRules,
): AlteredTable {
  const conversions = actions.flatMap(action => (action.kind === 'convert' ? [action.options] : []));
  const choices = actions.flatMap(action =>
    action.kind === 'convert' || action.kind === 'default-charset' ? [action.options] : [],
  );
  if (conversions.length > 0 && choices.length > 1) {
    // MySQL takes the last of them, MariaDB converts to one and keeps the other for columns to come.
    throw new UnclearStatement('it converts columns and sets the default character set');
  }
  // A statement's options are one choice, in any order: `COLLATE ucs2_bin, CHARACTER SET ucs2` keeps the collation.
  const current = { charset: before.defaultCharset, collation: before.defaultCollation };
  const defaults = chooseDefaults(choices.reduce(mergeOptions, NO_CHARSET), current, database);
  const built = rearrange(before.columns, actions, defaults, rules);
  const keys = alterKeys(before.keys, built, actions);
  const declared = actions.flatMap(action => (action.kind === 'add-key' && action.key.primary ? (action.key.columns ?? []) : []));
  // Also where a clause defines one of them anew and does not say NOT NULL.
  const primary = [...declared, ...primaryKeyOf(keys)];
  const columns = built.map(({ column }) => {
    const settled = primary.some(name => same(name, column.name)) ? { ...column, nullable: false } : column;
    return conversions.length > 0 ? convertColumn(settled, defaults, actions) : settled;
  });
  const { charset: defaultCharset, collation: defaultCollation } = defaults;
  const layout = { ...before, columns, defaultCharset, defaultCollation, ...(keys === undefined ? {} : { keys }) };
  return { layout, origins: built.map(({ origin }) => origin?.name ?? null) };
}

/**
 * The defaults behind a statement's options; a collation chooses its character set, a character set its collation. A
 * collation of null is one that is not known: MySQL takes the database's for CHARACTER SET DEFAULT, MariaDB the set's own.
 */
export function chooseDefaults(
  { charset, collation }: CharsetOptions,
  current: TextDefaults,
  database: TextDefaults | null,
): TextDefaults {
  if (charset === null && collation === null) return current;
  const named = collation === 'default' ? null : collation;
  if (charset === 'default') {
    if (database === null) throw new UnclearStatement('the character set of its database is not known');
    if (named !== null && (charsetOfCollation(named) ?? database.charset) !== database.charset) {
      // MariaDB before 10.6 takes the latter of the two, later ones refuse it.
      throw new UnclearStatement('what COLLATE stands for beside CHARACTER SET DEFAULT depends on the version of the server');
    }
    return { charset: database.charset, collation: named };
  }
  const chosen = charset ?? (named === null ? null : charsetOfCollation(named)) ?? current.charset;
  if (collation === 'default' && database?.charset !== chosen) {
    // MariaDB before 10.9 takes all of the database's, later ones keep the character set.
    throw new UnclearStatement('what COLLATE DEFAULT stands for depends on the version of the server');
  }
  return { charset: chosen, collation: named ?? defaultCollation(chosen) };
}

function rearrange(
  before: readonly ColumnLayout[],
  actions: readonly AlterAction[],
  defaults: TextDefaults,
  rules: ResolveRules,
): readonly Built[] {
  const exists = (name: string): boolean => before.some(column => same(column.name, name));
  const resolve = (definition: ColumnDefinition): ColumnLayout => resolveColumn(definition, defaults, rules.timestampsNullable);
  const leaves = (name: string): boolean =>
    actions.some(
      action => 'name' in action && same(action.name, name) && (action.kind !== 'change' || !same(action.column.name, name)),
    );
  const dropped: string[] = [];
  const changes = new Map<string, Placed>();
  const placed: Placed[] = [];
  const change = (name: string, ifExists: boolean, made: (old: ColumnLayout) => Omit<Placed, 'origin'>): void => {
    const old = before.find(column => same(column.name, name));
    if (old === undefined) {
      if (ifExists) return;
      throw new UnclearStatement(`it has no column ${name}`);
    }
    if (changes.has(old.name)) throw new UnclearStatement(`it changes column ${name} twice`);
    const result = { ...made(old), origin: old };
    changes.set(old.name, result);
    if (result.place !== null) placed.push(result);
  };
  for (const action of actions) {
    if (action.kind === 'drop') {
      const found = exists(action.name);
      if (!found && !action.ifExists) throw new UnclearStatement(`it has no column ${action.name}`);
      if (found) dropped.push(action.name);
    } else if (action.kind === 'add') {
      if (action.ifNotExists && exists(action.column.name)) {
        if (leaves(action.column.name)) throw new UnclearStatement(`it takes away and adds column ${action.column.name}`);
        continue;
      }
      placed.push({ column: resolve(action.column), origin: null, place: action.place });
    } else if (action.kind === 'change') {
      change(action.name, action.ifExists, old => ({ column: stillGenerated(resolve(action.column), old), place: action.place }));
    } else if (action.kind === 'rename-column') {
      change(action.name, action.ifExists, old => ({ column: { ...old, name: action.to }, place: null }));
    }
  }
  return place(before, dropped, changes, placed);
}

/** What a statement says of the expression is not as the catalog prints it: the known one stays until the catalog is looked at. */
const stillGenerated = (column: ColumnLayout, { generated, expression }: ColumnLayout): ColumnLayout =>
  expression === undefined || generated === '' || column.generated !== generated ? column : { ...column, expression };

function place(
  before: readonly ColumnLayout[],
  dropped: readonly string[],
  changes: ReadonlyMap<string, Placed>,
  placed: readonly Placed[],
): readonly Built[] {
  const result: Built[] = [];
  for (const old of before) {
    const change = changes.get(old.name);
    if (dropped.some(name => same(name, old.name))) {
      if (change !== undefined) throw new UnclearStatement(`it drops and changes column ${old.name}`);
    } else result.push(change ?? { column: old, origin: old });
  }
  for (const each of placed) {
    const { place: where } = each;
    // One that is moved stands at its old place until its turn comes: others may be placed behind it there.
    const old = result.indexOf(each);
    if (old >= 0) result.splice(old, 1);
    if (where === 'first') result.unshift(each);
    else if (where === 'last' || where === null) result.push(each);
    else {
      const index = result.findIndex(({ column }) => same(column.name, where.after));
      if (index < 0) throw new UnclearStatement(`it has no column ${where.after}`);
      result.splice(index + 1, 0, each);
    }
  }
  const names = new Set(result.map(({ column }) => column.name.toLowerCase()));
  if (names.size !== result.length) throw new UnclearStatement('two of its columns would have one name');
  if (result.length === 0) throw new UnclearStatement('no column would be left');
  return result;
}

const TEXT_BYTES: Readonly<Record<string, number>> = { tinytext: 0xff, text: 0xffff, mediumtext: 0xff_ffff };
const MAX_VARCHAR_BYTES = 65_535;

/** Sets in which ASCII does not stand for itself. */
const NOT_ASCII = new Set(['ucs2', 'utf16', 'utf16le', 'utf32', 'swe7']);

/** Characters with the same byte in all other sets: the backslash and the tilde are others in the Japanese ones. */
const ALIKE = /^[\0-\x5b\x5d-\x7d]*$/;

const keepsLabels = (labels: readonly string[], from: string, to: string): boolean =>
  from === to || (!NOT_ASCII.has(from) && !NOT_ASCII.has(to) && labels.every(label => ALIKE.test(label)));

/** A column behind CONVERT TO CHARACTER SET. A text grows so that it holds as many characters as before. */
function convertColumn(
  column: ColumnLayout,
  { charset, collation: chosen }: TextDefaults,
  actions: readonly AlterAction[],
): ColumnLayout {
  if (column.charset === null) return column;
  // What becomes of lengths, BINARY and COLLATE in a column that the same statement defines is not known here.
  const defined = actions.some(action => 'column' in action && action.column.name === column.name);
  if (defined && column.charset !== charset) throw new UnclearStatement(`it defines and converts column ${column.name}`);
  const collation = defined ? null : chosen;
  if (charset === 'binary') throw new UnclearStatement('it turns text into binary strings');
  const type = parseColumnType(column.columnType);
  const bytes = TEXT_BYTES[type.base];
  if (type.labels.length > 0 && !keepsLabels(type.labels, column.charset, charset)) {
    // Both servers leave the labels' bytes as they are: `é` of latin1 is no character of utf8mb4.
    throw new UnclearStatement(`it converts column ${column.name} and breaks its labels`);
  }
  if (type.base === 'varchar' && (type.args[0] ?? 0) * widestCharacter(charset) > MAX_VARCHAR_BYTES) {
    throw new UnclearStatement(`column ${column.name} becomes too long and a text of some length`);
  }
  if (bytes === undefined || column.charset === charset) return { ...column, charset, collation };
  if (column.compressed === true) throw new UnclearStatement(`it converts the compressed column ${column.name}`);
  const characters = Math.floor(bytes / widestCharacter(column.charset));
  const base = textOfLength('text', characters * widestCharacter(charset));
  return { ...column, columnType: formatColumnType({ ...type, base }), charset, collation };
}
