import type pg from 'pg';
import type { EngineContext, Problem, Session, Shard } from '../../contract/engine.ts';
import type { ConnectorError } from '../../contract/errors.ts';
import { type ShardId, type TableId, tableKey, tableLabel } from '../../contract/ids.ts';
import type { Table } from '../../contract/table.ts';
import { type PostgresConfig, shardsOf } from './config.ts';
import { discoverTables } from './discovery.ts';
import type { PgTarget, PostgresShardOptions } from './options.ts';
import { findProblems } from './prerequisites.ts';
import { readPublication } from './replication/publication.ts';
import { PostgresShard } from './shard.ts';
import { type Query, queryOn } from './sql.ts';
import type { PgTable } from './table.ts';
import { connect, disconnect } from './wire/connect.ts';
import { serverError, toConnectorError } from './wire/errors.ts';

/** One server or database of the config. Connects when it is first asked something. */
class Member {
  readonly options: PostgresShardOptions;
  #client: pg.Client | undefined;

  constructor(options: PostgresShardOptions) {
    this.options = options;
  }

  async query(): Promise<Query> {
    if (this.#client === undefined) {
      const { target, context } = this.options;
      this.#client = await connect(target, { replication: false, applicationName: 'source-tributary' }, context);
    }
    return queryOn(this.#client);
  }

  async discover(): Promise<readonly PgTable[]> {
    const { config, context, target } = this.options;
    const query = await this.query();
    try {
      const publication = await readPublication(query, config.source.publication);
      const nativeJson = config.source.json_columns === 'native';
      return await discoverTables(query, { schemas: config.source.schemas, publication, nativeJson, log: context.log });
    } catch (error) {
      throw toConnectorError(error, `Reading the tables of "${target.database}" on ${target.host}:${target.port}`);
    }
  }

  async check(): Promise<readonly Problem[]> {
    const { config, context, target } = this.options;
    try {
      const { problems, notices, mayReplicate } = await findProblems(await this.query(), config);
      for (const notice of notices) context.log.info(notice);
      return mayReplicate ? [...problems, ...(await this.#tryReplication())] : problems;
    } catch (error) {
      return [asProblem(toConnectorError(error, `Checking "${target.database}" on ${target.host}:${target.port}`))];
    }
  }

  /** A replication connection is another thing than a plain one: pg_hba.conf may refuse it, and most poolers do. */
  async #tryReplication(): Promise<readonly Problem[]> {
    const { target, context } = this.options;
    try {
      const client = await connect(target, { replication: true, applicationName: 'source-tributary check' }, context);
      await disconnect(client);
      return [];
    } catch (error) {
      const known = toConnectorError(error, 'Opening a replication connection');
      const pooler = serverError(known.cause)?.code === '08P01'; // protocol_violation
      if (!pooler) return [asProblem(known)];
      const detail = `${known.detail} A connection pooler stands in between; enter the address of the server itself.`;
      return [{ code: 'SERVER_SETTING', detail }];
    }
  }

  async close(): Promise<void> {
    if (this.#client !== undefined) await disconnect(this.#client);
    this.#client = undefined;
  }
}

function asProblem(error: ConnectorError): Problem {
  if (error.code === 'STOPPED') throw error;
  return { code: error.code, detail: error.detail };
}

class PostgresSession implements Session {
  readonly #members: readonly Member[];
  readonly #context: EngineContext;
  #shards: readonly PostgresShard[] | undefined;

  constructor(members: readonly Member[], context: EngineContext) {
    this.#members = members;
    this.#context = context;
  }

  async check(): Promise<readonly Problem[]> {
    const found = await Promise.all(
      this.#members.map(async member => {
        const problems = await member.check();
        if (this.#members.length === 1) return problems;
        return problems.map(problem => ({ ...problem, detail: `Shard "${member.options.id}": ${problem.detail}` }));
      }),
    );
    return found.flat();
  }

  async discover(): Promise<readonly Table[]> {
    const [first = [], ...others] = await Promise.all(this.#members.map(member => member.discover()));
    return others.reduce<readonly PgTable[]>((tables, other, index) => {
      const id = this.#members[index + 1]?.options.id ?? ('' as ShardId);
      return commonTables(tables, other, what => this.#context.log.warn(`Shard "${id}" ${what}`));
    }, first);
  }

  shards(): Promise<readonly Shard[]> {
    this.#shards ??= this.#members.map(member => new PostgresShard(member.options));
    return Promise.resolve(this.#shards);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#members.map(member => member.close()), ...(this.#shards ?? []).map(shard => shard.close())]);
  }
}

const columnsOf = (table: Table): string =>
  JSON.stringify(
    table.columns
      .map(({ name, type, nullable }) => [name, type, nullable])
      .sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  );

/**
 * The tables that both have with equal columns and key. One that only some can follow is not followed at all: a stream
 * has one way of being read.
 */
function commonTables(tables: readonly PgTable[], others: readonly PgTable[], tell: (what: string) => void): readonly PgTable[] {
  const byKey = new Map(others.map(table => [tableKey(table.id), table]));
  const lacking: TableId[] = [];
  const common = tables.flatMap((table): PgTable[] => {
    const other = byKey.get(tableKey(table.id));
    byKey.delete(tableKey(table.id));
    if (other === undefined) {
      lacking.push(table.id);
      return [];
    }
    if (columnsOf(table) !== columnsOf(other)) {
      tell(`has other columns in ${tableLabel(table.id)}: the table is left out.`);
      return [];
    }
    const sameKey = table.primaryKey.join('\0') === other.primaryKey.join('\0');
    if (!sameKey) tell(`has another key in ${tableLabel(table.id)}: the table is offered without one.`);
    const follow = table.follow === true ? other.follow : table.follow;
    const reason = `the shards do not agree on the key of ${tableLabel(table.id)}.`;
    return [
      {
        ...table,
        follow: sameKey || follow !== true ? follow : { reason },
        primaryKey: sameKey ? table.primaryKey : [],
        resumable: table.resumable && other.resumable,
        replicaIdentity: sameKey && follow === true ? table.replicaIdentity : null,
      },
    ];
  });
  if (lacking.length > 0) tell(`lacks ${lacking.map(tableLabel).join(', ')}: left out.`);
  if (byKey.size > 0) tell(`alone has ${[...byKey.values()].map(table => tableLabel(table.id)).join(', ')}: left out.`);
  return common;
}

/** Opens nothing yet: each shard connects when it is needed, so that one bad address does not hide the others' problems. */
export function openSession(config: PostgresConfig, context: EngineContext): Promise<Session> {
  const members = shardsOf(config.source).map(({ name, slot, ...login }) => {
    const target: PgTarget = { ...login, ssl: config.ssl_mode };
    const own = { ...config, source: { ...config.source, replication_slot: slot } };
    return new Member({ id: name as ShardId, target, config: own, context });
  });
  return Promise.resolve(new PostgresSession(members, context));
}
