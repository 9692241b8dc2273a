import type { EngineContext } from '../../contract/engine.ts';
import type { ShardId } from '../../contract/ids.ts';
import type { PostgresConfig, SslMode } from './config.ts';
import type { Limits } from './limits.ts';

/** One database on one server, and how to log in. */
export interface PgTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  /** Empty: none is sent unless the server asks for one. */
  readonly password: string;
  readonly ssl: SslMode;
}

export interface PostgresShardOptions {
  readonly id: ShardId;
  readonly target: PgTarget;
  readonly config: PostgresConfig;
  readonly context: EngineContext;
  readonly limits: Limits;
}
