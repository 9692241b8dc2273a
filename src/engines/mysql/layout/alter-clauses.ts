import { collationName, columnDefinition } from './column-definition.ts';
import { knownCharset } from './declared-type.ts';
import type { SqlDialect, SqlTokens, StatementContext, TableName } from './sql-tokens.ts';
import { UnclearStatement } from './sql-tokens.ts';
import type { AlterAction, CharsetOptions, ColumnPlace, DeclaredKey } from './statement.ts';
import { constraint, keysOfColumns, seesConstraint, tableElements, tableOption } from './table-elements.ts';

/** Partition verbs behind which rows are gone or come without standing in the log as rows. */
const REMOVING = new Set(['DROP', 'TRUNCATE', 'EXCHANGE', 'DISCARD', 'IMPORT', 'CONVERT']);
const HARMLESS_VERBS = new Set(['ADD', 'ANALYZE', 'CHECK', 'COALESCE', 'OPTIMIZE', 'REBUILD', 'REORGANIZE', 'REPAIR']);
/** Clauses of one word and perhaps a value that leave rows and columns as they are. */
const MODIFIERS = new Set(['ALGORITHM', 'LOCK']);

/** Reads the clauses of ALTER TABLE behind the table's name, to the end. */
export function alterActions(tokens: SqlTokens, context: StatementContext, dialect: SqlDialect): readonly AlterAction[] {
  const actions: AlterAction[] = [];
  while (!tokens.atEnd && !tokens.seesMark(';')) {
    actions.push(...(partitionClause(tokens, context) ?? clause(tokens, context, dialect)));
    // The server separates table options and partition clauses by blanks too.
    tokens.takeMark(',');
  }
  return actions;
}

/** Takes everything to the end if it is about partitions; null if it is not. */
function partitionClause(tokens: SqlTokens, context: StatementContext): readonly AlterAction[] | null {
  if (tokens.take('REMOVE', 'PARTITIONING') || tokens.take('UPGRADE', 'PARTITIONING')) return [];
  if (tokens.sees('PARTITION', 'BY')) {
    skipPartitioning(tokens);
    return [];
  }
  const verb = tokens.peek().keyword;
  const about = tokens.peek(1).keyword;
  const converts = verb === 'CONVERT' && (about === 'PARTITION' || about === 'TABLE');
  if (about !== 'PARTITION' && !converts) return null;
  if (!REMOVING.has(verb) && !HARMLESS_VERBS.has(verb)) return null;
  let other: TableName | null = null;
  while (!tokens.atEnd) {
    if (tokens.take('TABLE')) other = tokens.tableName(context.database);
    else tokens.next();
  }
  return REMOVING.has(verb) ? [{ kind: 'rows-removed', how: `${verb} ${about}`, other }] : [];
}

/** Skips `PARTITION BY …` to the end. Partitions by SYSTEM_TIME come with columns of their own. */
export function skipPartitioning(tokens: SqlTokens): void {
  while (!tokens.atEnd) {
    if (tokens.sees('BY', 'SYSTEM_TIME')) throw new UnclearStatement('tables with system versioning are not followed');
    if (tokens.sees('SELECT')) throw new UnclearStatement('its columns come from a query');
    tokens.skipOne();
  }
}

function clause(tokens: SqlTokens, context: StatementContext, dialect: SqlDialect): readonly AlterAction[] {
  if (tokens.take('ADD')) return add(tokens, context, dialect);
  if (tokens.take('DROP')) return drop(tokens);
  const modify = tokens.take('MODIFY');
  if (modify || tokens.take('CHANGE')) {
    tokens.take('COLUMN');
    const ifExists = tokens.take('IF', 'EXISTS');
    const name = tokens.identifier();
    const column = columnDefinition(tokens, modify ? name : tokens.identifier(), dialect, context.sqlMode);
    return [{ kind: 'change', name, column, place: place(tokens), ifExists }, ...keysAdded(keysOfColumns([column]))];
  }
  if (tokens.take('RENAME')) return rename(tokens, context);
  if (tokens.take('CONVERT', 'TO')) return [{ kind: 'convert', options: conversion(tokens) }];
  if (tokens.take('DISCARD', 'TABLESPACE') || tokens.take('IMPORT', 'TABLESPACE')) {
    return [{ kind: 'rows-removed', how: 'DISCARD or IMPORT TABLESPACE', other: null }];
  }
  if (skipHarmless(tokens)) return [];
  const options = tableOption(tokens);
  if (options === null) throw tokens.unclear('a clause of ALTER TABLE');
  return options.charset === null && options.collation === null ? [] : [{ kind: 'default-charset', options }];
}

