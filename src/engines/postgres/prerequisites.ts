import { leftOutNotices, offered } from '../../contract/added-columns.ts';
import type { Problem } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { type Findings, followFindings, listed, nothing, problem } from '../../contract/findings.ts';
import { type TableId, tableKey, tableLabel } from '../../contract/ids.ts';
import { ADDED } from './added.ts';
import { isSystemSchema, type RelationRow, readRelations } from './catalog-queries.ts';
import { type PostgresConfig, shardsOf } from './config.ts';
import { connectionFindings } from './connection-limits.ts';
import { discoverTables, OLDEST_VERSION, versionProblem } from './discovery.ts';
import { readPluginAccess } from './replication/output-plugin.ts';
import { unreadableLeaves } from './replication/partitions.ts';
import {
  addTablesSql,
  createPublicationSql,
  type Publication,
  publicationFlaws,
  readPublication,
} from './replication/publication.ts';
import { readSlot, type Slot, slotLoss, slotMisfit } from './replication/slot.ts';
import { literals, type Query, quoteIdent } from './sql.ts';
import type { PgTable } from './table.ts';

export interface Prerequisites extends Findings {
  /** Nothing found so far keeps a replication connection from being opened. */
  readonly mayReplicate: boolean;
  /** Whether the server lets this role use our plugin only a slot shows, and there is room for one. */
  readonly tryPlugin: boolean;
}

interface ServerFacts {
  readonly version: number;
  readonly role: string;
  readonly database: string;
  readonly wal_level: string;
  /** Version 19 and later: what the log carries now, which may be more than `wal_level`. */
  readonly effective_wal_level: string | null;
  readonly standby: boolean;
  readonly max_slots: number;
  readonly used_slots: number;
  readonly max_senders: number;
  readonly used_senders: number;
  /** By attribute, as superuser, or by membership in RDS's stand-in for the attribute. */
  readonly may_replicate: boolean;
  readonly may_create: boolean;
  /** Version 18 and later; as SHOW prints it. */
  readonly idle_timeout: string | null;
}

const SERVER_FACTS = `
  SELECT current_setting('server_version_num')::int4 AS version, current_user::text AS role,
         current_database()::text AS database, current_setting('wal_level') AS wal_level,
         current_setting('effective_wal_level', true) AS effective_wal_level, pg_is_in_recovery() AS standby,
         current_setting('max_replication_slots')::int4 AS max_slots,
         (SELECT count(*)::int4 FROM pg_catalog.pg_replication_slots) AS used_slots,
         current_setting('max_wal_senders')::int4 AS max_senders,
         (SELECT count(*)::int4 FROM pg_catalog.pg_stat_replication) AS used_senders,
         EXISTS (SELECT FROM pg_catalog.pg_roles r
                  WHERE (r.rolname = current_user AND (r.rolsuper OR r.rolreplication))
                     OR (r.rolname = 'rds_replication' AND pg_has_role(r.oid, 'MEMBER'))) AS may_replicate,
         has_database_privilege(current_database(), 'CREATE') AS may_create,
         current_setting('idle_replication_slot_timeout', true) AS idle_timeout`;

/**
 * Everything on this server that would keep a read from working, found without changing anything. The configured
 * catalog is not known here, so a table that cannot be followed is only a notice, unless none can.
 */
