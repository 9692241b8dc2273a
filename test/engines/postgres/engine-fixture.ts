import { type PostgresConfig, postgresConfig } from '../../../src/engines/postgres/config.ts';
import type { PgTarget } from '../../../src/engines/postgres/options.ts';
import { type Query, queryOn } from '../../../src/engines/postgres/sql.ts';
import { connect, disconnect } from '../../../src/engines/postgres/wire/connect.ts';
import { engineContext } from '../../kit/engine-context.ts';
import type { PostgresAddress } from '../../kit/servers/postgres.ts';

export { engineContext };

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
