import { ConnectorError } from '../../../contract/errors.ts';
import { type TableId, tableKey, tableLabel } from '../../../contract/ids.ts';
import { type Query, qualified, quoteIdent, serverVersion } from '../sql.ts';
import { serverError } from '../wire/errors.ts';
import type { Relation } from '../wire/relation.ts';
import { readPublication } from './publication.ts';
import { dropSlotSql } from './slot.ts';

/** What was read of the log until the error came. */
export interface LogSoFar {
  /** The table of the change that failed, where it was announced just before; null where others came in between. */
  readonly table: Relation | null;
  readonly announced: readonly Relation[];
  readonly slot: string;
  readonly publication: string;
}

/**
 * Errors that a change of the log brings each time it is sent: an output function that asks the database (a walsender has
 * no snapshot for that), a row filter that cannot be computed. Classes of SQLSTATE: data, unsupported, routines, PL/pgSQL.
 */
const LASTING = new Set(['22', '0A', '38', '39', 'P0']);

/**
 * The error as one that the user must act on, naming the table, where the server could not send a change of its log;
 * otherwise the error itself. Asks the catalog, as it is now.
 */
export async function asUnsendable(error: unknown, log: LogSoFar, query: () => Promise<Query>): Promise<unknown> {
  if (!(error instanceof ConnectorError)) return error;
  const server = serverError(error.cause);
  // The context is in the server's language; the names of plugin and callback are not.
  if (server === undefined || !/\bpgoutput\b.*\bchange\b/s.test(server.where ?? '')) return error;
  const asked = server.code === 'XX000' && server.message.includes('without an outer snapshot');
  if (!asked && !LASTING.has(server.code.slice(0, 2))) return error;
  const control = await query();
  const suspects = asked ? await whoAsk(control, log) : await whoFail(control, log);
  const [only, ...others] = suspects;
  const where = suspects.map(describeSuspect).join(' or ');
  const why = asked
    ? ' A type asks the database how to print its values, which the server cannot do while it sends its log.'
    : '';
  const exact = others.length === 0 ? only : undefined;
  const detail =
    `${error.detail} It is a change of ${where === '' ? 'a table of the publication' : where}.${why} The slot never gets past it. ` +
    `${await remedy(control, log, exact)} Then run: ${dropSlotSql(log.slot)} and clear the streams.`;
  return new ConnectorError('CHANGE_UNSENDABLE', detail, { cause: error.cause, table: exact?.id });
}

/** A table that the change may be of. */
interface Suspect {
  /** A partition's is that of its root. */
  readonly id: TableId;
  /** As the log announced them. */
  readonly columns: readonly string[];
  /** Those of a type that may be to blame; empty where that is not known. */
  readonly blamed: readonly { readonly name: string; readonly type: string }[];
}

const describeSuspect = ({ id, blamed }: Suspect): string => {
  const list = blamed.map(({ name, type }) => `"${name}" ${type}`).join(', ');
  return `${tableLabel(id)}${list === '' ? '' : ` (${list})`}`;
};

async function remedy(control: Query, { publication }: LogSoFar, suspect: Suspect | undefined): Promise<string> {
  const name = quoteIdent(publication);
  if (suspect === undefined)
    return `Take the table out of the publication (ALTER PUBLICATION ${name} DROP TABLE …;) and read it as full refresh.`;
  const table = qualified(suspect.id);
  const drop = `ALTER PUBLICATION ${name} DROP TABLE ${table};`;
  const leaveOut = `Take the table out of the publication and read it as full refresh: ${drop}`;
  if (suspect.blamed.length === 0) return `If a row filter of the publication is to blame, change it. Else: ${leaveOut}`;
  const kept = suspect.columns.filter(column => !suspect.blamed.some(each => each.name === column));
  if (kept.length === 0 || (await serverVersion(control)) < 15_00_00) return leaveOut;
  const add = `ALTER PUBLICATION ${name} ADD TABLE ${table} (${kept.map(quoteIdent).join(', ')});`;
  return `Publish the table without the column, which is then read from the table: ${drop} ${add} Or: ${leaveOut}`;
}

