import type { Relation } from '../../../../src/engines/postgres/wire/relation.ts';

/** Writes messages of pgoutput, version 1 of the protocol, as the manual's "Logical Replication Message Formats" has them. */
export type Cell = string | null | { readonly unchanged: true } | { readonly binary: Uint8Array };
export type Row = readonly Cell[];

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
export const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes;
};
const name = (text: string): Buffer => Buffer.from(`${text}\0`);
const lsn = (value: number): Buffer => u64(BigInt(value));
/** Microseconds since 1970. */
const time = (micros: number): Buffer => u64(BigInt(micros) - 946_684_800_000_000n);
const message = (kind: string, ...parts: readonly Uint8Array[]): Buffer => Buffer.concat([Buffer.from(kind), ...parts]);

const cell = (value: Cell): Buffer => {
  if (value === null) return Buffer.from('n');
  if (typeof value === 'string') return Buffer.concat([Buffer.from('t'), u32(Buffer.byteLength(value)), Buffer.from(value)]);
  if ('unchanged' in value) return Buffer.from('u');
  return Buffer.concat([Buffer.from('b'), u32(value.binary.length), value.binary]);
};
const tuple = (kind: string, row: Row): Buffer => Buffer.concat([Buffer.from(kind), u16(row.length), ...row.map(cell)]);

export const encode = {
  begin: (finalLsn: number, commitMicros: number, xid: number): Buffer =>
    message('B', lsn(finalLsn), time(commitMicros), u32(xid)),
  commit: (commitLsn: number, endLsn: number, commitMicros: number): Buffer =>
    message('C', u8(0), lsn(commitLsn), lsn(endLsn), time(commitMicros)),
  origin: (at: number, origin: string): Buffer => message('O', lsn(at), name(origin)),
  type: (oid: number, namespace: string, type: string): Buffer => message('Y', u32(oid), name(namespace), name(type)),
  relation: (relation: Relation): Buffer =>
    message(
      'R',
      u32(relation.id),
      name(relation.namespace),
      name(relation.name),
      Buffer.from(relation.replicaIdentity),
      u16(relation.columns.length),
      ...relation.columns.map(column =>
        Buffer.concat([u8(column.isKey ? 1 : 0), name(column.name), u32(column.typeOid), u32(column.typmod)]),
      ),
    ),
  insert: (id: number, row: Row): Buffer => message('I', u32(id), tuple('N', row)),
  update: (id: number, row: Row, old?: readonly ['K' | 'O', Row]): Buffer =>
    message('U', u32(id), old === undefined ? Buffer.alloc(0) : tuple(...old), tuple('N', row)),
  delete: (id: number, kind: 'K' | 'O', row: Row): Buffer => message('D', u32(id), tuple(kind, row)),
  truncate: (ids: readonly number[], options: number): Buffer => message('T', u32(ids.length), u8(options), ...ids.map(u32)),
  message: (transactional: boolean, at: number, prefix: string, content: Uint8Array): Buffer =>
    message('M', u8(transactional ? 1 : 0), lsn(at), name(prefix), u32(content.length), content),
};
