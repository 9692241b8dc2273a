import type pg from 'pg';
import { ConnectorError } from '../../contract/errors.ts';
import type { TableId } from '../../contract/ids.ts';

/**
 * Runs one message of SQL by the simple protocol and gives the rows of its last statement. Without parameters on purpose:
 * replication connections have none, so everything built on this works on both kinds of connection.
 */
export interface Query {
  rows<Row>(sql: string): Promise<readonly Row[]>;
}

/** `timeoutMillis`: how long an answer may take; 0: for ever. */
export const queryOn = (client: Pick<pg.Client, 'query'>, timeoutMillis = 0): Query => ({
  rows: async <Row>(sql: string): Promise<readonly Row[]> => {
    const query = { text: sql, query_timeout: timeoutMillis } as pg.QueryConfig;
    const result: pg.QueryResult | readonly pg.QueryResult[] = await client.query(query);
    // Several statements in one message give several results.
    const last = Array.isArray(result) ? result.at(-1) : result;
    return (last?.rows ?? []) as Row[];
  },
});

function refuseNul(text: string): void {
  // A NUL ends the statement on its way to the server: what follows would be cut off.
  if (text.includes('\0'))
    throw new ConnectorError('CONFIG_INVALID', 'a name holds a NUL character, which no name in PostgreSQL can');
}

/** An identifier in double quotes, always: reserved words, upper case, dots and quotes need no further thought. */
export function quoteIdent(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant; right whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return quoted.includes('\\') ? ` E${quoted}` : quoted;
}

export const qualified = (id: TableId): string => `${quoteIdent(id.namespace)}.${quoteIdent(id.name)}`;

/** `'a', 'b'` for `IN (…)`; an empty list becomes NULL, which nothing equals. */
export const literals = (texts: readonly string[]): string => (texts.length === 0 ? 'NULL' : texts.map(quoteLiteral).join(', '));

/**
 * COPY of what `select` reads from `from`, in a transaction of its own that locks the relation first. COPY by itself opens
 * its snapshot before it waits for a lock; TRUNCATE, and an ALTER TABLE that rewrites, are not safe for such a snapshot: who
 * waited for one sees an empty table (manual, "Caveats" of concurrency control). READ COMMITTED gives COPY a snapshot that
 * opens once the lock is held. What `from` is made of, partitions or tables below a view, is locked with it.
 */
export const lockedCopy = (from: string, select: string, settings = ''): string =>
  `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ${settings}SELECT FROM ${from} LIMIT 0; COPY (${select}) TO STDOUT; COMMIT`;

/** What row-level security would hide is an error: rows of a followed table must not be passed over. */
export const ALL_ROWS = 'SET row_security = off';

/** `server_version_num`: 150004 for 15.4. */
export async function serverVersion(query: Query): Promise<number> {
  const [row] = await query.rows<{ version: number }>("SELECT current_setting('server_version_num')::int4 AS version");
  return row?.version ?? 0;
}
