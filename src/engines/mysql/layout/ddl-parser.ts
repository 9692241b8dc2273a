import { alterActions, skipPartitioning } from './alter-clauses.ts';
import type { SqlDialect, StatementContext, TableName } from './sql-tokens.ts';
import { hasMode, SqlTokens, UnclearStatement } from './sql-tokens.ts';
import type { CharsetOptions, Statement } from './statement.ts';
import { speaksOfVersioning } from './system-versioning.ts';
import { keyParts, mergeOptions, NO_CHARSET, tableElements, tableOption } from './table-elements.ts';

const BLANK_OR_COMMENT = /(?:\s+|\/\*(?!!|M!)[\s\S]*?\*\/|#[^\n]*(?:\n|$)|--(?:\s[^\n]*)?(?:\n|$))/y;
const FIRST_WORD = /[a-z]+/iy;
const VERSIONED_COMMENT = /\/\*M?!/y;
const DEFINING = new Set(['CREATE', 'ALTER', 'RENAME', 'DROP', 'TRUNCATE', 'SET']);
/** Statements that change rows. In the log they are only where a session left binlog_format=ROW. */
const CHANGING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE', 'LOAD', 'WITH']);
/** The log has such a statement only if a stored function in it changed rows, and then it names the function alone. */
const CALLING = new Set(['SELECT', 'DO']);
/** STRICT_TRANS_TABLES and STRICT_ALL_TABLES. */
const STRICT_MODES = [2 ** 21, 2 ** 22];
const REPLACEMENT_CHARACTER = '\ufffd';

/**
 * What a statement says about tables and databases. Null, at the price of a look at its first word, for one that says
 * nothing about them.
 */
export function parseStatement(sql: string, context: StatementContext, dialect: SqlDialect): Statement | null {
  const word = firstWord(sql, dialect);
  if (CHANGING.has(word) || CALLING.has(word)) return changeOfRows(new SqlTokens(sql, dialect, context.sqlMode), word, context);
  if (!DEFINING.has(word)) return null;
  const parser = new DdlParser(sql, context, dialect);
  try {
    const statement = parser.statement();
    if (statement !== null && sql.includes(REPLACEMENT_CHARACTER)) throw new UnclearStatement('its text could not be decoded');
    return statement;
  } catch (error) {
    if (!(error instanceof UnclearStatement)) throw error;
    return parser.table === null
      ? { kind: 'unclear-words', why: error.message }
      : {
          kind: 'unclear',
          table: parser.table,
          ifNotExists: parser.ifNotExists,
          why: error.message,
          versioned: dialect.flavor === 'mariadb' && speaksOfVersioning(new SqlTokens(sql, dialect, context.sqlMode)),
        };
  }
}

/** The first word in upper case, behind blanks and comments. */
function firstWord(sql: string, dialect: SqlDialect): string {
  let at = 0;
  for (;;) {
    BLANK_OR_COMMENT.lastIndex = at;
    const found = BLANK_OR_COMMENT.exec(sql);
    if (found === null) break;
    at += found[0].length;
  }
  VERSIONED_COMMENT.lastIndex = at;
  if (VERSIONED_COMMENT.test(sql)) return new SqlTokens(sql, dialect, 0).peek().keyword;
  FIRST_WORD.lastIndex = at;
  return FIRST_WORD.exec(sql)?.[0].toUpperCase() ?? '';
}

/** `DELETE FROM t` is how a server says that a table in memory was emptied by a restart. */
function changeOfRows(tokens: SqlTokens, word: string, context: StatementContext): Statement {
  if (CALLING.has(word)) return { kind: 'rows-changed', tables: 'any' };
  if (word === 'DELETE' && tokens.take('DELETE', 'FROM')) {
    try {
      const table = tokens.tableName(context.database);
      if (tokens.atEnd) return { kind: 'rows-removed', table, how: 'DELETE FROM' };
    } catch (error) {
      if (!(error instanceof UnclearStatement)) throw error;
    }
  }
  return { kind: 'rows-changed', tables: 'named' };
}

class DdlParser {
  /** The table that the statement changes, once it is known. */
  table: TableName | null = null;
  /** CREATE TABLE IF NOT EXISTS */
  ifNotExists = false;
  readonly #tokens: SqlTokens;
  readonly #context: StatementContext;
  readonly #dialect: SqlDialect;

  constructor(sql: string, context: StatementContext, dialect: SqlDialect) {
    this.#tokens = new SqlTokens(sql, dialect, context.sqlMode);
    this.#context = context;
    this.#dialect = dialect;
  }

  statement(): Statement | null {
    const tokens = this.#tokens;
    if (tokens.take('SET')) {
      // MariaDB: SET STATEMENT variable = value, … FOR statement
      if (!tokens.take('STATEMENT')) return null;
      while (!tokens.atEnd && !tokens.sees('FOR')) tokens.skipOne();
      tokens.take('FOR');
      const { keyword } = tokens.peek();
      if (CHANGING.has(keyword) || CALLING.has(keyword)) return changeOfRows(tokens, keyword, this.#context);
    }
    if (tokens.take('CREATE')) return this.#create();
    if (tokens.take('ALTER')) return this.#alter();
    if (tokens.take('DROP')) return this.#drop();
    if (tokens.take('RENAME')) return tokens.take('TABLE') || tokens.take('TABLES') ? this.#rename() : null;
    if (!tokens.take('TRUNCATE')) return null;
    tokens.take('TABLE');
    return { kind: 'rows-removed', table: tokens.tableName(this.#context.database), how: 'TRUNCATE TABLE' };
  }

  #create(): Statement | null {
    const tokens = this.#tokens;
    tokens.take('OR', 'REPLACE');
    if (tokens.take('DATABASE') || tokens.take('SCHEMA')) {
      tokens.take('IF', 'NOT', 'EXISTS');
      return { kind: 'database', name: tokens.identifier(), made: true, options: this.#databaseOptions() };
    }
    if (tokens.take('UNIQUE', 'INDEX') || tokens.take('UNIQUE', 'KEY')) return this.#createUnique();
    if (!tokens.take('TABLE')) return null;
    const ifNotExists = tokens.take('IF', 'NOT', 'EXISTS');
    const table = tokens.tableName(this.#context.database);
    this.table = table;
    this.ifNotExists = ifNotExists;
    const inParentheses = tokens.seesMark('(') && tokens.peek(1).keyword === 'LIKE';
    if (inParentheses) tokens.next();
    if (tokens.take('LIKE')) return { kind: 'create-like', table, ifNotExists, source: tokens.tableName(this.#context.database) };
    if (!tokens.seesMark('(')) throw new UnclearStatement('its columns come from a query');
    const { columns, keys } = tableElements(tokens, this.#dialect, this.#context.sqlMode);
    let options = NO_CHARSET;
    while (!tokens.atEnd && !tokens.seesMark(';')) {
      if (tokens.sees('PARTITION', 'BY')) {
        skipPartitioning(tokens);
        break;
      }
      const option = tableOption(tokens);
      if (option === null) throw tokens.unclear('a table option');
      options = mergeOptions(options, option);
      tokens.takeMark(',');
    }
    return { kind: 'create-table', table, ifNotExists, columns, keys, options };
  }

  /** `CREATE UNIQUE INDEX name USING BTREE ON t (a, b)` */
  #createUnique(): Statement {
    const tokens = this.#tokens;
    const ifNotExists = tokens.take('IF', 'NOT', 'EXISTS');
    const name = tokens.identifier();
    while (!tokens.atEnd && !tokens.take('ON')) tokens.next();
    const table = tokens.tableName(this.#context.database);
    this.table = table;
    const key = { primary: false, name, columns: keyParts(tokens), ifNotExists };
    return { kind: 'alter-table', table, actions: [{ kind: 'add-key', key }], strictness: 'strict' };
  }

  #alter(): Statement | null {
    const tokens = this.#tokens;
    if (tokens.take('DATABASE') || tokens.take('SCHEMA')) {
      const named = !tokens.seesOneOf(DATABASE_OPTIONS);
      const name = named ? tokens.identifier() : this.#context.database;
      if (name === null) throw new UnclearStatement('the database is not named');
      return { kind: 'database', name, made: false, options: this.#databaseOptions() };
    }
    tokens.take('ONLINE');
    const isStrict = !tokens.take('IGNORE') && STRICT_MODES.some(mode => hasMode(this.#context.sqlMode, mode));
    if (!tokens.take('TABLE')) return null;
    tokens.take('IF', 'EXISTS');
    const table = tokens.tableName(this.#context.database);
    this.table = table;
    this.#skipWait();
    const actions = alterActions(tokens, this.#context, this.#dialect);
    return { kind: 'alter-table', table, actions, strictness: isStrict ? 'strict' : 'lenient' };
  }

  #drop(): Statement | null {
    const tokens = this.#tokens;
    if (tokens.take('DATABASE') || tokens.take('SCHEMA')) {
      tokens.take('IF', 'EXISTS');
      return { kind: 'drop-database', name: tokens.identifier() };
    }
    if (tokens.take('INDEX')) {
      tokens.take('IF', 'EXISTS');
      const name = tokens.identifier();
      tokens.expect('ON');
      const table = tokens.tableName(this.#context.database);
      return { kind: 'alter-table', table, actions: [{ kind: 'drop-key', name }], strictness: 'strict' };
    }
    if (!tokens.take('TABLE') && !tokens.take('TABLES')) return null;
    tokens.take('IF', 'EXISTS');
    const tables: TableName[] = [];
    do tables.push(tokens.tableName(this.#context.database));
    while (tokens.takeMark(','));
    return { kind: 'drop-tables', tables };
  }

  #rename(): Statement {
    const tokens = this.#tokens;
    tokens.take('IF', 'EXISTS');
    const renames: (readonly [TableName, TableName])[] = [];
    do {
      const from = tokens.tableName(this.#context.database);
      this.#skipWait();
      tokens.expect('TO');
      renames.push([from, tokens.tableName(this.#context.database)]);
    } while (tokens.takeMark(','));
    return { kind: 'rename-tables', renames };
  }

  /** MariaDB: how long to wait for the table's lock. */
  #skipWait(): void {
    if (this.#dialect.flavor === 'mysql' || this.#tokens.take('NOWAIT')) return;
    if (this.#tokens.take('WAIT')) this.#tokens.next();
  }

  #databaseOptions(): CharsetOptions {
    const tokens = this.#tokens;
    let options = NO_CHARSET;
    while (!tokens.atEnd && !tokens.seesMark(';')) {
      if (tokens.take('DEFAULT', 'ENCRYPTION') || tokens.take('READ', 'ONLY')) {
        tokens.takeMark('=');
        tokens.next();
        continue;
      }
      if (tokens.take('UPGRADE', 'DATA', 'DIRECTORY', 'NAME')) continue;
      const option = tableOption(tokens);
      if (option === null) throw tokens.unclear('an option of a database');
      options = mergeOptions(options, option);
    }
    return options;
  }
}

const DATABASE_OPTIONS = new Set(['DEFAULT', 'CHARACTER', 'CHARSET', 'COLLATE', 'ENCRYPTION', 'READ', 'COMMENT']);
