import { groupBy } from '../../contract/found-tables.ts';
import { literals, type Query } from './sql.ts';
import type { PgType } from './types.ts';

/** The catalog as `discover` reads it: plain rows, no judgement. No query here waits for a lock on a user's table. */

export interface RelationRow {
  readonly oid: number;
  readonly namespace: string;
  readonly name: string;
  readonly relkind: string;
  readonly persistence: string;
  readonly replident: string;
  readonly is_partition: boolean;
  readonly tuples: number;
  readonly pages: number;
  readonly access_method: string | null;
  /** SELECT on the whole table, and USAGE on its schema. */
  readonly readable: boolean;
  /** SELECT on a column at least. */
  readonly partly_readable: boolean;
  /** Row-level security hides rows from this role. */
  readonly row_security: boolean;
  readonly file: number;
  /** Oid of the TOAST table; 0: none. */
  readonly toast: number;
  /** False for a materialized view that holds no data: reading it is an error. */
  readonly populated: boolean;
  /** Tables inherit from it, or did. */
  readonly has_children: boolean;
}

const RELATION_COLUMNS = `
  c.oid, n.nspname::text AS namespace, c.relname::text AS name, c.relkind::text AS relkind,
  c.relpersistence::text AS persistence, c.relreplident::text AS replident, c.relispartition AS is_partition,
  c.reltuples AS tuples, c.relpages AS pages, am.amname::text AS access_method,
  coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false) AS readable,
  coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'), false) AS partly_readable,
  CASE WHEN c.relrowsecurity THEN row_security_active(c.oid) ELSE false END AS row_security,
  c.relfilenode AS file, c.reltoastrelid AS toast, c.relhassubclass AS has_children, c.relispopulated AS populated`;

const RELATION_JOINS = `
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam`;

/** Schemas that are never offered, whatever the config says. */
export const isSystemSchema = (name: string): boolean => name.startsWith('pg_') || name === 'information_schema';

const oids = (values: readonly number[]): string => (values.length === 0 ? 'NULL' : values.join(', '));

export const readRelations = (query: Query, schemas: readonly string[]): Promise<readonly RelationRow[]> =>
  query.rows<RelationRow>(`
    SELECT ${RELATION_COLUMNS} FROM pg_catalog.pg_class c ${RELATION_JOINS}
     WHERE n.nspname IN (${literals(schemas.filter(name => !isSystemSchema(name)))})
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
     ORDER BY n.nspname, c.relname`);

export interface LeafRow extends RelationRow {
  readonly root: number;
  /** How it came to the root: `xid.command` of each link from there, joined by `/`. */
  readonly attached: string;
}

/** The partitions that hold the rows of the given partitioned tables, at any depth, in any schema. */
export const readLeaves = async (query: Query, roots: readonly number[]): Promise<readonly LeafRow[]> =>
  roots.length === 0
    ? []
    : query.rows<LeafRow>(`
    WITH RECURSIVE tree (root, member, attached) AS (
      SELECT oid, oid, NULL::text FROM pg_catalog.pg_class WHERE oid IN (${oids(roots)})
      UNION ALL
      SELECT t.root, i.inhrelid, concat_ws('/', t.attached, i.xmin::text || '.' || i.cmin::text) FROM tree t
        JOIN pg_catalog.pg_inherits i ON i.inhparent = t.member AND NOT i.inhdetachpending
    )
    SELECT t.root, t.attached, ${RELATION_COLUMNS} FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.member ${RELATION_JOINS}
     WHERE c.relkind <> 'p' ORDER BY t.root, c.oid`);

export interface HiddenChildRow {
  readonly root: number;
  readonly namespace: string;
  readonly name: string;
}

/** Tables that inherit from the given ones, at any depth, and are not offered as tables of their own. */
export const readHiddenChildren = async (
  query: Query,
  roots: readonly number[],
  schemas: readonly string[],
): Promise<readonly HiddenChildRow[]> =>
  roots.length === 0
    ? []
    : query.rows<HiddenChildRow>(`
    WITH RECURSIVE tree (root, member) AS (
      SELECT inhparent, inhrelid FROM pg_catalog.pg_inherits WHERE inhparent IN (${oids(roots)})
      UNION
      SELECT t.root, i.inhrelid FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.member
    )
    SELECT t.root, n.nspname::text AS namespace, c.relname::text AS name
      FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.member JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE NOT (n.nspname IN (${literals(schemas.filter(schema => !isSystemSchema(schema)))})
                AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'))
     ORDER BY t.root, n.nspname, c.relname`);

