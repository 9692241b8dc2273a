import type pg from 'pg';
import type { EngineContext, Problem, Session, Shard } from '../../contract/engine.ts';
import type { ShardId, TableId } from '../../contract/ids.ts';
import { asProblem, type Member, ShardedSession } from '../../contract/sharded-session.ts';
import { APPLICATION } from '../../net/application.ts';
import { type PostgresConfig, shardsOf } from './config.ts';
import { discoverTables } from './discovery.ts';
import { LIMITS, type Limits } from './limits.ts';
import type { PgTarget, PostgresShardOptions } from './options.ts';
import { findProblems } from './prerequisites.ts';
import { tryPlugin } from './replication/output-plugin.ts';
import { readPublication } from './replication/publication.ts';
import { PostgresShard } from './shard.ts';
import { type Query, queryOn } from './sql.ts';
import type { PgTable } from './table.ts';
import { connect, disconnect } from './wire/connect.ts';
import { toConnectorError } from './wire/errors.ts';

/** One server or database of the config. Connects when it is first asked something. */
class PostgresMember implements Member<PgTable> {
  readonly options: PostgresShardOptions;
  #client: pg.Client | undefined;
  #found: readonly PgTable[] | null = null;

  constructor(options: PostgresShardOptions) {
    this.options = options;
  }

  get id(): ShardId {
    return this.options.id;
  }

  /** Takes along what this member has: a login saved, and a look at the catalog. */
  shard(): Shard {
    const control = this.#client ?? null;
    this.#client = undefined;
    return new PostgresShard(this.options, { control, found: this.#found });
  }

  async query(): Promise<Query> {
    if (this.#client === undefined) {
      const { target, context } = this.options;
      this.#client = await connect(target, { replication: false, applicationName: APPLICATION }, context);
    }
    return queryOn(this.#client);
  }

  async discover(only?: readonly TableId[]): Promise<readonly PgTable[]> {
    const { config, context, target } = this.options;
    const query = await this.query();
    try {
      const publication = await readPublication(query, config.source.publication);
      const nativeJson = config.source.json_columns === 'native';
      const options = { schemas: config.source.schemas, publication, nativeJson, log: context.log };
      this.#found = await discoverTables(query, only === undefined ? options : { ...options, only });
      return this.#found;
    } catch (error) {
      throw toConnectorError(error, `Reading the tables of "${target.database}" on ${target.host}:${target.port}`);
    }
  }

  async check(): Promise<readonly Problem[]> {
    const { config, context, target } = this.options;
    try {
      const query = await this.query();
      const { problems, notices, mayReplicate, tryPlugin } = await findProblems(query, config);
      for (const notice of notices) context.log.info(notice);
      return mayReplicate ? [...problems, ...(await this.#tryReplication(tryPlugin ? query : null))] : problems;
    } catch (error) {
      return [asProblem(toConnectorError(error, `Checking "${target.database}" on ${target.host}:${target.port}`))];
    }
  }

  /**
   * A replication connection is another thing than a plain one: pg_hba.conf may refuse it, and many poolers do. With
   * `control` a slot for a moment shows whether the server lets us use the plugin.
   */
  async #tryReplication(control: Query | null): Promise<readonly Problem[]> {
    const { target, context } = this.options;
    try {
      const client = await connect(target, { replication: true, applicationName: `${APPLICATION} check` }, context);
      try {
        const refused = control === null ? undefined : await tryPlugin(client, control);
        return refused === undefined ? [] : [asProblem(refused)];
      } finally {
        await disconnect(client);
      }
    } catch (error) {
      return [asProblem(toConnectorError(error, 'Opening a replication connection'))];
    }
  }

  async close(): Promise<void> {
    if (this.#client !== undefined) await disconnect(this.#client);
    this.#client = undefined;
  }
}

/** Opens nothing yet: each member connects when it is needed. */
export function openSession(config: PostgresConfig, context: EngineContext, limits: Limits = LIMITS): Promise<Session> {
  const members = shardsOf(config.source).map(({ name, slot, ...login }) => {
    const target: PgTarget = { ...login, ssl: config.source.ssl_mode };
    const own = { ...config, source: { ...config.source, replication_slot: slot } };
    return new PostgresMember({ id: name as ShardId, target, config: own, context, limits });
  });
  const unfollowed = (table: PgTable): PgTable => ({ ...table, replicaIdentity: null });
  return Promise.resolve(new ShardedSession({ members, context, unfollowed }));
}
