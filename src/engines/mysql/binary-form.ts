import { inflateRawSync, inflateSync } from 'node:zlib';
import { JsonWriter } from '../../bytes/json-writer.ts';
import { viewOf } from '../../bytes/view.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { decimalBytes, writeDecimalBinary } from '../../values/mysql-decimal.ts';
import { UNFIT, writeJsonDiff } from '../../values/mysql-json-diff.ts';
import { fractionBytes } from '../../values/mysql-temporal.ts';
import type { ValueWriter, Verdict } from '../../values/value-writer.ts';
import { REPAIRED, SAID } from '../../values/value-writer.ts';

/**
 * How the values of a type stand in row images. Given TABLE_MAP's number for a column (`metadata`) and how its values are
 * measured there (`width`, see `valueWidth` in `binlog/column-types.ts`), it is the writer for them, which takes a value without
 * the length in front of it, and throws VALUE_UNREADABLE for one that the type cannot have. VALUE_UNREADABLE is thrown at once
 * where values of the type are not measured so: the column is of another type.
 */
export type BinaryForm = (metadata: number, width: number) => ValueWriter;

/**
 * Writes a JSON document of a partial update: that of the old row image, `before[beforeStart, beforeEnd)`, with what the new one
 * has in its place, `diffs[start, end)`; both without their lengths.
 */
export type PartialWriter = (
  out: JsonWriter,
  before: Uint8Array,
  beforeStart: number,
  beforeEnd: number,
  diffs: Uint8Array,
  start: number,
  end: number,
) => Verdict;

export function unreadable(detail: string): ConnectorError {
  return new ConnectorError('VALUE_UNREADABLE', detail);
}

/** The error for values that are measured in a way that those of the type never are. */
function misfit(what: string, metadata: number, width: number): ConnectorError {
  const measure = width < 0 ? `${-width} bytes of length and as many as they say` : `${width} bytes`;
  return unreadable(`${what} cannot have the metadata ${metadata} and values of ${measure}.`);
}

/** Values of so many bytes. */
export function fixed(bytes: number, write: ValueWriter): BinaryForm {
  return (metadata, width) => {
    if (width !== bytes) throw misfit(`a value of ${bytes} bytes`, metadata, width);
    return write;
  };
}

const signed8: ValueWriter = (out, source, start) => {
  out.integer(((source[start] ?? 0) << 24) >> 24);
  return SAID;
};
const unsigned8: ValueWriter = (out, source, start) => {
  out.integer(source[start] ?? 0);
  return SAID;
};
const signed32: ValueWriter = (out, source, start) => {
  out.integer(viewOf(source).getInt32(start, true));
  return SAID;
};
const unsigned32: ValueWriter = (out, source, start) => {
  out.integer(viewOf(source).getUint32(start, true));
  return SAID;
};
const signed64: ValueWriter = (out, source, start) => {
  out.int64(source, start, true);
  return SAID;
};
const unsigned64: ValueWriter = (out, source, start) => {
  out.int64(source, start, false);
  return SAID;
};

/** Two or three bytes. */
function integerOf(bytes: number, signed: boolean): ValueWriter {
  const shift = 32 - bytes * 8;
  return (out, source, start) => {
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= (source[start + i] ?? 0) << (i * 8);
    out.integer(signed ? (value << shift) >> shift : value);
    return SAID;
  };
}

/** Numbers of one to eight bytes, least significant first. */
export function integer(bytes: number, signed: boolean): BinaryForm {
  if (bytes === 1) return fixed(1, signed ? signed8 : unsigned8);
  if (bytes === 4) return fixed(4, signed ? signed32 : unsigned32);
  return fixed(bytes, bytes === 8 ? (signed ? signed64 : unsigned64) : integerOf(bytes, signed));
}

/** A YEAR: years since 1900, 0 for the year 0000. `short`: YEAR(2) of MariaDB, of which only two digits are said. */
export function year(short: boolean): BinaryForm {
  return fixed(1, (out, source, start) => {
    const since = source[start] ?? 0;
    out.integer(short ? since % 100 : since === 0 ? 0 : 1900 + since);
    return SAID;
  });
}

/** A DECIMAL, whose precision and scale the metadata says. */
export const decimal: BinaryForm = (metadata, width) => {
  const bytes = decimalBytes(metadata >> 8, metadata & 0xff);
  if (bytes < 0 || bytes !== width) throw misfit('a DECIMAL', metadata, width);
  return (out, source, start, end) => writeDecimalBinary(out, source, start, end, metadata);
};

