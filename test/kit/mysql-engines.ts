import { describeServer } from './engines.ts';
import { flavorNames, type MysqlFlavor, mysqlFlavors } from './servers/mysql-binaries.ts';
import { mysqlUnavailableInRun, type RowMetadata } from './servers/mysql-shared.ts';

/** The flavors whose tests run in this process: one of them where a family of tests is for one only, else both. */
export const flavorsHere = mysqlFlavors.filter(flavor => (process.env['TRIBUTARY_FLAVOR'] ?? flavor) === flavor);

// Whether tests are skipped is decided while they are collected, and a server that is not here yet is fetched for that.
const reasons = Object.fromEntries(
  await Promise.all(flavorsHere.map(async flavor => [flavor, await mysqlUnavailableInRun(flavor)] as const)),
) as Readonly<Partial<Record<MysqlFlavor, string | null>>>;

/** Why no server of this flavor can be had here, or null when one can. */
export const mysqlUnavailable = (flavor: MysqlFlavor): string | null => reasons[flavor] ?? null;

/** Server and variant, for people: `MySQL`, `MariaDB, minimal metadata`. */
export const mysqlLabel = (flavor: MysqlFlavor, metadata: RowMetadata = 'FULL'): string =>
  metadata === 'FULL' ? flavorNames[flavor] : `${flavorNames[flavor]}, ${metadata === 'MINIMAL' ? 'minimal' : 'no'} metadata`;

/** Tests of one flavor alone; `missing`: what else is lacking here. */
export const describeFlavor = (flavor: MysqlFlavor, label: string, body: () => void, missing: string | null = null): void => {
  if (flavorsHere.includes(flavor)) describeServer(label, mysqlUnavailable(flavor) ?? missing, body);
};

/** The same tests for MySQL and for MariaDB. */
export const describeMysql = (body: (flavor: MysqlFlavor) => void): void => {
  for (const flavor of mysqlFlavors) describeFlavor(flavor, mysqlLabel(flavor), () => body(flavor));
};
