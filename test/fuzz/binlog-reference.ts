import type { TableMap } from '../../src/engines/mysql/binlog/table-map.ts';

/** A value of a row: hex digits; `null`; `-` for a column that is not in the image; `~` before the digits of JSON diffs. */
export type ReferenceRows = string[];

class Cut extends Error {}

/** Reads little-endian numbers as BigInt; throws `Cut` at the end. */
class Reader {
  private rest: Buffer;
  constructor(bytes: Buffer) {
    this.rest = bytes;
  }
  get left(): number {
    return this.rest.length;
  }
  take(count: number | bigint): Buffer {
    if (count > this.rest.length) throw new Cut();
    const taken = this.rest.subarray(0, Number(count));
    this.rest = this.rest.subarray(Number(count));
    return taken;
  }
  number(bytes: number): bigint {
    return this.take(bytes).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  }
  packed(): bigint {
    const first = this.number(1);
    if (first < 251n) return first;
    const bytes = { 252: 2, 253: 3, 254: 8 }[Number(first)];
    if (bytes === undefined) throw new Cut();
    return safe(this.number(bytes));
  }
  /** Bits are written from the lowest of the first byte on; ones before the first zero count the bytes that follow. */
  varint(): bigint {
    const first = this.number(1);
    const ones = /^1*/.exec([...first.toString(2).padStart(8, '0')].reverse().join(''))?.[0].length ?? 0;
    const rest = this.number(ones);
    return safe(ones >= 7 ? rest : ((rest << 8n) | first) >> BigInt(ones + 1));
  }
}

const safe = (value: bigint): bigint => {
  if (value >= 1n << 53n) throw new Cut();
  return value;
};

/** Null where it cannot be read. */
const attempt = <T>(act: () => T): T | null => {
  try {
    return act();
  } catch (error) {
    if (error instanceof Cut) return null;
    throw error;
  }
};

const DIGIT_BYTES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const FIXED: Readonly<Record<number, number>> = {
  1: 1,
  2: 2,
  3: 4,
  4: 4,
  5: 8,
  6: 0,
  7: 4,
  8: 8,
  9: 3,
  10: 3,
  11: 3,
  12: 8,
  13: 1,
  14: 3,
};
const FRACTIONAL: Readonly<Record<number, number>> = { 17: 4, 18: 5, 19: 3 };

/** `calc_field_size` once more: the bytes of the value at the head of `rest`. */
const take = (reader: Reader, type: number, metadata: number): Buffer => {
  const counted = (bytes: number): Buffer => {
    const length = reader.take(bytes);
    return Buffer.concat([length, reader.take(length.readUIntLE(0, bytes))]);
  };
  const fixed = FIXED[type];
  if (fixed !== undefined) return reader.take(fixed);
  const whole = FRACTIONAL[type];
  if (whole !== undefined) return reader.take(whole + Math.ceil(metadata / 2));
  if (type === 247 || type === 248) return reader.take(metadata);
  if (type === 16) return reader.take((metadata >> 8) + ((metadata & 0xff) > 0 ? 1 : 0));
  if (type === 246) {
    const [integer, fraction] = [(metadata >> 8) - (metadata & 0xff), metadata & 0xff];
    const bytes = [integer, fraction].map(digits => Math.floor(digits / 9) * 4 + (DIGIT_BYTES[digits % 9] ?? 0));
    return reader.take((bytes[0] ?? 0) + (bytes[1] ?? 0));
  }
  if ([15, 141, 253, 254].includes(type)) return counted(metadata > 255 ? 2 : 1);
  return counted(metadata);
};

const bits = (reader: Reader, count: number): boolean[] => {
  const bytes = reader.take(Math.ceil(count / 8));
  return Array.from({ length: count }, (_, i) => ((bytes[Math.floor(i / 8)] ?? 0) & (2 ** (i % 8))) !== 0);
};

