import { inflateRawSync, inflateSync } from 'node:zlib';
import { JsonWriter } from '../../bytes/json-writer.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { decimalBytes, writeDecimalBinary } from '../../values/mysql-decimal.ts';
import { UNFIT, writeJsonDiff } from '../../values/mysql-json-diff.ts';
import { fractionBytes } from '../../values/mysql-temporal.ts';
import type { ValueWriter, Verdict } from '../../values/value-writer.ts';
import { REPAIRED, SAID } from '../../values/value-writer.ts';

/** Where a BinaryWriter leaves how the value was written. */
export class VerdictCell {
  verdict: Verdict = SAID;
}

/**
 * Writes the value at `offset` of a row image as one JSON value and returns the offset behind it; `cell.verdict` says how it
 * was written. `end` is where the row image ends, `metadata` TABLE_MAP's number for the column (`binlog/column-types.ts`).
 * Throws VALUE_UNREADABLE where the value would end behind `end`, or is none that the column can have.
 */
export type BinaryWriter = (
  out: JsonWriter,
  source: Uint8Array,
  offset: number,
  end: number,
  metadata: number,
  cell: VerdictCell,
) => number;

/**
 * The same for a JSON column of a partial update: `before` is the value in the old row image, `diffs` what stands in its place
 * in the new one. Both offsets are those of the four bytes of length. Returns the offset behind the differences.
 */
export type PartialWriter = (
  out: JsonWriter,
  before: Uint8Array,
  beforeOffset: number,
  beforeEnd: number,
  diffs: Uint8Array,
  diffsOffset: number,
  diffsEnd: number,
  cell: VerdictCell,
) => number;

export function unreadable(detail: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', detail);
}

function truncated(): ConnectorError {
  return unreadable('a value of a row image goes beyond its end.');
}

/** A value of so many bytes. */
export function fixed(bytes: number, write: ValueWriter): BinaryWriter {
  return (out, source, offset, end, _metadata, cell) => {
    const next = offset + bytes;
    if (next > end) throw truncated();
    cell.verdict = write(out, source, offset, next);
    return next;
  };
}

/** A number of one to eight bytes, least significant first. */
export function integer(bytes: number, signed: boolean): BinaryWriter {
  if (bytes === 8) return bigint(signed);
  const shift = 32 - bytes * 8;
  return (out, source, offset, end, _metadata, cell) => {
    const next = offset + bytes;
    if (next > end) throw truncated();
    cell.verdict = SAID;
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= (source[offset + i] ?? 0) << (i * 8);
    out.integer(signed ? (value << shift) >> shift : value >>> 0);
    return next;
  };
}

function bigint(signed: boolean): BinaryWriter {
  return (out, source, offset, end, _metadata, cell) => {
    if (offset + 8 > end) throw truncated();
    cell.verdict = SAID;
    out.int64(source, offset, signed);
    return offset + 8;
  };
}

/** A YEAR: years since 1900, 0 for the year 0000. `short`: YEAR(2) of MariaDB, of which only two digits are said. */
export function year(short: boolean): BinaryWriter {
  return (out, source, offset, end, _metadata, cell) => {
    if (offset >= end) throw truncated();
    const since = source[offset] ?? 0;
    out.integer(short ? since % 100 : since === 0 ? 0 : 1900 + since);
    cell.verdict = SAID;
    return offset + 1;
  };
}

/** A DECIMAL, whose precision and scale the metadata says. */
export const decimal: BinaryWriter = (out, source, offset, end, metadata, cell) => {
  const bytes = decimalBytes(metadata >> 8, metadata & 0xff);
  if (bytes < 0) throw unreadable(`a DECIMAL has the metadata ${metadata}.`);
  const next = offset + bytes;
  if (next > end) throw truncated();
  cell.verdict = writeDecimalBinary(out, source, offset, next, metadata);
  return next;
};

