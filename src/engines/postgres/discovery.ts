import type { Logger } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { groupBy } from '../../contract/found-tables.ts';
import { type TableId, tableKey, tableLabel } from '../../contract/ids.ts';
import {
  type ColumnRow,
  type HiddenChildRow,
  type IndexRow,
  type LeafRow,
  type RelationRow,
  readColumns,
  readHiddenChildren,
  readIndexes,
  readLeaves,
  readPlaces,
  readRelations,
  readTypeForms,
  readTypes,
  type TypeForm,
} from './catalog-queries.ts';
import { type FollowFacts, followOf } from './follow.ts';
import { type Comparison, readComparisons } from './key-comparison.ts';
import { tellLeftOut } from './left-out.ts';
import type { Publication } from './replication/publication.ts';
import type { RelationFacts } from './replication/relation-facts.ts';
import { type Query, serverVersion } from './sql.ts';
import type { PgColumn, PgTable } from './table.ts';
import { columnType, isUnsendable, type PgType } from './types.ts';

export const OLDEST_VERSION = 14_00_00;

export interface DiscoverOptions {
  readonly schemas: readonly string[];
  /** The configured publication, as far as it exists. */
  readonly publication: Publication | undefined;
  readonly nativeJson: boolean;
  /** Only these; all where absent. */
  readonly only?: readonly TableId[];
  /** Told once what is left out. */
  readonly log?: Logger;
}

/**
 * The tables of the configured schemas, with all that a snapshot and the log need to know of them. One read-only
 * transaction of its own; never waits for a lock on a table. Throws SERVER_VERSION below 14.
 */
export async function discoverTables(query: Query, options: DiscoverOptions): Promise<readonly PgTable[]> {
  const version = await serverVersion(query);
  if (version < OLDEST_VERSION) throw new ConnectorError('SERVER_VERSION', versionProblem(version));
  const [now] = await query.rows<{ horizon: string }>(
    'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon',
  );
  try {
    return await discoverIn(query, { version, horizon: now?.horizon ?? '0' }, options);
  } finally {
    await query.rows('ROLLBACK').catch(() => {});
  }
}

export const versionProblem = (version: number): string =>
  `The server is PostgreSQL ${Math.floor(version / 10_000)}; version 14 or newer is needed.`;

async function discoverIn(
  query: Query,
  { version, horizon }: Pick<Catalog, 'version' | 'horizon'>,
  options: DiscoverOptions,
): Promise<readonly PgTable[]> {
  const viaRoot = options.publication?.viaRoot ?? true;
  const wanted = options.only === undefined ? undefined : new Set(options.only.map(tableKey));
  const found = (await readRelations(query, options.schemas)).filter(row => wanted?.has(tableKey(idOf(row))) ?? true);
  // A partition is part of its root, unless the publication speaks of partitions; one in the middle holds no rows.
  const offered = found.filter(row => !row.is_partition || (!viaRoot && row.relkind !== 'p'));
  // Asked for by a read, a view without data stays: what the server says when it is read ends that stream alone.
  const relations = offered.filter(row => row.partly_readable && (row.populated || wanted !== undefined));
  const leaves = groupBy(
    await readLeaves(
      query,
      relations.filter(row => row.relkind === 'p').map(row => row.oid),
    ),
    leaf => leaf.root,
  );
  const parents = relations.filter(row => row.relkind === 'r' && row.has_children).map(row => row.oid);
  const hidden = groupBy(await readHiddenChildren(query, parents, options.schemas), child => child.root);
  const oids = relations.map(row => row.oid);
  const indexes = groupBy(
    await readIndexes(query, [...oids, ...[...leaves.values()].flat().map(leaf => leaf.oid)]),
    index => index.relid,
  );
  const columnRows = await readColumns(query, oids);
  const typeOids = [...new Set(columnRows.map(column => column.type))];
  const types = await readTypes(query, typeOids);
  const forms = await readTypeForms(query, typeOids);
  const comparisonOf = await readComparisons(query, types.values());
  const columns = groupBy(columnRows, column => column.relid);
  const unreadable = columnRows.filter(column => !column.readable).length;
  tellLeftOut(offered, relations, unreadable, options.log);
  const places = await placesOf(query, relations, options.publication);
  const catalog: Catalog = {
    version,
    horizon,
    viaRoot,
    options,
    leaves,
    hidden,
    indexes,
    columns,
    types,
    forms,
    comparisonOf,
    places,
  };
  return relations.map(row => tableOf(row, catalog));
}

