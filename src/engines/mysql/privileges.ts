import type { Problem } from '../../contract/engine.ts';
import type { Findings } from '../../contract/findings.ts';
import { readLogStatus } from './replication/log-status.ts';
import { type ServerFacts, showLogStatus } from './server.ts';
import { type Query, quoteAccount } from './sql.ts';
import { serverError } from './wire/errors.ts';

/** What the user may do with the log. */
export interface LogRights {
  /** The account that the server has found for the user, as GRANT writes it. */
  readonly account: string;
  /** May ask where the log stands: REPLICATION CLIENT, in MariaDB BINLOG MONITOR. */
  readonly monitor: boolean;
  /** Where a snapshot meets the log can be asked without GTIDs: by `performance_schema.log_status`, or under a lock. */
  readonly meeting: boolean;
}

const ACCESS_DENIED = [1044, 1142, 1227];
const NO_LOG = 1381;

/**
 * Whether the server lets the user run the statement. Tried rather than looked up: rights come by roles, by proxies and by
 * the wishes of cloud providers.
 */
async function allows(query: Query, sql: string): Promise<boolean> {
  try {
    await query.rows(sql);
    return true;
  } catch (error) {
    const errno = serverError(error)?.errno ?? 0;
    if (ACCESS_DENIED.includes(errno)) return false;
    if (errno === NO_LOG) return true;
    throw error;
  }
}

/** Reads what the user may do. */
export async function readRights(query: Query, server: ServerFacts): Promise<LogRights> {
  const [row] = await query.rows<{ account: string; roles: string | null }>(
    `SELECT CURRENT_USER() AS account, ${server.flavor === 'mysql' ? 'CURRENT_ROLE()' : 'NULL'} AS roles`,
  );
  const account = quoteAccount(row?.account ?? '');
  const monitor = (await allows(query, showLogStatus(server))) && (await allows(query, 'SHOW BINARY LOGS'));
  if (server.flavor === 'mariadb') return { account, monitor, meeting: true };
  // It takes BACKUP_ADMIN and, what is easily forgotten, SELECT.
  if ((await readLogStatus(query)) !== null) return { account, monitor, meeting: true };
  const roles = row?.roles ?? 'NONE';
  const grants = await query.rows(`SHOW GRANTS FOR CURRENT_USER()${roles === 'NONE' ? '' : ` USING ${roles}`}`);
  const text = grants.flatMap(grant => Object.values(grant) as string[]).join('\n');
  return { account, monitor, meeting: /^GRANT [^\n]*\b(?:RELOAD|FLUSH_TABLES|ALL PRIVILEGES)\b[^\n]* ON \*\.\* /m.test(text) };
}

/** The grants that are missing, but for REPLICATION SLAVE: that one shows when the log is read. */
export function privilegeProblems(server: ServerFacts, rights: LogRights, gtids: boolean): Findings {
  const problems: Problem[] = [];
  const missing = (right: string, purpose: string): void => {
    const detail = `The user may not ${purpose}. Run: GRANT ${right} ON *.* TO ${rights.account};`;
    problems.push({ code: 'PERMISSION_DENIED', detail });
  };
  if (!rights.monitor) {
    missing(server.flavor === 'mysql' ? 'REPLICATION CLIENT' : 'BINLOG MONITOR', 'ask where the log stands');
  }
  if (server.flavor === 'mysql' && !gtids && !rights.meeting) {
    const detail = `Without GTIDs the connector needs these privileges to find a log position that matches a snapshot. Run: GRANT BACKUP_ADMIN ON *.* TO ${rights.account}; GRANT SELECT ON performance_schema.log_status TO ${rights.account}; or turn on gtid_mode.`;
    problems.push({ code: 'PERMISSION_DENIED', detail });
  }
  return { problems, notices: [] };
}
