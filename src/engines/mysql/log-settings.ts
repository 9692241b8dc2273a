import type { Problem } from '../../contract/engine.ts';
import type { Findings } from '../../contract/findings.ts';
import { type ServerFacts, showLogStatus } from './server.ts';
import { literals, type Query } from './sql.ts';
import { serverError } from './wire/errors.ts';

export interface SettingFindings extends Findings {
  /** The server writes a log at all. */
  readonly logs: boolean;
  /** It has a number, without which it lets nobody read its log. */
  readonly numbered: boolean;
  /** Positions are GTIDs. */
  readonly gtids: boolean;
  /** What the server takes from a source, if it has one, goes into its own log. */
  readonly logsUpdates: boolean;
}

const VARIABLES = [
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_expire_logs_seconds',
  'expire_logs_days',
  'gtid_mode',
  'server_id',
  'log_replica_updates',
  'log_slave_updates',
];

type Settings = ReadonlyMap<string, string>;

const CLOUDS: Readonly<Record<string, string>> = {
  log_bin:
    'Amazon RDS: turn on automated backups; Aurora: set binlog_format = ROW in the cluster parameter group; Google Cloud SQL: turn on binary logging, or point-in-time recovery',
  binlog_format: 'Amazon RDS and Aurora: in the parameter group',
};

/** Settings of the server that keep the log from being read as it must be, each with what to run. */
export async function settingProblems(query: Query, server: ServerFacts, serverId: number | undefined): Promise<SettingFindings> {
  const rows = await query.rows<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${literals(VARIABLES)})`,
  );
  const settings: Settings = new Map(rows.map(row => [row.Variable_name.toLowerCase(), row.Value]));
  const gtids = server.flavor === 'mariadb' || settings.get('gtid_mode') === 'ON';
  const logsUpdates = (settings.get('log_replica_updates') ?? settings.get('log_slave_updates')) !== 'OFF';
  if (settings.get('log_bin') !== 'ON') {
    const lines = server.flavor === 'mysql' ? 'log_bin' : 'log_bin, binlog_format = ROW';
    const detail = `The server writes no binary log. Add to the section [mysqld] of its option file: ${lines}, server_id = 1; and restart it. (${CLOUDS['log_bin']}.)`;
    return { problems: [{ code: 'SERVER_SETTING', detail }], notices: [], logs: false, numbered: true, gtids, logsUpdates };
  }
  const problems: Problem[] = [];
  const set = server.flavor === 'mysql' ? 'SET PERSIST' : 'SET GLOBAL';
  const lasting = server.flavor === 'mysql' ? '' : ' (and in the option file, to outlive a restart)';
  const must = (name: string, accepted: readonly string[], why: string): void => {
    const value = settings.get(name);
    if (value === undefined || accepted.includes(value.toUpperCase())) return;
    const cloud = CLOUDS[name] === undefined ? '' : ` (${CLOUDS[name]}.)`;
    const detail = `${name} is ${value}, it must be ${accepted[0]}: ${why} Run: ${set} ${name} = '${accepted[0]}';${lasting} Sessions that are connected keep the old value.${cloud}`;
    problems.push({ code: 'SERVER_SETTING', detail });
  };
  must('binlog_format', ['ROW'], 'else the log has statements instead of rows.');
  must('binlog_row_image', ['FULL', 'FULL_NODUP'], 'else the log lacks columns of the rows.');
  const ownId = Number(settings.get('server_id') ?? 0);
  if (ownId === 0) {
    problems.push({
      code: 'SERVER_SETTING',
      detail: `server_id is 0, and such a server lets nobody read its log. Run: ${set} server_id = 1;${lasting}`,
    });
  } else if (ownId === serverId) {
    problems.push({
      code: 'CONFIG_INVALID',
      detail: `server_id is ${serverId}, which is the server's own number. Leave it empty, or choose another.`,
    });
  }
  const notices = noticesOf(settings, server, set);
  return { problems, notices, logs: true, numbered: ownId !== 0, gtids, logsUpdates };
}

const SECONDS_PER_DAY = 86_400;

