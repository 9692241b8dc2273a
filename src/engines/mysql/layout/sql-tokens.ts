/** What a statement of the log was written under: it decides how its text is read. */
export interface StatementContext {
  /** The default database of the session; null when it had none. */
  readonly database: string | null;
  /** `sql_mode` as the log's number. */
  readonly sqlMode: number;
}

export interface SqlDialect {
  readonly flavor: 'mysql' | 'mariadb';
  /** Of the server that wrote the statement, as `80036`, `90704` or `101119`. */
  readonly version: number;
}

const MODE_ANSI_QUOTES = 0x4;
const MODE_NO_BACKSLASH_ESCAPES = 0x100000;

/** Whether a bit of `sql_mode` is set, also one above the 32 that bitwise operators see. */
export const hasMode = (sqlMode: number, bit: number): boolean => Math.floor(sqlMode / bit) % 2 === 1;

export interface Token {
  /** `word`: unquoted letters and digits, a keyword or a name; `name`: quoted; `end`: behind the last one. */
  readonly kind: 'word' | 'name' | 'string' | 'mark' | 'end';
  /** Quotes and escapes undone. */
  readonly text: string;
  /** For keywords: the word in upper case; empty for the other kinds. */
  readonly keyword: string;
}

/** The statement cannot be understood with certainty; the message says why, in words for people. */
export class UnclearStatement extends Error {}

const WORD = /[0-9A-Za-z$_\u0080-\uffff]+/y;
const SPACE = /\s+/y;
const VERSION = /[0-9]{5,6}/y;
const END: Token = { kind: 'end', text: '', keyword: '' };
const ESCAPED: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\x1a',
  '%': '\\%',
  _: '\\_',
};
/** MariaDB leaves out MySQL comments of versions that it does not follow (Reference, "Comment Syntax"). */
const MYSQL_ONLY_FROM = 50_700;
const MYSQL_ONLY_TO = 99_999;

/** Walks a statement token by token. Nothing is read before it is asked for: most statements are told by their first words. */
export class SqlTokens {
  readonly #sql: string;
  readonly #dialect: SqlDialect;
  readonly #ansiQuotes: boolean;
  readonly #backslash: boolean;
  readonly #ahead: Token[] = [];
  #at = 0;
  /** Inside of `/*! … *\/` whose text counts. */
  #inVersioned = false;

  constructor(sql: string, dialect: SqlDialect, sqlMode: number) {
    this.#sql = sql;
    this.#dialect = dialect;
    this.#ansiQuotes = hasMode(sqlMode, MODE_ANSI_QUOTES);
    this.#backslash = !hasMode(sqlMode, MODE_NO_BACKSLASH_ESCAPES);
  }

