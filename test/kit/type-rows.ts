import type { JsonObject } from './messages.ts';
import type { TypeCase } from './type-family.ts';

/** The schemas of columns that may be null, spelled out: a test that took them from the sources could not fail. */
export const BOOLEAN: JsonObject = { type: ['null', 'boolean'] };
export const INTEGER: JsonObject = { type: ['null', 'number'], airbyte_type: 'integer' };
export const NUMBER: JsonObject = { type: ['null', 'number'] };
export const STRING: JsonObject = { type: ['null', 'string'] };
export const BINARY: JsonObject = { type: ['null', 'string'], contentEncoding: 'base64' };
export const OBJECT: JsonObject = { type: ['null', 'object'] };
export const DATE: JsonObject = { type: ['null', 'string'], format: 'date' };
const time = (format: string, airbyte_type: string): JsonObject => ({ type: ['null', 'string'], format, airbyte_type });
export const TIME = time('time', 'time_without_timezone');
export const TIME_TZ = time('time', 'time_with_timezone');
export const TIMESTAMP = time('date-time', 'timestamp_without_timezone');
export const TIMESTAMP_TZ = time('date-time', 'timestamp_with_timezone');
export const arrayOf = (items: JsonObject): JsonObject => ({ type: ['null', 'array'], items });

type More = Pick<TypeCase, 'change' | 'since' | 'before' | 'note'>;
/** The value as SQL writes it, and as JSON does. */
export type CaseRow = readonly [insert: string, json: string, more?: More];

/** Cases of one type; `more` holds for all of them. */
export const cases = (native: string, schema: JsonObject, rows: readonly CaseRow[], more: More = {}): readonly TypeCase[] =>
  rows.map(([insert, json, own]) => ({ native, schema, insert, json, ...more, ...own }));

interface TextRows {
  /** Texts that become strings just as they are. */
  same(...texts: readonly string[]): readonly CaseRow[];
  /** A text that becomes another text. */
  becomes(insert: string, text: string, more?: More): CaseRow;
  /** Numbers that become the same digits. */
  digits(...texts: readonly string[]): readonly CaseRow[];
  /** Values that cannot be said: null, and an entry in `meta.changes`. */
  nulled(...texts: readonly string[]): readonly CaseRow[];
}

/** Rows of values that are given as text; `quote` makes a string constant of the engine's SQL out of one. */
export const textRows = (quote: (text: string) => string): TextRows => ({
  same: (...texts) => texts.map(text => [quote(text), JSON.stringify(text)]),
  becomes: (insert, text, more = {}) => [quote(insert), JSON.stringify(text), more],
  digits: (...texts) => texts.map(text => [quote(text), text]),
  nulled: (...texts) => texts.map(text => [quote(text), 'null', { change: 'NULLED' }]),
});
