import type { ColumnDefinition } from './column-definition.ts';
import { collationName, columnDefinition } from './column-definition.ts';
import { knownCharset } from './declared-type.ts';
import type { SqlDialect, SqlTokens } from './sql-tokens.ts';
import { UnclearStatement } from './sql-tokens.ts';
import type { CharsetOptions } from './statement.ts';

/** What stands between the parentheses of CREATE TABLE, and of ADD COLUMN ( … ). */
export interface TableElements {
  readonly columns: ColumnDefinition[];
  readonly primaryKey: string[];
}

const CONSTRAINTS = new Set(['PRIMARY', 'UNIQUE', 'INDEX', 'KEY', 'FULLTEXT', 'SPATIAL', 'FOREIGN', 'CONSTRAINT', 'CHECK']);

/** Whether an index, key or constraint begins here: its first word is reserved, so that no column has it as its name. */
export const seesConstraint = (tokens: SqlTokens): boolean =>
  tokens.seesOneOf(CONSTRAINTS) || tokens.sees('VECTOR', 'INDEX') || tokens.sees('VECTOR', 'KEY');

/** Reads `( … )`. */
export function tableElements(tokens: SqlTokens, dialect: SqlDialect, sqlMode: number): TableElements {
  const elements: TableElements = { columns: [], primaryKey: [] };
  tokens.expectMark('(');
  do {
    if (tokens.sees('PERIOD', 'FOR')) throw new UnclearStatement('tables with periods are not followed');
    if (seesConstraint(tokens)) elements.primaryKey.push(...constraint(tokens));
    else elements.columns.push(columnDefinition(tokens, tokens.identifier(), dialect, sqlMode));
  } while (tokens.takeMark(','));
  tokens.expectMark(')');
  return elements;
}

/** Skips an index, key or constraint. Returns the columns of a primary key, which are NOT NULL; none for others. */
export function constraint(tokens: SqlTokens): readonly string[] {
  if (tokens.take('CONSTRAINT') && !seesConstraint(tokens)) tokens.identifier();
  const columns: string[] = [];
  if (tokens.take('PRIMARY', 'KEY')) {
    while (!tokens.atEnd && !tokens.seesMark('(')) tokens.next();
    tokens.expectMark('(');
    do {
      columns.push(tokens.identifier());
      tokens.skipElement();
    } while (tokens.takeMark(','));
    tokens.expectMark(')');
  }
  tokens.skipElement();
  return columns;
}

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
