import type { EngineContext, Problem, Session, Shard } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { ShardId, TableId } from '../../contract/ids.ts';
import { asProblem, type Handover, type Member, ShardedSession } from '../../contract/sharded-session.ts';
import { APPLICATION } from '../../net/application.ts';
import { ANSWER_MILLIS } from '../../net/deadline.ts';
import { readDatabases, sameName } from './catalog-queries.ts';
import { type MysqlConfig, shardsOf } from './config.ts';
import { discoverTables } from './discovery.ts';
import { LIMITS, type Limits } from './limits.ts';
import { tryLog } from './log-access.ts';
import type { MysqlShardOptions, MysqlTarget } from './options.ts';
import { findProblems } from './prerequisites.ts';
import { queryOn } from './sql.ts';
import { startProblems } from './starting-position.ts';
import type { MysqlTable } from './table.ts';
import { connect, disconnect, type MysqlConnection } from './wire/connect.ts';
import { toConnectorError } from './wire/errors.ts';
import { queryWithin } from './wire/within.ts';

export type ShardFactory = (options: MysqlShardOptions, handover: Handover<MysqlConnection, MysqlTable>) => Shard;

/** One server of the config. Connects when it is first asked something. */
class MysqlMember implements Member<MysqlTable> {
  readonly #options: MysqlShardOptions;
  readonly #newShard: ShardFactory;
  #connection: MysqlConnection | undefined;
  #found: readonly MysqlTable[] | null = null;

  constructor(options: MysqlShardOptions, newShard: ShardFactory) {
    this.#options = options;
    this.#newShard = newShard;
  }

  get id(): ShardId {
    return this.#options.id;
  }

  /** Takes along what this member has: a login saved, and a look at the catalog. */
  shard(): Shard {
    const control = this.#connection ?? null;
    this.#connection = undefined;
    return this.#newShard(this.#options, { control, found: this.#found });
  }

  async discover(only?: readonly TableId[]): Promise<readonly MysqlTable[]> {
    const { config, context, target } = this.#options;
    const { databases, tinyint1_as: tinyint1, json_columns: json } = config.source;
    const { driver, server } = await this.#connected();
    try {
      const found = await readDatabases(queryOn(driver), server, databases);
      const missing = databases.filter(name => !found.some(each => sameName(server, name, each.name)));
      if (missing.length > 0) {
        const detail = `There is no database ${missing.map(name => `"${name}"`).join(', ')} on ${target.host}:${target.port}, or the user has no right in it.`;
        throw new ConnectorError('DATABASE_UNKNOWN', detail);
      }
      this.#found = await discoverTables(queryOn(driver), server, {
        databases,
        tinyint1,
        nativeJson: json === 'native',
        log: context.log,
        ...(only === undefined ? {} : { only }),
      });
      return this.#found;
    } catch (error) {
      throw toConnectorError(error, `Reading the tables on ${target.host}:${target.port}`);
    }
  }

  async check(): Promise<readonly Problem[]> {
    const { config, context, target } = this.#options;
    const where = `${target.host}:${target.port}`;
    try {
      const { driver, server } = await this.#connected();
      // Commits that hang may keep the server from answering the simplest questions about its log.
      const query = queryWithin(ANSWER_MILLIS, driver);
      const { problems, notices, warnings, mayReadLog, mayAskLog } = await findProblems(query, server, config);
      for (const warning of warnings) context.log.warn(warning);
      for (const notice of notices) context.log.info(notice);
      if (!mayReadLog) return problems;
      const start = Object.values(config.starting_gtids ?? {}).flatMap(positions => positions[this.id] ?? [])[0];
      const begins = start === undefined || !mayAskLog ? [] : await startProblems(query, server, this.id, start);
      return [...problems, ...begins, ...(await tryLog(target, context))];
    } catch (error) {
      return [asProblem(toConnectorError(error, `Checking ${where}`))];
    }
  }

  async close(): Promise<void> {
    if (this.#connection !== undefined) await disconnect(this.#connection);
    this.#connection = undefined;
  }

  async #connected(): Promise<MysqlConnection> {
    const { target, context } = this.#options;
    this.#connection ??= await connect(target, { applicationName: APPLICATION }, context);
    return this.#connection;
  }
}

/** Opens nothing yet: each member connects when it is needed. */
export function openSession(
  config: MysqlConfig,
  context: EngineContext,
  newShard: ShardFactory,
  limits: Limits = LIMITS,
): Promise<Session> {
  const members = shardsOf(config.source).map(({ name, ...login }) => {
    const target: MysqlTarget = { ...login, ssl: config.source.ssl_mode };
    return new MysqlMember({ id: name as ShardId, target, config, context, limits }, newShard);
  });
  return Promise.resolve(new ShardedSession({ members, context }));
}
