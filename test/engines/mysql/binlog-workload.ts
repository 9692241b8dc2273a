import { BinlogDecoder } from '../../../src/engines/mysql/binlog/decoder.ts';
import * as events from '../../../src/engines/mysql/binlog/events.ts';
import { type RowImage, type Rows, VALUE_ABSENT, VALUE_NULL } from '../../../src/engines/mysql/binlog/rows.ts';
import type { TableMapColumn } from '../../../src/engines/mysql/binlog/table-map.ts';
import type { Random } from '../../fuzz/random.ts';
import type { MysqlFlavor } from '../../kit/servers/mysql.ts';

/** Columns whose values `mysqlbinlog -v` prints without loss, and a value of each in SQL. */
const TYPES: readonly (readonly [type: string, value: (random: Random) => string])[] = [
  ['tinyint', random => String(random.below(256) - 128)],
  ['smallint', random => String(random.below(65536) - 32768)],
  ['mediumint', random => String(random.below(2 ** 24) - 2 ** 23)],
  ['int', random => String(random.bits() - 2 ** 31)],
  ['bigint', random => String((BigInt(random.bits()) << 32n) + BigInt(random.bits()) - 2n ** 63n)],
  ['year', random => String(1901 + random.below(255))],
  ['date', random => `'${1000 + random.below(9000)}-${String(1 + random.below(12)).padStart(2, '0')}-${10 + random.below(19)}'`],
  ['varchar(20)', random => word(random, 20)],
  ['varchar(300)', random => word(random, 300)],
  ['char(10)', random => word(random, 10)],
  ['char(80)', random => word(random, 80)],
  ['tinytext', random => word(random, 200)],
  ['text', random => word(random, 2000)],
  ['mediumblob', random => word(random, 3000)],
  ["enum('a','b','c')", random => String(1 + random.below(3))],
  ["set('a','b','c','d','e','f','g','h','i')", random => String(random.below(512))],
  ['bit(13)', random => String(random.below(8192))],
];

const word = (random: Random, longest: number): string =>
  `'${'abcdefghijklmnopqrstuvwxyz'.charAt(random.below(26)).repeat(random.below(longest + 1))}'`;

/**
 * Statements of a random life: tables of random columns, changes of them in all row images, columns that come and go.
 * Tables are `t0`, `t1`, …, all with an integer primary key. Every statement is valid.
 */
export const randomLife = (random: Random, flavor: MysqlFlavor, statements: number, compress: boolean): string[] => {
  const life: string[] = [];
  const tables = Array.from({ length: 3 }, () => Array.from({ length: 1 + random.below(20) }, () => random.pick(TYPES)));
  const names = tables.map(columns => columns.map((_, i) => `c${i}`));
  tables.forEach((columns, t) => {
    life.push(
      `CREATE TABLE t${t} (id int PRIMARY KEY AUTO_INCREMENT, ${columns.map(([type], i) => `c${i} ${type}`).join(', ')}) CHARACTER SET utf8mb4`,
    );
  });
  let next = 100;
  const value = (table: number, column: number): string =>
    random.below(4) === 0 ? 'NULL' : (tables[table]?.[column]?.[1](random) ?? 'NULL');
  for (let i = 0; i < statements; i++) {
    const t = random.below(tables.length);
    const columns = names[t] ?? [];
    const some = columns.map((_, column) => column).filter(() => random.below(3) > 0);
    const set = (some.length === 0 ? [0] : some).map(column => `${columns[column]} = ${value(t, column)}`).join(', ');
    switch (random.below(10)) {
      case 0:
        life.push(`SET binlog_row_image = ${random.pick(['FULL', 'MINIMAL', 'NOBLOB'])}`);
        if (compress && flavor === 'mysql') life.push(`SET binlog_transaction_compression = ${random.pick(['ON', 'OFF'])}`);
        break;
      case 1: {
        const type = random.pick(TYPES);
        life.push(`ALTER TABLE t${t} ADD COLUMN c${next} ${type[0]} ${random.below(2) === 0 ? 'FIRST' : ''}`);
        tables[t]?.push(type);
        columns.push(`c${next++}`);
        break;
      }
      case 2:
      case 3:
        life.push(`UPDATE t${t} SET ${set} ${random.below(3) === 0 ? '' : `WHERE id % 3 = ${random.below(3)}`}`);
        break;
      case 4:
        life.push(`DELETE FROM t${t} ORDER BY id LIMIT ${1 + random.below(3)}`);
        break;
      case 5:
        life.push(`BEGIN; UPDATE t${t} SET ${set}; DELETE FROM t${(t + 1) % 3} LIMIT 1; COMMIT`);
        break;
      default: {
        const rows = Array.from({ length: 1 + random.below(8) }, () => `(${some.map(column => value(t, column)).join(', ')})`);
        if (some.length > 0)
          life.push(`INSERT INTO t${t} (${some.map(column => columns[column]).join(', ')}) VALUES ${rows.join(', ')}`);
      }
    }
  }
  return life;
};

