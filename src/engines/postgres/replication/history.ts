import { ConnectorError } from '../../../contract/errors.ts';
import { lsnText, type PgPosition, parseLsn } from '../position.ts';
import type { Query } from '../sql.ts';

/** Which server answers, and how far its log goes. */
export interface ServerIdentity {
  readonly system: string;
  readonly timeline: number;
}

interface IdentifyRow {
  readonly systemid: string;
  readonly timeline: number | string;
}

/** `IDENTIFY_SYSTEM` of the replication protocol. */
export async function identify(replication: Query): Promise<ServerIdentity> {
  const [row] = await replication.rows<IdentifyRow>('IDENTIFY_SYSTEM');
  if (row === undefined) throw new ConnectorError('INVARIANT', 'IDENTIFY_SYSTEM gave no row.');
  return { system: row.systemid, timeline: Number(row.timeline) };
}

/**
 * Whether the position lies in the past of this server: the same cluster, and on the line of history that led to its
 * present timeline. A standby that was promoted before it had received everything has a history that ends, for the old
 * timeline, before a position that we may have read from the old primary. The reason when not; undefined when it does.
 */
export async function strayed(replication: Query, server: ServerIdentity, position: PgPosition): Promise<string | undefined> {
  if (position.system !== server.system) {
    return `the state comes from the cluster ${position.system}, but the server is ${server.system}: another one answers behind this name.`;
  }
  if (position.timeline === server.timeline) return undefined;
  if (position.timeline > server.timeline) {
    return `the state is of timeline ${position.timeline}, but the server is on ${server.timeline}: it was restored to an earlier time.`;
  }
  const end = await endOfTimeline(replication, server.timeline, position.timeline);
  if (end === undefined)
    return `timeline ${position.timeline} of the state is not in the history of the server's timeline ${server.timeline}.`;
  if (position.lsn <= end) return undefined;
  return `timeline ${position.timeline} ended at ${lsnText(end)} when another server was promoted, before ${lsnText(position.lsn)} of the state: changes that were read are not there any more.`;
}

/**
 * Where `timeline` was left, by the history file of `present`: a line each "timeline, switch point, reason", parents
 * first (PostgreSQL source, `timeline.c`; fetched by TIMELINE_HISTORY of the replication protocol).
 */
async function endOfTimeline(replication: Query, present: number, timeline: number): Promise<number | undefined> {
  const [row] = await replication.rows<{ readonly content: string | Buffer }>(`TIMELINE_HISTORY ${present}`);
  for (const line of (row?.content.toString() ?? '').split('\n')) {
    const [id, switchPoint] = line.trim().split(/\s+/);
    if (Number(id) === timeline && switchPoint !== undefined) return parseLsn(switchPoint) ?? undefined;
  }
  return undefined;
}
