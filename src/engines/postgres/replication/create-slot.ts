import type pg from 'pg';
import { ConnectorError } from '../../../contract/errors.ts';
import { type Query, queryOn } from '../sql.ts';
import { serverError } from '../wire/errors.ts';
import { createSlot } from './slot.ts';

interface Blocker {
  readonly what: string;
  readonly since: string | null;
}

/** How long the server may take to answer once it was told to give up. */
const ANSWER_MILLIS = 30_000;

/** Transactions with an id, hence ones that write: a slot waits for each of them that was open when it began. */
const BLOCKERS = `
  SELECT 'process ' || pid || coalesce(' (' || usename || ', ' || state || ')', '') AS what, xact_start::text AS since
    FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
  UNION ALL
  SELECT 'prepared transaction ' || quote_literal(gid), prepared::text FROM pg_catalog.pg_prepared_xacts
  ORDER BY 2 LIMIT 5`;

/**
 * As `createSlot`, but with an end to the waiting. Throws TRANSACTIONS_IN_PROGRESS, naming the oldest transactions, when
 * they have not ended in time; nothing is left behind on the server then.
 */
export async function createSlotWithin(
  millis: number,
  replication: pg.Client,
  control: Query,
  name: string,
  options: { readonly temporary?: boolean } = {},
): Promise<string> {
  const pid = (replication as unknown as { processID: number }).processID;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    // Closing the socket would not do: the server looks at it only when the wait is over.
    control.rows(`SELECT pg_cancel_backend(${pid})`).catch(() => {});
  }, millis);
  try {
    return await createSlot(queryOn(replication, millis + ANSWER_MILLIS), name, options);
  } catch (error) {
    const cancelled = error instanceof ConnectorError && serverError(error.cause)?.code === '57014'; // query_canceled
    if (!late || !cancelled) throw error;
    const blockers = await control.rows<Blocker>(BLOCKERS);
    const named = blockers.map(({ what, since }) => `${what}${since === null ? '' : ` since ${since}`}`).join('; ');
    const detail = `transactions that were open ${millis / 1000} seconds ago have not ended: ${named === '' ? 'not visible to this role' : named}.`;
    throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