export async function findProblems(query: Query, config: PostgresConfig): Promise<Prerequisites> {
  const [server] = await query.rows<ServerFacts>(SERVER_FACTS);
  if (server === undefined) throw new ConnectorError('INVARIANT', 'The server gave no settings.');
  if (server.version < OLDEST_VERSION)
    return { ...problem('SERVER_VERSION', versionProblem(server.version)), mayReplicate: false, tryPlugin: false };
  const { schemas, publication: name, replication_slot: slotName } = config.source;
  const publication = await readPublication(query, name);
  const slot = await readSlot(query, slotName);
  const relations = await readRelations(query, schemas);
  const added = { ...ADDED, sharded: shardsOf(config.source).length > 1 };
  const found = await discoverTables(query, { schemas, publication, nativeJson: false });
  const tables = found.map(table => offered(table, added));
  const owned = await ownedTables(query, tables);
  const plugin = await readPluginAccess(query);
  const parts = [
    serverProblems(server, slot),
    typeof plugin === 'string' ? nothing : problem('SERVER_SETTING', plugin.refused),
    await connectionFindings(query),
    slotProblems(server, slot, config),
    await schemaProblems(query, server, schemas, relations),
    publicationProblems({ server, publication, name, tables, owned }),
    followFindings(tables, 'REPLICA_IDENTITY_MISSING'),
    { problems: [], notices: leftOutNotices(tables, added) },
    partitionNotices(tables, server.role),
    generatedNotices(tables),
  ];
  return {
    problems: parts.flatMap(part => part.problems),
    notices: parts.flatMap(part => part.notices),
    mayReplicate: server.may_replicate && server.used_senders < server.max_senders,
    tryPlugin: plugin === 'hidden' && server.used_slots < server.max_slots,
  };
}

function serverProblems(server: ServerFacts, slot: Slot | undefined): Findings {
  const problems: Problem[] = [];
  if (server.standby && server.version < 16_00_00) {
    problems.push({
      code: 'SERVER_VERSION',
      detail: 'This server is a standby, and changes can be read from one only from version 16 on. Use the primary server.',
    });
  }
  const level = logLevelProblem(server);
  if (level !== undefined) problems.push({ code: 'SERVER_SETTING', detail: level });
  if (!server.may_replicate) {
    problems.push({
      code: 'PERMISSION_DENIED',
      detail: `The role "${server.role}" may not read the log. Run: ALTER ROLE ${quoteIdent(server.role)} REPLICATION; (Amazon RDS and Aurora: GRANT rds_replication TO ${quoteIdent(server.role)};)`,
    });
  }
  if (slot === undefined && server.used_slots >= server.max_slots) {
    problems.push({
      code: 'SERVER_SETTING',
      detail: `All ${server.max_slots} replication slots are taken. Drop one that nobody uses, or run: ALTER SYSTEM SET max_replication_slots = ${server.used_slots + 5}; and restart the server.`,
    });
  }
  if (server.used_senders >= server.max_senders) {
    problems.push({
      code: 'SERVER_SETTING',
      detail: `All ${server.max_senders} WAL senders are taken. End a replication connection, or run: ALTER SYSTEM SET max_wal_senders = ${server.used_senders + 5}; and restart the server.`,
    });
  }
  const { idle_timeout: idle } = server;
  if (idle === null || idle === '0') return { problems, notices: [] };
  const notice = `idle_replication_slot_timeout is ${idle}: a slot that is not read for that long is lost. Sync more often, or run: ALTER SYSTEM SET idle_replication_slot_timeout = 0;`;
  return { problems, notices: [notice] };
}

const SET_LOG_LEVEL = 'ALTER SYSTEM SET wal_level = logical;';

/**
 * Why the log does not carry changes, or undefined. From version 19 on the first logical slot raises the level by itself,
 * but from `minimal`; a standby's log is the primary's, so there it is the primary's level that counts.
 */
function logLevelProblem({
  version,
  standby,
  wal_level: level,
  effective_wal_level: effective,
}: ServerFacts): string | undefined {
  if (version >= 19_00_00 && standby) {
    if (effective === 'logical') return undefined;
    return `effective_wal_level is ${effective ?? 'not known'} on this standby, it must be logical. Run on the primary: ${SET_LOG_LEVEL} and restart it. (A logical slot on the primary does the same for as long as it exists.)`;
  }
  if (level === 'logical' || (version >= 19_00_00 && level === 'replica')) return undefined;
  return (
    `wal_level is ${level}, it must be logical. Run: ${SET_LOG_LEVEL} and restart the server. ` +
    '(Amazon RDS and Aurora: set rds.logical_replication = 1 in the parameter group; Google Cloud SQL: the flag cloudsql.logical_decoding = on; AlloyDB: alloydb.logical_decoding = on; Azure: the server parameter wal_level.)'
  );
}

