/**
 * pgoutput once more, written from the manual's chapter alone ("Logical Replication Message Formats"), slow and plain:
 * what the decoder says about any bytes must be what this says about them.
 */

/** A message as a flat list: numbers and strings in the order of the manual; a tuple is `kind, start, end` per column. */
export type Flat = (number | string)[];

class Rejected extends Error {}

class Reader {
  readonly bytes: Buffer;
  at = 0;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new Rejected();
    const taken = this.bytes.subarray(this.at, this.at + count);
    this.at += count;
    return taken;
  }
  byte1(): number {
    return this.take(1).readUInt8();
  }
  char(allowed: string): string {
    const char = String.fromCharCode(this.byte1());
    if (!allowed.includes(char)) throw new Rejected();
    return char;
  }
  int8(allowed: readonly number[]): number {
    const value = this.byte1();
    if (!allowed.includes(value)) throw new Rejected();
    return value;
  }
  int16(): number {
    return this.take(2).readInt16BE();
  }
  int32(): number {
    return this.take(4).readInt32BE();
  }
  oid(): number {
    return this.take(4).readUInt32BE();
  }
  lsn(): number {
    const value = this.take(8).readBigUInt64BE();
    if (value >= 2n ** 53n) throw new Rejected();
    return Number(value);
  }
  time(): number {
    const value = this.take(8).readBigInt64BE();
    const micros = value + BigInt(Date.UTC(2000, 0, 1)) * 1000n;
    if (!Number.isSafeInteger(Number(value)) || !Number.isSafeInteger(Number(micros))) throw new Rejected();
    return Number(micros);
  }
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end === -1) throw new Rejected();
    const text = this.bytes.toString('utf8', this.at, end);
    this.at = end + 1;
    return text;
  }
  schema(): string {
    const name = this.text();
    return name === '' ? 'pg_catalog' : name;
  }
  tuple(columns: number): Flat {
    if (this.int16() !== columns) throw new Rejected();
    const flat: Flat = [columns];
    for (let i = 0; i < columns; i++) {
      const kind = this.char('nutb');
      let length = 0;
      if (kind === 't' || kind === 'b') {
        length = this.int32();
        if (length < 0) throw new Rejected();
      }
      const start = this.at;
      this.take(length);
      flat.push(kind, start, this.at);
    }
    return flat;
  }
}

/** The numbers of columns of the relations announced so far, by oid. */
export type Announced = Map<number, number>;

const columnsOf = (relations: Announced, oid: number): number => {
  const columns = relations.get(oid);
  if (columns === undefined) throw new Rejected();
  return columns;
};

const read = (r: Reader, relations: Announced): Flat => {
  const kind = r.char('BCORYIUDTMbPKr');
  switch (kind) {
    case 'B':
      return [kind, r.lsn(), r.time(), r.oid()];
    case 'C':
      return [kind, r.int8([0]), r.lsn(), r.lsn(), r.time()];
    case 'O':
      return [kind, r.lsn(), r.text()];
    case 'R': {
      const flat: Flat = [kind, r.oid(), r.schema(), r.text(), r.char('dnfi')];
      const columns = r.take(2).readUInt16BE();
      if (columns > 1600) throw new Rejected();
      for (let i = 0; i < columns; i++) flat.push(r.int8([0, 1]), r.text(), r.oid(), r.int32());
      if (r.at === r.bytes.length) relations.set(Number(flat[1]), columns);
      return flat;
    }
    case 'Y':
      return [kind, r.oid(), r.schema(), r.text()];
    case 'I': {
      const relation = r.oid();
      const columns = columnsOf(relations, relation);
      return [kind, relation, r.char('N'), ...r.tuple(columns)];
    }
    case 'U': {
      const relation = r.oid();
      const columns = columnsOf(relations, relation);
      const marker = r.char('KON');
      if (marker === 'N') return [kind, relation, 'N', ...r.tuple(columns)];
      return [kind, relation, marker, ...r.tuple(columns), r.char('N'), ...r.tuple(columns)];
    }
    case 'D': {
      const relation = r.oid();
      const columns = columnsOf(relations, relation);
      return [kind, relation, r.char('KO'), ...r.tuple(columns)];
    }
    case 'T': {
      const count = r.oid();
      const flat: Flat = [kind, count, r.int8([0, 1, 2, 3])];
      if (count > r.bytes.length) throw new Rejected();
      for (let i = 0; i < count; i++) {
        const relation = r.oid();
        columnsOf(relations, relation);
        flat.push(relation);
      }
      return flat;
    }
    case 'M': {
      const flat: Flat = [kind, r.int8([0, 1]), r.lsn(), r.text()];
      const length = r.oid();
      flat.push(r.at);
      r.take(length);
      flat.push(r.at);
      return flat;
    }
    default: {
      if (kind !== 'b') r.int8([0]);
      const flat: Flat = [kind, r.lsn(), r.lsn()];
      if (kind === 'r') r.time();
      flat.push(r.time(), r.oid(), r.text());
      return flat;
    }
  }
};

/** Null: the bytes are no message of the protocol. */
export const readReference = (bytes: Buffer, relations: Announced): Flat | null => {
  const reader = new Reader(bytes);
  try {
    const flat = read(reader, relations);
    return reader.at === bytes.length ? flat : null;
  } catch (error) {
    if (error instanceof Rejected) return null;
    throw error;
  }
};
