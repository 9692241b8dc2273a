import type { Connection } from 'mysql2';
import { ConnectorError } from '../../contract/errors.ts';
import type { TableId } from '../../contract/ids.ts';

/** Runs one statement. Every value comes as the text that the server prints, NULL as null. */
export interface Query {
  rows<Row extends object>(sql: string): Promise<readonly Row[]>;
}

/** The fields of mysql2's `typeCast` that are used. */
interface Field {
  string(encoding: string): string | null;
}

export const queryOn = (connection: Pick<Connection, 'query'>): Query => ({
  rows: <Row extends object>(sql: string): Promise<readonly Row[]> =>
    new Promise((resolve, reject) => {
      const typeCast = (field: Field): string | null => field.string('utf8');
      connection.query({ sql, typeCast }, (error, result) => {
        if (error !== null) reject(error);
        else resolve(Array.isArray(result) ? (result as unknown as Row[]) : []);
      });
    }),
});

/** An identifier in backticks, always: reserved words, dots and quotes need no further thought. */
export function quoteIdent(name: string): string {
  if (name.includes('\0')) {
    throw new ConnectorError('CONFIG_INVALID', 'a name holds a NUL character, which no name in MySQL can');
  }
  return `\`${name.replaceAll('`', '``')}\``;
}

/** A string constant; right while `sql_mode` has no NO_BACKSLASH_ESCAPES, as on all our connections. */
export const quoteLiteral = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '\\0')}'`;

export const qualified = (id: TableId): string => `${quoteIdent(id.namespace)}.${quoteIdent(id.name)}`;

/** `'a', 'b'` for `IN (…)`; an empty list becomes NULL, which nothing equals. */
export const literals = (texts: readonly string[]): string => (texts.length === 0 ? 'NULL' : texts.map(quoteLiteral).join(', '));

/** An account as GRANT writes it, from CURRENT_USER(): the host stands behind the last `@`. */
export function quoteAccount(account: string): string {
  const at = account.lastIndexOf('@');
  const [user, host] = at < 0 ? [account, '%'] : [account.slice(0, at), account.slice(at + 1)];
  return `${quoteLiteral(user)}@${quoteLiteral(host)}`;
}
