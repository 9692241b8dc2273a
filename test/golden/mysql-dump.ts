import { ConnectorError } from '../../src/contract/errors.ts';
import { BinlogDecoder } from '../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../src/engines/mysql/binlog/events.ts';
import { type RowImage, VALUE_ABSENT, VALUE_JSON_DIFFS, VALUE_NULL } from '../../src/engines/mysql/binlog/rows.ts';
import type { TableMap } from '../../src/engines/mysql/binlog/table-map.ts';
import type { MysqlFlavor } from '../kit/servers/mysql.ts';

export type DumpedEvent = { readonly kind: string } & Readonly<Record<string, unknown>>;

const NAMES: readonly string[] = [
  'end',
  'format_description',
  'rotate',
  'gtid',
  'query',
  'table_map',
  'rows',
  'xid',
  'xa_prepare',
  'heartbeat',
  'previous_gtids',
  'gtid_list',
  'stop',
  'statement_context',
  'ignored',
];
const ROWS = ['', 'insert', 'update', 'delete'];
/** Longer values stand by their length: the bytes are in the recording. */
const LONGEST = 48;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const image = (bytes: Uint8Array, row: RowImage, table: TableMap): Record<string, unknown> => {
  if (row.count !== table.columns.length) throw new Error('the image does not have the columns of its table');
  const said: Record<string, unknown> = {};
  table.columns.forEach((column, i) => {
    const [mark, start, end] = [row.marks[i], row.starts[i] ?? -1, row.ends[i] ?? -1];
    if (start < 0 || end < start || end > bytes.length) throw new Error(`column ${i} lies outside of the event`);
    if (mark === VALUE_ABSENT) return;
    const value = bytes.subarray(start, end);
    const text = value.length > LONGEST ? `${hex(value.subarray(0, 8))}… ${value.length}` : hex(value);
    said[column.name ?? `#${i}`] = mark === VALUE_NULL ? null : mark === VALUE_JSON_DIFFS ? { diffs: text } : text;
  });
  return said;
};

const table = ({ widths, ...map }: TableMap): object => ({
  ...map,
  columns: map.columns.map(({ labelBytes, ...column }) => ({ ...column, ...(labelBytes === undefined ? {} : { labelBytes: labelBytes.map(hex) }) })),
  widths: [...widths].join(' '),
});

const gtid = (decoder: BinlogDecoder): object => {
  const { flavor, sid, tag, gno, domainId, serverId, flags, extraFlags, alterSequence, lastCommitted, sequenceNumber } = decoder.gtid;
  if (flavor === 'mariadb') return { flavor, domainId, serverId, gno, flags, extraFlags, alterSequence };
  const { immediateCommitMicros, originalCommitMicros, transactionLength, immediateServerVersion, originalServerVersion } = decoder.gtid;
  const clock = { lastCommitted, sequenceNumber, immediateCommitMicros, originalCommitMicros };
  return { flavor, sid, tag, gno, flags, ...clock, transactionLength, immediateServerVersion, originalServerVersion };
};

const details = (decoder: BinlogDecoder): object => {
  switch (decoder.kind) {
    case events.FORMAT_DESCRIPTION:
      return { ...decoder.format };
    case events.ROTATE:
      return { file: decoder.file };
    case events.GTID:
      return gtid(decoder);
    case events.QUERY: {
      const { kind: statement, schema, sqlMode, clientCollation, serverCollation, databaseCollation, errorCode } = decoder.query;
      return { statement, schema, sqlMode, clientCollation, serverCollation, databaseCollation, errorCode, text: decoder.query.text() };
    }
    case events.TABLE_MAP:
      return decoder.tableMap === null ? {} : table(decoder.tableMap);
    case events.ROWS: {
      const { rows } = decoder;
      const said: object[] = [];
      while (rows.next()) {
        const before = rows.before.count > 0 && rows.table !== null ? { before: image(rows.bytes, rows.before, rows.table) } : {};
        said.push({ ...before, ...(rows.after.count > 0 && rows.table !== null ? { after: image(rows.bytes, rows.after, rows.table) } : {}) });
      }
      return { table: rows.table?.tableId ?? null, change: ROWS[rows.kind], isStatementEnd: rows.isStatementEnd, rows: said };
    }
    case events.XA_PREPARE:
      return { name: decoder.xaName, onePhase: decoder.xaOnePhase };
    case events.PREVIOUS_GTIDS:
      return { gtids: decoder.previousGtids };
    case events.GTID_LIST:
      return { gtids: decoder.gtidList };
    default:
      return {};
  }
};

/** The next event; an incident is refused by design, and the recording goes on behind it. */
const next = (decoder: BinlogDecoder): events.EventKind | ConnectorError => {
  try {
    return decoder.next();
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'POSITION_LOST') return error;
    throw error;
  }
};

/** Everything that the decoder says about the events of one dump, as plain data. */
export const dumpBinlog = async (flavor: MysqlFlavor, hasChecksums: boolean, packets: readonly Buffer[]): Promise<DumpedEvent[]> => {
  const decoder = new BinlogDecoder({ flavor, hasChecksums });
  const said: DumpedEvent[] = [];
  for (const packet of packets) {
    await decoder.open(packet, 0, packet.length);
    for (let kind = next(decoder); kind !== events.END; kind = next(decoder)) {
      const { type, timestamp, serverId, flags, length, position } = decoder;
      const header = { type, timestamp, serverId, flags, length, position };
      if (kind instanceof ConnectorError) said.push({ kind: 'refused', ...header, code: kind.code, detail: kind.detail });
      else said.push({ kind: NAMES[kind] ?? '', ...header, ...details(decoder) });
    }
  }
  return said;
};
