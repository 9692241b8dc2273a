/**
 * The small form of what many streams of a state have alike: memos of tables, and places where their logs begin. Each is written
 * once, and all of them together are compressed. As long as they are few they stay as they are, for people who look into a state.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { JsonObject } from '../contract/ids.ts';

/** Characters that such parts of a state may have together as they are, and one by itself. */
const FEW = 2048;
const FEW_ALONE = 512;
/** Up to here the best compression takes a moment only. */
const SMALL = 64 * 1024;
const BEST = 11;
const QUICK = 5;
/** No state unpacks to more bytes than this. */
const MOST_BYTES = 512 * 1024 * 1024;
const REFERENCE_CHARACTERS = 11;

export interface Packed {
  /** What stands for each part. */
  readonly reference: (part: JsonObject) => string;
  readonly packed: string;
}

/** Packs parts of states; what did not change since the last time costs nothing. */
export class Packer {
  readonly #texts = new WeakMap<JsonObject, { readonly text: string; readonly reference: string }>();
  readonly #alone = new WeakMap<JsonObject, string>();
  #latest = { references: '', packed: '' };

  /** All such parts of a state; null: they are few. */
  all(parts: readonly JsonObject[]): Packed | null {
    const texts = new Map<string, string>();
    let characters = 0;
    for (const part of parts) {
      const { text, reference } = this.#textOf(part);
      characters += text.length;
      texts.set(reference, text);
    }
    if (characters <= FEW) return null;
    const references = [...texts.keys()].join();
    if (references !== this.#latest.references) this.#latest = { references, packed: pack([...texts.values()]) };
    return { reference: part => this.#textOf(part).reference, packed: this.#latest.packed };
  }

  /** One that stands by itself; null: it is short. */
  alone(part: JsonObject): string | null {
    const { text } = this.#textOf(part);
    if (text.length <= FEW_ALONE) return null;
    const packed = this.#alone.get(part) ?? pack([text]);
    this.#alone.set(part, packed);
    return packed;
  }

  #textOf(part: JsonObject): { readonly text: string; readonly reference: string } {
    const known = this.#texts.get(part);
    if (known !== undefined) return known;
    const text = JSON.stringify(part);
    const made = { text, reference: referenceOf(text) };
    this.#texts.set(part, made);
    return made;
  }
}

/** Undoes `pack`: parts by their references. Null: it is nothing that was packed. */
export function unpack(packed: string): ReadonlyMap<string, JsonObject> | null {
  try {
    const bytes = brotliDecompressSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES });
    const parts = JSON.parse(bytes.toString('utf8')) as unknown;
    if (!Array.isArray(parts) || !parts.every(isObject)) return null;
    return new Map(parts.map(part => [referenceOf(JSON.stringify(part)), part]));
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const referenceOf = (text: string): string =>
  createHash('sha256').update(text).digest('base64url').slice(0, REFERENCE_CHARACTERS);

function pack(texts: readonly string[]): string {
  const bytes = Buffer.from(`[${texts.join()}]`);
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: bytes.length <= SMALL ? BEST : QUICK,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params }).toString('base64');
}
