import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { MysqlTable } from '../table.ts';

const REMEDY =
  "Run: SET GLOBAL binlog_row_metadata = 'FULL'; then clear the stream, so that it is read anew. From then on the log names its columns.";

/** What the columns of the table are at this place in the log cannot be told: nothing is read by guessing. */
export const uncertain = ({ id }: MysqlTable, why: string): ConnectorError =>
  new ConnectorError('SCHEMA_CHANGED', `${tableLabel(id)}: ${why}. ${REMEDY}`, { table: id });

/** Statements that change rows stand in the log instead of the rows. */
export const changesRows = (sql: string): boolean =>
  /^(?:\s|\/\*[^!][\s\S]*?\*\/)*(?:insert|update|delete|replace|load|with)\b/i.test(sql);

/** Rows were changed, and the log does not have them. */
export function changedByStatement({ id }: MysqlTable): ConnectorError {
  const detail = `${tableLabel(id)} may have been changed by a statement that stands in the log instead of its rows: a session wrote with another binlog_format than ROW. Let every session write with binlog_format = ROW.`;
  return new ConnectorError('POSITION_LOST', detail, { table: id });
}
