import { JsonWriter } from '../../../src/bytes/json-writer.ts';
import type { ValueWriter, Verdict } from '../../../src/values/value-writer.ts';

/** What `write` appends to a writer that starts with `capacity` bytes, as text. Fails on output that is not UTF-8. */
export function written(write: (out: JsonWriter) => void, capacity = 64): string {
  const out = new JsonWriter(capacity);
  write(out);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.bytes.subarray(0, out.length));
}

/** A source larger than the value, as on the wire, so that a writer that leaves its bounds is caught. */
export function embed(
  value: Uint8Array | string,
  before = '"\\7',
  after = '"}5\\',
): { source: Buffer; start: number; end: number } {
  const bytes = Buffer.from(value);
  const source = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
  return { source, start: before.length, end: before.length + bytes.length };
}

/** The JSON text and the verdict of one value. */
export function say(writer: ValueWriter, value: Uint8Array | string): { json: string; verdict: Verdict } {
  const { source, start, end } = embed(value);
  const copy = Buffer.from(source);
  let verdict: Verdict = 0;
  const json = written(out => {
    verdict = writer(out, source, start, end);
  });
  if (!copy.equals(source)) throw new Error('the writer changed the borrowed bytes');
  return { json, verdict };
}
