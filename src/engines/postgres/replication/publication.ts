import { ConnectorError } from '../../../contract/errors.ts';
import { type TableId, tableKey, tableLabel } from '../../../contract/ids.ts';
import type { Table } from '../../../contract/table.ts';
import { type Query, qualified, quoteIdent, quoteLiteral, serverVersion } from '../sql.ts';
import { serverError, toConnectorError } from '../wire/errors.ts';

/** A table as a publication has it. */
export interface PublishedTable {
  readonly id: TableId;
  /** Null: all columns that the log can carry. */
  readonly columns: readonly string[] | null;
  /** The WHERE of the publication, as SQL; null for none. */
  readonly rowFilter: string | null;
}

export interface Publication {
  readonly name: string;
  readonly owner: string;
  /** The logged-in role may alter it. */
  readonly owned: boolean;
  /** Made by this connector, which then keeps it fit: it carries our comment. */
  readonly managed: boolean;
  readonly allTables: boolean;
  /** Version 19 and later: what FOR ALL TABLES leaves out (EXCEPT), inheritance children named by themselves. */
  readonly excepted: readonly TableId[];
  /** FOR TABLES IN SCHEMA. */
  readonly schemas: readonly string[];
  readonly inserts: boolean;
  readonly updates: boolean;
  readonly deletes: boolean;
  readonly truncates: boolean;
  /** Changes of partitions arrive as changes of the root. */
  readonly viaRoot: boolean;
  /** Version 18 and later: stored generated columns are published. */
  readonly generatedColumns: boolean;
  /** By `tableKey`. With `viaRoot` partitioned roots, without it their leaves. */
  readonly tables: ReadonlyMap<string, PublishedTable>;
  readonly oid: number;
  /**
   * Oid of the `pg_publication_rel` row of each table that is listed by name, by the oid of the table; and of partitions
   * that are there because what they are a part of is listed.
   */
  readonly memberships: ReadonlyMap<number, number>;
  /** Oid of the `pg_publication_namespace` row of each schema, by its name. */
  readonly schemaMemberships: ReadonlyMap<string, number>;
  /** The transaction that wrote each entry of a table that is listed by name, by its oid: the server refuses to make these unlogged. */
  readonly listed: ReadonlyMap<number, string>;
  /** The same for schemas, by their names. */
  readonly schemasWritten: ReadonlyMap<string, string>;
  /** The transaction that last wrote what is published, and how. */
  readonly written: string;
  /**
   * Version 19 and later, of all tables: how many entries were ever taken out of the publications of the database. A table
   * that was excluded for a while (EXCEPT) leaves no other trace. Statistics: a crash may take them back to 0.
   */
  readonly removals: number | null;
}

/** The mark of ownership. Also read by people, in psql's `\dRp+`. */
export const PUBLICATION_COMMENT = 'Managed by source-tributary: tables are added as they are needed.';

interface PublicationRow {
  oid: number;
  owner: string;
  owned: boolean;
  comment: string | null;
  written: string;
  removals: number | null;
  pub: {
    puballtables: boolean;
    pubinsert: boolean;
    pubupdate: boolean;
    pubdelete: boolean;
    pubtruncate: boolean;
    pubviaroot: boolean;
    pubgencols?: string;
  };
}

