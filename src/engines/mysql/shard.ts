import { randomInt } from 'node:crypto';
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
import type { Json, JsonObject, Position, ShardId, TableId } from '../../contract/ids.ts';
import { tableKey, tableLabel } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { readShape } from './catalog-queries.ts';
import { discoverTables } from './discovery.ts';
import { layoutToJson } from './layout/column-layout.ts';
import type { MysqlShardOptions } from './options.ts';
import { covers, meet, parsed, toPosition } from './position.ts';
import { Dump } from './replication/dump.ts';
import type { LogPlace } from './replication/log-place.ts';
import type { LogTables, LogTablesOptions } from './replication/log-tables.ts';
import { lossOf, type PositionKind, readHead, readKind, readVisible, visiblePositions } from './replication/server-position.ts';
import type { ServerFacts } from './server.ts';
import { snapshot } from './snapshot.ts';
import { literals, type Query, queryOn } from './sql.ts';
import { startingPosition } from './starting-position.ts';
import { stream } from './stream.ts';
import type { MysqlTable } from './table.ts';
import type { TypeOptions } from './types.ts';
import { connect, disconnect, type MysqlConnection, rawConnection } from './wire/connect.ts';
import { toConnectorError } from './wire/errors.ts';
import { RawConnection } from './wire/raw-connection.ts';

const APPLICATION = 'source-tributary';
/** Random server ids are beyond those that people give to their servers. */
const LEAST_RANDOM_ID = 2 ** 31;
const MOST_RANDOM_ID = 2 ** 32 - 1;
/** How often layouts are read until they stand still around a position. */
const ORIGIN_TRIES = 5;
/** How long the server may be silent over questions that it answers at once. */
const QUIET_MILLIS = 30_000;
/** The same for what may wait for a lock, or goes over the whole catalog. */
const PATIENT_MILLIS = 10 * 60_000;
const MICROS_PER_SECOND = 1_000_000;

/** One server: its log, and the tables under it. */
export class MysqlShard implements Shard {
  readonly id: ShardId;
  readonly #options: MysqlShardOptions;
  readonly #what: string;
  readonly #serverId: number;
  #control: MysqlConnection | null = null;
  #reread: RawConnection | null = null;
  #kind: PositionKind | null = null;
  #place: LogPlace | null = null;
  #logTables: LogTables | null = null;
  /** When the log was begun anew, by the clock of the server, in microseconds. */
  #openedAt = 0;

  constructor(options: MysqlShardOptions) {
    const { host, port } = options.target;
    this.id = options.id;
    this.#options = options;
    this.#what = `${host}:${port}`;
    this.#serverId = options.config.source.server_id ?? randomInt(LEAST_RANDOM_ID, MOST_RANDOM_ID);
  }

