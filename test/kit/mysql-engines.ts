import { describeServer } from './engines.ts';
import { flavorNames, type MysqlFlavor, mysqlFlavors } from './servers/mysql-binaries.ts';
import { mysqlUnavailableInRun, type RowMetadata } from './servers/mysql-shared.ts';

// Whether tests are skipped is decided while they are collected, and a server that is not here yet is fetched for that.
const reasons = Object.fromEntries(
  await Promise.all(mysqlFlavors.map(async flavor => [flavor, await mysqlUnavailableInRun(flavor)] as const)),
) as Readonly<Record<MysqlFlavor, string | null>>;

/** Why no server of this flavor can be had here, or null when one can. */
export const mysqlUnavailable = (flavor: MysqlFlavor): string | null => reasons[flavor];

/** Server and variant, for people: `MySQL`, `MariaDB, minimal metadata`. */
export const mysqlLabel = (flavor: MysqlFlavor, metadata: RowMetadata = 'FULL'): string =>
  metadata === 'FULL' ? flavorNames[flavor] : `${flavorNames[flavor]}, ${metadata === 'MINIMAL' ? 'minimal' : 'no'} metadata`;

/** The same tests once for MySQL and once for MariaDB. */
export const describeMysql = (body: (flavor: MysqlFlavor) => void): void => {
  for (const flavor of mysqlFlavors) describeServer(mysqlLabel(flavor), mysqlUnavailable(flavor), () => body(flavor));
};
