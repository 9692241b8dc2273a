import { ConnectorError } from '../../../contract/errors.ts';
import type { ServerFacts } from '../server.ts';
import type { Query } from '../sql.ts';

const POLL_MILLIS = 100;
/** How long one call waits; the caller follows the log, and tries again. */
const PATIENCE_MILLIS = 30_000;
const MOST_NAMED = 10;

/**
 * Waits until XA transactions have ended that are prepared now and whose XA PREPARE was not read: their rows stand in front of
 * where the log was begun, and no snapshot shows them yet. Throws TRANSACTIONS_IN_PROGRESS naming them.
 */
export async function untilEnded(query: Query, server: ServerFacts, isKnown: (name: string) => boolean): Promise<void> {
  const unknown = new Set((await readPrepared(query, server)).filter(name => !isKnown(name)));
  for (let waited = 0; unknown.size > 0; waited += POLL_MILLIS) {
    if (waited >= PATIENCE_MILLIS) {
      const names = [...unknown].slice(0, MOST_NAMED).join('; ');
      const detail = `XA transactions were prepared before the log was read and have not ended: ${names}. XA RECOVER lists them; commit them or roll them back.`;
      throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', detail);
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MILLIS));
    const prepared = new Set(await readPrepared(query, server));
    for (const name of unknown) if (!prepared.has(name)) unknown.delete(name);
  }
}

interface RecoverRow {
  readonly formatID: number | string;
  readonly gtrid_length: number | string;
  /** The name and the branch behind each other: hexadecimal digits in MySQL, bytes in MariaDB. */
  readonly data: string | Uint8Array;
}

/** The names of the XA transactions that are prepared, as the log spells them; none where the user may not know (MySQL: XA_RECOVER_ADMIN). */
async function readPrepared(query: Query, { flavor }: ServerFacts): Promise<readonly string[]> {
  let found: readonly RecoverRow[];
  try {
    found = await query.rows<RecoverRow>(flavor === 'mysql' ? 'XA RECOVER CONVERT XID' : 'XA RECOVER');
  } catch (error) {
    if (error instanceof ConnectorError && error.code !== 'CONNECTION_LOST' && error.code !== 'STOPPED') return [];
    throw error;
  }
  return found.map(({ formatID, gtrid_length: length, data }) => {
    const hex = flavor === 'mysql' ? String(data).replace(/^0x/, '').toLowerCase() : Buffer.from(data).toString('hex');
    const end = Number(length) * 2;
    return `X'${hex.slice(0, end)}',X'${hex.slice(end)}',${formatID}`;
  });
}
