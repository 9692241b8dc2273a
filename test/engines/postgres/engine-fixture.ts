import type { EngineContext } from '../../../src/contract/engine.ts';
import type { EpochMillis } from '../../../src/contract/ids.ts';
import { dial } from '../../../src/core/dial.ts';
import { type PostgresConfig, postgresConfig } from '../../../src/engines/postgres/config.ts';
import type { PgTarget } from '../../../src/engines/postgres/options.ts';
import { type Query, queryOn } from '../../../src/engines/postgres/sql.ts';
import { connect, disconnect } from '../../../src/engines/postgres/wire/connect.ts';
import type { PostgresAddress } from '../../kit/servers/postgres.ts';

export interface Logged {
  readonly context: EngineContext;
  /** `level: message`, debug left out. */
  readonly lines: string[];
}

/** What the core hands to an engine, with a memory of what was logged. */
export function engineContext(signal: AbortSignal = new AbortController().signal): Logged {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (message: string): void => {
      lines.push(`${level}: ${message}`);
    };
  const log = { debug: () => {}, info: note('info'), warn: note('warn'), error: note('error') };
  return { context: { log, signal, now: () => Date.now() as EpochMillis, dial }, lines };
}

type Overrides = Readonly<Record<string, unknown>>;

/** A config for one database of a test server, as its superuser unless `source` says otherwise. */
export function engineConfig(
  server: PostgresAddress,
  database: string,
  source: Overrides = {},
  top: Overrides = {},
): PostgresConfig {
  const { host, port, username, password } = server;
  return postgresConfig.parse({
    source: { engine: 'postgres', host, port, database, username, password, ...source },
    ssl_mode: { mode: 'disable' },
    ...top,
  });
}

export function engineTarget(config: PostgresConfig): PgTarget {
  const { host, port, database, username, password = '' } = config.source;
  return { host, port, database, username, password, ssl: config.source.ssl_mode };
}

/** Runs `body` on a connection as the engine makes it. */
export async function withQuery<T>(config: PostgresConfig, body: (query: Query) => Promise<T>, replication = false): Promise<T> {
  const client = await connect(engineTarget(config), { replication, applicationName: 'test' }, engineContext().context);
  try {
    return await body(queryOn(client));
  } finally {
    await disconnect(client);
  }
}
