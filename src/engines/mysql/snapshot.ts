import { ChunkSize } from '../../contract/chunk-size.ts';
import type { SnapshotEvent, SnapshotRequest } from '../../contract/engine.ts';
import { tableLabel } from '../../contract/ids.ts';
import type { RecordWriter } from '../../contract/record-writer.ts';
import { afterKey, keyColumn } from './key-column.ts';
import { asCursor, keyCursor } from './snapshot/cursor.ts';
import { columnOf, RowReader } from './snapshot/row-reader.ts';
import { qualified } from './sql.ts';
import type { MysqlTable } from './table.ts';
import type { RawConnection } from './wire/raw-connection.ts';

/** What a snapshot needs of its shard. */
export interface SnapshotSource {
  /** A connection for rows alone, for as long as the snapshot runs. */
  openRaw(what: string): Promise<RawConnection>;
}

const FULL = { kind: 'full' } as const;

/**
 * Reads a table in the order of a key, in chunks of one statement each: every chunk is consistent by itself, and no
 * transaction stays open over them. A row that stays keeps its key, so that it is in one of the chunks, whether the log is
 * followed or not. A table without a key is one statement.
 */
export async function* snapshot(
  source: SnapshotSource,
  request: SnapshotRequest,
  records: RecordWriter,
): AsyncGenerator<SnapshotEvent, void> {
  const table = request.selection.table as MysqlTable;
  const connection = await source.openRaw(`Reading ${tableLabel(table.id)}`);
  try {
    yield* chunks(connection, request, table, records);
  } finally {
    connection.close();
  }
}

async function* chunks(
  connection: RawConnection,
  request: SnapshotRequest,
  table: MysqlTable,
  records: RecordWriter,
): AsyncGenerator<SnapshotEvent, void> {
  const keys = table.keyset.map(name => keyColumn(columnOf(table, name)));
  const rows = new RowReader(
    connection,
    request.selection,
    records,
    keys.map(key => key.selectSql),
  );
  const select = `SELECT ${rows.selectList} FROM ${qualified(table.id)}`;
  if (keys.length === 0) {
    yield* run(connection, rows, select, 0);
    return;
  }
  const order = `ORDER BY ${keys.map(key => key.sql).join(', ')}`;
  const size = ChunkSize.rows(request.chunkMillis);
  let after = keyCursor(table, request.cursor)?.after ?? null;
  for (;;) {
    const limit = size.current;
    const values = after?.map((value, at) => keys[at]?.literal(Buffer.from(value, 'hex')) ?? '');
    const where = values === undefined ? '' : `WHERE ${afterKey(keys, values)}`;
    const began = Date.now();
    yield* run(connection, rows, `${select} ${where} ${order} LIMIT ${limit}`, limit);
    if (rows.count < limit) return;
    after = rows.key.map(value => value.toString('hex'));
    size.took(Date.now() - began);
    yield { kind: 'chunk', cursor: asCursor({ after }) };
  }
}

/** One statement; keeps the key of its row number `limit`. */
async function* run(connection: RawConnection, rows: RowReader, sql: string, limit: number): AsyncGenerator<SnapshotEvent, void> {
  await rows.begin(sql);
  for (;;) {
    while (rows.next()) {
      if (rows.count === limit) rows.keepKey();
      if (rows.full) yield FULL;
    }
    if (connection.done) return;
    await connection.fill();
  }
}