/** Skips a clause that leaves rows and columns as they are. */
function skipHarmless(tokens: SqlTokens): boolean {
  if (tokens.take('ALTER')) {
    // Defaults, visibility of columns and indexes, enforcement of checks.
    tokens.skipElement();
    return true;
  }
  if (tokens.take('ORDER', 'BY')) {
    skipOrder(tokens);
    return true;
  }
  if (tokens.take('FORCE') || tokens.take('DISABLE', 'KEYS') || tokens.take('ENABLE', 'KEYS')) return true;
  if (tokens.take('WITH', 'VALIDATION') || tokens.take('WITHOUT', 'VALIDATION')) return true;
  if (tokens.take('SECONDARY_LOAD') || tokens.take('SECONDARY_UNLOAD')) return true;
  if (!tokens.seesOneOf(MODIFIERS)) return false;
  tokens.next();
  tokens.takeMark('=');
  tokens.next();
  return true;
}

function add(tokens: SqlTokens, context: StatementContext, dialect: SqlDialect): readonly AlterAction[] {
  if (seesConstraint(tokens)) {
    const key = constraint(tokens);
    return key === null ? [] : keysAdded([key]);
  }
  refusePeriods(tokens);
  tokens.take('COLUMN');
  const ifNotExists = tokens.take('IF', 'NOT', 'EXISTS');
  if (tokens.seesMark('(')) {
    const { columns, keys } = tableElements(tokens, dialect, context.sqlMode);
    return [...columns.map(column => ({ kind: 'add', column, place: 'last', ifNotExists }) as const), ...keysAdded(keys)];
  }
  const column = columnDefinition(tokens, tokens.identifier(), dialect, context.sqlMode);
  return [{ kind: 'add', column, place: place(tokens) ?? 'last', ifNotExists }, ...keysAdded(keysOfColumns([column]))];
}

const keysAdded = (keys: readonly DeclaredKey[]): readonly AlterAction[] => keys.map(key => ({ kind: 'add-key', key }));

function refusePeriods(tokens: SqlTokens): void {
  if (tokens.sees('PERIOD', 'FOR') || tokens.sees('SYSTEM', 'VERSIONING')) {
    throw new UnclearStatement('tables with periods or system versioning are not followed');
  }
}

function place(tokens: SqlTokens): ColumnPlace | null {
  if (tokens.take('FIRST')) return 'first';
  return tokens.take('AFTER') ? { after: tokens.identifier() } : null;
}

function drop(tokens: SqlTokens): readonly AlterAction[] {
  refusePeriods(tokens);
  if (tokens.take('PRIMARY', 'KEY')) return [{ kind: 'drop-key', name: 'PRIMARY' }];
  if (tokens.take('FOREIGN', 'KEY') || tokens.take('CHECK')) {
    tokens.skipElement();
    return [];
  }
  if (tokens.take('INDEX') || tokens.take('KEY') || tokens.take('CONSTRAINT')) {
    tokens.take('IF', 'EXISTS');
    return [{ kind: 'drop-key', name: tokens.identifier() }];
  }
  tokens.take('COLUMN');
  const ifExists = tokens.take('IF', 'EXISTS');
  const name = tokens.identifier();
  if (!tokens.take('RESTRICT')) tokens.take('CASCADE');
  return [{ kind: 'drop', name, ifExists }];
}

function rename(tokens: SqlTokens, context: StatementContext): readonly AlterAction[] {
  if (tokens.take('INDEX') || tokens.take('KEY')) {
    tokens.take('IF', 'EXISTS');
    const name = tokens.identifier();
    tokens.expect('TO');
    return [{ kind: 'rename-key', name, to: tokens.identifier() }];
  }
  if (tokens.take('COLUMN')) {
    const ifExists = tokens.take('IF', 'EXISTS');
    const name = tokens.identifier();
    tokens.expect('TO');
    return [{ kind: 'rename-column', name, to: tokens.identifier(), ifExists }];
  }
  if (!tokens.take('TO') && !tokens.take('AS')) tokens.takeMark('=');
  return [{ kind: 'rename-table', to: tokens.tableName(context.database) }];
}

function conversion(tokens: SqlTokens): CharsetOptions {
  if (!tokens.take('CHARACTER', 'SET') && !tokens.take('CHAR', 'SET')) tokens.expect('CHARSET');
  const charset = tokens.take('DEFAULT') ? 'default' : knownCharset(tokens.takeString() ?? tokens.identifier());
  return { charset, collation: tokens.take('COLLATE') ? collationName(tokens) : null };
}

/** `ORDER BY a, b DESC`: its commas do not separate clauses. */
function skipOrder(tokens: SqlTokens): void {
  for (;;) {
    tokens.identifier();
    while (tokens.takeMark('.')) tokens.identifier();
    if (!tokens.take('ASC')) tokens.take('DESC');
    if (!tokens.seesMark(',')) return;
    const name = tokens.peek(1);
    const behind = tokens.peek(2);
    const ends =
      behind.kind === 'end' ||
      behind.keyword === 'ASC' ||
      behind.keyword === 'DESC' ||
      behind.text === ',' ||
      behind.text === '.';
    if ((name.kind !== 'word' && name.kind !== 'name') || !ends) return;
    tokens.takeMark(',');
  }
}
