import { type Query, quoteIdent, quoteLiteral } from '../sql.ts';
import type { PgTable } from '../table.ts';
import type { Relation } from '../wire/relation.ts';

/**
 * How generated columns that the log lacks are had from the rest of a row: for tables without a key, of which no row can be
 * read again. A generation expression is immutable and has no other inputs, so that the row's own values give its own.
 */
export interface Computation {
  /** The columns that the expressions use. */
  readonly inputs: readonly Input[];
  /** The expression of each selected column that can be computed. */
  readonly expressions: ReadonlyMap<number, string>;
}

interface Input {
  readonly name: string;
  /** Index in the tuples of the log. */
  readonly source: number;
  readonly typeSql: string;
}

interface GeneratedRow {
  readonly name: string;
  readonly sql: string;
  /** Columns by number. Those of the system are negative. */
  readonly inputs: readonly number[];
}

/** Dependencies are the default's, or (before version 15) the column's own. A partition may have an expression of its own. */
const generatedSql = ({ oid, leaves }: PgTable): string => `
  SELECT a.attname::text AS name, pg_get_expr(d.adbin, d.adrelid) AS sql,
         ARRAY(SELECT DISTINCT p.refobjsubid FROM pg_catalog.pg_depend p
                WHERE p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = a.attrelid
                  AND p.refobjsubid <> 0 AND p.refobjsubid <> a.attnum
                  AND ((p.classid = 'pg_catalog.pg_attrdef'::regclass AND p.objid = d.oid)
                    OR (p.classid = 'pg_catalog.pg_class'::regclass AND p.objid = a.attrelid AND p.objsubid = a.attnum))) AS inputs
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = ${oid} AND a.attgenerated = 's' AND NOT a.attisdropped
     AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute b JOIN pg_catalog.pg_attrdef e ON e.adrelid = b.attrelid AND e.adnum = b.attnum
                      WHERE b.attrelid IN (${[oid, ...leaves.map(leaf => leaf.oid)].join(', ')}) AND b.attname = a.attname
                        AND pg_get_expr(e.adbin, e.adrelid) <> pg_get_expr(d.adbin, d.adrelid))`;

/**
 * `absent` are the selected columns, by number, that every change lacks. Null where none can be computed. A column that is
 * not in the log as the table has it now, or the row's partition, cannot be an input.
 */
export async function computationOf(
  query: Query,
  table: PgTable,
  relation: Relation,
  absent: ReadonlyMap<string, number>,
): Promise<Computation | null> {
  const generated = await query.rows<GeneratedRow>(generatedSql(table));
  const sourceOf = new Map(relation.columns.map(({ name, typeOid }, source) => [`${name} ${typeOid}`, source]));
  const byNumber = new Map(
    table.columns.map(({ attnum, name, typeOid, typeSql }) => [
      attnum,
      { name, source: sourceOf.get(`${name} ${typeOid}`), typeSql },
    ]),
  );
  const inputs = new Map<string, Input>();
  const expressions = new Map<number, string>();
  for (const { name, sql, inputs: numbers } of generated) {
    const at = absent.get(name);
    const own = numbers.map(number => byNumber.get(number));
    const there = own.filter((input): input is Input => input?.source !== undefined);
    if (at === undefined || there.length < own.length || /\btableoid\b/.test(sql)) continue;
    for (const input of there) inputs.set(input.name, input);
    expressions.set(at, sql);
  }
  return expressions.size === 0 ? null : { inputs: [...inputs.values()], expressions };
}

/** Rows are numbered; the values of each are those of `inputs`, as text. `columns` are some that have an expression. */
export function computeSql(
  { inputs, expressions }: Computation,
  rows: readonly (readonly (string | null)[])[],
  columns: readonly number[],
): string {
  let number = 'n';
  while (inputs.some(({ name }) => name === number)) number += 'n';
  const values = rows.map((row, count) => {
    const texts = inputs.map(({ typeSql }, at) => {
      const text = row[at] ?? null;
      return `${text === null ? 'NULL' : quoteLiteral(text)}::${typeSql}`;
    });
    return `(${[count, ...texts].join(', ')})`;
  });
  const names = [number, ...inputs.map(({ name }) => name)].map(quoteIdent).join(', ');
  const wanted = columns.map(at => `(${expressions.get(at) ?? ''})`);
  return `COPY (SELECT ${[quoteIdent(number), ...wanted].join(', ')} FROM (VALUES ${values.join(', ')}) AS q (${names})) TO STDOUT`;
}
