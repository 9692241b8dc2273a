import { JsonWriter } from '../../src/bytes/json-writer.ts';
import { writeJsonBinary, writeJsonBinaryNative } from '../../src/values/mysql-json.ts';
import type { ValueWriter } from '../../src/values/value-writer.ts';
import { SAID } from '../../src/values/value-writer.ts';
import type { FuzzResult } from './fuzz.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const MARGIN = 8;
const DOCUMENTS = 400;

const variable = (length: number): Buffer => (length < 0x80 ? Buffer.of(length) : Buffer.of((length & 0x7f) | 0x80, length >> 7));
const keyOrder = ([a]: readonly [Buffer, Json], [b]: readonly [Buffer, Json]): number => a.length - b.length || a.compare(b);

/** A document in MySQL's binary form (`json_binary.h`), its type first; `large` uses offsets of four bytes. */
const encode = (value: Json, large: boolean): Buffer => {
  if (value === null) return Buffer.of(4, 0);
  if (typeof value === 'boolean') return Buffer.of(4, value ? 1 : 2);
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.of(12), variable(bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes[0] = Number.isInteger(value) ? 9 : 11;
    if (Number.isInteger(value)) bytes.writeBigInt64LE(BigInt(value), 1);
    else bytes.writeDoubleLE(value, 1);
    return bytes;
  }
  const isObject = !Array.isArray(value);
  const members = isObject
    ? Object.entries(value)
        .map(([key, item]): readonly [Buffer, Json] => [Buffer.from(key), item])
        .sort(keyOrder)
    : value.map((item): readonly [Buffer, Json] => [Buffer.alloc(0), item]);
  const width = large ? 4 : 2;
  const keyEntry = isObject ? width + 2 : 0;
  const valueEntries = 2 * width + members.length * keyEntry;
  let at = valueEntries + members.length * (width + 1);
  const head = Buffer.alloc(at);
  head.writeUIntLE(members.length, 0, width);
  const parts: Buffer[] = [];
  const place = (bytes: Buffer, where: number): void => {
    head.writeUIntLE(at, where, width);
    parts.push(bytes);
    at += bytes.length;
  };
  for (const [i, [key]] of members.entries()) {
    if (!isObject) break;
    place(key, 2 * width + i * keyEntry);
    head.writeUInt16LE(key.length, 2 * width + i * keyEntry + width);
  }
  for (const [i, [, item]] of members.entries()) {
    const bytes = encode(item, large);
    const entry = valueEntries + i * (width + 1);
    head[entry] = bytes[0] ?? 0;
    if (bytes[0] === 4) bytes.copy(head, entry + 1, 1);
    else place(bytes.subarray(1), entry + 1);
  }
  head.writeUIntLE(at, width, width);
  return Buffer.concat([Buffer.of((isObject ? 0 : 2) + (large ? 1 : 0)), head, ...parts]);
};

const document = (random: Random, depth: number): Json => {
  switch (random.below(depth > 3 ? 5 : 8)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.bits() - 2 ** 31;
    case 3:
      return (random.below(1000) + 0.5) / 8;
    case 4:
      return 'aü"\\\n𝄞'.repeat(random.below(4));
    case 5:
      return Array.from({ length: random.below(4) }, () => document(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, (_, at) => [`k${at}`.repeat(at), document(random, depth + 1)]),
      );
  }
};

/** What a writer says of bytes that stand between others, and the verdict. */
const said = (write: ValueWriter, bytes: Buffer, margin: number): readonly [text: string, verdict: number] => {
  const around = Buffer.alloc(MARGIN, margin);
  const out = new JsonWriter(256);
  const verdict = write(out, Buffer.concat([around, bytes, around]), MARGIN, MARGIN + bytes.length);
  return [out.bytes.toString('utf8', 0, out.length), verdict];
};

/**
 * Feeds `runs` documents in MySQL's binary form, most of them mutated, to their writers. Throws where one throws, writes
 * what is no JSON, looks at bytes that are not the value's, or says a document that is whole otherwise than it is.
 */
export const fuzzJson = (runs: number, seed: number): FuzzResult[] => {
  const random = new Random(seed);
  const documents = Array.from({ length: DOCUMENTS }, (_, at) => {
    const value = document(random, 0);
    return { value, bytes: encode(value, at % 2 === 0) };
  });
  let accepted = 0;
  for (let run = 0; run < runs; run++) {
    const { value, bytes } = random.pick(documents);
    const whole = random.below(20) === 0;
    const input = whole ? bytes : mutate(random, bytes, random.pick(documents).bytes);
    try {
      const native = run % 2 === 0;
      const write = native ? writeJsonBinaryNative : writeJsonBinary;
      const [text, verdict] = said(write, input, 0);
      const parsed: unknown = JSON.parse(text);
      const inner: unknown = native || parsed === null ? parsed : JSON.parse(String(parsed));
      const [otherText, otherVerdict] = said(native ? writeJsonBinary : writeJsonBinaryNative, input, 0);
      const [once, twice] = native ? [otherText, text] : [text, otherText];
      if (verdict === SAID && otherVerdict === SAID && JSON.parse(once) !== twice) throw new Error(`said ${once} and ${twice}`);
      if (whole && JSON.stringify(inner) !== JSON.stringify(sorted(value))) throw new Error(`said ${text}`);
      if (run % 8 < 2 && said(write, input, 0xff)[0] !== text) throw new Error('bytes outside of the value count');
      if (verdict === SAID) accepted++;
    } catch (error) {
      throw new Error(`seed ${seed}, run ${run}, ${input.toString('hex')}: ${String(error)}`, { cause: error });
    }
  }
  return [{ target: 'binary JSON', accepted, rejected: runs - accepted }];
};

/** Members in the order in which the server keeps them. */
const sorted = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => keyOrder([Buffer.from(a), null], [Buffer.from(b), null]));
  return Object.fromEntries(members.map(([key, item]) => [key, sorted(item)]));
};