/** The publication of that name, or undefined. */
export async function readPublication(query: Query, name: string): Promise<Publication | undefined> {
  const [row] = await query.rows<PublicationRow>(`
    SELECT p.oid, pg_get_userbyid(p.pubowner)::text AS owner, pg_has_role(p.pubowner, 'USAGE') AS owned,
           obj_description(p.oid, 'pg_publication') AS comment, to_jsonb(p) AS pub, p.xmin::text AS written,
           CASE WHEN p.puballtables AND current_setting('server_version_num')::int4 >= 190000
                THEN pg_stat_get_tuples_deleted('pg_catalog.pg_publication_rel'::regclass)::float8 END AS removals
      FROM pg_catalog.pg_publication p WHERE p.pubname = ${quoteLiteral(name)}`);
  if (row === undefined) return undefined;
  const version = await serverVersion(query);
  const schemas = version < 15_00_00 ? [] : await readSchemas(query, row.oid);
  const listed = await readMembers(query, row.oid);
  const members = listed.filter(member => !member.excepted);
  const managed = row.comment === PUBLICATION_COMMENT;
  // The view waits for locks on the tables. Of a publication of ours all is known without it.
  const plain = !row.pub.puballtables && schemas.length === 0 && row.pub.pubviaroot;
  const simple = managed && plain && members.every(member => member.whole);
  const tables = simple
    ? members.map(({ namespace, name: table }) => ({ id: { namespace, name: table }, columns: null, rowFilter: null }))
    : await readPublishedTables(query, name);
  return {
    oid: row.oid,
    name,
    owner: row.owner,
    owned: row.owned,
    managed,
    allTables: row.pub.puballtables,
    excepted: listed.filter(member => member.excepted).map(({ namespace, name: table }) => ({ namespace, name: table })),
    schemas: schemas.map(schema => schema.name),
    schemaMemberships: new Map(schemas.map(schema => [schema.name, schema.oid])),
    inserts: row.pub.pubinsert,
    updates: row.pub.pubupdate,
    deletes: row.pub.pubdelete,
    truncates: row.pub.pubtruncate,
    viaRoot: row.pub.pubviaroot,
    generatedColumns: row.pub.pubgencols === 's',
    tables: new Map(tables.map(table => [tableKey(table.id), table])),
    memberships: new Map([
      ...(await readPartsOfMembers(query, row.oid)),
      ...members.map(({ relid, oid }) => [relid, oid] as const),
    ]),
    listed: new Map(members.map(member => [member.relid, member.written])),
    schemasWritten: new Map(schemas.map(schema => [schema.name, schema.written])),
    written: row.written,
    removals: row.removals,
  };
}

interface MemberRow {
  readonly oid: number;
  readonly relid: number;
  readonly namespace: string;
  readonly name: string;
  readonly written: string;
  /** Neither row filter nor column list. */
  readonly whole: boolean;
  readonly excepted: boolean;
}

/** The tables that the publication names: those that it has, or those that it leaves out. */
async function readMembers(query: Query, publication: number): Promise<readonly MemberRow[]> {
  // As JSON: row filters and column lists came with 15, EXCEPT with 19.
  return await query.rows<MemberRow>(`
    SELECT r.oid, r.prrelid AS relid, n.nspname::text AS namespace, c.relname::text AS name, r.xmin::text AS written,
           (to_jsonb(r) ->> 'prqual') IS NULL AND (to_jsonb(r) ->> 'prattrs') IS NULL AS whole,
           coalesce((to_jsonb(r) ->> 'prexcept')::bool, false) AS excepted
      FROM pg_catalog.pg_publication_rel r
      JOIN pg_catalog.pg_class c ON c.oid = r.prrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE r.prpubid = ${publication} ORDER BY 3, 4`);
}

interface SchemaRow {
  readonly oid: number;
  readonly name: string;
  readonly written: string;
}

const readSchemas = (query: Query, publication: number): Promise<readonly SchemaRow[]> =>
  query.rows<SchemaRow>(`
    SELECT s.oid, n.nspname::text AS name, s.xmin::text AS written FROM pg_catalog.pg_publication_namespace s
      JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = ${publication} ORDER BY 2`);

/** Partitions of the listed tables, each with the membership of the largest oid that brings it in. */
async function readPartsOfMembers(query: Query, publication: number): Promise<readonly (readonly [number, number])[]> {
  const rows = await query.rows<{ oid: number; relid: number }>(`
    WITH RECURSIVE part (oid, relid) AS (
      SELECT r.oid, r.prrelid FROM pg_catalog.pg_publication_rel r
       WHERE r.prpubid = ${publication} AND (to_jsonb(r) ->> 'prexcept')::bool IS NOT TRUE
      UNION
      SELECT p.oid, i.inhrelid FROM part p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.relid
        JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE c.relispartition
    )
    SELECT max(oid::int8)::float8 AS oid, relid FROM part GROUP BY relid`);
  return rows.map(({ oid, relid }) => [relid, oid] as const);
}

async function readPublishedTables(query: Query, name: string): Promise<readonly PublishedTable[]> {
  // As JSON: attnames and rowfilter came with 15.
  const rows = await query.rows<{
    table: { schemaname: string; tablename: string; attnames?: string[] | null; rowfilter?: string | null };
  }>(`SELECT to_jsonb(t) AS table FROM pg_catalog.pg_publication_tables t WHERE t.pubname = ${quoteLiteral(name)}`);
  return rows.map(({ table }) => ({
    id: { namespace: table.schemaname, name: table.tablename },
    columns: table.attnames ?? null,
    rowFilter: table.rowfilter ?? null,
  }));
}

const tableList = (tables: readonly TableId[]): string => tables.map(id => `ONLY ${qualified(id)}`).join(', ');