/** A time with a fraction of as many digits as the metadata says, behind `bytes` bytes. */
export function temporal(
  bytes: number,
  write: (out: JsonWriter, source: Uint8Array, start: number, digits: number) => Verdict,
): BinaryWriter {
  return (out, source, offset, end, metadata, cell) => {
    if (metadata > 6) throw unreadable(`a time has the metadata ${metadata}.`);
    const next = offset + bytes + fractionBytes(metadata);
    if (next > end) throw truncated();
    cell.verdict = write(out, source, offset, metadata);
    return next;
  };
}

/** A BIT, whose width the metadata says; it has to be the column's, `bits`. */
export function bit(bits: number, write: ValueWriter): BinaryWriter {
  const bytes = (bits + 7) >> 3;
  return (out, source, offset, end, metadata, cell) => {
    if ((metadata >> 8) * 8 + (metadata & 0xff) !== bits) throw unreadable(`a bit(${bits}) has the metadata ${metadata}.`);
    const next = offset + bytes;
    if (next > end) throw truncated();
    cell.verdict = write(out, source, offset, next);
    return next;
  };
}

/** A value with its length in front, in one byte or, where the metadata says that it can be longer than 255, two. */
export function varying(write: ValueWriter): BinaryWriter {
  return (out, source, offset, end, metadata, cell) => {
    const start = offset + (metadata > 255 ? 2 : 1);
    if (start > end) throw truncated();
    const next = start + (source[offset] ?? 0) + (metadata > 255 ? (source[offset + 1] ?? 0) << 8 : 0);
    if (next > end) throw truncated();
    cell.verdict = write(out, source, start, next);
    return next;
  };
}

/** A value with its length in front, in as many bytes as the metadata says. */
export function blob(write: ValueWriter): BinaryWriter {
  return (out, source, offset, end, metadata, cell) => {
    const start = blobStart(offset, end, metadata);
    const next = start + blobLength(source, offset, metadata);
    if (next > end) throw truncated();
    cell.verdict = write(out, source, start, next);
    return next;
  };
}

function blobStart(offset: number, end: number, metadata: number): number {
  if (metadata < 1 || metadata > 4) throw unreadable(`a BLOB has the metadata ${metadata}.`);
  if (offset + metadata > end) throw truncated();
  return offset + metadata;
}

function blobLength(source: Uint8Array, offset: number, bytes: number): number {
  let length = 0;
  for (let i = bytes - 1; i >= 0; i--) length = length * 256 + (source[offset + i] ?? 0);
  return length;
}

/** A value of `bytes` bytes of which the log leaves out the zeros at the end: BINARY, and MariaDB's UUID, INET4 and INET6. */
export function padded(bytes: number, write: ValueWriter): BinaryWriter {
  const whole = new Uint8Array(bytes);
  return varying((out, source, start, end) => {
    const count = end - start;
    if (count === bytes) return write(out, source, start, end);
    if (count > bytes) throw unreadable(`a value of at most ${bytes} bytes has ${count}.`);
    for (let i = 0; i < count; i++) whole[i] = source[start + i] ?? 0;
    whole.fill(0, count);
    return write(out, whole, 0, bytes);
  });
}

/** Bit in the header of a compressed value: the data is plain DEFLATE, without zlib's own header. */
const RAW_DEFLATE = 0x08;
const ZLIB = 8;

/**
 * MariaDB's COMPRESSED columns (`field_comp.cc`): a header byte, 0 for data as it stands; otherwise the method in its upper
 * half, and in the lower one how many bytes of the original length follow, most significant first.
 */
export function compressed(write: ValueWriter): ValueWriter {
  return (out, source, start, end) => {
    if (start === end) return write(out, source, start, end);
    const header = source[start] ?? 0;
    if (header === 0) return write(out, source, start + 1, end);
    const lengthBytes = header & 7;
    const data = start + 1 + lengthBytes;
    if (header >> 4 !== ZLIB || lengthBytes < 1 || lengthBytes > 4 || data > end) {
      throw unreadable(`a compressed value begins with ${header}.`);
    }
    let length = 0;
    for (let i = start + 1; i < data; i++) length = length * 256 + (source[i] ?? 0);
    const options = { maxOutputLength: Math.max(length, 1) };
    let plain: Uint8Array;
    try {
      plain = ((header & RAW_DEFLATE) === 0 ? inflateSync : inflateRawSync)(source.subarray(data, end), options);
    } catch (cause) {
      throw new ConnectorError('VALUE_UNREADABLE', 'a compressed value cannot be inflated.', { cause });
    }
    if (plain.length !== length) throw unreadable(`a compressed value has ${plain.length} bytes instead of ${length}.`);
    return write(out, plain, 0, length);
  };
}

