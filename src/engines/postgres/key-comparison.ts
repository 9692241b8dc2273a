import { type Query, quoteIdent, quoteLiteral } from './sql.ts';
import type { PgType } from './types.ts';

/**
 * The operators by which the index of a key orders its values, as SQL writes them: `OPERATOR(pg_catalog.>)`. A bare `>`
 * is looked up along search_path, which holds pg_catalog alone: for a type of an extension it is not found, or, worse,
 * another one is (citext compared as text: rows between two chunks would be skipped).
 */
export interface Comparison {
  readonly equal: string;
  readonly atLeast: string;
  readonly greater: string;
}

const BUILT_IN: Comparison = {
  equal: 'OPERATOR(pg_catalog.=)',
  atLeast: 'OPERATOR(pg_catalog.>=)',
  greater: 'OPERATOR(pg_catalog.>)',
};

/** What the operators see: a domain is its base type. */
const compared = (type: PgType): PgType => (type.base === undefined ? type : compared(type.base));

/** Enums, composites, ranges and arrays are compared by polymorphic operators, which are built in. */
const hasOwnOperators = (type: PgType): boolean =>
  type.typtype === 'b' && type.element === undefined && type.namespace !== 'pg_catalog';

/** The operators of the default btree operator class of each type. */
export async function readComparisons(query: Query, types: Iterable<PgType>): Promise<(type: PgType) => Comparison> {
  const own = new Set(
    [...types]
      .map(compared)
      .filter(hasOwnOperators)
      .map(type => type.oid),
  );
  const found = new Map<number, Map<number, string>>();
  if (own.size > 0) {
    const rows = await query.rows<{ type: number; strategy: number; schema: string; operator: string }>(`
      SELECT c.opcintype AS type, a.amopstrategy AS strategy, n.nspname::text AS schema, o.oprname::text AS operator
        FROM pg_catalog.pg_opclass c
        JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod AND m.amname = 'btree'
        JOIN pg_catalog.pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND a.amoprighttype = c.opcintype
        JOIN pg_catalog.pg_operator o ON o.oid = a.amopopr JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
       WHERE c.opcdefault AND a.amoppurpose = 's' AND c.opcintype IN (${[...own].join(', ')})`);
    for (const { type, strategy, schema, operator } of rows) {
      const operators = found.get(type) ?? new Map<number, string>();
      found.set(type, operators.set(strategy, `OPERATOR(${quoteIdent(schema)}.${operator})`));
    }
  }
  // btree strategies (manual, "Index Method Strategies"): 3 equal, 4 greater or equal, 5 greater.
  return type => {
    const operators = found.get(compared(type).oid);
    return {
      equal: operators?.get(3) ?? BUILT_IN.equal,
      atLeast: operators?.get(4) ?? BUILT_IN.atLeast,
      greater: operators?.get(5) ?? BUILT_IN.greater,
    };
  };
}

interface KeyColumn {
  readonly name: string;
  readonly typeSql: string;
  readonly comparison: Comparison;
}

/**
 * The condition that a row comes after a key, in the order of `ORDER BY` the same columns; it can use the key's index.
 * `values` are text forms, one for each column.
 */
export function afterKey(columns: readonly KeyColumn[], values: readonly string[]): string {
  const names = columns.map(column => quoteIdent(column.name));
  const literals = columns.map((column, at) => `${quoteLiteral(values[at] ?? '')}::${column.typeSql}`);
  const [first, ...others] = columns;
  if (first === undefined) return 'false';
  const { greater } = first.comparison;
  if (others.every(column => column.comparison.greater === greater)) {
    if (others.length === 0) return `${names[0]} ${greater} ${literals[0]}`;
    return `(${names.join(', ')}) ${greater} (${literals.join(', ')})`;
  }
  // Operators of several schemas: one row comparison cannot name them, so it is written out.
  let condition = 'false';
  for (let at = columns.length - 1; at >= 0; at--) {
    const operators = columns[at]?.comparison ?? BUILT_IN;
    const [name, value] = [names[at], literals[at]];
    condition = `(${name} ${operators.greater} ${value} OR ${name} ${operators.equal} ${value} AND ${condition})`;
  }
  return `${names[0]} ${first.comparison.atLeast} ${literals[0]} AND ${condition}`;
}