function slotProblems(server: ServerFacts, slot: Slot | undefined, config: PostgresConfig): Findings {
  if (slot === undefined) return nothing;
  const misfit = slotMisfit(slot, server.database);
  if (misfit !== undefined) return problem('SLOT_UNUSABLE', misfit);
  const loss = slotLoss(slot);
  if (loss !== undefined) {
    // No problem of the configuration, and whether it is one at all the state decides, which is not known here: without one
    // the next read makes a new slot. A check that fails would keep the cleared streams from being read.
    const next =
      config.invalid_position === 'resnapshot'
        ? 'The next read takes a new snapshot.'
        : 'A read that has a state will fail with POSITION_LOST; clear the streams, or set invalid_position to resnapshot, and the next read makes a new slot and a new snapshot.';
    return { problems: [], notices: [`${loss} ${next}`] };
  }
  const holder = slot.activePid === null ? '' : ` by process ${slot.activePid}`;
  const notices = slot.active ? [`The replication slot "${slot.name}" is in use${holder} right now.`] : [];
  return { problems: [], notices: server.version >= 17_00_00 ? [...notices, beforeUpgrade(slot.name)] : notices };
}

/** A sync confirms to the slot what the one before has read, so the slot is behind by one, and pg_upgrade refuses. */
const beforeUpgrade = (slot: string): string =>
  `Before pg_upgrade: stop all writes, sync twice, then shut the server down. The second sync finds nothing new, but only then has the replication slot "${slot}" been read to its end, as pg_upgrade demands.`;

async function schemaProblems(
  query: Query,
  server: ServerFacts,
  schemas: readonly string[],
  relations: readonly RelationRow[],
): Promise<Findings> {
  const existing = await query.rows<{ name: string; usable: boolean }>(`
    SELECT nspname::text AS name, has_schema_privilege(oid, 'USAGE') AS usable FROM pg_catalog.pg_namespace
     WHERE nspname IN (${literals(schemas)}) OR lower(nspname) IN (${literals(schemas.map(name => name.toLowerCase()))})`);
  const role = quoteIdent(server.role);
  const problems: Problem[] = [];
  const notices: string[] = [];
  for (const schema of new Set(schemas)) {
    const found = existing.find(row => row.name === schema);
    const inside = relations.filter(row => row.namespace === schema);
    const readable = inside.filter(row => row.partly_readable);
    const grant = `GRANT USAGE ON SCHEMA ${quoteIdent(schema)} TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA ${quoteIdent(schema)} TO ${role};`;
    if (isSystemSchema(schema)) {
      problems.push({
        code: 'SCHEMA_MISSING',
        detail: `"${schema}" is a system schema; those are not offered. Remove it from schemas.`,
      });
    } else if (found === undefined) {
      const other = existing.find(row => row.name.toLowerCase() === schema.toLowerCase());
      const hint = other === undefined ? '' : ` There is "${other.name}"; upper and lower case matter.`;
      problems.push({ code: 'SCHEMA_MISSING', detail: `The schema "${schema}" does not exist in "${server.database}".${hint}` });
    } else if (inside.length === 0) {
      problems.push({
        code: 'SCHEMA_MISSING',
        detail: `The schema "${schema}" has no tables. Remove it from schemas, or create some.`,
      });
    } else if (readable.length === 0) {
      const right = found.usable ? 'SELECT on none of the tables' : 'no USAGE';
      problems.push({
        code: 'PERMISSION_DENIED',
        detail: `The role "${server.role}" has ${right} in the schema "${schema}". Run: ${grant}`,
      });
    } else {
      const denied = inside.filter(row => !row.partly_readable && !row.is_partition).map(labelOf);
      if (denied.length > 0) notices.push(`Not offered for want of SELECT: ${listed(denied)}. To offer them run: ${grant}`);
    }
  }
  return { problems, notices };
}

const labelOf = (row: RelationRow): string => tableLabel({ namespace: row.namespace, name: row.name });

