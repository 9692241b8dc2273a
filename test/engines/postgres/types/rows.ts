import type { JsonObject } from '../../../kit/messages.ts';
import type { TypeCase } from '../../../kit/type-family.ts';

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

/** A string constant of SQL. Backslashes stand for themselves, whatever `standard_conforming_strings` says. */
export const quote = (text: string): string =>
  text.includes('\\') ? `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : `'${text.replaceAll("'", "''")}'`;

/** Texts that become strings just as they are. */
export const same = (...texts: readonly string[]): readonly CaseRow[] => texts.map(text => [quote(text), JSON.stringify(text)]);

/** Texts that become another text. */
export const becomes = (insert: string, text: string, more: More = {}): CaseRow => [quote(insert), JSON.stringify(text), more];

/** Numbers that become the same digits. */
export const digits = (...texts: readonly string[]): readonly CaseRow[] => texts.map(text => [quote(text), text]);

/** Values that cannot be said: null, and an entry in `meta.changes`. */
export const nulled = (...texts: readonly string[]): readonly CaseRow[] =>
  texts.map(text => [quote(text), 'null', { change: 'NULLED' }]);
