import type { EngineContext } from '../../contract/engine.ts';
import type { ShardId } from '../../contract/ids.ts';
import type { MysqlConfig, SslMode } from './config.ts';
import type { Limits } from './limits.ts';

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