/** A time with a fraction of as many digits as the metadata says, behind `bytes` bytes. */
export function temporal(
  bytes: number,
  write: (out: JsonWriter, source: Uint8Array, start: number, digits: number) => Verdict,
): BinaryForm {
  return (digits, width) => {
    if (digits > 6 || width !== bytes + fractionBytes(digits)) throw misfit('a time', digits, width);
    return (out, source, start) => write(out, source, start, digits);
  };
}

/** A BIT, whose width the metadata says; it has to be the column's, `bits`. */
export function bit(bits: number, write: ValueWriter): BinaryForm {
  return (metadata, width) => {
    if ((metadata >> 8) * 8 + (metadata & 0xff) !== bits || width !== (bits + 7) >> 3)
      throw misfit(`a bit(${bits})`, metadata, width);
    return write;
  };
}

/** Values with their length in front, in one byte or, where they can be longer than 255, two. */
export function varying(write: ValueWriter): BinaryForm {
  return (metadata, width) => {
    if (width !== (metadata > 255 ? -2 : -1)) throw misfit('a varying value', metadata, width);
    return write;
  };
}

/** Values with their length in front, in as many bytes as the metadata says. */
export function blob(write: ValueWriter): BinaryForm {
  return (metadata, width) => {
    if (metadata < 1 || metadata > 4 || width !== -metadata) throw misfit('a BLOB', metadata, width);
    return write;
  };
}

/** Values of `bytes` bytes of which the log leaves out the zeros at the end: BINARY, and MariaDB's UUID, INET4 and INET6. */
export function padded(bytes: number, write: ValueWriter): BinaryForm {
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

/** What stands in a label for bytes that are no text: CONVERT TO CHARACTER SET leaves labels' bytes as they are. */
const REPLACED = '\u{fffd}';

function labelTexts(labels: readonly string[]): Labels {
  const texts = labels.map(label => {
    const bytes = Buffer.from(label);
    const out = new JsonWriter(bytes.length * 6 + 2);
    out.utf8(bytes, 0, bytes.length);
    return Buffer.from(out.bytes.subarray(1, out.length - 1));
  });
  return { texts, verdicts: labels.map(label => (label.includes(REPLACED) ? REPAIRED : SAID)) };
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/** ENUM: the number of a label from 1 on, 0 for the empty string that stands for a value that was none. */
export function enumeration(labels: readonly string[]): BinaryForm {
  const { texts, verdicts } = labelTexts(labels);
  return (metadata, width) => {
    if ((metadata !== 1 && metadata !== 2) || width !== metadata) throw misfit('an ENUM', metadata, width);
    return (out, source, start) => {
      const index = (source[start] ?? 0) | (width === 2 ? (source[start + 1] ?? 0) << 8 : 0);
      const text = texts[index - 1];
      if (text === undefined && index !== 0) throw unreadable(`an ENUM of ${texts.length} labels has the number ${index}.`);
      out.byte(QUOTE);
      if (text !== undefined) out.raw(text);
      out.byte(QUOTE);
      return verdicts[index - 1] ?? SAID;
    };
  };
}

/** SET: a bit for each label, the first lowest. */
export function set(labels: readonly string[]): BinaryForm {
  const { texts, verdicts } = labelTexts(labels);
  return (metadata, width) => {
    if (metadata < 1 || metadata > 8 || width !== metadata) throw misfit('a SET', metadata, width);
    return (out, source, start) => {
      let verdict: Verdict = SAID;
      let first = true;
      out.byte(QUOTE);
      for (let i = 0; i < width * 8; i++) {
        if ((((source[start + (i >> 3)] ?? 0) >> (i & 7)) & 1) === 0) continue;
        const text = texts[i];
        if (text === undefined) throw unreadable(`a SET of ${texts.length} labels has the bit ${i}.`);
        if (!first) out.byte(COMMA);
        first = false;
        out.raw(text);
        if (verdicts[i] === REPAIRED) verdict = REPAIRED;
      }
      out.byte(QUOTE);
      return verdict;
    };
  };
}

/** A partial update of a MySQL JSON column. */
export function partialJson(native: boolean): PartialWriter {
  return (out, before, beforeStart, beforeEnd, diffs, start, end) => {
    const verdict = writeJsonDiff(out, native, before, beforeStart, beforeEnd, diffs, start, end);
    if (verdict === UNFIT) throw unreadable('a partial update does not fit the JSON document that it changes.');
    return verdict;
  };
}

/** For types whose form in the log is not known: loud as soon as the log has a value. */
export function unknown(columnType: string): BinaryForm {
  return () => () => {
    throw unreadable(`the form of ${columnType} in the log is not known to the connector.`);
  };
}
