import type {
  Followed,
  Opened,
  OpenRequest,
  ReplicationEvent,
  Shard,
  SnapshotEvent,
  SnapshotRequest,
  StreamRequest,
} from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { tablesAsked } from '../../contract/found-tables.ts';
import type { Json, JsonObject, Position, ShardId, TableId } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import type { Handover } from '../../contract/sharded-session.ts';
import { APPLICATION } from '../../net/application.ts';
import { ANSWER_MILLIS, PATIENT_MILLIS } from '../../net/deadline.ts';
import { SharedConnection } from '../../net/shared-connection.ts';
import { warnOfCascades } from './cascades.ts';
import { readNamesInLog, readShape, readTextDefaults } from './catalog-queries.ts';
import { withinLimits } from './connection-limits.ts';
import { discoverTables } from './discovery.ts';
import { layoutToJson, memoOfLayout, type TableLayout } from './layout/column-layout.ts';
import { type MysqlShardOptions, typeOptions } from './options.ts';
import { covers, coversHead, meet, parsed, toPosition } from './position.ts';
import { Dump, startOf } from './replication/dump.ts';
import type { PresentLayouts } from './replication/layout-check.ts';
import type { LogPlace } from './replication/log-place.ts';
import type { LogTables } from './replication/log-tables.ts';
import {
  inPresentFiles,
  lossOf,
  type PositionKind,
  readHead,
  readKind,
  readServerId,
  readTime,
  readVisible,
  visiblePositions,
} from './replication/server-position.ts';
import { untilEnded } from './replication/xa-recover.ts';
import type { ServerFacts } from './server.ts';
import { randomServerId } from './server-id.ts';
import { snapshot } from './snapshot.ts';
import type { Query } from './sql.ts';
import { startingPosition } from './starting-position.ts';
import { type StreamSource, stream } from './stream.ts';
import type { MysqlTable } from './table.ts';
import { connect, disconnect, type MysqlConnection, rawConnection } from './wire/connect.ts';
import { toConnectorError } from './wire/errors.ts';
import { RawConnection } from './wire/raw-connection.ts';
import { queryWithin } from './wire/within.ts';

/** How often layouts are read until they stand still around a position. */
const ORIGIN_TRIES = 5;

/** One server: its log, and the tables under it. */
export class MysqlShard implements Shard {
  readonly id: ShardId;
  readonly #options: MysqlShardOptions;
  readonly #what: string;
  readonly #serverId: number;
  /** Of a second dump: one of the same number would end the first. */
  readonly #otherServerId = randomServerId();
  #control: MysqlConnection | null;
  /** For the first who asks for tables. */
  #found: readonly MysqlTable[] | null;
  /** For rows: of snapshots, and of the log's that are read again. A statement may take as long as it needs: see SilenceWatch. */
  readonly #rows = new SharedConnection(what => this.#openRaw(what, 0));
  #kind: PositionKind | null = null;
  #place: LogPlace | null = null;
  #target: Position | null = null;
  #logTables: LogTables | null = null;
  /** When the log was begun anew, by the clock of the server, in microseconds. */
  #openedAt = 0;

  constructor(options: MysqlShardOptions, { control, found }: Handover<MysqlConnection, MysqlTable>) {
    const { host, port } = options.target;
    this.#control = control;
    this.#found = found;
    this.id = options.id;
    this.#options = options;
    this.#what = `${host}:${port}`;
    this.#serverId = options.config.source.server_id ?? randomServerId();
  }