/**
 * Which transactions last wrote how the relations came to the partitioned tables that they are parts of and, where
 * `schemas` is set, to their schemas: by oid.
 */
export async function readPlaces(
  query: Query,
  relations: readonly number[],
  { schemas }: { readonly schemas: boolean },
): Promise<ReadonlyMap<number, string>> {
  // A dependency on the schema is written anew only when the table moves.
  const schema = `(SELECT d.xmin::text FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
    AND d.objid = c.oid AND d.objsubid = 0 AND d.refclassid = 'pg_catalog.pg_namespace'::regclass)`;
  const rows = await query.rows<{ oid: number; place: string }>(`
    SELECT c.oid, concat_ws('.', ${schemas ? schema : 'NULL'}, (
      WITH RECURSIVE link (parent, depth, written) AS (
        SELECT i.inhparent, 1, i.xmin::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition
        UNION ALL
        SELECT i.inhparent, l.depth + 1, i.xmin::text FROM link l
          JOIN pg_catalog.pg_class p ON p.oid = l.parent AND p.relispartition
          JOIN pg_catalog.pg_inherits i ON i.inhrelid = p.oid
      )
      SELECT string_agg(written, '/' ORDER BY depth) FROM link)) AS place
      FROM pg_catalog.pg_class c WHERE c.oid IN (${oids(relations)})`);
  return new Map(rows.map(({ oid, place }) => [oid, place]));
}

export interface IndexRow {
  readonly relid: number;
  readonly primary: boolean;
  readonly replident: boolean;
  readonly immediate: boolean;
  readonly columns: readonly string[];
}

/** Valid primary keys and replica identity indexes. */
export const readIndexes = async (query: Query, relations: readonly number[]): Promise<readonly IndexRow[]> =>
  relations.length === 0
    ? []
    : query.rows<IndexRow>(`
    SELECT i.indrelid AS relid, i.indisprimary AS primary, i.indisreplident AS replident, i.indimmediate AS immediate,
           (SELECT array_agg(a.attname::text ORDER BY k.n)
              FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.n <= i.indnkeyatts) AS columns
      FROM pg_catalog.pg_index i
     WHERE i.indrelid IN (${oids(relations)}) AND i.indisvalid AND (i.indisprimary OR i.indisreplident)`);

export interface ColumnRow {
  readonly relid: number;
  readonly attnum: number;
  readonly name: string;
  readonly type: number;
  readonly typmod: number;
  readonly type_sql: string;
  readonly ndims: number;
  readonly not_null: boolean;
  /** Empty, s stored, v virtual. */
  readonly generated: string;
  /** Empty, a always, d by default. */
  readonly identity: string;
  /** p plain, m main, x extended, e external. */
  readonly storage: string;
  readonly collation: string | null;
  readonly readable: boolean;
  /** The transaction that last wrote the column's entry in the catalog. */
  readonly written: string;
  /** Oid of a virtual column's expression; null: none. */
  readonly virtual_expression: number | null;
}

export const readColumns = async (query: Query, relations: readonly number[]): Promise<readonly ColumnRow[]> =>
  relations.length === 0
    ? []
    : query.rows<ColumnRow>(`
    SELECT a.attrelid AS relid, a.attnum, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS typmod,
           format_type(a.atttypid, a.atttypmod) AS type_sql, a.attndims AS ndims,
           -- NOT NULL with NOT VALID (version 18) promises nothing about the rows that were there before.
           a.attnotnull AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_constraint k
              WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated AND a.attnum = ANY (k.conkey)
           ) AS not_null,
           a.attgenerated::text AS generated, a.attidentity::text AS identity, a.attstorage::text AS storage,
           o.collname::text AS collation, coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), false) AS readable,
           a.xmin::text AS written,
           CASE WHEN a.attgenerated = 'v' THEN
             (SELECT d.oid FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum) END AS virtual_expression
      FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_collation o ON o.oid = a.attcollation
     WHERE a.attrelid IN (${oids(relations)}) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum`);

