import iconv from 'iconv-lite';
import { JsonWriter } from '../../bytes/json-writer.ts';
import { ConnectorError } from '../../contract/errors.ts';
import { charsetWriter, LEAD, type MultiByteTables } from '../../values/mysql-charset.ts';
import { MULTI_BYTE_DIFFERENCES } from '../../values/mysql-charset-tables.ts';
import type { ValueWriter } from '../../values/value-writer.ts';

/** MySQL's character sets of several bytes by the name of iconv-lite's table that is nearest, and their first bytes. */
const NEAREST: Readonly<Record<string, { readonly name: string; readonly leads: string }>> = {
  gbk: { name: 'cp936', leads: '81-fe' },
  gb2312: { name: 'cp936', leads: 'a1-f7' },
  gb18030: { name: 'gb18030', leads: '81-fe' },
  big5: { name: 'big5', leads: 'a1-f9' },
  euckr: { name: 'cp949', leads: '81-fe' },
  sjis: { name: 'shiftjis', leads: '81-9f e0-fc' },
  cp932: { name: 'shiftjis', leads: '81-9f e0-fc' },
  ujis: { name: 'eucjp', leads: '8e-8f a1-fe' },
  eucjpms: { name: 'eucjp', leads: '8e-8f a1-fe' },
};
const REPLACEMENT = 0xfffd;
const TRIPLE_LEAD = 0x8f;

const writers = new Map<string, ValueWriter>();

/** The writer for text in a character set, null meaning UTF-8. Throws VALUE_UNREADABLE for one that is not known. */
export function textWriterOf(charset: string | null): ValueWriter {
  const name = charset ?? 'utf8mb4';
  const known = writers.get(name);
  if (known !== undefined) return known;
  const writer = charsetWriter(name, multiByteTables);
  if (writer === null) throw new ConnectorError('VALUE_UNREADABLE', `the character set ${name} is not known to the connector.`);
  writers.set(name, writer);
  return writer;
}

/** Text in a character set as a string. For names and labels. */
export function decodeText(bytes: Uint8Array, charset: string | null): string {
  const out = new JsonWriter(bytes.length + 64);
  textWriterOf(charset)(out, bytes, 0, bytes.length);
  return JSON.parse(out.bytes.toString('utf8', 0, out.length)) as string;
}

/** `write`, which takes UTF-8, for text in a character set. Allocates where that is not UTF-8. */
export function recoded(write: ValueWriter, charset: string | null): ValueWriter {
  if (charset === null || charset.startsWith('utf8')) return write;
  textWriterOf(charset);
  return (out, source, start, end) => {
    const bytes = Buffer.from(decodeText(source.subarray(start, end), charset));
    return write(out, bytes, 0, bytes.length);
  };
}

/** Made when a column first needs them: tens of milliseconds, then none. */
function multiByteTables(charset: string): MultiByteTables | null {
  const nearest = Object.hasOwn(NEAREST, charset) ? NEAREST[charset] : undefined;
  if (nearest === undefined) return null;
  const { name } = nearest;
  const single = Uint16Array.from({ length: 256 }, (_, byte) => decodeOne(Buffer.of(byte), name));
  for (const range of nearest.leads.split(' ')) {
    const [first = 0, last = 0] = range.split('-').map(hex => Number.parseInt(hex, 16));
    single.fill(LEAD, first, last + 1);
  }
  const double = new Uint16Array(0x10000);
  const euc = name === 'eucjp';
  const triple = euc ? new Uint16Array(0x10000) : undefined;
  const pair = Buffer.alloc(2);
  const triplet = Buffer.of(TRIPLE_LEAD, 0, 0);
  for (let first = 0x80; first < 0x100; first++) {
    pair[0] = first;
    triplet[1] = first;
    for (let second = euc ? 0x80 : 0x30; second < 0x100; second++) {
      pair[1] = second;
      triplet[2] = second;
      if (single[first] === LEAD) double[(first << 8) | second] = orNone(decodeOne(pair, name));
      if (triple !== undefined) triple[(first << 8) | second] = orNone(decodeOne(triplet, name));
    }
  }
  for (const [code, character] of differences(charset)) {
    if (code > 0xffff && triple !== undefined) triple[code & 0xffff] = character;
    else double[code] = character;
  }
  const quadruple = (source: Uint8Array, at: number): number => {
    const text = iconv.decode(Buffer.from(source.subarray(at, at + 4)), name);
    const code = text.codePointAt(0) ?? 0;
    return code === REPLACEMENT || text.length !== (code > 0xffff ? 2 : 1) ? 0 : code;
  };
  return {
    single,
    double,
    ...(triple === undefined ? {} : { triple }),
    ...(charset === 'gb18030' ? { quadruple } : {}),
  };
}

const orNone = (code: number): number => (code === REPLACEMENT ? 0 : code);

/** The one character of the bytes; U+FFFD where they are none or several. */
function decodeOne(bytes: Buffer, name: string): number {
  const text = iconv.decode(bytes, name);
  return text.length === 1 ? text.charCodeAt(0) : REPLACEMENT;
}

function* differences(charset: string): Generator<readonly [code: number, character: number]> {
  for (const run of MULTI_BYTE_DIFFERENCES[charset]?.split(' ') ?? []) {
    const [code = 0, count = 0, character = 0] = run.split(/[+=]/).map(hex => Number.parseInt(hex, 16));
    for (let i = 0; i < count; i++) yield [code + i, character + i];
  }
}