/** Where the tables are that the publication has for their schema, or for what they are a part of. */
async function placesOf(
  query: Query,
  relations: readonly RelationRow[],
  publication: Publication | undefined,
): Promise<ReadonlyMap<number, string>> {
  if (publication === undefined || publication.allTables) return new Map();
  const schemas = publication.schemas.length > 0;
  const unlisted = relations.filter(row => !publication.listed.has(row.oid) && (schemas || row.is_partition));
  if (unlisted.length === 0) return new Map();
  return await readPlaces(
    query,
    unlisted.map(row => row.oid),
    { schemas },
  );
}

interface Catalog {
  readonly version: number;
  readonly horizon: string;
  readonly viaRoot: boolean;
  readonly options: DiscoverOptions;
  readonly leaves: ReadonlyMap<number, readonly LeafRow[]>;
  /** See `readHiddenChildren`. */
  readonly hidden: ReadonlyMap<number, readonly HiddenChildRow[]>;
  readonly indexes: ReadonlyMap<number, readonly IndexRow[]>;
  readonly columns: ReadonlyMap<number, readonly ColumnRow[]>;
  readonly types: ReadonlyMap<number, PgType>;
  /** See `readTypeForms`. */
  readonly forms: ReadonlyMap<number, readonly TypeForm[]>;
  readonly comparisonOf: (type: PgType) => Comparison;
  /** See `readPlaces`. */
  readonly places: ReadonlyMap<number, string>;
}

const idOf = ({ namespace, name }: RelationRow): TableId => ({ namespace, name });

const isHeap = (row: RelationRow): boolean => row.access_method === 'heap';

const factsOf = (row: RelationRow, indexes: readonly IndexRow[]): RelationFacts => ({
  id: idOf(row),
  relkind: row.relkind,
  persistence: row.persistence,
  replicaIdentity: row.replident,
  indexes: indexes.map(index => ({
    primary: index.primary,
    replicaIdentity: index.replident,
    immediate: index.immediate,
    columns: index.columns,
  })),
});

function tableOf(row: RelationRow, catalog: Catalog): PgTable {
  const { publication } = catalog.options;
  const id = idOf(row);
  const leafRows = catalog.leaves.get(row.oid) ?? [];
  const hidden = (catalog.hidden.get(row.oid) ?? []).map(child => tableLabel(child));
  const member = publication?.tables.get(tableKey(id));
  const allColumns = catalog.columns.get(row.oid) ?? [];
  const publishes = publishedColumns(catalog, member?.columns ?? null);
  const columns = allColumns.filter(column => column.readable).map(column => columnOf(column, catalog, publishes));
  const factsFor = (each: RelationRow): RelationFacts => factsOf(each, catalog.indexes.get(each.oid) ?? []);
  const facts = factsFor(row);
  const followFacts: FollowFacts = {
    version: catalog.version,
    table: facts,
    leaves: leafRows.map(factsFor),
    columns,
    generated: allColumns.filter(column => column.generated !== '' && !publishes(column)).map(column => column.name),
    rowSecurity: row.row_security,
    unsendable: unsendableColumn(allColumns.filter(publishes), catalog.types),
    leavesPublished: row.relkind === 'p' && !catalog.viaRoot,
    hiddenChildren: hidden,
  };
  const { follow, identity, primaryKey } = followOf(followFacts);
  const primary = facts.indexes.find(index => index.primary)?.columns ?? [];
  // A key of inherited tables is unique in each of them, not in all.
  const keyset = hidden.length === 0 && primary.every(name => columns.some(column => column.name === name)) ? primary : [];
  const storage: readonly RelationRow[] = row.relkind === 'p' ? leafRows : [row];
  const stores = row.relkind !== 'v' && row.relkind !== 'f';
  const counted = storage.filter(each => each.tuples >= 0);
  return {
    id,
    columns,
    primaryKey,
    follow,
    resumable: keyset.length > 0,
    identity: identityOf(row, publication),
    ...(stores && counted.length > 0 && { estimatedRows: Math.round(sum(counted.map(each => each.tuples))) }),
    ...(stores && { estimatedBytes: sum(storage.map(each => each.pages)) * PAGE_BYTES }),
    oid: row.oid,
    relkind: row.relkind,
    persistence: row.persistence,
    heap: storage.every(isHeap),
    pages: row.pages,
    isPartition: row.is_partition,
    leaves: leafRows.map(leaf => ({
      oid: leaf.oid,
      id: idOf(leaf),
      relkind: leaf.relkind,
      heap: isHeap(leaf),
      attached: leaf.attached,
      file: leaf.file,
      toast: leaf.toast,
      readable: leaf.readable,
      rowSecurity: leaf.row_security,
      pages: leaf.pages,
    })),
    withChildren: hidden.length > 0,
    replicaIdentity: identity,
    keyset,
    rowFilter: member?.rowFilter ?? null,
    entry: publication === undefined ? null : entryOf(row, publication, catalog.places.get(row.oid)),
    removals: publication?.removals ?? null,
    mayBeUnlogged: row.relkind === 'r' && publication?.listed.has(row.oid) !== true,
    storage: { oid: row.oid, file: row.file, toast: row.toast },
    horizon: catalog.horizon,
  };
}

