import type pg from 'pg';
import type {
  Missed,
  Opened,
  OpenRequest,
  ReplicationEvent,
  Shard,
  SnapshotEvent,
  SnapshotRequest,
  StreamRequest,
  Watched,
} from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { tablesAsked } from '../../contract/found-tables.ts';
import type { Position, ShardId, TableId } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import type { Handover } from '../../contract/sharded-session.ts';
import { APPLICATION } from '../../net/application.ts';
import { PATIENT_MILLIS } from '../../net/deadline.ts';
import { SharedConnection } from '../../net/shared-connection.ts';
import { readWalSenderTimeout } from './catalog-queries.ts';
import { withinLimits } from './connection-limits.ts';
import { discoverTables } from './discovery.ts';
import type { PostgresShardOptions } from './options.ts';
import { covers, fromPosition, meet, parseLsn, toPosition } from './position.ts';
import { createSlotWithin } from './replication/create-slot.ts';
import { freeSlot, giveUpSlot } from './replication/free-slot.ts';
import { identify, type ServerIdentity } from './replication/history.ts';
import { missedRows } from './replication/missed.ts';
import { Partitions } from './replication/partitions.ts';
import { ensurePublication, readPublication } from './replication/publication.ts';
import { advanceSlot, whyLost } from './replication/resume.ts';
import { type Slot, slotLoss, slotMisfit, whyNotStarted } from './replication/slot.ts';
import { afterUpgrade } from './replication/upgrade.ts';
import { RetypedInLog } from './replication/values-changed.ts';
import { snapshot } from './snapshot.ts';
import { type Query, queryOn } from './sql.ts';
import { stream } from './stream.ts';
import type { PgTable } from './table.ts';
import { connect, disconnect } from './wire/connect.ts';
import { toConnectorError } from './wire/errors.ts';
import { RawConnection } from './wire/raw-connection.ts';
import { WalStream } from './wire/wal-stream.ts';

/** One database of one server: a slot, a publication, and the tables under them. */
export class PostgresShard implements Shard {
  readonly id: ShardId;
  readonly #options: PostgresShardOptions;
  readonly #what: string;
  #control: pg.Client | null;
  /** For the first who asks for tables. */
  #found: readonly PgTable[] | null;
  /** Logged in for replication, and not yet used up by a stream. */
  #replication: pg.Client | null = null;
  /** For rows: of snapshots, and of the log's that are read again. */
  readonly #rows: SharedConnection<RawConnection>;
  #server: ServerIdentity | null = null;
  #partitions = new Partitions([]);
  /** See `RetypedInLog`. */
  readonly #said = new Set<number>();
  /** What the slot is told that the server may forget. */
  #confirmed = 0;

  constructor(options: PostgresShardOptions, { control, found }: Handover<pg.Client, PgTable>) {
    const { database, host, port } = options.target;
    this.#control = control;
    this.#found = found;
    this.id = options.id;
    this.#options = options;
    this.#what = `"${database}" on ${host}:${port}`;
    this.#rows = new SharedConnection(what => this.#openRaw(what));
  }

