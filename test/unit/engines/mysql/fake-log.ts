import { JsonWriter } from '../../../../src/bytes/json-writer.ts';
import type { Followed, ReplicationEvent } from '../../../../src/contract/engine.ts';
import type { EpochMillis, JsonObject, Position } from '../../../../src/contract/ids.ts';
import { RecordTemplate, StreamCounter } from '../../../../src/contract/record-template.ts';
import { RecordWriter } from '../../../../src/contract/record-writer.ts';
import { BinlogDecoder } from '../../../../src/engines/mysql/binlog/decoder.ts';
import { type ColumnLayout, layoutToJson, type TableLayout } from '../../../../src/engines/mysql/layout/column-layout.ts';
import type { Dump } from '../../../../src/engines/mysql/replication/dump.ts';
import type { PresentLayouts } from '../../../../src/engines/mysql/replication/layout-check.ts';
import { type StreamSource, stream } from '../../../../src/engines/mysql/stream.ts';
import type { MysqlTable } from '../../../../src/engines/mysql/table.ts';
import { columnType } from '../../../../src/engines/mysql/types.ts';
import { engineContext } from '../../../kit/engine-context.ts';
import * as enc from './binlog/binlog-encoder.ts';

type Flavor = 'mysql' | 'mariadb';
const options = { tinyint1: 'boolean', nativeJson: false } as const;

/** Packets as a dump brings them. `wait` is asked when they are all read; it may add some. */
export function fakeDump(flavor: Flavor, packets: Buffer[], wait: () => Promise<void>): Dump {
  const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
  let at = -1;
  const dump = {
    decoder,
    get bytes() {
      return packets[at];
    },
    start: 0,
    get end() {
      return packets[at]?.length;
    },
    next() {
      if (at + 1 >= packets.length) return false;
      at += 1;
      return true;
    },
    fill: wait,
    close() {},
  };
  return dump as unknown as Dump;
}

/** A table of `int` columns, the first of which is its key. */
export function intTable(name: string, names: readonly string[]): MysqlTable {
  const layouts = names.map(
    (column): ColumnLayout => ({
      name: column,
      columnType: 'int',
      charset: null,
      collation: null,
      nullable: true,
      generated: '',
    }),
  );
  const layout: TableLayout = { schema: 'd', name, columns: layouts, defaultCharset: 'utf8mb4', defaultCollation: null };
  const columns = layouts.map((column, ordinal) => {
    const types = columnType(column, { flavor: 'mysql', ...options });
    return { name: column.name, type: types.logical, nullable: true, layout: column, types, selectSql: column.name, ordinal };
  });
  return {
    id: { namespace: 'd', name },
    columns,
    primaryKey: names.slice(0, 1),
    follow: true,
    resumable: true,
    identity: '',
    layout,
  } as unknown as MysqlTable;
}

export const followedAt = (table: MysqlTable, since: Position | null): Followed => ({
  selection: { table, columns: table.columns },
  since,
  memo: layoutToJson(table.layout),
  awaitsOrigin: false,
});

export interface FakeRead {
  readonly flavor: Flavor;
  readonly packets: Buffer[];
  readonly tables?: readonly Followed[];
  readonly from: Position;
  readonly present?: Position;
  readonly target?: Position;
  /** What the catalog has of the tables at `present`, and when it is asked again. */
  readonly layouts?: readonly TableLayout[];
  readonly layoutsAgain?: () => PresentLayouts;
  readonly visible?: () => Position;
  /** Asked when all packets are read. Throws where the log is over. */
  readonly wait?: () => Promise<void>;
  /** The packets of a second dump from there. */
  readonly aside?: (from: Position) => Buffer[];
}

/** Writes records of one shard at the beginning of time; `changes`: with the columns that changes carry. */
export const recordsOn = (out: JsonWriter, changes: boolean): RecordWriter =>
  new RecordWriter(out, {
    cursorColumn: 'key',
    originColumns: [],
    shard: null,
    limit: 1e6,
    now: () => 0 as EpochMillis,
    template: selection => new RecordTemplate(selection, changes, new StreamCounter()),
  });

export const END_OF_LOG = new Error('the log is over');

