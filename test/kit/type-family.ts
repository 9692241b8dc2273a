import type { JsonObject } from './messages.ts';

/** One value of one type: what discover says of a column, and what each way of reading it prints. */
export interface TypeCase {
  /** The type of the column, as SQL writes it. */
  readonly native: string;
  /** The value, as SQL writes it; means the same each time it runs. */
  readonly insert: string;
  /** What discover says of the column, which may be null. */
  readonly schema: JsonObject;
  /** The value in a record, to the byte. */
  readonly json: string;
  /** What `meta.changes` says of it; absent: nothing. The reason is always SOURCE_SERIALIZATION_ERROR. */
  readonly change?: 'NULLED' | 'TRUNCATED';
  /** First major version that the case is true for. */
  readonly since?: number;
  /** First major version that it is not true for any more. */
  readonly before?: number;
  /** A remark for the page that is made from the cases. */
  readonly note?: string;
}

/** Cases that share a table. */
export interface TypeFamily {
  /** Short, lower case: a part of the table's name. */
  readonly name: string;
  readonly title: string;
  /** Paragraphs for the page that is made from the cases. */
  readonly notes?: readonly string[];
  /** Statements to run before the table is made. */
  readonly setup?: readonly string[];
  /** Something that a server may lack, an extension perhaps; the tests are skipped where it does. */
  readonly requires?: string;
  readonly cases: readonly TypeCase[];
}

/** Line feeds, tabs and their like as JSON escapes them: for names of tests and for tables. */
export const onOneLine = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, control => {
    const [named] = /\\[a-z]$/.exec(JSON.stringify(control).slice(1, -1)) ?? [];
    return named ?? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
