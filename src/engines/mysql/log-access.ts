import type { EngineContext, Problem } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { asProblem } from '../../contract/sharded-session.ts';
import { APPLICATION } from '../../net/application.ts';
import { binlogDump, DUMP_NON_BLOCKING } from './binlog/command.ts';
import type { MysqlTarget } from './options.ts';
import { randomServerId } from './server-id.ts';
import { queryOn, quoteAccount } from './sql.ts';
import { connect, rawConnection } from './wire/connect.ts';
import { serverError, toConnectorError } from './wire/errors.ts';
import { RawConnection } from './wire/raw-connection.ts';

const ACCESS_DENIED = 1227;
const QUIET_MILLIS = 15_000;
const FIRST_EVENT = 4;

/**
 * Asks for the log and takes its first packet: the only way to find out whether the server, and whatever stands in between,
 * lets it through. An error is a finding.
 */
export async function tryLog(target: MysqlTarget, context: EngineContext): Promise<readonly Problem[]> {
  const what = `Reading the log of ${target.host}:${target.port}`;
  try {
    const connection = await connect(target, { applicationName: `${APPLICATION} check` }, context);
    const query = queryOn(connection.driver);
    // Without it a server that writes checksums sends nothing. MySQL knows the second name since 8.0.26.
    await query.rows(
      'SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum',
    );
    const [row] = await query.rows<{ account: string }>('SELECT CURRENT_USER() AS account');
    const raw = new RawConnection(rawConnection(connection), what, context.signal);
    try {
      raw.beginDump(binlogDump({ file: '', position: FIRST_EVENT, serverId: randomServerId(), flags: DUMP_NON_BLOCKING }));
      while (!raw.nextPacket() && !raw.done) await raw.fill(QUIET_MILLIS);
      return [];
    } catch (error) {
      const known = toConnectorError(error, what);
      if (serverError(known.cause)?.errno !== ACCESS_DENIED) throw known;
      const detail = `The user may not read the log. Run: GRANT REPLICATION SLAVE ON *.* TO ${quoteAccount(row?.account ?? target.username)};`;
      throw new ConnectorError('PERMISSION_DENIED', detail, { cause: known.cause });
    } finally {
      raw.close();
    }
  } catch (error) {
    return [asProblem(toConnectorError(error, what))];
  }
}