/** Reads the packets to their end: the events, and the data of the records. An error other than END_OF_LOG is thrown. */
export async function readLog(read: FakeRead): Promise<{ readonly events: ReplicationEvent[]; readonly data: JsonObject[] }> {
  const { flavor, from, tables = [], visible = () => from } = read;
  const over = (): Promise<void> => Promise.reject(END_OF_LOG);
  const out = new JsonWriter(1000);
  const records = recordsOn(out, true);
  const source: StreamSource = {
    openDump: (position, use) =>
      Promise.resolve(
        use === 'aside'
          ? fakeDump(flavor, read.aside?.(position) ?? [], over)
          : fakeDump(flavor, read.packets, read.wait ?? over),
      ),
    follows() {},
    server: 'here',
    target: read.target ?? null,
    present: () => Promise.resolve(read.layoutsAgain?.() ?? { at: read.present ?? from, layouts: read.layouts ?? [] }),
    visible: () => Promise.resolve(visible()),
    rereadConnection: () => Promise.reject(new Error('nothing is read again here')),
    flavor,
    tables: {
      rules: { flavor, version: flavor === 'mysql' ? 9_07_00 : 10_11_00, lowerCaseTableNames: 0, timestampsNullable: true },
      types: { flavor, ...options },
      databases: { d: { charset: 'utf8mb4', collation: null } },
      namesInLog: false,
      present: { at: read.present ?? from, layouts: read.layouts ?? [] },
      log: engineContext().context.log,
    },
  };
  const events: ReplicationEvent[] = [];
  try {
    for await (const event of stream(source, { tables, from }, records)) events.push(event);
  } catch (error) {
    if (error !== END_OF_LOG) throw error;
  }
  const lines = out.bytes.toString('utf8', 0, out.length).trimEnd().split('\n');
  const data = lines.filter(line => line !== '').map(line => (JSON.parse(line) as { record: { data: JsonObject } }).record.data);
  return { events, data };
}

const SID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
export const sid = SID;

/** Events of a fake log; `end` is where the next one begins in the file. */
export const event = {
  heartbeat: (end = 500): Buffer => enc.event(27, Buffer.from('binlog.000007'), { position: end, timestamp: 0 }),
  gtid: (gno: number, end: number): Buffer =>
    enc.event(
      33,
      enc.join(enc.u8(0), Buffer.from(SID.replaceAll('-', ''), 'hex'), enc.u64(gno), enc.u8(2), enc.u64(0), enc.u64(1)),
      { position: end },
    ),
  query: (sql: string, end: number): Buffer =>
    enc.event(2, enc.join(enc.u32(1), enc.u32(0), enc.u8(1), enc.u16(0), enc.u16(0), 'd', enc.u8(0), sql), { position: end }),
  xid: (end: number): Buffer => enc.event(16, enc.u64(9), { position: end }),
  /** `x` as the name of an XA transaction is `X'78',X'',1`. */
  xaPrepare: (end: number, onePhase = false): Buffer =>
    enc.event(38, enc.join(enc.u8(onePhase ? 1 : 0), enc.u32(1), enc.u32(1), enc.u32(0), 'x'), { position: end }),
  mariadbGtid: (seq: number, flags: number, end: number): Buffer => {
    const xid = (flags & 0xc0) === 0 ? Buffer.alloc(0) : enc.join(enc.u32(1), enc.u8(1), enc.u8(0), 'x');
    return enc.event(162, enc.join(enc.u64(seq), enc.u32(0), enc.u8(flags), xid, Buffer.alloc(8)), { position: end });
  },
  /** A table of `int` columns. */
  tableMap: (id: number, name: string, columns: number): Buffer => {
    const types = Array.from({ length: columns }, (_, at) => (at === 0 ? { type: 3 } : { type: 3, nullable: true }));
    return enc.event(19, enc.tableMapBody(id, 'd', name, types), { position: 0 });
  },
  insert: (id: number, ...rows: readonly (readonly number[])[]): Buffer => {
    const width = rows[0]?.length ?? 0;
    const images = rows.map(row => enc.join(enc.u8(0), ...row.map(value => enc.u32(value))));
    return enc.event(23, enc.join(enc.u48(id), enc.u16(1), enc.u8(width), enc.u8((1 << width) - 1), ...images), { position: 0 });
  },
};
