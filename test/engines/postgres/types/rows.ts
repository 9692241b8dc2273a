import { textRows } from '../../../kit/type-rows.ts';

export * from '../../../kit/type-rows.ts';

/** A string constant of SQL. Backslashes stand for themselves, whatever `standard_conforming_strings` says. */
export const quote = (text: string): string =>
  text.includes('\\') ? `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : `'${text.replaceAll("'", "''")}'`;

export const { same, becomes, digits, nulled } = textRows(quote);
