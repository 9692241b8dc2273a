import { crc32 } from 'node:zlib';

/** Writes events of the binary log, the other way round than the decoder. All numbers are little-endian. */
const uint = (value: number, bytes: number): Buffer => {
  const out = Buffer.alloc(bytes);
  for (let i = 0, rest = value; i < bytes; i++, rest = Math.floor(rest / 256)) out[i] = rest % 256;
  return out;
};
export const u8 = (value: number): Buffer => uint(value, 1);
export const u16 = (value: number): Buffer => uint(value, 2);
export const u32 = (value: number): Buffer => uint(value, 4);
export const u48 = (value: number): Buffer => uint(value, 6);
export const u64 = (value: number): Buffer => uint(value, 8);
export const join = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)));

export const packed = (value: number): Buffer => {
  if (value < 251) return u8(value);
  if (value < 0x1_0000) return join(u8(252), u16(value));
  if (value < 0x100_0000) return join(u8(253), uint(value, 3));
  return join(u8(254), u64(value));
};
const named = (text: string): Buffer => join(packed(Buffer.byteLength(text)), text);

/** A number of `mysql::serialization`, in `bytes` of them (the least that it needs, if not said). */
export const varint = (value: bigint | number, bytes?: number): Buffer => {
  let count = bytes ?? 1;
  const wide = BigInt(value);
  while (bytes === undefined && count < 9 && wide >= 1n << BigInt(count < 9 ? 7 * count : 64)) count++;
  if (count === 9) {
    const out = Buffer.alloc(9, 0xff);
    out.writeBigUInt64LE(wide, 1);
    return out;
  }
  const shifted = (wide << BigInt(count)) | ((1n << BigInt(count - 1)) - 1n);
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(shifted & 0xffff_ffff_ffff_ffffn);
  return out.subarray(0, count);
};

export interface EventOptions {
  readonly flags?: number;
  readonly position?: number;
  readonly serverId?: number;
  readonly timestamp?: number;
  /** Without the checksum, as inside of a compressed transaction. */
  readonly plain?: boolean;
}

export const event = (type: number, body: Uint8Array, options: EventOptions = {}): Buffer => {
  const { flags = 0, position = 0, serverId = 1, timestamp = 1_700_000_000, plain = false } = options;
  const length = 19 + body.length + (plain ? 0 : 4);
  const covered = join(u32(timestamp), u8(type), u32(serverId), u32(length), u32(position), u16(flags), body);
  return plain ? covered : join(covered, u32(crc32(covered)));
};

/** `flags` can be 1: the file is in use, which the checksum does not cover. */
export const formatDescription = (
  options: { checksums?: boolean; version?: string; flags?: number; lengths?: readonly (readonly [number, number])[] } = {},
): Buffer => {
  const { checksums = true, version = '9.7.4', flags = 0 } = options;
  const lengths = Buffer.alloc(42);
  for (const [type, length] of [
    [2, 13],
    [4, 8],
    [19, 8],
    [23, 8],
    [24, 8],
    [25, 8],
    [30, 10],
    [31, 10],
    [32, 10],
    ...(options.lengths ?? []),
  ] as const)
    lengths[type - 1] = length;
  const name = Buffer.alloc(50);
  name.write(version);
  const body = join(u16(4), name, u32(0), u8(19), lengths, u8(checksums ? 1 : 0));
  const whole = event(15, body, { position: 0 });
  if (!checksums) whole.fill(0xee, whole.length - 4);
  whole.writeUInt16LE(flags, 17);
  return whole;
};

export const rotate = (file: string, position: number, flags = 0x20): Buffer =>
  event(4, join(u64(position), file), { flags, timestamp: 0 });

export interface Column {
  readonly type: number;
  /** The bytes in the event, as they stand there. */
  readonly metadata?: readonly number[];
  readonly nullable?: boolean;
}

