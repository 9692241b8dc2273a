import type { SqlTokens } from './sql-tokens.ts';

/** Each is found wherever a statement gives a table system versioning, or takes it away. */
const SIGNS: readonly (readonly string[])[] = [
  ['SYSTEM', 'VERSIONING'],
  ['AS', 'ROW', 'START'],
  ['PERIOD', 'FOR', 'SYSTEM_TIME'],
  ['BY', 'SYSTEM_TIME'],
];

/** Whether CREATE TABLE or ALTER TABLE is about MariaDB's system versioning, wherever in the statement. */
export function speaksOfVersioning(tokens: SqlTokens): boolean {
  for (; !tokens.atEnd; tokens.next()) {
    // One column without it says nothing about the table.
    if (tokens.take('WITHOUT', 'SYSTEM', 'VERSIONING')) continue;
    if (SIGNS.some(sign => tokens.sees(...sign))) return true;
  }
  return false;
}