  peek(distance = 0): Token {
    while (this.#ahead.length <= distance) this.#ahead.push(this.#read());
    return this.#ahead[distance] ?? END;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead.shift();
    return token;
  }

  get atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  /** Whether these keywords come next. */
  sees(...keywords: readonly string[]): boolean {
    return keywords.every((keyword, distance) => this.peek(distance).keyword === keyword);
  }

  seesOneOf(keywords: ReadonlySet<string>): boolean {
    return keywords.has(this.peek().keyword);
  }

  /** Takes these keywords if they come next. */
  take(...keywords: readonly string[]): boolean {
    if (!this.sees(...keywords)) return false;
    this.#ahead.splice(0, keywords.length);
    return true;
  }

  seesMark(mark: string): boolean {
    const token = this.peek();
    return token.kind === 'mark' && token.text === mark;
  }

  takeMark(mark: string): boolean {
    if (!this.seesMark(mark)) return false;
    this.#ahead.shift();
    return true;
  }

  expectMark(mark: string): void {
    if (!this.takeMark(mark)) throw this.unclear(`"${mark}"`);
  }

  expect(...keywords: readonly string[]): void {
    if (!this.take(...keywords)) throw this.unclear(keywords.join(' '));
  }

  identifier(): string {
    const token = this.next();
    if (token.kind !== 'word' && token.kind !== 'name') throw new UnclearStatement(`a name was expected at ${shown(token)}`);
    return token.text;
  }

  /** `[schema.]table`; the schema is the session's default where it is not said. */
  tableName(database: string | null): TableName {
    const first = this.takeMark('.') ? null : this.identifier();
    const qualified = first === null || this.takeMark('.');
    const name = qualified ? this.identifier() : first;
    const schema = qualified ? (first ?? database) : database;
    if (schema === null) throw new UnclearStatement(`the database of ${name} is not known`);
    return { schema, name };
  }

  /** A literal in quotes, or null and nothing taken. */
  takeString(): string | null {
    if (this.peek().kind !== 'string') return null;
    return this.next().text;
  }

  /** Skips `( … )` with everything inside. */
  skipParentheses(): void {
    this.expectMark('(');
    for (let depth = 1; depth > 0; ) {
      const token = this.next();
      if (token.kind === 'end') throw new UnclearStatement('a parenthesis is not closed');
      if (token.kind !== 'mark') continue;
      if (token.text === '(') depth += 1;
      else if (token.text === ')') depth -= 1;
    }
  }

  /** Skips one token, or all of a pair of parentheses. */
  skipOne(): void {
    if (this.seesMark('(')) this.skipParentheses();
    else this.next();
  }

  /** Skips to the next comma or closing parenthesis of this level, or the end. */
  skipElement(): void {
    while (!this.atEnd && !this.seesMark(',') && !this.seesMark(')')) this.skipOne();
  }

  unclear(expected: string): UnclearStatement {
    return new UnclearStatement(`${expected} was expected at ${shown(this.peek())}`);
  }

  #read(): Token {
    const sql = this.#sql;
    for (;;) {
      this.#match(SPACE);
      const character = sql[this.#at];
      if (character === undefined) return END;
      if (this.#skipComment(character)) continue;
      if (character === '`') return { kind: 'name', text: this.#quoted('`', false), keyword: '' };
      if (character === '"' && this.#ansiQuotes) return { kind: 'name', text: this.#quoted('"', false), keyword: '' };
      if (character === "'" || character === '"') {
        return { kind: 'string', text: this.#quoted(character, this.#backslash), keyword: '' };
      }
      const word = this.#match(WORD);
      if (word !== null) return { kind: 'word', text: word, keyword: word.toUpperCase() };
      this.#at += 1;
      return { kind: 'mark', text: character, keyword: '' };
    }
  }

  #skipComment(character: string): boolean {
    const sql = this.#sql;
    const following = sql[this.#at + 1];
    if (character === '#' || (character === '-' && following === '-' && isBlank(sql[this.#at + 2]))) {
      const end = sql.indexOf('\n', this.#at);
      this.#at = end < 0 ? sql.length : end + 1;
      return true;
    }
    if (character === '*' && following === '/' && this.#inVersioned) {
      this.#inVersioned = false;
      this.#at += 2;
      return true;
    }
    if (character !== '/' || following !== '*') return false;
    const mariadb = sql.startsWith('M!', this.#at + 2);
    if (mariadb || sql[this.#at + 2] === '!') {
      const from = this.#at;
      this.#at += mariadb ? 4 : 3;
      const version = Number(this.#match(VERSION) ?? '0');
      if (this.#counts(version, mariadb)) {
        this.#inVersioned = true;
        return true;
      }
      this.#at = from;
    }
    const end = sql.indexOf('*/', this.#at + 2);
    if (end < 0) throw new UnclearStatement('a comment is not closed');
    this.#at = end + 2;
    return true;
  }

  /** Whether the server that wrote the log reads the text of a versioned comment. */
  #counts(version: number, mariadb: boolean): boolean {
    if (this.#dialect.flavor === 'mysql') return !mariadb && version <= this.#dialect.version;
    if (!mariadb && version >= MYSQL_ONLY_FROM && version <= MYSQL_ONLY_TO) return false;
    return version <= this.#dialect.version;
  }

  #quoted(quote: string, backslash: boolean): string {
    const sql = this.#sql;
    let text = '';
    for (let at = this.#at + 1; ; at++) {
      const character = sql[at];
      if (character === undefined) throw new UnclearStatement('a quote is not closed');
      if (character === quote) {
        if (sql[at + 1] !== quote) {
          this.#at = at + 1;
          return text;
        }
        at += 1;
        text += quote;
      } else if (character === '\\' && backslash) {
        at += 1;
        const escaped = sql[at] ?? '';
        text += ESCAPED[escaped] ?? escaped;
      } else {
        text += character;
      }
    }
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#sql);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

const isBlank = (character: string | undefined): boolean => character === undefined || character <= ' ';

const shown = (token: Token): string => (token.kind === 'end' ? 'the end' : JSON.stringify(token.text.slice(0, 40)));
