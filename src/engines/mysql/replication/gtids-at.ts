import { ConnectorError } from '../../../contract/errors.ts';
import type { ServerFacts } from '../server.ts';
import { type Query, quoteLiteral } from '../sql.ts';
import type { FilePlace } from './log-status.ts';

interface Answer {
  readonly question: string;
  readonly list: string;
}

/** The last answer of each connection. */
const answers = new WeakMap<ServerFacts, Answer>();

/**
 * MariaDB: the GTID list at a place of the log. The server reads the file from its beginning to say it, up to a gigabyte, so
 * the same question is not asked twice; and it is another one once the log has grown or was begun anew.
 */
export async function gtidsAt(query: Query, server: ServerFacts, { file, pos }: FilePlace): Promise<string> {
  const [end] = await query.rows<{ list: string }>('SELECT @@global.gtid_binlog_pos AS list');
  const question = `${file}:${pos} ${end?.list ?? ''}`;
  const known = answers.get(server);
  if (known?.question === question) return known.list;
  const [row] = await query.rows<{ list: string | null }>(`SELECT BINLOG_GTID_POS(${quoteLiteral(file)}, ${pos}) AS list`);
  if (row?.list === undefined || row.list === null) {
    throw new ConnectorError('SERVER_ERROR', `The server does not say the GTIDs of ${file}:${pos}.`);
  }
  answers.set(server, { question, list: row.list });
  return row.list;
}