function noticesOf(settings: Settings, server: ServerFacts, set: string): readonly string[] {
  const notices: string[] = [];
  if (settings.get('binlog_row_metadata') !== 'FULL') {
    notices.push(
      `binlog_row_metadata is ${settings.get('binlog_row_metadata') ?? 'not known to the server'}. FULL is recommended: then the log names its columns, and any ALTER TABLE can be followed. Run: ${set} binlog_row_metadata = 'FULL';`,
    );
  }
  if (server.flavor === 'mysql' && settings.get('gtid_mode') !== 'ON') {
    notices.push(
      'gtid_mode is not ON: positions are files and bytes of this one server, and a failover loses them. See "Enabling GTID Transactions Online" in the manual of MySQL.',
    );
  }
  const days = Number(settings.get('expire_logs_days') ?? 0);
  const seconds = Number(settings.get('binlog_expire_logs_seconds') ?? 0) || days * SECONDS_PER_DAY;
  if (seconds > 0 && seconds < 2 * SECONDS_PER_DAY) {
    notices.push(
      `The server keeps its log for ${Number((seconds / 3600).toFixed(1))} hours. That must be longer than the time between two syncs, and than the longest snapshot.`,
    );
  }
  return notices;
}

interface StatusRow {
  readonly Binlog_Do_DB?: string;
  readonly Binlog_Ignore_DB?: string;
}

/** What the log leaves out: filtered databases, and on a replica all that comes from its source. */
export async function binlogProblems(
  query: Query,
  server: ServerFacts,
  { logsUpdates }: SettingFindings,
  databases: readonly string[],
): Promise<Findings> {
  const problems: Problem[] = [];
  const [status] = await query.rows<StatusRow>(showLogStatus(server));
  const named = (list: string | undefined): readonly string[] => (list ?? '').split(',').filter(name => name !== '');
  const only = named(status?.Binlog_Do_DB);
  const without = named(status?.Binlog_Ignore_DB);
  const lacking = databases.filter(name => (only.length > 0 && !only.includes(name)) || without.includes(name));
  if (lacking.length > 0) {
    const filters = [only.length > 0 ? 'binlog_do_db' : '', without.length > 0 ? 'binlog_ignore_db' : ''].filter(
      name => name !== '',
    );
    problems.push({
      code: 'SERVER_SETTING',
      detail: `The log leaves out ${lacking.join(', ')}, by ${filters.join(' and ')} in the server's option file. Remove that and restart the server.`,
    });
  }
  if (!logsUpdates) problems.push(...(await replicaProblems(query, server)));
  return { problems, notices: [] };
}

async function replicaProblems(query: Query, server: ServerFacts): Promise<readonly Problem[]> {
  const { flavor, version } = server;
  const replica = await isReplica(query, server);
  if (replica === 'no') return [];
  const name = flavor === 'mysql' && version >= 8_00_26 ? 'log_replica_updates' : 'log_slave_updates';
  const remedy = `Add to the section [mysqld] of its option file: ${name} = ON; and restart it, or enter the address of the source.`;
  const detail =
    replica === 'yes'
      ? `The server is a replica, and its own log lacks what it takes from its source. ${remedy}`
      : `The server is a replica, or was one (gtid_slave_pos is not empty), and its own log lacks what it takes from a source. ${remedy} If it is none any more, let the connector see that: GRANT REPLICA MONITOR ON *.* TO the user.`;
  return [{ code: 'SERVER_SETTING', detail }];
}

async function isReplica(query: Query, { flavor, version }: ServerFacts): Promise<'yes' | 'no' | 'perhaps'> {
  const sql =
    flavor === 'mysql' && version >= 8_00_22
      ? 'SHOW REPLICA STATUS'
      : flavor === 'mysql'
        ? 'SHOW SLAVE STATUS'
        : 'SHOW ALL SLAVES STATUS';
  try {
    return (await query.rows(sql)).length > 0 ? 'yes' : 'no';
  } catch (error) {
    // MariaDB wants a right of its own for it (REPLICA MONITOR), which reading does not need. What a replica has applied
    // everybody may see; it stays when the replica becomes a server of its own.
    if (serverError(error)?.errno !== 1227) throw error;
    const [row] = await query.rows<{ applied: string | null }>('SELECT @@global.gtid_slave_pos AS applied');
    return (row?.applied ?? '') === '' ? 'no' : 'perhaps';
  }
}
