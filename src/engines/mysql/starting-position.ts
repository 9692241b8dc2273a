import type { Problem } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { ShardId } from '../../contract/ids.ts';
import { type MysqlPosition, parsePosition } from './position.ts';
import { lossOf, readKind, readServerId } from './replication/server-position.ts';
import type { ServerFacts } from './server.ts';
import type { Query } from './sql.ts';

/** The position that `starting_gtids` has for a shard. Throws CONFIG_INVALID saying where it is off. */
export async function startingPosition(query: Query, server: ServerFacts, shard: ShardId, text: string): Promise<MysqlPosition> {
  const refused = (why: string): ConnectorError =>
    new ConnectorError('CONFIG_INVALID', `starting_gtids: "${text}" of shard "${shard}" cannot be used: ${why}`);
  let position: MysqlPosition;
  try {
    position = parsePosition(text, server.flavor, await readServerId(query, server));
  } catch (error) {
    throw error instanceof ConnectorError && error.code === 'CONFIG_INVALID' ? refused(error.detail) : error;
  }
  if (position.kind === 'gtid_set' && (await readKind(query, server)) !== 'gtid_set') {
    throw refused('it is a GTID set, but gtid_mode of the server is not ON. Give a place such as binlog.000123:4711.');
  }
  return position;
}

/** What keeps the log from being read from there on. */
export async function startProblems(
  query: Query,
  server: ServerFacts,
  shard: ShardId,
  text: string,
): Promise<readonly Problem[]> {
  try {
    const loss = await lossOf(query, server, await startingPosition(query, server, shard, text));
    if (loss === null) return [];
    return [{ code: 'POSITION_LOST', detail: `starting_gtids: "${text}" of shard "${shard}": ${loss}` }];
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'CONFIG_INVALID') return [{ code: error.code, detail: error.detail }];
    throw error;
  }
}