/** A value as `mysqlbinlog -v` prints it: numbers as signed ones. */
const print = (bytes: Buffer, { type, metadata }: TableMapColumn): string => {
  const binary = (width: number): string =>
    `b'${[...bytes]
      .map(byte => byte.toString(2).padStart(8, '0'))
      .join('')
      .slice(-width)}'`;
  switch (type) {
    case 1:
    case 2:
    case 3:
    case 9:
      return String(bytes.readIntLE(0, bytes.length));
    case 8:
      return String(bytes.readBigInt64LE());
    case 13:
      return String(1900 + bytes.readUInt8());
    case 10: {
      const days = bytes.readUIntLE(0, 3);
      return `'${[days >> 9, (days >> 5) & 15, days & 31].map((part, i) => String(part).padStart(i === 0 ? 4 : 2, '0')).join(':')}'`;
    }
    case 16:
      return binary((metadata >> 8) * 8 + (metadata & 0xff));
    case 247:
      return String(bytes.readUIntLE(0, bytes.length));
    case 248: // the tool prints the bytes as they stand, the lowest first
      return binary(metadata * 8);
    case 252:
      return `'${bytes.toString('utf8', metadata)}'`;
    default:
      return `'${bytes.toString('utf8', metadata > 255 ? 2 : 1)}'`;
  }
};

export interface Change {
  readonly verb: string;
  readonly table: string;
  /** `@3=value` by place, from 1. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The same by name, where names are known. */
  readonly named: Readonly<Record<'before' | 'after', Readonly<Record<string, string>>>>;
}

const imageOf = (rows: Rows, image: RowImage): { placed: string[]; named: Record<string, string> } => {
  const placed: string[] = [];
  const named: Record<string, string> = {};
  rows.table?.columns.forEach((column, i) => {
    if (i >= image.count || image.marks[i] === VALUE_ABSENT) return;
    const bytes = Buffer.from(rows.bytes.subarray(image.starts[i], image.ends[i]));
    const text = image.marks[i] === VALUE_NULL ? 'NULL' : print(bytes, column);
    placed.push(`@${i + 1}=${text}`);
    named[column.name ?? ''] = text;
  });
  return { placed, named };
};

/**
 * All changes that the events hold, and where each event ends in the file that says so (newer MariaDB leaves it out within large
 * transactions), but for the one that leads to the next file.
 */
export const readChanges = async (
  flavor: MysqlFlavor,
  packets: readonly Buffer[],
): Promise<{ changes: Change[]; positions: number[] }> => {
  const decoder = new BinlogDecoder({ flavor, hasChecksums: true });
  const changes: Change[] = [];
  const positions: number[] = [];
  for (const packet of packets) {
    await decoder.open(packet, 0, packet.length);
    for (let kind = decoder.next(); kind !== events.END; kind = decoder.next()) {
      const saysWhere = packet.readUInt32LE(13) !== 0;
      const isReal = saysWhere && (decoder.flags & events.FLAG_ARTIFICIAL) === 0 && kind !== events.ROTATE;
      if (isReal && decoder.position !== positions.at(-1)) positions.push(decoder.position);
      const { rows } = decoder;
      while (kind === events.ROWS && rows.next()) {
        const [before, after] = [imageOf(rows, rows.before), imageOf(rows, rows.after)];
        changes.push({
          verb: ['', 'INSERT', 'UPDATE', 'DELETE'][rows.kind] ?? '',
          table: `\`${rows.table?.schema}\`.\`${rows.table?.table}\``,
          before: before.placed,
          after: after.placed,
          named: { before: before.named, after: after.named },
        });
      }
    }
  }
  return { changes, positions };
};