const announcedIn = ({ table, announced }: LogSoFar): readonly Relation[] => (table === null ? announced : [table]);

/** Tables with a type that may ask; without one, whatever was announced. */
async function whoAsk(control: Query, log: LogSoFar): Promise<readonly Suspect[]> {
  const tables = await withRoots(control, announcedIn(log));
  const found = await ofOwnTypes(control, tables);
  return found.length > 0 ? found : tables.map(table => ({ ...table, blamed: [] }));
}

/** The table that was announced; a row filter is looked at before that, so otherwise each table that has one. */
async function whoFail(control: Query, log: LogSoFar): Promise<readonly Suspect[]> {
  const publication = log.table === null ? await readPublication(control, log.publication) : undefined;
  const filtered = [...(publication?.tables.values() ?? [])].filter(({ rowFilter }) => rowFilter !== null);
  if (filtered.length > 0) return filtered.map(({ id }) => ({ id, columns: [], blamed: [] }));
  return (await withRoots(control, announcedIn(log))).map(table => ({ ...table, blamed: [] }));
}

interface Announced extends Pick<Suspect, 'id' | 'columns'> {
  /** Oids of the columns' types. */
  readonly types: readonly number[];
}

/** Partitions are announced behind their root, under which they are published; those that are gone stand for themselves. */
async function withRoots(control: Query, relations: readonly Relation[]): Promise<readonly Announced[]> {
  if (relations.length === 0) return [];
  const rows = await control.rows<{ oid: number; namespace: string; name: string }>(`
    SELECT m.oid, n.nspname::text AS namespace, c.relname::text AS name
      FROM pg_catalog.pg_class m JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_partition_root(m.oid), m.oid)
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE m.oid IN (${relations.map(({ id }) => id).join(', ')})`);
  const rootOf = new Map(rows.map(({ oid, namespace, name }) => [oid, { namespace, name }]));
  const announced = relations.map(
    ({ id, namespace, name, columns }): Announced => ({
      id: rootOf.get(id) ?? { namespace, name },
      columns: columns.map(column => column.name),
      types: columns.map(column => column.typeOid),
    }),
  );
  return [...new Map(announced.map(each => [tableKey(each.id), each])).values()];
}

/** Those with a column of a base type that is not the server's own, or of one made of such. */
async function ofOwnTypes(control: Query, tables: readonly Announced[]): Promise<readonly Suspect[]> {
  const types = new Set(tables.flatMap(table => table.types));
  if (types.size === 0) return [];
  const rows = await control.rows<{ type: number; sql: string }>(`
    WITH RECURSIVE part (type, of) AS (
      SELECT oid, oid FROM pg_catalog.pg_type WHERE oid IN (${[...types].join(', ')})
      UNION
      SELECT p.type, m.of FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.of CROSS JOIN LATERAL (
        SELECT t.typbasetype UNION ALL SELECT t.typelem
        UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped
      ) AS m (of) WHERE m.of <> 0
    )
    -- FirstNormalObjectId of the server's source; arrays have elements of their own.
    SELECT DISTINCT p.type, format_type(p.type, NULL) AS sql FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.of
     WHERE t.typtype = 'b' AND t.oid >= 16384 AND t.typinput <> 'pg_catalog.array_in'::regproc`);
  const sqlOf = new Map(rows.map(({ type, sql }) => [type, sql]));
  const suspects = tables.map((table): Suspect => {
    const blamed = table.columns.flatMap((name, at) => {
      const type = sqlOf.get(table.types[at] ?? 0);
      return type === undefined ? [] : [{ name, type }];
    });
    return { ...table, blamed };
  });
  return suspects.filter(({ blamed }) => blamed.length > 0);
}
