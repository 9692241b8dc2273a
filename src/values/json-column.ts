import { isJson } from '../bytes/json-scan.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from './value-writer.ts';
import { NULLED, REPAIRED, SAID } from './value-writer.ts';

/** Columns that hold JSON text in UTF-8. */

/** As a string that holds the text without white space between tokens. */
export function writeJsonText(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  return out.jsonAsString(source, start, end) ? SAID : REPAIRED;
}

/** As the value itself. Numbers keep their spelling. What is not JSON becomes null. */
export function writeJsonNative(out: JsonWriter, source: Uint8Array, start: number, end: number): Verdict {
  if (!isJson(source, start, end)) {
    out.null();
    return NULLED;
  }
  return out.json(source, start, end) ? SAID : REPAIRED;
}