/** Tables whose owner the role is or may act as: only those can it put into a publication. */
async function ownedTables(query: Query, tables: readonly PgTable[]): Promise<ReadonlySet<number>> {
  if (tables.length === 0) return new Set();
  const rows = await query.rows<{ oid: number }>(
    `SELECT oid FROM pg_catalog.pg_class WHERE oid IN (${tables.map(table => table.oid).join(', ')}) AND pg_has_role(relowner, 'USAGE')`,
  );
  return new Set(rows.map(row => row.oid));
}

interface PublicationFacts {
  readonly server: ServerFacts;
  readonly publication: Publication | undefined;
  readonly name: string;
  readonly tables: readonly PgTable[];
  readonly owned: ReadonlySet<number>;
}

function publicationProblems(facts: PublicationFacts): Findings {
  const { server, publication, name, tables, owned } = facts;
  const followed = tables.filter(table => table.follow === true);
  if (publication === undefined) return absentPublication(facts, followed);
  const problems = publicationFlaws(publication).map((detail): Problem => ({ code: 'PUBLICATION_UNUSABLE', detail }));
  const lacking = followed.filter(table => !publication.tables.has(tableKey(table.id)));
  const addable = publication.managed && publication.owned && !publication.allTables && !server.standby;
  const others = lacking.filter(table => !addable || !owned.has(table.oid)).map(table => table.id);
  if (others.length === 0) return { problems, notices: [] };
  const detail = `The publication "${name}" lacks ${listed(others.map(tableLabel))}. To follow them let the owner run: ${addTablesSql(publication, others)}`;
  if (others.length === followed.length)
    return { problems: [...problems, { code: 'PUBLICATION_UNUSABLE', detail }], notices: [] };
  return { problems, notices: [detail] };
}

function absentPublication({ server, name, owned }: PublicationFacts, followed: readonly PgTable[]): Findings {
  const all = followed.map(table => table.id);
  const sql = createPublicationSql(name, all, server.version);
  if (server.standby) {
    return problem(
      'PUBLICATION_UNUSABLE',
      `There is no publication "${name}", and none can be made on a standby. Run on the primary: ${sql}`,
    );
  }
  const foreign: readonly TableId[] = followed.filter(table => !owned.has(table.oid)).map(table => table.id);
  const may = `The role "${server.role}" may not create the publication "${name}"`;
  if (all.length > 0 && foreign.length === all.length) {
    return problem('PUBLICATION_UNUSABLE', `${may}: it owns none of the tables. Let their owner, or a superuser, run: ${sql}`);
  }
  if (!server.may_create) {
    const grant = `GRANT CREATE ON DATABASE ${quoteIdent(server.database)} TO ${quoteIdent(server.role)};`;
    return problem('PUBLICATION_UNUSABLE', `${may}. Run: ${grant} or let an administrator run: ${sql}`);
  }
  if (foreign.length === 0) return nothing;
  const notice = `The role "${server.role}" does not own ${listed(foreign.map(tableLabel))}, so it cannot follow them by a publication of its own. To follow all tables let a superuser run: ${sql}`;
  return { problems: [], notices: [notice] };
}

function partitionNotices(tables: readonly PgTable[], role: string): Findings {
  const notices = tables.map(table => (table.follow === true ? unreadableLeaves(table.id, table.leaves, role) : undefined));
  return { problems: [], notices: notices.filter(notice => notice !== undefined) };
}

/** Before version 18 no publication has them, and without a key no row can be read again. */
function generatedNotices(tables: readonly PgTable[]): Findings {
  const found = tables.flatMap(({ id, follow, primaryKey, columns }) => {
    const lacking = columns.filter(({ generated, published }) => generated !== '' && !published).map(({ name }) => name);
    return follow === true && primaryKey.length === 0 && lacking.length > 0 ? [`${tableLabel(id)} (${lacking.join(', ')})`] : [];
  });
  if (found.length === 0) return nothing;
  const notice = `Without a key, generated columns that the log lacks cannot be read again: in changes of ${listed(found)} they are computed from the other columns, by the expression that the table has then; deletes lack them. A primary key, or version 18, would bring the stored values.`;
  return { problems: [], notices: [notice] };
}
