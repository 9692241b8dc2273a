import { type MysqlConfig, mysqlConfig } from '../../../src/engines/mysql/config.ts';
import type { MysqlTarget } from '../../../src/engines/mysql/options.ts';
import type { ServerFacts } from '../../../src/engines/mysql/server.ts';
import { type Query, queryOn } from '../../../src/engines/mysql/sql.ts';
import { connect, disconnect, type MysqlConnection } from '../../../src/engines/mysql/wire/connect.ts';
import { engineContext } from '../../kit/engine-context.ts';
import type { MysqlAddress } from '../../kit/servers/mysql.ts';

type Overrides = Readonly<Record<string, unknown>>;

/** A config for some databases of a test server, as its superuser unless `source` says otherwise. */
export function engineConfig(
  server: MysqlAddress,
  databases: readonly string[],
  source: Overrides = {},
  top: Overrides = {},
): MysqlConfig {
  const { host, port, username, password } = server;
  return mysqlConfig.parse({
    source: { engine: 'mysql', host, port, databases, username, password, ssl_mode: { mode: 'disabled' }, ...source },
    ...top,
  });
}

export function engineTarget(config: MysqlConfig): MysqlTarget {
  const { host, port, username, password = '', ssl_mode: ssl } = config.source;
  return { host, port, username, password, ssl };
}

/** Runs `body` with a connection as the engine makes it. */
export async function withConnection<T>(config: MysqlConfig, body: (connection: MysqlConnection) => Promise<T>): Promise<T> {
  const connection = await connect(engineTarget(config), { applicationName: 'test' }, engineContext().context);
  try {
    return await body(connection);
  } finally {
    await disconnect(connection);
  }
}

export const withQuery = <T>(config: MysqlConfig, body: (query: Query, server: ServerFacts) => Promise<T>): Promise<T> =>
  withConnection(config, ({ driver, server }) => body(queryOn(driver), server));
