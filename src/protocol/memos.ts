/**
 * The small form of memos in a state: those of tables alike are written once, and all of them together are compressed. As
 * long as they are few they stay as they are, for people who look into a state.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import type { JsonObject } from '../contract/ids.ts';

/** Characters that the memos of a state may have together as they are, and one by itself. */
const FEW = 2048;
const FEW_ALONE = 512;
/** Up to here the best compression takes a moment only. */
const SMALL = 64 * 1024;
const BEST = 11;
const QUICK = 5;
/** No state unpacks to more bytes than this. */
const MOST_BYTES = 512 * 1024 * 1024;
const REFERENCE_CHARACTERS = 11;

export interface PackedMemos {
  /** What stands for each memo. */
  readonly reference: (memo: JsonObject) => string;
  readonly packed: string;
}

/** Packs memos; what did not change since the last time costs nothing. */
export class MemoPacker {
  readonly #texts = new WeakMap<JsonObject, { readonly text: string; readonly reference: string }>();
  readonly #alone = new WeakMap<JsonObject, string>();
  #latest = { references: '', packed: '' };

  /** All memos of a state; null: they are few. */
  all(memos: readonly JsonObject[]): PackedMemos | null {
    const texts = new Map<string, string>();
    let characters = 0;
    for (const memo of memos) {
      const { text, reference } = this.#textOf(memo);
      characters += text.length;
      texts.set(reference, text);
    }
    if (characters <= FEW) return null;
    const references = [...texts.keys()].join();
    if (references !== this.#latest.references) this.#latest = { references, packed: pack([...texts.values()]) };
    return { reference: memo => this.#textOf(memo).reference, packed: this.#latest.packed };
  }

  /** One that stands by itself; null: it is short. */
  alone(memo: JsonObject): string | null {
    const { text } = this.#textOf(memo);
    if (text.length <= FEW_ALONE) return null;
    const packed = this.#alone.get(memo) ?? pack([text]);
    this.#alone.set(memo, packed);
    return packed;
  }

  #textOf(memo: JsonObject): { readonly text: string; readonly reference: string } {
    const known = this.#texts.get(memo);
    if (known !== undefined) return known;
    const text = JSON.stringify(memo);
    const made = { text, reference: referenceOf(text) };
    this.#texts.set(memo, made);
    return made;
  }
}

/** Undoes `pack`: memos by their references. Null: it is nothing that was packed. */
export function unpackMemos(packed: string): ReadonlyMap<string, JsonObject> | null {
  try {
    const bytes = brotliDecompressSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES });
    const memos = JSON.parse(bytes.toString('utf8')) as unknown;
    if (!Array.isArray(memos) || !memos.every(isObject)) return null;
    return new Map(memos.map(memo => [referenceOf(JSON.stringify(memo)), memo]));
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
