import type { MysqlFlavor } from '../../kit/servers/mysql.ts';
import type { TypeFamily } from '../../kit/type-family.ts';
import { mariadbJson, mariadbNativeJson, mysqlJson, mysqlNativeJson } from './types/json.ts';
import { ownTypes } from './types/mariadb.ts';
import { bitsAndYears, floats, integers, mysqlFloats, tinyintAsInteger } from './types/numbers.ts';
import { mariadbSpatial, mysqlSpatial } from './types/spatial.ts';
import { binary, characterSets, gb18030, labels, text } from './types/text.ts';
import { time } from './types/time.ts';

const shared: readonly TypeFamily[] = [bitsAndYears, text, labels, time, binary];

/** Every type of a server under the default settings; docs/types/mysql.md and mariadb.md are made from them. */
export const mysqlTypes: Readonly<Record<MysqlFlavor, readonly TypeFamily[]>> = {
  mysql: [integers, mysqlFloats, ...shared, mysqlJson, mysqlSpatial, characterSets, gb18030],
  mariadb: [integers, floats, ...shared, mariadbJson, ownTypes, mariadbSpatial, characterSets],
};

/** Those that differ with `json_columns: native`. */
export const nativeJsonTypes: Readonly<Record<MysqlFlavor, readonly TypeFamily[]>> = {
  mysql: [mysqlNativeJson],
  mariadb: [mariadbNativeJson],
};

/** Those that differ with `tinyint1_as: integer`. */
export const tinyint1Types: readonly TypeFamily[] = [tinyintAsInteger];
