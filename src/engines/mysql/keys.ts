import { groupBy } from '../../contract/found-tables.ts';
import type { ColumnRow, IndexRow } from './catalog-queries.ts';
import type { UniqueKey } from './layout/column-layout.ts';

export interface Keys {
  /** What tells the rows of the table apart, by the values of a snapshot and of the log alike. */
  readonly primaryKey: readonly string[];
  /** What its rows can be read in the order of, by an index. */
  readonly keyset: readonly string[];
}

interface Candidate {
  readonly primary: boolean;
  readonly name: string;
  readonly columns: readonly string[];
  readonly inLog: boolean;
  readonly ordered: boolean;
}

/**
 * The keys of a table: PRIMARY, else of the unique keys without NULL the one with the fewest columns, and of these the
 * first by name. All of its columns must be readable.
 */
export function keysOf(indexes: readonly IndexRow[], columns: readonly ColumnRow[]): Keys {
  const byName = new Map(columns.map(column => [column.name, column]));
  const keys = [...groupBy(indexes, index => index.name)].flatMap(([name, parts]): Candidate[] => {
    const names = parts.flatMap(part => (part.column === null || part.nullable === 'YES' ? [] : [part.column]));
    if (names.length < parts.length || !names.every(column => byName.has(column))) return [];
    return [
      {
        primary: name === 'PRIMARY',
        name,
        columns: names,
        // Whether a virtual column's value is in the log depends on the version.
        inLog: names.every(column => !/VIRTUAL/i.test(byName.get(column)?.extra ?? '')),
        ordered: parts.every(part => part.prefix === null && part.kind === 'BTREE' && part.visible === 'YES'),
      },
    ];
  });
  keys.sort((a, b) => Number(b.primary) - Number(a.primary) || a.columns.length - b.columns.length || (a.name < b.name ? -1 : 1));
  return {
    primaryKey: keys.find(key => key.inLog)?.columns ?? [],
    keyset: keys.find(key => key.ordered)?.columns ?? [],
  };
}

/** All unique indexes but those over expressions. */
export const uniqueKeysOf = (indexes: readonly IndexRow[]): readonly UniqueKey[] =>
  [...groupBy(indexes, index => index.name)].flatMap(([name, parts]) => {
    const columns = parts.flatMap(({ column }) => column ?? []);
    return columns.length < parts.length ? [] : [{ name, columns }];
  });