/** The statement that makes the publication we need; `version` is `server_version_num`. */
export function createPublicationSql(name: string, tables: readonly TableId[], version: number): string {
  const options = ["publish = 'insert, update, delete, truncate'", 'publish_via_partition_root = true'];
  if (version >= 18_00_00) options.push('publish_generated_columns = stored');
  const members = tables.length === 0 ? '' : ` FOR TABLE ${tableList(tables)}`;
  return `CREATE PUBLICATION ${quoteIdent(name)}${members} WITH (${options.join(', ')});`;
}

/** The statement that adds tables to a publication: to one FOR ALL TABLES, by leaving out what else it leaves out now. */
export function addTablesSql(publication: Publication, tables: readonly TableId[]): string {
  const alter = `ALTER PUBLICATION ${quoteIdent(publication.name)}`;
  if (!publication.allTables) return `${alter} ADD TABLE ${tableList(tables)};`;
  const added = new Set(tables.map(tableKey));
  const rest = publication.excepted.filter(id => !added.has(tableKey(id)));
  return `${alter} SET ALL TABLES${rest.length === 0 ? '' : ` EXCEPT (TABLE ${tableList(rest)})`};`;
}

/** What is wrong with an existing publication whatever tables are wanted, each with the SQL that mends it. */
export function publicationFlaws(publication: Publication): readonly string[] {
  const flaws: string[] = [];
  const { inserts, updates, deletes } = publication;
  if (!(inserts && updates && deletes)) {
    const lacking = [inserts ? '' : 'inserts', updates ? '' : 'updates', deletes ? '' : 'deletes'].filter(each => each !== '');
    const sql = `ALTER PUBLICATION ${quoteIdent(publication.name)} SET (publish = 'insert, update, delete, truncate');`;
    flaws.push(`The publication "${publication.name}" does not publish ${lacking.join(' and ')}. Run: ${sql}`);
  }
  return flaws;
}

export interface Ensured {
  /** Tables that were not in the publication until now. */
  readonly added: readonly TableId[];
}

/**
 * Makes sure that the publication covers the tables: creates it where absent, adds tables to one that we made. One that
 * somebody else made is never altered. All or nothing; takes SHARE UPDATE EXCLUSIVE locks on the tables for a moment,
 * which block neither reads nor writes.
 * Throws PUBLICATION_UNUSABLE with the SQL to run; REPLICA_IDENTITY_MISSING for a table that cannot be followed, since
 * publishing it would make the user's own updates fail.
 */
export async function ensurePublication(query: Query, name: string, tables: readonly Table[]): Promise<Ensured> {
  for (const table of tables) {
    if (table.follow !== true) throw new ConnectorError('REPLICA_IDENTITY_MISSING', table.follow.reason, { table: table.id });
  }
  const publication = await readPublication(query, name);
  if (publication === undefined) {
    const wanted = tables.map(table => table.id);
    const sql = createPublicationSql(name, wanted, await serverVersion(query));
    const comment = `COMMENT ON PUBLICATION ${quoteIdent(name)} IS ${quoteLiteral(PUBLICATION_COMMENT)};`;
    // One message, hence one transaction: there is never a publication of ours without the mark.
    await alter(query, name, sql, `${sql} ${comment}`);
    return { added: wanted };
  }
  const flaws = publicationFlaws(publication);
  if (flaws.length > 0) throw new ConnectorError('PUBLICATION_UNUSABLE', flaws.join(' '));
  const lacking = tables.filter(table => !publication.tables.has(tableKey(table.id))).map(table => table.id);
  if (lacking.length === 0) return { added: [] };
  const sql = addTablesSql(publication, lacking);
  if (!publication.managed || !publication.owned || publication.allTables) {
    const labels = lacking.map(tableLabel).join(', ');
    throw new ConnectorError('PUBLICATION_UNUSABLE', `The publication "${name}" lacks ${labels}. Run: ${sql}`);
  }
  await alter(query, name, sql, sql);
  return { added: lacking };
}

async function alter(query: Query, name: string, shown: string, sql: string): Promise<void> {
  try {
    await query.rows(sql);
  } catch (error) {
    const known = toConnectorError(error, `Preparing the publication "${name}"`);
    const code = serverError(known.cause)?.code;
    // insufficient_privilege; read_only_sql_transaction: a standby, or a role set to read only.
    if (code !== '42501' && code !== '25006') throw known;
    const who = code === '42501' ? 'the owner of the tables' : 'a role that may write, on the primary server';
    throw new ConnectorError('PUBLICATION_UNUSABLE', `${known.detail} Let ${who} run: ${shown}`, { cause: error });
  }
}
