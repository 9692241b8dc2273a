import type { EngineContext } from '../../contract/engine.ts';
import type { ShardId } from '../../contract/ids.ts';
import type { MysqlConfig, SslMode } from './config.ts';
import type { Limits } from './limits.ts';
import type { ServerFacts } from './server.ts';
import type { TypeOptions } from './types.ts';

/** One server, and how to log in. */
export interface MysqlTarget {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Empty: none. */
  readonly password: string;
  readonly ssl: SslMode;
}

export interface MysqlShardOptions {
  readonly id: ShardId;
  readonly target: MysqlTarget;
  readonly config: MysqlConfig;
  readonly context: EngineContext;
  readonly limits: Limits;
}

export function typeOptions({ source }: MysqlConfig, { flavor }: ServerFacts): TypeOptions {
  const { tinyint1_as: tinyint1, json_columns: json } = source;
  return { flavor, tinyint1, nativeJson: json === 'native' };
}