/** The rows of an event that is not compressed, behind its header; null: they cannot be read. */
export const readRowsReference = (type: number, body: Buffer, tableOf: (id: number) => TableMap | null): ReferenceRows | null =>
  attempt(() => {
    const reader = new Reader(body);
    const id = Number(reader.number(6));
    const flags = Number(reader.number(2));
    if (type >= 30) {
      const extra = Number(reader.number(2));
      if (extra < 2) throw new Cut();
      reader.take(extra - 2);
    }
    const table = tableOf(id);
    if (table === null) {
      if ((flags & 1) === 1 && [0xff_ffff, 0xffff_ffff, 0xffff_ffff_ffff].includes(id)) return [];
      throw new Cut();
    }
    const first = reader.number(1);
    const count = first === 252n ? reader.number(2) : first; // no table has more columns
    if (first > 252n || first === 251n) throw new Cut();
    if (count !== BigInt(table.columns.length) || table.unreadable !== null) throw new Cut();
    const kind = type === 39 ? 'update' : (['insert', 'update', 'delete'][(type - 23) % 7] ?? '');
    const images = kind === 'update' ? 2 : 1;
    const present = Array.from({ length: images }, () => bits(reader, table.columns.length));
    const rows: string[] = [];
    while (reader.left > 0) {
      const before = reader.left;
      let diffs: boolean[] = [];
      present.forEach((columns, image) => {
        if (type === 39 && image === 1) {
          const options = reader.number(1);
          if (options > 1n) throw new Cut();
          diffs = options === 1n ? bits(reader, table.columns.filter(column => column.type === 245).length) : [];
        }
        const nulls = bits(reader, columns.filter(Boolean).length);
        let json = 0;
        let place = 0;
        table.columns.forEach((column, i) => {
          const isDiff = column.type === 245 && diffs[json++] === true && image === 1;
          if (columns[i] !== true) rows.push('-');
          else if (nulls[place++] === true) rows.push('null');
          else rows.push(`${isDiff ? '~' : ''}${take(reader, column.type, column.metadata).toString('hex')}`);
        });
      });
      if (reader.left === before) throw new Cut();
    }
    return rows;
  });

/** The numbers of a GTID, ANONYMOUS_GTID or GTID_TAGGED event, behind its header; null: it cannot be read. */
export const readGtidReference = (type: number, body: Buffer): string | null =>
  attempt(() => (type === 42 ? taggedReference(new Reader(body), body.length) : classicReference(new Reader(body))));

const classicReference = (reader: Reader): string => {
  const flags = reader.number(1);
  const sid = reader.take(16).toString('hex');
  const said = [flags, sid, '', safe(reader.number(8))];
  if (reader.left === 0) return [...said, 0, 0, 0, 0, 0, 0, 0].join(' ');
  if (reader.number(1) !== 2n) throw new Cut();
  const clock = [safe(reader.number(8)), safe(reader.number(8))];
  if (reader.left < 7) {
    if (reader.left > 0) throw new Cut();
    return [...said, ...clock, 0, 0, 0, 0, 0].join(' ');
  }
  const time = reader.number(7);
  const immediate = time & ~(1n << 55n);
  const original = time === immediate ? immediate : reader.number(7);
  const length = reader.left > 0 ? reader.packed() : 0n;
  let versions = [0n, 0n];
  if (reader.left >= 4) {
    const version = reader.number(4);
    const own = version & ~(1n << 31n);
    versions = [own, version === own ? own : reader.number(4)];
  }
  return [...said, ...clock, safe(immediate), safe(original), length, ...versions].join(' ');
};

const taggedReference = (reader: Reader, total: number): string => {
  if (reader.varint() !== 1n || reader.varint() !== BigInt(total) || reader.varint() > 12n) throw new Cut();
  const fields = new Map<number, bigint>();
  let [sid, tag, previous] = ['', '', -1n];
  const even = (value: bigint): bigint => {
    if (value % 2n !== 0n) throw new Cut();
    return value / 2n;
  };
  while (reader.left > 0) {
    const field = reader.varint();
    if (field <= previous) throw new Cut();
    previous = field;
    if (field > 11n) break;
    if (field === 1n) {
      const numbers = Array.from({ length: 16 }, () => reader.varint());
      if (numbers.some(byte => byte > 255n)) throw new Cut();
      sid = Buffer.from(numbers.map(Number)).toString('hex');
    } else if (field === 3n) {
      const length = reader.varint();
      if (length > 32n) throw new Cut();
      tag = reader.take(length).toString('utf8');
    } else {
      const value = reader.varint();
      fields.set(Number(field), field === 2n || field === 4n || field === 5n ? even(value) : value);
    }
  }
  const of = (field: number, otherwise = 0n): bigint => fields.get(field) ?? otherwise;
  if (sid === '' || of(2) === 0n) throw new Cut();
  const own = of(10);
  return [of(0), sid, tag, of(2), of(4), of(5), of(6), of(7, of(6)), of(8), of(9), own === 0n ? of(9) : own].join(' ');
};
