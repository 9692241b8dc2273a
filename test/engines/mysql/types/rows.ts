import { type CaseRow, textRows } from '../../../kit/type-rows.ts';

export * from '../../../kit/type-rows.ts';

/** A string constant of SQL, for sessions in which a backslash escapes. */
export const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export const { same, becomes, digits, nulled } = textRows(quote);

/** Bytes, in hexadecimal digits: what is stored, and, where that is another, what was written. */
export const bytes = (stored: string, written = stored): CaseRow => [
  `X'${written}'`,
  JSON.stringify(Buffer.from(stored, 'hex').toString('base64')),
];