  async tables(ids: readonly TableId[]): Promise<readonly MysqlTable[]> {
    const { databases } = this.#options.config.source;
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    const { tinyint1, nativeJson } = this.#types(server);
    const options = { databases, tinyint1, nativeJson, only: ids, log: this.#options.context.log };
    const found = new Map((await discoverTables(query, server, options)).map(table => [tableKey(table.id), table]));
    const missing = ids.filter(id => !found.has(tableKey(id)));
    if (missing.length > 0) {
      const detail = `${this.#what} does not have ${missing.map(tableLabel).join(', ')}, or the user may not read it.`;
      throw new ConnectorError('TABLE_MISSING', detail, { table: missing[0] });
    }
    return ids.map(id => found.get(tableKey(id)) as MysqlTable);
  }

  async seed(text: string): Promise<Position> {
    const { query, server } = await this.#connected();
    return toPosition(await startingPosition(query, server, this.id, text));
  }

  async open({ from, tables }: OpenRequest): Promise<Opened> {
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    const opened = { fresh: false, settled: true, tables, joined: [] } as const;
    if (from === null) {
      this.#kind = await readKind(query, server);
      this.#openedAt = await readTime(query);
      return { ...opened, from: await readVisible(query, server, this.#kind) };
    }
    const at = parsed(from);
    this.#kind = at.kind;
    const loss = await lossOf(query, server, at);
    if (loss !== null) throw new ConnectorError('POSITION_LOST', `${this.#what}: ${loss}`);
    return { ...opened, from };
  }

  /** A position lives in the state alone: there is nothing on the server to give up. */
  reset(): Promise<void> {
    return Promise.resolve();
  }

  async head(): Promise<Position> {
    const { query, server } = await this.#connected();
    return await readHead(query, server, await this.#kindOf(query, server));
  }

  /** Layouts are those of the position when they were the same before and behind it. */
  async origin(tables: readonly Followed[]): Promise<Position> {
    const { query, server } = await this.#connected(PATIENT_MILLIS);
    const kind = await this.#kindOf(query, server);
    const ids = tables.map(({ selection }) => selection.table.id);
    let before = await this.#layouts(ids);
    for (let left = ORIGIN_TRIES; ; left--) {
      const position = await readVisible(query, server, kind);
      const behind = await this.#layouts(ids);
      if (JSON.stringify(before) === JSON.stringify(behind)) {
        for (const [at, followed] of tables.entries()) {
          followed.memo = { ...behind[at], at: position as Json } as JsonObject;
          this.#logTables?.adopt(followed);
        }
        if (this.#place !== null) this.#logTables?.reached(this.#place);
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
    return covers(reached, target);
  }

  meet = meet;

  /** Positions have no number of their own. Keys are times of commits, and no run prints half a million changes a second. */
  clockAt(): number {
    return this.#openedAt;
  }

  async *snapshot(request: SnapshotRequest, records: RecordWriter): AsyncGenerator<SnapshotEvent, void> {
    const source = {
      openRaw: (what: string) => this.#openRaw(what, PATIENT_MILLIS),
      shape: async (id: TableId) => {
        const { query, server } = await this.#connected(PATIENT_MILLIS);
        return await readShape(query, server, id);
      },
      table: async (id: TableId) => (await this.tables([id]))[0] as MysqlTable,
    };
    yield* snapshot(source, request, records);
  }

  async *stream(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    const { query, server } = await this.#connected();
    const kind = parsed(request.from).kind;
    this.#kind = kind;
    const source = {
      openDump: async (from: Position) => {
        const connection = await this.#openRaw(`Reading the log of ${this.#what}`, QUIET_MILLIS);
        try {
          return await Dump.start(connection, { from: parsed(from), serverId: this.#serverId, server });
        } catch (error) {
          connection.close();
          throw error;
        }
      },
      rereadConnection: async () => {
        this.#reread ??= await this.#openRaw('Reading rows again', PATIENT_MILLIS);
        return this.#reread;
      },
      visible: visiblePositions(query, server, kind),
      follows: (place: LogPlace, logTables: LogTables) => {
        this.#place = place;
        this.#logTables = logTables;
      },
      tables: await this.#tableOptions(query, server, kind),
    };
    return yield* stream(source, request, records);
  }

  async close(): Promise<void> {
    this.#reread?.close();
    this.#reread = null;
    const control = this.#control;
    this.#control = null;
    if (control !== null) await disconnect(control);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #tableOptions(query: Query, server: ServerFacts, kind: PositionKind): Promise<Omit<LogTablesOptions, 'template'>> {
    const [setting] = await query.rows<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'binlog_row_metadata'");
    const schemata = await query.rows<{ name: string; charset: string; collation: string }>(
      `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation
         FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (${literals(this.#options.config.source.databases)})`,
    );
    return {
      rules: {
        flavor: server.flavor,
        version: server.version,
        lowerCaseTableNames: server.lowerCaseTableNames,
        timestampsNullable: server.explicitTimestamps,
      },
      types: this.#types(server),
      databases: Object.fromEntries(schemata.map(({ name, charset, collation }) => [name, { charset, collation }])),
      namesInLog: setting?.Value === 'FULL',
      present: await readHead(query, server, kind),
      log: this.#options.context.log,
    };
  }

  #types({ flavor }: ServerFacts): TypeOptions {
    const { tinyint1_as: tinyint1, json_columns: json } = this.#options.config.source;
    return { flavor, tinyint1, nativeJson: json === 'native' };
  }

  async #layouts(ids: readonly TableId[]): Promise<readonly JsonObject[]> {
    return (await this.tables(ids)).map(table => layoutToJson(table.layout));
  }

  async #kindOf(query: Query, server: ServerFacts): Promise<PositionKind> {
    this.#kind ??= await readKind(query, server);
    return this.#kind;
  }

  async #openRaw(what: string, quietMillis: number): Promise<RawConnection> {
    const { target, context } = this.#options;
    const connection = await connect(target, { applicationName: APPLICATION }, context);
    const raw = new RawConnection(rawConnection(connection), what, context.signal);
    raw.quietMillis = quietMillis;
    return raw;
  }

  /** Errors of the server come out as ours, and so does its silence. */
  async #connected(quietMillis = QUIET_MILLIS): Promise<{ readonly query: Query; readonly server: ServerFacts }> {
    const { target, context } = this.#options;
    this.#control ??= await connect(target, { applicationName: APPLICATION }, context);
    const { driver, server } = this.#control;
    const plain = queryOn(driver);
    const rows = async <Row extends object>(sql: string): Promise<readonly Row[]> => {
      try {
        return await within(quietMillis, plain.rows<Row>(sql), () => driver.destroy());
      } catch (error) {
        throw toConnectorError(error, `Working on ${this.#what}`);
      }
    };
    return { query: { rows }, server };
  }
}

/** The server's clock, in microseconds. */
async function readTime(query: Query): Promise<number> {
  const [row] = await query.rows<{ now: string }>('SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS now');
  return Math.round(Number(row?.now ?? 0) * MICROS_PER_SECOND);
}

/** What `answer` brings, or CONNECTION_LOST, behind `giveUp`, when it does not come in time. */
async function within<T>(millis: number, answer: Promise<T>, giveUp: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ConnectorError('CONNECTION_LOST', `The server has not answered for ${millis / 1000} seconds.`));
      giveUp();
    }, millis);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => {}); // of a connection that was given up
  }
}