/** Oid of the type that each column of a relation has at this moment, by the column's name. */
export async function readColumnTypes(query: Query, relation: number): Promise<ReadonlyMap<string, number>> {
  const rows = await query.rows<{ name: string; type: number }>(`
    SELECT attname::text AS name, atttypid AS type FROM pg_catalog.pg_attribute
     WHERE attrelid = ${relation} AND attnum > 0 AND NOT attisdropped`);
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/** What the text of a type's values depends on beside the type itself. */
export interface TypeForm {
  /** A value of an enum, by the oid that it keeps when it is renamed; 0: a composite. */
  readonly oid: number;
  /** The label, or the attributes that there are. */
  readonly text: string;
  /** The transaction that last wrote it. */
  readonly written: string;
}

/** The first oid that is not the server's own: `FirstNormalObjectId` (access/transam.h). */
const FIRST_USER_OID = 16_384;

/** The forms of those of the types that users made, with what these are made of, by the oid of the type. */
export async function readTypeForms(query: Query, types: readonly number[]): Promise<ReadonlyMap<number, readonly TypeForm[]>> {
  const own = types.filter(oid => oid >= FIRST_USER_OID);
  if (own.length === 0) return new Map();
  const rows = await query.rows<TypeForm & { readonly root: number }>(`
    WITH RECURSIVE part (root, oid) AS (
      SELECT oid, oid FROM pg_catalog.pg_type WHERE oid IN (${oids(own)})
      UNION
      SELECT p.root, n.oid FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid CROSS JOIN LATERAL (
        SELECT t.typbasetype AS oid UNION ALL SELECT t.typelem
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
                   WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
      ) n WHERE n.oid >= ${FIRST_USER_OID}
    )
    SELECT p.root, e.oid, e.enumlabel::text AS text, e.xmin::text AS written
      FROM part p JOIN pg_catalog.pg_enum e ON e.enumtypid = p.oid
    UNION ALL
    SELECT p.root, 0, t.oid || ':' || coalesce(string_agg(a.attnum || ' ' || a.atttypid, ',' ORDER BY a.attnum) FILTER (WHERE NOT a.attisdropped), ''),
           (array_agg(a.xmin::text ORDER BY age(a.xmin)))[1]
      FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid AND t.typtype = 'c'
      JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0
     GROUP BY p.root, t.oid`);
  return groupBy(rows, row => row.root);
}

interface TypeRow extends Omit<PgType, 'element' | 'base'> {
  readonly is_array: boolean;
}

/** The types with the given oids, and all that they are made of, by oid. */
export async function readTypes(query: Query, types: readonly number[]): Promise<ReadonlyMap<number, PgType>> {
  if (types.length === 0) return new Map();
  const rows = await query.rows<TypeRow>(`
    WITH RECURSIVE used (oid) AS (
      SELECT oid FROM pg_catalog.pg_type WHERE oid IN (${oids(types)})
      UNION
      SELECT part FROM used JOIN pg_catalog.pg_type t USING (oid)
       CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) AS p (part) WHERE part <> 0
    )
    SELECT t.oid, t.typname::text AS name, n.nspname::text AS namespace, t.typtype::text AS typtype,
           t.typcategory::text AS typcategory, t.typelem, t.typdelim::text AS typdelim, t.typbasetype,
           t.typtypmod AS typmod, t.typndims AS ndims,
           -- int2vector and oidvector have elements too, but are written without braces.
           t.typelem <> 0 AND t.typlen = -1 AND t.typinput = 'pg_catalog.array_in'::regproc AS is_array
      FROM used JOIN pg_catalog.pg_type t USING (oid) JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace`);
  const byOid = new Map(rows.map(row => [row.oid, row]));
  const resolved = new Map<number, PgType>();
  const resolve = (oid: number): PgType | undefined => {
    const known = resolved.get(oid);
    const row = byOid.get(oid);
    if (known !== undefined || row === undefined) return known;
    const { is_array: isArray, ...plain } = row;
    const element = isArray ? resolve(row.typelem) : undefined;
    const base = row.typbasetype === 0 ? undefined : resolve(row.typbasetype);
    const type: PgType = { ...plain, ...(element && { element }), ...(base && { base }) };
    resolved.set(oid, type);
    return type;
  };
  for (const oid of byOid.keys()) resolve(oid);
  return resolved;
}

/** `wal_sender_timeout` in milliseconds; 0: never. */
export async function readWalSenderTimeout(query: Query): Promise<number> {
  const [row] = await query.rows<{ millis: number }>(
    "SELECT setting::int8::float8 AS millis FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'",
  );
  return Number(row?.millis ?? 60_000);
}
