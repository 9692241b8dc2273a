import { leftOutNotices, offered } from '../../contract/added-columns.ts';
import type { Problem } from '../../contract/engine.ts';
import { type Findings, followFindings, listed, nothing, problem } from '../../contract/findings.ts';
import { ADDED } from './added.ts';
import { cascadeWarning } from './cascades.ts';
import { isSystemDatabase, sameName } from './catalog-queries.ts';
import { type MysqlConfig, shardsOf } from './config.ts';
import { connectionFindings } from './connection-limits.ts';
import { discoverTables } from './discovery.ts';
import { binlogProblems, settingProblems } from './log-settings.ts';
import { type LogRights, privilegeProblems, readRights } from './privileges.ts';
import { type ServerFacts, versionProblem } from './server.ts';
import { type Query, quoteIdent } from './sql.ts';
import type { MysqlTable } from './table.ts';

export interface Prerequisites extends Findings {
  /** What reads as planned, and leaves the destination with something else than the tables have. */
  readonly warnings: readonly string[];
  /** The server is one that is read, and has a log: whether the user may read it is worth a try. */
  readonly mayReadLog: boolean;
  /** The user may ask where the log stands, without which a position to begin at is known to nobody. */
  readonly mayAskLog: boolean;
}

/**
 * Everything on this server that would keep a read from working, found without changing anything. The configured
 * catalog is not known here, so a table that cannot be followed is only a notice, unless none can.
 */
export async function findProblems(query: Query, server: ServerFacts, config: MysqlConfig): Promise<Prerequisites> {
  const tooOld = versionProblem(server);
  if (tooOld !== null) return { ...problem('SERVER_VERSION', tooOld), warnings: [], mayReadLog: false, mayAskLog: false };
  const { databases, tinyint1_as: tinyint1, server_id: serverId } = config.source;
  const rights = await readRights(query, server);
  const added = { ...ADDED, sharded: shardsOf(config.source).length > 1 };
  const found = await discoverTables(query, server, { databases, tinyint1, nativeJson: false });
  const tables = found.map(table => offered(table, added));
  const limits = await connectionFindings(query);
  const settings = await settingProblems(query, server, serverId);
  const cascades = await cascadeWarning(query, server, tables);
  const parts = [
    settings,
    limits,
    rights.monitor && settings.logs ? await binlogProblems(query, server, settings, databases) : nothing,
    privilegeProblems(server, rights, settings.gtids),
    await databaseProblems(query, server, rights, databases, tables),
    followFindings(tables, 'SERVER_SETTING'),
    { problems: [], notices: leftOutNotices(tables, added) },
    keylessNotices(server, tables),
  ];
  return {
    problems: parts.flatMap(part => part.problems),
    notices: parts.flatMap(part => part.notices),
    warnings: cascades === undefined ? [] : [cascades],
    mayReadLog: settings.logs && settings.numbered && limits.problems.length === 0,
    mayAskLog: rights.monitor,
  };
}

async function databaseProblems(
  query: Query,
  server: ServerFacts,
  { account }: LogRights,
  names: readonly string[],
  tables: readonly MysqlTable[],
): Promise<Findings> {
  const rows = await query.rows<{ name: string }>('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  const visible = rows.map(row => row.name);
  const problems = names.flatMap((name): Problem[] => {
    const grant = `GRANT SELECT ON ${quoteIdent(name)}.* TO ${account};`;
    if (isSystemDatabase(name)) {
      const detail = `"${name}" is a database of the server itself; those are not offered. Remove it from databases.`;
      return [{ code: 'DATABASE_UNKNOWN', detail }];
    }
    const found = visible.find(each => sameName(server, name, each));
    if (found === undefined) {
      const other = visible.find(each => each.toLowerCase() === name.toLowerCase());
      const hint = other === undefined ? '' : ` There is "${other}"; upper and lower case matter on this server.`;
      const detail = `There is no database "${name}", or the user has no right in it.${hint} If it is there, run: ${grant}`;
      return [{ code: 'DATABASE_UNKNOWN', detail }];
    }
    if (tables.some(table => table.id.namespace === found)) return [];
    const detail = `The database "${name}" has no tables that the user may read. If it has some, run: ${grant}`;
    return [{ code: 'PERMISSION_DENIED', detail }];
  });
  return { problems, notices: [] };
}

function keylessNotices(server: ServerFacts, tables: readonly MysqlTable[]): Findings {
  const keyless = tables.filter(table => table.follow === true && table.primaryKey.length === 0);
  if (keyless.length === 0) return nothing;
  const names = listed(keyless.map(table => table.id.name));
  const generated = keyless.flatMap(({ id, columns }) =>
    columns.filter(({ layout }) => layout.generated !== '').map(({ name }) => `${id.name}.${name}`),
  );
  const notices = [
    `Without a primary key or a unique one without NULL: ${names}. Their snapshots cannot be resumed, and a destination cannot tell their rows apart.`,
  ];
  // MySQL 9.7 and MariaDB 10.11 have them in all that they log, 11.8 in inserts alone.
  if (server.flavor === 'mariadb' && server.version >= 11_00_00 && generated.length > 0) {
    notices.push(
      `The log of newer versions of MariaDB (11.8) lacks generated columns, STORED ones too, in updates and deletes, and without a key they cannot be read again: in updates ${listed(generated)} will be NULL, and the record says so; deletes leave them out. Add a key.`,
    );
  }
  return { problems: [], notices };
}
