import type { ColumnDefinition } from './column-definition.ts';
import { collationName, columnDefinition } from './column-definition.ts';
import { knownCharset } from './declared-type.ts';
import type { SqlDialect, SqlTokens } from './sql-tokens.ts';
import { UnclearStatement } from './sql-tokens.ts';
import type { CharsetOptions, DeclaredKey } from './statement.ts';

/** What stands between the parentheses of CREATE TABLE, and of ADD COLUMN ( … ). */
export interface TableElements {
  readonly columns: ColumnDefinition[];
  readonly keys: DeclaredKey[];
}

const CONSTRAINTS = new Set(['PRIMARY', 'UNIQUE', 'INDEX', 'KEY', 'FULLTEXT', 'SPATIAL', 'FOREIGN', 'CONSTRAINT', 'CHECK']);

/** Whether an index, key or constraint begins here: its first word is reserved, so that no column has it as its name. */
export const seesConstraint = (tokens: SqlTokens): boolean =>
  tokens.seesOneOf(CONSTRAINTS) || tokens.sees('VECTOR', 'INDEX') || tokens.sees('VECTOR', 'KEY');

/** Reads `( … )`. */
export function tableElements(tokens: SqlTokens, dialect: SqlDialect, sqlMode: number): TableElements {
  const elements: TableElements = { columns: [], keys: [] };
  tokens.expectMark('(');
  do {
    if (tokens.sees('PERIOD', 'FOR')) throw new UnclearStatement('tables with periods are not followed');
    if (seesConstraint(tokens)) {
      const key = constraint(tokens);
      if (key !== null) elements.keys.push(key);
    } else elements.columns.push(columnDefinition(tokens, tokens.identifier(), dialect, sqlMode));
  } while (tokens.takeMark(','));
  tokens.expectMark(')');
  elements.keys.push(...keysOfColumns(elements.columns));
  return elements;
}

/** Reads an index, key or constraint. Null for all but primary and unique keys. */
export function constraint(tokens: SqlTokens): DeclaredKey | null {
  const named = tokens.take('CONSTRAINT') && !seesConstraint(tokens) ? tokens.identifier() : null;
  const primary = tokens.take('PRIMARY', 'KEY');
  if (!primary && !tokens.take('UNIQUE')) {
    tokens.skipElement();
    return null;
  }
  if (!tokens.take('INDEX')) tokens.take('KEY');
  const ifNotExists = tokens.take('IF', 'NOT', 'EXISTS');
  const name = seesParts(tokens) ? named : tokens.identifier();
  const columns = keyParts(tokens);
  tokens.skipElement();
  return { primary, name, columns, ifNotExists };
}

const seesParts = (tokens: SqlTokens): boolean => tokens.seesMark('(') || tokens.sees('USING') || tokens.sees('TYPE');

/** Reads the columns of an index: `USING BTREE (a, b(10) DESC)`. Null where one is an expression. */
export function keyParts(tokens: SqlTokens): readonly string[] | null {
  while (!tokens.atEnd && !tokens.seesMark('(')) tokens.next();
  tokens.expectMark('(');
  const columns: string[] = [];
  let isPlain = true;
  do {
    if (tokens.seesMark('(')) isPlain = false;
    else columns.push(tokens.identifier());
    tokens.skipElement();
  } while (tokens.takeMark(','));
  tokens.expectMark(')');
  return isPlain ? columns : null;
}

/** The keys that definitions of columns declare: `id int PRIMARY KEY, code int UNIQUE`. */
export const keysOfColumns = (columns: readonly ColumnDefinition[]): readonly DeclaredKey[] =>
  columns.flatMap(({ name, primaryKey, unique }): readonly DeclaredKey[] => [
    ...(primaryKey ? [{ primary: true, name: null, columns: [name], ifNotExists: false }] : []),
    ...(unique ? [{ primary: false, name: null, columns: [name], ifNotExists: false }] : []),
  ]);

/** Table options with one value, with or without `=`. */
const OPTIONS = new Set(
  `ENGINE TYPE MAX_ROWS MIN_ROWS AVG_ROW_LENGTH PASSWORD COMMENT COMPRESSION ENCRYPTION AUTO_INCREMENT PACK_KEYS
  STATS_AUTO_RECALC STATS_PERSISTENT STATS_SAMPLE_PAGES CHECKSUM TABLE_CHECKSUM PAGE_CHECKSUM DELAY_KEY_WRITE ROW_FORMAT UNION
  INSERT_METHOD TABLESPACE STORAGE CONNECTION KEY_BLOCK_SIZE SECONDARY_ENGINE ENGINE_ATTRIBUTE SECONDARY_ENGINE_ATTRIBUTE
  AUTOEXTEND_SIZE TRANSACTIONAL SEQUENCE PAGE_COMPRESSED PAGE_COMPRESSION_LEVEL ENCRYPTED ENCRYPTION_KEY_ID`.split(/\s+/),
);

/** Reads one option of a table or database; null and nothing taken: none comes next. Others than character sets are `{ null, null }`. */
export function tableOption(tokens: SqlTokens): CharsetOptions | null {
  const isDefault = tokens.take('DEFAULT');
  if (tokens.take('CHARACTER', 'SET') || tokens.take('CHAR', 'SET') || tokens.take('CHARSET')) {
    tokens.takeMark('=');
    if (tokens.take('DEFAULT')) return { charset: 'default', collation: null };
    return { charset: knownCharset(tokens.takeString() ?? tokens.identifier()), collation: null };
  }
  if (tokens.take('COLLATE')) {
    tokens.takeMark('=');
    return { charset: null, collation: collationName(tokens) };
  }
  if (isDefault) throw tokens.unclear('CHARACTER SET or COLLATE');
  if (tokens.take('START', 'TRANSACTION')) return NO_CHARSET;
  const directory = tokens.take('DATA', 'DIRECTORY') || tokens.take('INDEX', 'DIRECTORY');
  if (!directory && !tokens.seesOneOf(OPTIONS)) {
    // An option of MariaDB's engines: name = value.
    const equals = tokens.peek(1);
    if (equals.kind !== 'mark' || equals.text !== '=') return null;
  }
  if (!directory) tokens.next();
  tokens.takeMark('=');
  tokens.skipOne();
  return NO_CHARSET;
}

export const NO_CHARSET: CharsetOptions = { charset: null, collation: null };

/** Of several options the last of each counts. */
export const mergeOptions = (before: CharsetOptions, after: CharsetOptions): CharsetOptions => ({
  charset: after.charset ?? before.charset,
  collation: after.collation ?? before.collation,
});
