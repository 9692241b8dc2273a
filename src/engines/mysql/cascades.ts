import type { Logger } from '../../contract/engine.ts';
import { shortened } from '../../contract/findings.ts';
import { groupBy } from '../../contract/found-tables.ts';
import { type TableId, tableKey, tableLabel } from '../../contract/ids.ts';
import type { Table } from '../../contract/table.ts';
import type { ServerFacts } from './server.ts';
import { type Query, qualified, quoteLiteral } from './sql.ts';
import { toConnectorError } from './wire/errors.ts';

/** InnoDB carries out foreign keys by itself, out of sight of the log; from version 9.6 on MySQL does it, and logs it. */
async function inLog(query: Query, { flavor, version }: ServerFacts): Promise<boolean> {
  if (flavor !== 'mysql' || version < 9_06_00) return false;
  const [native] = await query.rows<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'");
  return native?.Value !== 'ON';
}

const CASCADES = /^\s*CONSTRAINT .* FOREIGN KEY .* ON (?:DELETE|UPDATE) (?:CASCADE|SET NULL)/m;

/** What to say of the tables whose rows change by foreign keys without a trace in the log; undefined where none do. */
export async function cascadeWarning(query: Query, server: ServerFacts, tables: readonly Table[]): Promise<string | undefined> {
  const followed = tables.filter(table => table.follow === true);
  if (followed.length === 0 || (await inLog(query, server))) return undefined;
  const wanted = new Set(followed.map(({ id }) => tableKey(id)));
  const cascading: string[] = [];
  for (const namespace of groupBy(followed, ({ id }) => id.namespace).keys()) {
    // The view with the rules shows nothing to those who may only read.
    const referring = await query.rows<{ name: string }>(`
      SELECT DISTINCT TABLE_NAME AS name FROM information_schema.KEY_COLUMN_USAGE
       WHERE TABLE_SCHEMA = ${quoteLiteral(namespace)} AND REFERENCED_TABLE_NAME IS NOT NULL ORDER BY 1`);
    for (const { name } of referring) {
      const id = { namespace, name };
      if (wanted.has(tableKey(id)) && CASCADES.test(await createTable(query, id))) cascading.push(tableLabel(id));
    }
  }
  return cascading.length === 0 ? undefined : warningOf(cascading, server);
}

function warningOf(names: readonly string[], { flavor, version }: ServerFacts): string {
  const native =
    flavor === 'mariadb'
      ? ''
      : version >= 9_06_00
        ? ' Or set innodb_native_foreign_keys = OFF in the option file and restart the server: then the log has them.'
        : ' From MySQL 9.6 on the log has them.';
  return (
    `Foreign keys change rows of ${shortened(names, 20)} when the rows that they refer to go or get another key (ON DELETE or ON UPDATE, ` +
    'CASCADE or SET NULL). The log of this server does not have these changes, so the destination keeps the old rows. ' +
    `Read the tables as full refresh, or let the application or a trigger make these changes instead of the foreign key: those are in the log.${native}`
  );
}

/** Says so once, where changes of the tables are to be read. */
export async function warnOfCascades(
  query: Query,
  server: ServerFacts,
  { tables, log }: { readonly tables: readonly Table[]; readonly log: Logger },
): Promise<void> {
  const warning = await cascadeWarning(query, server, tables);
  if (warning !== undefined) log.warn(warning);
}

/** The statement that makes the table; empty where the user may not see it. */
async function createTable(query: Query, id: TableId): Promise<string> {
  try {
    const [row] = await query.rows<{ 'Create Table': string }>(`SHOW CREATE TABLE ${qualified(id)}`);
    return row?.['Create Table'] ?? '';
  } catch (error) {
    if (toConnectorError(error, '').code === 'PERMISSION_DENIED') return '';
    throw error;
  }
}
