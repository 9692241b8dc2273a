import type { Problem } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { Findings } from '../../contract/findings.ts';
import { type Query, quoteIdent } from './sql.ts';
import { serverError } from './wire/errors.ts';

/** Sessions of a read: one for questions, one for rows. The log has a WAL sender, which counts among these only for itself. */
const SESSIONS = 2;
/** The log's, and for a moment another one, when a table joins. */
const SENDERS = 2;

interface LimitsRow {
  readonly role: string;
  /** The limits of a role and of a database do not hold for a superuser. */
  readonly superuser: boolean;
  readonly role_limit: number;
  readonly role_used: number;
  readonly database: string;
  readonly database_limit: number;
  readonly database_used: number;
  readonly max_connections: number;
  /** Of these, for others than this role. */
  readonly reserved: number;
  readonly used: number;
  readonly max_senders: number;
}

/** Everybody may see how many sessions there are, and whose. Background processes have no user. */
const LIMITS = `
  WITH session AS (SELECT usesysid, datid FROM pg_catalog.pg_stat_activity
                    WHERE backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL))
  SELECT r.rolname::text AS role, r.rolsuper AS superuser, r.rolconnlimit AS role_limit,
         (SELECT count(*)::int4 FROM session s WHERE s.usesysid = r.oid) AS role_used,
         d.datname::text AS database, d.datconnlimit AS database_limit,
         (SELECT count(*)::int4 FROM session s WHERE s.datid = d.oid) AS database_used,
         current_setting('max_connections')::int4 AS max_connections,
         CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int4
              + coalesce(current_setting('reserved_connections', true)::int4, 0) END AS reserved,
         (SELECT count(*)::int4 FROM session) AS used,
         current_setting('max_wal_senders')::int4 AS max_senders
    FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
   WHERE r.rolname = current_user AND d.datname = current_database()`;

/**
 * Limits that are too low for a read, and those that others have used up just now. One session of those in use is our own, which
 * asks.
 */
export async function connectionFindings(query: Query): Promise<Findings> {
  const [row] = await query.rows<LimitsRow>(LIMITS);
  if (row === undefined) return { problems: [], notices: [] };
  const problems: Problem[] = [];
  const notices: string[] = [];
  const look = ({ limit, used, what, remedy }: { limit: number; used: number; what: string; remedy: string }): void => {
    if (limit < SESSIONS) {
      problems.push({ code: 'SERVER_SETTING', detail: `${what}, and a read needs ${SESSIONS} beside its WAL sender. ${remedy}` });
    } else if (limit - used < SESSIONS - 1) {
      notices.push(`${what}, and ${used} are in use right now: a read needs ${SESSIONS}. End some, or: ${remedy}`);
    }
  };
  const { role, database, reserved } = row;
  const raised = (limit: number, used: number): number => Math.max(limit, used) + SESSIONS;
  if (!row.superuser && row.role_limit >= 0) {
    look({
      limit: row.role_limit,
      used: row.role_used,
      what: `The role "${role}" may have ${row.role_limit} sessions`,
      remedy: `Run: ALTER ROLE ${quoteIdent(role)} CONNECTION LIMIT ${raised(row.role_limit, row.role_used)};`,
    });
  }
  if (!row.superuser && row.database_limit >= 0) {
    look({
      limit: row.database_limit,
      used: row.database_used,
      what: `The database "${database}" may have ${row.database_limit} sessions`,
      remedy: `Run: ALTER DATABASE ${quoteIdent(database)} CONNECTION LIMIT ${raised(row.database_limit, row.database_used)};`,
    });
  }
  look({
    limit: row.max_connections - reserved,
    used: row.used,
    what: `max_connections is ${row.max_connections}${reserved === 0 ? '' : `, of which ${reserved} are reserved`}`,
    remedy: `Run: ALTER SYSTEM SET max_connections = ${raised(row.max_connections, row.used + reserved)}; and restart the server.`,
  });
  if (row.max_senders > 0 && row.max_senders < SENDERS) {
    const detail = `max_wal_senders is ${row.max_senders}, and a read needs ${SENDERS} for a moment when a table joins. Run: ALTER SYSTEM SET max_wal_senders = ${SENDERS + 3}; and restart the server.`;
    problems.push({ code: 'SERVER_SETTING', detail });
  }
  return { problems, notices };
}

/**
 * Opens a further connection. Where the server refuses it for a limit that is too low for any read, the error is SERVER_SETTING,
 * with what raises it: to try again would not help. Where others have used the limit up, it stays SERVER_ERROR.
 */
export async function withinLimits<T>(query: () => Promise<Query>, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const refused = error instanceof ConnectorError && serverError(error.cause)?.code === '53300'; // too_many_connections
    if (!refused) throw error;
    const { problems } = await connectionFindings(await query());
    if (problems.length === 0) throw error;
    throw new ConnectorError('SERVER_SETTING', problems.map(({ detail }) => detail).join(' '), { cause: error.cause });
  }
}
