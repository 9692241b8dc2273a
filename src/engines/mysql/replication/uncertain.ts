import type { Logger } from '../../../contract/engine.ts';
import { ConnectorError } from '../../../contract/errors.ts';
import { tableLabel } from '../../../contract/ids.ts';
import type { LayoutEffect } from '../layout/ddl.ts';
import type { MysqlTable } from '../table.ts';

const REMEDY =
  "Run: SET GLOBAL binlog_row_metadata = 'FULL'; then clear the stream, so that it is read anew. From then on the log names its columns.";

/** What the columns of the table are at this place in the log cannot be told: nothing is read by guessing. */
export const uncertain = ({ id }: MysqlTable, why: string): ConnectorError =>
  new ConnectorError('SCHEMA_CHANGED', `${tableLabel(id)}: ${why}. ${REMEDY}`, { table: id });

/** The log does not have the rows. */
export function changedByStatement({ id }: MysqlTable): ConnectorError {
  const detail = `${tableLabel(id)} may have been changed by a statement that stands in the log instead of its rows: a session wrote with another binlog_format than ROW. Let every session write with binlog_format = ROW.`;
  return new ConnectorError('POSITION_LOST', detail, { table: id });
}

/** What does not only take rows away. */
const MAY_BRING_ROWS = /^(?:EXCHANGE|CONVERT|DISCARD or IMPORT) /;

/** Says what a statement did to a followed table, where the destination does not learn it from records. */
export function tellEffect(effect: LayoutEffect, { id }: MysqlTable, log: Logger): void {
  const label = tableLabel(id);
  const gone = 'The rows stay at the destination: no delete records exist for them. Refresh the stream to empty it there too.';
  switch (effect.kind) {
    case 'replaced':
      if (effect.from !== null)
        log.info(`${effect.from.schema}.${effect.from.name} took the name ${label}; its changes are followed.`);
      else log.warn(`${label} was created anew. ${gone}`);
      return;
    case 'dropped':
      log.warn(`${label} was dropped. ${gone}`);
      return;
    case 'renamed':
      log.warn(`${label} was renamed to ${effect.to.schema}.${effect.to.name}; what happens to it there is not followed.`);
      return;
    case 'rows-removed':
      log.warn(
        MAY_BRING_ROWS.test(effect.how)
          ? `${effect.how} of ${label}: no delete records exist for rows that it took away, and rows that it brought are not in the log. Clear the stream to read the table anew.`
          : `${effect.how} of ${label}: the rows are gone at the source, but no delete records exist for them. Refresh the stream to empty it at the destination too.`,
      );
      return;
    default:
  }
}