/** The JSON text of each label, without its quotes, and whether it says all of the label. */
interface Labels {
  readonly texts: readonly Uint8Array[];
  readonly verdicts: readonly Verdict[];
}

function labelTexts(labels: readonly string[]): Labels {
  const verdicts: Verdict[] = [];
  const texts = labels.map(label => {
    const bytes = Buffer.from(label);
    const out = new JsonWriter(bytes.length * 6 + 2);
    verdicts.push(out.utf8(bytes, 0, bytes.length) ? SAID : REPAIRED);
    return Buffer.from(out.bytes.subarray(1, out.length - 1));
  });
  return { texts, verdicts };
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/** ENUM: the number of a label from 1 on, 0 for the empty string that stands for a value that was none. */
export function enumeration(labels: readonly string[]): BinaryWriter {
  const { texts, verdicts } = labelTexts(labels);
  return (out, source, offset, end, metadata, cell) => {
    if (metadata !== 1 && metadata !== 2) throw unreadable(`an ENUM has the metadata ${metadata}.`);
    const next = offset + metadata;
    if (next > end) throw truncated();
    const index = (source[offset] ?? 0) | (metadata === 2 ? (source[offset + 1] ?? 0) << 8 : 0);
    const text = texts[index - 1];
    if (text === undefined && index !== 0) throw unreadable(`an ENUM of ${texts.length} labels has the number ${index}.`);
    out.byte(QUOTE);
    if (text !== undefined) out.raw(text);
    out.byte(QUOTE);
    cell.verdict = verdicts[index - 1] ?? SAID;
    return next;
  };
}

/** SET: a bit for each label, the first lowest. */
export function set(labels: readonly string[]): BinaryWriter {
  const { texts, verdicts } = labelTexts(labels);
  return (out, source, offset, end, metadata, cell) => {
    if (metadata < 1 || metadata > 8) throw unreadable(`a SET has the metadata ${metadata}.`);
    const next = offset + metadata;
    if (next > end) throw truncated();
    let verdict: Verdict = SAID;
    let first = true;
    out.byte(QUOTE);
    for (let i = 0; i < metadata * 8; i++) {
      if ((((source[offset + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 0) continue;
      const text = texts[i];
      if (text === undefined) throw unreadable(`a SET of ${texts.length} labels has the bit ${i}.`);
      if (!first) out.byte(COMMA);
      first = false;
      out.raw(text);
      if (verdicts[i] === REPAIRED) verdict = REPAIRED;
    }
    out.byte(QUOTE);
    cell.verdict = verdict;
    return next;
  };
}

/** A partial update of a MySQL JSON column. */
export function partialJson(native: boolean): PartialWriter {
  return (out, before, beforeOffset, beforeEnd, diffs, diffsOffset, diffsEnd, cell) => {
    const start = blobStart(beforeOffset, beforeEnd, 4);
    const end = start + blobLength(before, beforeOffset, 4);
    const first = blobStart(diffsOffset, diffsEnd, 4);
    const next = first + blobLength(diffs, diffsOffset, 4);
    if (end > beforeEnd || next > diffsEnd) throw truncated();
    const verdict = writeJsonDiff(out, native, before, start, end, diffs, first, next);
    if (verdict === UNFIT) throw unreadable('a partial update does not fit the JSON document that it changes.');
    cell.verdict = verdict;
    return next;
  };
}

/** For types whose form in the log is not known. */
export function unknown(columnType: string): BinaryWriter {
  return () => {
    throw unreadable(`the form of ${columnType} in the log is not known to the connector.`);
  };
}