const bitsLowFirst = (bits: readonly boolean[]): Buffer => {
  const out = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => {
    if (bit) out[i >> 3] = (out[i >> 3] ?? 0) | (1 << (i & 7));
  });
  return out;
};

export const tableMapBody = (
  id: number,
  schema: string,
  table: string,
  columns: readonly Column[],
  optional: Uint8Array = Buffer.alloc(0),
): Buffer => {
  const metadata = Buffer.from(columns.flatMap(column => column.metadata ?? []));
  return join(
    u48(id),
    u16(1),
    named(schema),
    u8(0),
    named(table),
    u8(0),
    packed(columns.length),
    Buffer.from(columns.map(column => column.type)),
    packed(metadata.length),
    metadata,
    bitsLowFirst(columns.map(column => column.nullable ?? false)),
    optional,
  );
};
export const tableMap = (...args: Parameters<typeof tableMapBody>): Buffer => event(19, tableMapBody(...args));
/** A field of a TABLE_MAP's optional metadata. */
export const field = (type: number, ...content: readonly (Uint8Array | string)[]): Buffer => {
  const body = join(...content);
  return join(u8(type), packed(body.length), body);
};

/** null: NULL; undefined: not in the image; bytes: as they stand there. */
export type Row = readonly (Uint8Array | null | undefined)[];

const rowImage = (row: Row): Buffer => {
  const present = row.filter(value => value !== undefined);
  return join(bitsLowFirst(present.map(value => value === null)), ...present.filter(value => value !== null));
};

export interface RowsOptions {
  readonly id?: number;
  readonly flags?: number;
  readonly type: number;
  readonly columns: number;
  /** Version 2: the extra data behind its length. */
  readonly extra?: Uint8Array;
  /** What stands between the images of a partial update. */
  readonly options?: readonly Uint8Array[];
}

const presence = (row: Row): Buffer => bitsLowFirst(row.map(value => value !== undefined));

/** Rows are of one image each, or two for an update: `[before, after]`. */
export const rowsBody = (options: RowsOptions, rows: readonly (readonly Row[])[]): Buffer => {
  const first = rows[0] ?? [];
  const version1 = options.type < 30 || (options.type >= 166 && options.type <= 168);
  return join(
    u48(options.id ?? 7),
    u16(options.flags ?? 1),
    version1 ? '' : join(u16(2 + (options.extra?.length ?? 0)), options.extra ?? ''),
    packed(options.columns),
    ...first.map(presence),
    ...rows.flatMap((images, i) =>
      images.map((image, k) => join(k === 1 && options.options !== undefined ? (options.options[i] ?? '') : '', rowImage(image))),
    ),
  );
};
export const rowsEvent = (options: RowsOptions, rows: readonly (readonly Row[])[]): Buffer =>
  event(options.type, rowsBody(options, rows));

export const query = (sql: string, schema = 'shop', variables: Uint8Array = Buffer.alloc(0)): Buffer =>
  event(2, join(u32(11), u32(0), u8(Buffer.byteLength(schema)), u16(0), u16(variables.length), variables, schema, u8(0), sql));

/** A zstd frame (RFC 8878) of raw blocks: bytes as they are, no size of the content in front. */
export const zstdFrame = (content: Uint8Array, block = 0x2_0000): Buffer => {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])]; // window of 2 MiB
  for (let at = 0; at === 0 || at < content.length; at += block) {
    const piece = content.subarray(at, at + block);
    const last = at + block >= content.length ? 1 : 0;
    parts.push(uint(last | (piece.length << 3), 3), Buffer.from(piece));
  }
  return Buffer.concat(parts);
};

export const payloadBody = (payload: Uint8Array, compression: number, unpacked: number): Buffer =>
  join(
    ...[[2, packed(compression)] as const, [3, packed(unpacked)] as const, [1, packed(payload.length)] as const].map(
      ([type, value]) => join(packed(type), packed(value.length), value),
    ),
    u8(0),
    payload,
  );