  async tables(ids: readonly TableId[]): Promise<readonly PgTable[]> {
    const found = this.#found ?? (await this.#discover(ids));
    this.#found = null;
    return tablesAsked(found, ids, this.#what);
  }

  async seed(text: string): Promise<Position> {
    const lsn = parseLsn(text);
    if (lsn === null) {
      const detail = `starting_gtids: "${text}" of shard "${this.id}" is not an LSN such as 0/16B3748.`;
      throw new ConnectorError('CONFIG_INVALID', detail);
    }
    return this.#position(lsn, await this.#identity());
  }

  async open({ from, stored, tables, known }: OpenRequest): Promise<Opened> {
    const { config, target, context, limits } = this.#options;
    const query = await this.#query(PATIENT_MILLIS);
    const server = await this.#identity();
    const name = config.source.replication_slot;
    const existed = (await readPublication(query, config.source.publication)) !== undefined;
    const { added } = await ensurePublication(query, config.source.publication, tables);
    const now = added.length === 0 ? tables : await this.tables(tables.map(table => table.id));
    let slot = await freeSlot(query, name, context);
    const misfit = slot === undefined ? undefined : slotMisfit(slot, target.database);
    if (misfit !== undefined) throw new ConnectorError('SLOT_UNUSABLE', misfit);
    if (slot !== undefined && from === null && slotLoss(slot) !== undefined) {
      // No state goes on from it, and nobody ever can: in the way of a new beginning it is of no use.
      await giveUpSlot(query, slot, context);
      slot = undefined;
    }
    if (slot === undefined && from === null) {
      context.log.info(`Creating the replication slot "${name}" on ${this.#what}.`);
      const client = await this.#replicationClient();
      const lsn = parseLsn(await createSlotWithin(limits.firstOriginMillis, client, query, name)) ?? 0;
      this.#confirmed = lsn;
      return { from: this.#position(lsn, server), fresh: true, settled: true, tables: now, joined: [] };
    }
    const loss = slot === undefined ? `the replication slot "${name}" does not exist.` : slotLoss(slot);
    if (slot === undefined || loss !== undefined) throw new ConnectorError('POSITION_LOST', `${this.#what}: ${loss ?? ''}`);
    if (from !== null && fromPosition(from).system !== server.system) {
      const position = fromPosition(from);
      const renewed = await afterUpgrade(query, {
        position,
        server,
        slot,
        tables: now as readonly PgTable[],
        known: known ?? [],
      });
      if ('why' in renewed) throw new ConnectorError('POSITION_LOST', `${this.#what}: ${renewed.why}`);
      context.log.info(`${this.#what} was made by pg_upgrade of the cluster ${position.system}: the read goes on from there.`);
      this.#confirmed = renewed.from;
      const begin = this.#position(renewed.from, server);
      return { from: begin, fresh: false, settled: true, tables: now, joined: added, renewed: renewed.memos };
    }
    if (from !== null) await this.#checkPosition(from, slot, existed);
    const confirmed = existed || from !== null ? (parseLsn(slot.confirmedFlushLsn ?? '') ?? 0) : await advanceSlot(query, name);
    this.#confirmed = stored && from !== null ? fromPosition(from).lsn : confirmed;
    const start = from ?? this.#position(confirmed, server);
    return { from: start, fresh: false, settled: this.#confirmed === confirmed, tables: now, joined: added };
  }

  async reset(): Promise<void> {
    const name = this.#options.config.source.replication_slot;
    const query = await this.#query();
    const slot = await freeSlot(query, name, this.#options.context);
    if (slot !== undefined) await giveUpSlot(query, slot, this.#options.context);
  }

  /** What is written but not flushed the walsender will not send: it is no target. */
  async head(): Promise<Position> {
    const sql =
      'SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END::text AS lsn';
    const [row] = await (await this.#query()).rows<{ lsn: string }>(sql);
    return this.#position(parseLsn(row?.lsn ?? '') ?? 0, await this.#identity());
  }

  /**
   * A temporary slot's consistent point. Its creation waits for every transaction that was open, also for one that has
   * written its commit record but waits for a synchronous standby: that one is in the log, yet no snapshot shows it. And
   * every later transaction is decoded with a publication that has the table from the transaction's first row on.
   */
  async origin(): Promise<Position> {
    const { limits } = this.#options;
    const client = await this.#further(true, ' origin');
    try {
      const name = `tributary_origin_${Math.random().toString(36).slice(2, 12)}`;
      const lsn = await createSlotWithin(limits.originMillis, client, await this.#query(), name, { temporary: true });
      return this.#position(parseLsn(lsn) ?? 0, await this.#identity());
    } finally {
      await disconnect(client);
    }
  }

  async missed(tables: readonly Watched[]): Promise<readonly Missed[]> {
    const { log } = this.#options.context;
    return missedRows(tables, { query: await this.#query(PATIENT_MILLIS), log, said: this.#said });
  }

  covers = covers;
  meet = meet;
  clockAt = (position: Position): number => fromPosition(position).lsn;

  async *snapshot(request: SnapshotRequest, records: RecordWriter): AsyncGenerator<SnapshotEvent, void> {
    const query = await this.#query();
    const onPartitions = this.#partitions.read.bind(this.#partitions);
    const { target, context, limits } = this.#options;
    const openRaw = (what: string): Promise<RawConnection> => this.#rows.renewed(what);
    yield* snapshot({ openRaw, query, onPartitions, role: target.username, log: context.log, limits }, request, records);
  }

  stream(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    // At once, not with the first event: a snapshot may come before that.
    this.#partitions = new Partitions(request.tables);
    return this.#events(request, records);
  }

  async *#events(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    const { config, context, limits } = this.#options;
    const server = await this.#identity();
    const source = {
      openWal: (from: number) => this.#openWal(from),
      rereadConnection: () => this.#rows.present('Reading rows again'),
      position: (lsn: number) => this.#position(lsn, server),
      retyped: new RetypedInLog(context.log, this.#said),
      query: () => this.#query(),
      slot: config.source.replication_slot,
      publication: config.source.publication,
      nativeJson: this.#nativeJson,
      limits,
      log: context.log,
    };
    return yield* stream(source, request, records);
  }

  async close(): Promise<void> {
    this.#rows.close();
    const clients = [this.#control, this.#replication].filter(client => client !== null);
    this.#control = null;
    this.#replication = null;
    await Promise.all(clients.map(disconnect));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #discover(only: readonly TableId[]): Promise<readonly PgTable[]> {
    const { config, context } = this.#options;
    const query = await this.#query(PATIENT_MILLIS);
    const publication = await readPublication(query, config.source.publication);
    const options = { schemas: config.source.schemas, publication, nativeJson: this.#nativeJson, only, log: context.log };
    return await discoverTables(query, options);
  }

  get #nativeJson(): boolean {
    return this.#options.config.source.json_columns === 'native';
  }

  #position(lsn: number, server: ServerIdentity): Position {
    return toPosition({ lsn, ...server });
  }

  async #checkPosition(from: Position, slot: Slot, publicationExisted: boolean): Promise<void> {
    const position = fromPosition(from);
    const replication = queryOn(await this.#replicationClient());
    const head = fromPosition(await this.head()).lsn;
    const publication = { name: this.#options.config.source.publication, existed: publicationExisted };
    const why = await whyLost(position, { replication, server: await this.#identity(), slot, head, publication });
    if (why !== undefined) throw new ConnectorError('POSITION_LOST', `${this.#what}: ${why}`);
  }

  async #openWal(from: number): Promise<WalStream> {
    const { config, context, target } = this.#options;
    const query = await this.#query();
    const client = await this.#replicationClient();
    this.#replication = null;
    const { replication_slot: slot, publication } = config.source;
    const options = {
      ...{ slot, publication, from, confirmed: this.#confirmed },
      walSenderTimeoutMillis: await readWalSenderTimeout(query),
    };
    return await WalStream.start(client, options, context.signal).catch(async (error: unknown) => {
      throw await whyNotStarted(error, query, slot, target.database);
    });
  }

  async #openRaw(what: string): Promise<RawConnection> {
    return new RawConnection(await this.#further(false), what, this.#options.context.signal);
  }

  /** A connection beside the one for questions. */
  #further(replication: boolean, use = ''): Promise<pg.Client> {
    const { target, context } = this.#options;
    const open = (): Promise<pg.Client> => connect(target, { replication, applicationName: APPLICATION + use }, context);
    return withinLimits(() => this.#query(), open);
  }

  async #identity(): Promise<ServerIdentity> {
    this.#server ??= await identify(queryOn(await this.#replicationClient()));
    return this.#server;
  }

  async #replicationClient(): Promise<pg.Client> {
    this.#replication ??= await this.#further(true);
    return this.#replication;
  }

  /** Errors of the server come out as ours. */
  async #query(timeoutMillis = this.#options.limits.answerMillis): Promise<Query> {
    const { target, context } = this.#options;
    this.#control ??= await connect(target, { replication: false, applicationName: APPLICATION }, context);
    const plain = queryOn(this.#control, timeoutMillis);
    return {
      rows: async <Row>(sql: string) => {
        try {
          return await plain.rows<Row>(sql);
        } catch (error) {
          throw toConnectorError(error, `Working on ${this.#what}`);
        }
      },
    };
  }
}
