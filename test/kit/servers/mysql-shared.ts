import { type MysqlFlavor, ownMysqlUrl } from './mysql-binaries.ts';
import { type MysqlAddress, MysqlServer } from './mysql-server.ts';
import { addressIn, ask } from './shared.ts';

/** How much a server says of columns in its log: `binlog_row_metadata`. MariaDB comes with NO_LOG, MySQL with MINIMAL. */
export type RowMetadata = 'FULL' | 'MINIMAL' | 'NO_LOG';
export const rowMetadataOf = (flavor: MysqlFlavor): readonly RowMetadata[] =>
  flavor === 'mysql' ? ['FULL', 'MINIMAL'] : ['FULL', 'MINIMAL', 'NO_LOG'];

/**
 * The server of this flavor that all tests of a run share: make a database of your own in it, drop it at the end, and
 * change no setting. With TRIBUTARY_MYSQL_URL or TRIBUTARY_MARIADB_URL it is the server named there; then only tests of
 * the metadata that it is set to can run.
 */
export const acquireMysql = async (flavor: MysqlFlavor, metadata: RowMetadata = 'FULL'): Promise<MysqlServer> => {
  const own = ownMysqlUrl(flavor);
  if (own === null) return new MysqlServer((await ask(`mysql/${flavor}/${metadata}`)) as MysqlAddress);
  const server = new MysqlServer({ flavor, ...addressIn(own, 3306) });
  const found = await server.variable('binlog_row_metadata');
  if (found !== metadata)
    throw new Error(`the server of ${own.host} has binlog_row_metadata ${found}, this test needs ${metadata}`);
  return server;
};

/** `mysqlUnavailable`, found out once in a run. */
export const mysqlUnavailableInRun = async (flavor: MysqlFlavor): Promise<string | null> =>
  (await ask(`unavailable/${flavor}`)) as string | null;