/**
 * What changes when the table is made anew, or may have been out of the log for a while: since it was taken out of the
 * publication and added again, or since the publication was (which has it by its schema, or as one of all).
 */
function identityOf({ oid, namespace }: RelationRow, publication: Publication | undefined): string {
  if (publication === undefined) return `${oid}`;
  const membership = publication.memberships.get(oid) ?? publication.schemaMemberships.get(namespace) ?? publication.oid;
  return `${oid}/${membership}`;
}

/** See `PgTable.entry`. */
function entryOf({ oid, namespace }: RelationRow, publication: Publication, place: string | undefined): string {
  const member = publication.listed.get(oid) ?? publication.schemasWritten.get(namespace);
  return [publication.written, member, place].filter(part => part !== undefined && part !== '').join(' ');
}

/** BLCKSZ of nearly every build; good enough for an estimate. */
const PAGE_BYTES = 8192;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Which columns the log brings, for a table with that column list in the publication (null: none). */
function publishedColumns(catalog: Catalog, list: readonly string[] | null): (column: ColumnRow) => boolean {
  const { publication } = catalog.options;
  // A publication that does not exist yet will be made with publish_generated_columns = stored, where that is known.
  const stored = publication?.generatedColumns ?? catalog.version >= 18_00_00;
  return column => {
    if (list !== null) return list.includes(column.name);
    return column.generated === '' || (column.generated === 's' && stored);
  };
}

function unsendableColumn(published: readonly ColumnRow[], types: Catalog['types']): FollowFacts['unsendable'] {
  const column = published.find(({ type }) => isUnsendable(types.get(type)));
  return column === undefined ? undefined : { name: column.name, type: column.type_sql };
}

function columnOf(row: ColumnRow, catalog: Catalog, publishes: (column: ColumnRow) => boolean): PgColumn {
  const pgType = catalog.types.get(row.type);
  if (pgType === undefined)
    throw new ConnectorError('INVARIANT', `Type ${row.type} of the column "${row.name}" is not in pg_type.`);
  const pg = columnType(pgType, row.typmod, row.ndims, { nativeJson: catalog.options.nativeJson });
  return {
    name: row.name,
    type: pg.logical,
    nullable: !row.not_null,
    attnum: row.attnum,
    pg,
    pgType,
    typeOid: row.type,
    typmod: row.typmod,
    typeSql: row.type_sql,
    comparison: catalog.comparisonOf(pgType),
    ndims: row.ndims,
    generated: row.generated,
    identity: row.identity,
    collation: row.collation,
    toastable: row.storage !== 'p',
    written: row.written,
    virtualExpression: row.virtual_expression,
    forms: catalog.forms.get(row.type) ?? [],
    published: publishes(row),
  };
}
