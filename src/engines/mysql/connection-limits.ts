import type { Problem } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { Findings } from '../../contract/findings.ts';
import { type Query, quoteAccount } from './sql.ts';
import { serverError } from './wire/errors.ts';

/** Sessions of a read: one for questions, one for the log, one for rows. */
const SESSIONS = 3;
/** And for a moment another look at the log: where XA transactions are prepared, and where positions are files. */
const AT_MOST = 4;

/** ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED */
const REFUSALS = [1040, 1203, 1226];

interface Limit {
  readonly what: string;
  /** 0: none. */
  readonly limit: number;
  readonly used: number;
  readonly remedy: (limit: number) => string;
}

async function readLimits(query: Query): Promise<readonly Limit[]> {
  const [row] = await query.rows<{ own: number; all: number; most: number; account: string }>(
    'SELECT @@session.max_user_connections AS own, @@global.max_user_connections AS `all`, @@global.max_connections AS most, CURRENT_USER() AS account',
  );
  // Without a right an account sees its own sessions here; with one, everybody's.
  const sessions = await query.rows<{ User: string }>('SHOW PROCESSLIST');
  const [connected] = await query.rows<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
  const { own, all, most, account } = row ?? { own: 0, all: 0, most: 0, account: '' };
  const user = account.slice(0, account.lastIndexOf('@'));
  const used = sessions.filter(({ User }) => User === user).length;
  const ofUser: Limit = (await isOfAccount(query, Number(own) !== Number(all)))
    ? {
        what: `The account ${quoteAccount(account)} may have ${own} sessions (MAX_USER_CONNECTIONS)`,
        limit: Number(own),
        used,
        remedy: limit => `ALTER USER ${quoteAccount(account)} WITH MAX_USER_CONNECTIONS ${limit};`,
      }
    : {
        what: `max_user_connections is ${own}`,
        limit: Number(own),
        used,
        remedy: limit => `SET GLOBAL max_user_connections = ${limit}; (and in the server's configuration)`,
      };
  const ofServer: Limit = {
    what: `max_connections is ${most}`,
    limit: Number(most),
    used: Number(connected?.Value ?? 0),
    remedy: limit => `SET GLOBAL max_connections = ${limit}; (and in the server's configuration)`,
  };
  return [ofUser, ofServer].filter(({ limit }) => limit > 0);
}

/** Whether the limit on a user's sessions is the account's own, or that of all. An account may see how itself was made. */
async function isOfAccount(query: Query, otherwise: boolean): Promise<boolean> {
  try {
    const [row] = await query.rows<Record<string, string>>('SHOW CREATE USER CURRENT_USER()');
    return /\bMAX_USER_CONNECTIONS [1-9]/.test(Object.values(row ?? {}).join());
  } catch (error) {
    if (serverError(error) === undefined) throw error;
    return otherwise;
  }
}

/** Limits that are too low for a read, and those that others have used up just now. One of the sessions is the one that asks. */
export async function connectionFindings(query: Query): Promise<Findings> {
  const problems: Problem[] = [];
  const notices: string[] = [];
  for (const { what, limit, used, remedy } of await readLimits(query)) {
    const sql = remedy(Math.max(limit, used) + AT_MOST);
    if (limit < SESSIONS) {
      problems.push({ code: 'SERVER_SETTING', detail: `${what}, and a read needs ${SESSIONS}. Run: ${sql}` });
    } else if (limit < AT_MOST) {
      notices.push(
        `${what}: enough for most reads, but XA transactions and positions without GTIDs take ${AT_MOST} for a moment. To be sure run: ${sql}`,
      );
    } else if (limit - used < SESSIONS - 1) {
      notices.push(`${what}, and ${used} are in use right now: a read needs ${SESSIONS}. End some, or run: ${sql}`);
    }
  }
  return { problems, notices };
}

/**
 * Opens a further connection. Where the server refuses it for a limit that is too low, the error is SERVER_SETTING, with what
 * raises it: to try again would not help. Where others have used the limit up, it stays SERVER_ERROR.
 */
export async function withinLimits<T>(query: Query, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const errno = error instanceof ConnectorError ? serverError(error.cause)?.errno : undefined;
    if (errno === undefined || !REFUSALS.includes(errno)) throw error;
    const low = (await readLimits(query)).find(({ limit }) => limit < AT_MOST);
    if (low === undefined) throw error;
    const sql = low.remedy(Math.max(low.limit, low.used) + AT_MOST);
    const detail = `${low.what}, and this read needs more. Run: ${sql}`;
    throw new ConnectorError('SERVER_SETTING', detail, { cause: (error as ConnectorError).cause });
  }
}
