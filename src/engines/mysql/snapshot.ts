import { ChunkSize } from '../../contract/chunk-size.ts';
import type { Logger, SnapshotEvent, SnapshotRequest } from '../../contract/engine.ts';
import { ConnectorError } from '../../contract/errors.ts';
import type { TableId } from '../../contract/ids.ts';
import { tableLabel } from '../../contract/ids.ts';
import { keyChanged } from '../../contract/key-changed.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { SilenceWatch } from '../../net/silence-watch.ts';
import { afterKey, type KeyColumn, keyColumn, keySignature } from './key-column.ts';
import { firstKey, tellsApart } from './layout/unique-keys.ts';
import type { Limits } from './limits.ts';
import { Activity } from './snapshot/activity.ts';
import { asCursor, type KeyCursor, keyCursor, refusedKey } from './snapshot/cursor.ts';
import { columnOf, RowReader } from './snapshot/row-reader.ts';
import { type Query, qualified } from './sql.ts';
import type { MysqlTable } from './table.ts';
import { asStreamError } from './wire/errors.ts';
import type { RawConnection } from './wire/raw-connection.ts';

/** What a snapshot needs of its shard. */
export interface SnapshotSource {
  /** A connection for rows alone, for as long as the snapshot runs. */
  openRaw(what: string): Promise<RawConnection>;
  readonly query: Query;
  readonly log: Logger;
  readonly limits: Limits;
  /** `MysqlTable.shape` as it is now. */
  shape(id: TableId): Promise<string>;
  /** The table as it is now. Throws TABLE_MISSING. */
  table(id: TableId): Promise<MysqlTable>;
}

/** How the rows of the table are read as long as it looks the same. */
interface Reading {
  readonly connection: RawConnection;
  readonly shape: string;
  readonly keys: readonly KeyColumn[];
  readonly signature: string;
  readonly rows: RowReader;
}

/** How often in a row a table may turn out to be altered. */
const ALTERED_TRIES = 5;
const FULL = { kind: 'full' } as const;
const RESTART = { kind: 'restart' } as const;

/**
 * Reads a table in the order of a key, in chunks of one statement each: every chunk is consistent by itself, and no
 * transaction stays open over them. A row that stays keeps its key, so that it is in one of the chunks, whether the log is
 * followed or not. A table without a key is one statement.
 *
 * The table may be altered between two statements. Each one is held against the catalog before a row of it is written:
 * where the table looks otherwise, the statement is made anew, and where its key does, the snapshot begins anew.
 */
export async function* snapshot(
  source: SnapshotSource,
  request: SnapshotRequest,
  records: RecordWriter,
): AsyncGenerator<SnapshotEvent, void> {
  const run = new TableSnapshot(source, request, records);
  try {
    yield* run.chunks();
  } catch (error) {
    const { id, tableKind } = request.selection.table as MysqlTable;
    throw asStreamError(error, id, tableKind === 'view');
  } finally {
    run.close();
  }
}

class TableSnapshot {
  readonly #source: SnapshotSource;
  readonly #request: SnapshotRequest;
  readonly #records: RecordWriter;
  #connection: RawConnection | null = null;
  #watch: SilenceWatch | null = null;

  constructor(source: SnapshotSource, request: SnapshotRequest, records: RecordWriter) {
    this.#source = source;
    this.#request = request;
    this.#records = records;
  }

  async *chunks(): AsyncGenerator<SnapshotEvent, void> {
    const { selection, chunkMillis, cursor } = this.#request;
    const { id } = selection.table;
    const size = ChunkSize.rows(chunkMillis, selection.table);
    let reading = await this.#reading(selection.table as MysqlTable);
    const given = keyCursor(selection.table as MysqlTable, cursor, reading.signature);
    let place = given;
    let altered = 0;
    for (;;) {
      if (place !== null && place.key !== reading.signature) {
        place = null;
        yield RESTART;
      }
      const { connection, keys, rows, signature } = reading;
      const limit = keys.length === 0 ? 0 : size.current;
      const began = Date.now();
      try {
        await rows.begin(statement(rows, keys, id, place, limit));
      } catch (error) {
        throw given === null || place !== given ? error : refusedKey(selection.table as MysqlTable, given, error);
      }
      // The statement keeps the table as it is, so this is how it finds it, or later: never earlier.
      if ((await this.#source.shape(id)) !== reading.shape) {
        this.close();
        if (++altered > ALTERED_TRIES) {
          throw new ConnectorError('TRANSACTIONS_IN_PROGRESS', `${tableLabel(id)} is altered without end.`, { table: id });
        }
        reading = await this.#reading(await this.#source.table(id));
        continue;
      }
      altered = 0;
      yield* written(connection, rows, limit);
      if (limit === 0 || rows.count < limit) return;
      place = { after: rows.key.map(value => value.toString('hex')), key: signature };
      size.took(Date.now() - began);
      yield { kind: 'chunk', cursor: asCursor(place) };
    }
  }

  close(): void {
    this.#watch?.stop();
    this.#connection?.close();
    this.#connection = null;
  }

  async #connected(id: TableId): Promise<RawConnection> {
    const label = tableLabel(id);
    const { query, log, limits } = this.#source;
    const connection = await this.#source.openRaw(`Reading ${label}`);
    const activity = new Activity({ threadId: connection.threadId, query, log, label, limits });
    this.#watch = new SilenceWatch({ connection, label, everyMillis: limits.silenceMillis, look: () => activity.look() });
    return connection;
  }

  /** Throws SCHEMA_CHANGED for a table that no longer has what the catalog promises. */
  async #reading(table: MysqlTable): Promise<Reading> {
    this.#connection ??= await this.#connected(table.id);
    const connection = this.#connection;
    const columns = table.keyset.map(name => columnOf(table, name));
    const keys = columns.map(keyColumn);
    const selected = keys.map(key => key.selectSql);
    const { selection } = this.#request;
    const { key = [], table: before } = selection;
    if (tellsApart((before as MysqlTable).layout, key) === true && tellsApart(table.layout, key) === false) {
      throw keyChanged(table.id, firstKey(table.layout), 'now', key);
    }
    // Whether records carry what changes carry was settled when the read began.
    const altered = { ...selection, table: { ...table, follow: selection.table.follow } };
    const rows = new RowReader(connection, altered, this.#records, selected);
    return { connection, shape: table.shape, keys, signature: keySignature(columns), rows };
  }
}

function statement(rows: RowReader, keys: readonly KeyColumn[], id: TableId, place: KeyCursor | null, limit: number): string {
  // A view that the server cannot open has no columns: what it says of that comes by any statement.
  const select = `SELECT ${rows.selectList === '' ? 'NULL' : rows.selectList} FROM ${qualified(id)}`;
  if (limit === 0) return select;
  const values = place?.after.map((value, at) => keys[at]?.literal(Buffer.from(value, 'hex')) ?? '');
  const where = values === undefined ? '' : `WHERE ${afterKey(keys, values)}`;
  return `${select} ${where} ORDER BY ${keys.map(key => key.sql).join(', ')} LIMIT ${limit}`;
}

/** Writes the rows of a statement that has begun; keeps the key of its row number `limit`. */
async function* written(connection: RawConnection, rows: RowReader, limit: number): AsyncGenerator<SnapshotEvent, void> {
  for (;;) {
    while (rows.next()) {
      if (rows.count === limit) rows.keepKey();
      if (rows.full) yield FULL;
    }
    if (connection.done) return;
    await connection.fill();
  }
}