  async tables(ids: readonly TableId[]): Promise<readonly MysqlTable[]> {
    const found = this.#found ?? (await this.#discover(ids));
    this.#found = null;
    return tablesAsked(found, ids, this.#what);
  }

  async seed(text: string): Promise<Position> {
    const { query, server } = await this.#connected();
    return toPosition(await startingPosition(query, server, this.id, text));
  }

  /** Rows that do not come row by row come by a statement of the log (EXCHANGE PARTITION), which is warned of there. */
  missed = (): Promise<readonly []> => Promise.resolve([]);

  async open({ from, tables }: OpenRequest): Promise<Opened> {
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    const opened = { fresh: false, settled: true, tables } as const;
    await warnOfCascades(query, server, { tables, log: this.#options.context.log });
    if (from === null) {
      this.#kind = await readKind(query, server);
      this.#openedAt = await readTime(query);
      // The server keeps nothing of earlier runs, so no change counts that the snapshots are sure to show.
      return { ...opened, from: await readVisible(query, server, this.#kind), joined: tables.map(({ id }) => id) };
    }
    const present = await inPresentFiles(query, server, from);
    this.#kind = parsed(present).kind;
    const loss = await lossOf(query, server, parsed(present));
    if (loss !== null) throw new ConnectorError('POSITION_LOST', `${this.#what}: ${loss}`);
    return { ...opened, from: present, joined: [] };
  }

  /** A position lives in the state alone: there is nothing on the server to give up. */
  reset(): Promise<void> {
    return Promise.resolve();
  }

  async head(): Promise<Position> {
    const { query, server } = await this.#connected();
    this.#target = await readHead(query, server, await this.#kindOf(query, server));
    return this.#target;
  }

  /** Layouts are those of the position when they were the same before and behind it. */
  async origin(tables: readonly Followed[]): Promise<Position> {
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    const kind = await this.#kindOf(query, server);
    await untilEnded(query, server, name => this.#place?.prepared.has(name) === true);
    let before = await this.#layouts(tables);
    for (let left = ORIGIN_TRIES; ; left--) {
      const position = await readVisible(query, server, kind);
      const behind = await this.#layouts(tables);
      if (JSON.stringify(before) === JSON.stringify(behind)) {
        for (const [at, followed] of tables.entries()) {
          followed.memo = { ...behind[at], at: position as Json } as JsonObject;
          this.#logTables?.adopt(followed);
        }
        if (this.#place !== null) this.#logTables?.reached(this.#place);
        this.#target = position;
        return position;
      }
      if (left === 0) {
        throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', `${this.#what}: tables are altered without end.`);
      }
      before = behind;
    }
  }

  covers(reached: Position, target: Position): boolean {
    if (this.#place?.isAt(reached) === true) return this.#place.covers(target);
    return target === this.#target ? coversHead(reached, target) : covers(reached, target);
  }

  meet = meet;

  /** Positions have no number of their own. Keys are times of commits, and no run prints half a million changes a second. */
  clockAt(): number {
    return this.#openedAt;
  }

  async *snapshot(request: SnapshotRequest, records: RecordWriter): AsyncGenerator<SnapshotEvent, void> {
    const { context, limits } = this.#options;
    const { query } = await this.#connected();
    const { query: patiently, server } = await this.#connected(PATIENT_MILLIS);
    const openRaw = (what: string): Promise<RawConnection> => this.#rows.renewed(what);
    const shape = (id: TableId): Promise<string> => readShape(patiently, server, id);
    const table = async (id: TableId): Promise<MysqlTable> => (await this.tables([id]))[0] as MysqlTable;
    yield* snapshot({ openRaw, query, log: context.log, limits, shape, table }, request, records);
  }

  async *stream(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    const { query, server } = await this.#connected();
    const kind = parsed(request.from).kind;
    this.#kind = kind;
    const target = (): Position | null => this.#target;
    const name = await readServerId(query, server);
    const source = {
      get target() {
        return target();
      },
      openDump: async (from: Position, use?: 'aside') => {
        const serverId = use === 'aside' ? this.#otherServerId : this.#serverId;
        const connection = await this.#openRaw(`Reading the log of ${this.#what}`, ANSWER_MILLIS);
        try {
          return await Dump.start(connection, { from: startOf(parsed(from), name), serverId, server });
        } catch (error) {
          connection.close();
          throw error;
        }
      },
      rereadConnection: () => this.#rows.present('Reading rows again'),
      visible: visiblePositions(query, server, kind),
      follows: (place: LogPlace, logTables: LogTables) => {
        this.#place = place;
        this.#logTables = logTables;
      },
      flavor: server.flavor,
      server: name,
      ...(await this.#tableOptions(query, server, { kind, tables: request.tables })),
    };
    return yield* stream(source, request, records);
  }

  async close(): Promise<void> {
    this.#rows.close();
    if (this.#control !== null) await disconnect(this.#control);
    this.#control = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #discover(only: readonly TableId[]): Promise<readonly MysqlTable[]> {
    const { databases } = this.#options.config.source;
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    return await discoverTables(query, server, {
      databases,
      ...typeOptions(this.#options.config, server),
      only,
      log: this.#options.context.log,
    });
  }

  async #tableOptions(
    query: Query,
    server: ServerFacts,
    { kind, tables }: { readonly kind: PositionKind; readonly tables: readonly Followed[] },
  ): Promise<Pick<StreamSource, 'tables' | 'present'>> {
    const namesInLog = await readNamesInLog(query);
    const layouts = tables.map(({ selection }) => (selection.table as MysqlTable).layout);
    /** Not `tables`: what became of those that are gone by now stands in the log. */
    const found = async (): Promise<readonly TableLayout[]> =>
      tables.length === 0 ? [] : (await this.#discover(tables.map(each => each.selection.table.id))).map(each => each.layout);
    /** As they are now; those that are as they were. */
    const present = async (before: readonly TableLayout[]): Promise<PresentLayouts> => {
      const at = await readHead(query, server, kind);
      const behind = new Set((await found()).map(layout => JSON.stringify(layoutToJson(layout))));
      return { at, layouts: before.filter(layout => behind.has(JSON.stringify(layoutToJson(layout)))) };
    };
    return {
      present: async () => await present(await found()),
      tables: {
        rules: {
          flavor: server.flavor,
          version: server.version,
          lowerCaseTableNames: server.lowerCaseTableNames,
          timestampsNullable: server.explicitTimestamps,
        },
        types: typeOptions(this.#options.config, server),
        databases: await readTextDefaults(query, this.#options.config.source.databases),
        namesInLog,
        // Where the log names columns, a second look is worth its time only where something is unlike.
        present: namesInLog ? { at: await readHead(query, server, kind), layouts } : await present(layouts),
        log: this.#options.context.log,
      },
    };
  }

  async #layouts(tables: readonly Followed[]): Promise<readonly JsonObject[]> {
    if (tables.length === 0) return [];
    return (await this.tables(tables.map(({ selection }) => selection.table.id))).map(table => memoOfLayout(table.layout));
  }

  async #kindOf(query: Query, server: ServerFacts): Promise<PositionKind> {
    this.#kind ??= await readKind(query, server);
    return this.#kind;
  }

  async #openRaw(what: string, quietMillis: number): Promise<RawConnection> {
    const { target, context } = this.#options;
    const { query } = await this.#connected();
    const connection = await withinLimits(query, () => connect(target, { applicationName: APPLICATION }, context));
    const raw = new RawConnection(rawConnection(connection), what, context.signal);
    raw.quietMillis = quietMillis;
    return raw;
  }

  /** Errors of the server come out as ours, and so does its silence. */
  async #connected(quietMillis = ANSWER_MILLIS): Promise<{ readonly query: Query; readonly server: ServerFacts }> {
    const { target, context } = this.#options;
    this.#control ??= await connect(target, { applicationName: APPLICATION }, context);
    const { driver, server } = this.#control;
    const plain = queryWithin(quietMillis, driver);
    const rows = async <Row extends object>(sql: string): Promise<readonly Row[]> => {
      try {
        return await plain.rows<Row>(sql);
      } catch (error) {
        throw toConnectorError(error, `Working on ${this.#what}`);
      }
    };
    return { query: { rows }, server };
  }
}
