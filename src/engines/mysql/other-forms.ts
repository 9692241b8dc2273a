import { JsonWriter } from '../../bytes/json-writer.ts';
import { writeTimeOfDay } from '../../values/mysql-text.ts';
import type { ValueWriter } from '../../values/value-writer.ts';
import { NULLED } from '../../values/value-writer.ts';
import type { BinaryForm } from './binary-form.ts';

/** Values in another form than their type's own, because a catalog promises it. */

const QUOTE = 0x22;
const LOWER_N = 0x6e;

/** The JSON value written behind `before` as a string: a number, a word or an array of numbers gets quotes. */
function quote(out: JsonWriter, before: number): void {
  const first = out.bytes[before];
  if (first === QUOTE || first === LOWER_N) return;
  out.reserve(2);
  out.bytes.copyWithin(before + 1, before, out.length);
  out.bytes[before] = QUOTE;
  out.bytes[out.length + 1] = QUOTE;
  out.length += 2;
}

export function quotedText(write: ValueWriter): ValueWriter {
  return (out, source, start, end) => {
    const before = out.length;
    const verdict = write(out, source, start, end);
    quote(out, before);
    return verdict;
  };
}

export function quotedBinary(form: BinaryForm): BinaryForm {
  return (metadata, width) => quotedText(form(metadata, width));
}

/** A TIME that `form` writes as a duration, if it is a time of day; otherwise null. */
export function timeOfDay(form: BinaryForm): BinaryForm {
  return (metadata, width) => {
    const write = form(metadata, width);
    const scratch = new JsonWriter(64);
    return (out, source, start, end) => {
      scratch.clear();
      const verdict = write(scratch, source, start, end);
      if (verdict !== NULLED) return writeTimeOfDay(out, scratch.bytes, 1, scratch.length - 1);
      out.null();
      return verdict;
    };
  };
}
