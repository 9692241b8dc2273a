import { JsonWriter } from '../bytes/json-writer.ts';
import { allow, putString, putValue, sayText } from './mysql-json.ts';
import { containerEnd, isContainer, isLarge, isObject, keyEntry, size, valueEntry, valueStart } from './mysql-json-form.ts';
import type { Verdict } from './value-writer.ts';

/**
 * Partial updates of JSON columns (`binlog_row_value_options=PARTIAL_JSON`): a row image has differences in place of the new
 * document (`json_diff.h`, `Json_diff_vector::write_binary`). Each is an operation, a path, and for two of the three a value.
 */

const REPLACE = 0;
const INSERT = 1;
const REMOVE = 2;
const MAX_DEPTH = 200;

/** A value of a document: a place in bytes, or, once something inside it has to change, its members or items. */
interface Node {
  readonly type: number;
  readonly source: Uint8Array;
  readonly at: number;
  readonly end: number;
  /** Members of an object, sorted as the server does: by the length of the key, then by its bytes. */
  members?: [key: Buffer, value: Node][];
  items?: Node[];
}

/** A step of a path: a member's key or an item's place. */
type Leg = Buffer | number;

/** What `writeJsonDiff` returns where the differences do not fit the document. */
export const UNFIT = -1;

/**
 * Writes the document that comes of applying `diffs[diffsStart, diffsEnd)` to the binary document `before[start, end)`, as
 * a JSON column. Both are without the length that stands in front of them. UNFIT, and nothing written, where they do not
 * fit each other or are malformed.
 */
export function writeJsonDiff(
  out: JsonWriter,
  native: boolean,
  before: Uint8Array,
  start: number,
  end: number,
  diffs: Uint8Array,
  diffsStart: number,
  diffsEnd: number,
): Verdict | typeof UNFIT {
  if (start >= end) return UNFIT;
  const root = applyAll({ type: before[start] ?? 0, source: before, at: start + 1, end }, diffs, diffsStart, diffsEnd);
  if (root === null) return UNFIT;
  const text = new JsonWriter(end - start + diffsEnd - diffsStart + 64);
  allow(end - start + diffsEnd - diffsStart);
  if (!put(text, root, 0)) return UNFIT;
  return sayText(out, native, scratch => {
    scratch.digits(text.bytes, 0, text.length);
    return true;
  });
}

function applyAll(document: Node, diffs: Uint8Array, start: number, end: number): Node | null {
  let root = document;
  let at = start;
  while (at < end) {
    const operation = diffs[at] ?? 0;
    const path = lengthEncoded(diffs, at + 1, end);
    if (operation > REMOVE || path === null) return null;
    const legs = parsePath(Buffer.from(diffs.subarray(path.start, path.end)).toString());
    if (legs === null) return null;
    at = path.end;
    let value: Node | null = null;
    if (operation !== REMOVE) {
      const bytes = lengthEncoded(diffs, at, end);
      if (bytes === null || bytes.start === bytes.end) return null;
      value = { type: diffs[bytes.start] ?? 0, source: diffs, at: bytes.start + 1, end: bytes.end };
      at = bytes.end;
    }
    const last = legs.pop();
    if (last === undefined) {
      if (operation !== REPLACE || value === null) return null;
      root = value;
    } else {
      const parent = find(root, legs);
      if (parent === null || !expand(parent) || !change(parent, last, operation, value)) return null;
    }
  }
  return root;
}

function find(root: Node, legs: readonly Leg[]): Node | null {
  let node = root;
  for (const leg of legs) {
    if (!expand(node)) return null;
    const next = typeof leg === 'number' ? node.items?.[leg] : node.members?.find(([key]) => key.equals(leg))?.[1];
    if (next === undefined) return null;
    node = next;
  }
  return node;
}

/** Changes one member or item of an expanded node; false where it is not there, or is there already. */
function change(parent: Node, leg: Leg, operation: number, value: Node | null): boolean {
  if (typeof leg === 'number') {
    const { items } = parent;
    if (items === undefined || (operation !== INSERT && leg >= items.length)) return false;
    // As JSON_ARRAY_INSERT does it: beyond the end means at the end.
    items.splice(leg, operation === INSERT ? 0 : 1, ...(value === null ? [] : [value]));
    return true;
  }
  const { members } = parent;
  if (members === undefined) return false;
  const at = members.findIndex(([key]) => key.equals(leg));
  if (at < 0 === (operation !== INSERT)) return false;
  if (operation === REMOVE) members.splice(at, 1);
  if (value !== null && operation === REPLACE) members[at] = [leg, value];
  if (value !== null && operation === INSERT) {
    const place = members.findIndex(([key]) => key.length > leg.length || (key.length === leg.length && key.compare(leg) > 0));
    members.splice(place < 0 ? members.length : place, 0, [leg, value]);
  }
  return true;
}

/** Finds the members or items of a container; false where it is none or malformed. */
function expand(node: Node): boolean {
  if (node.members !== undefined || node.items !== undefined) return true;
  const { type, source, at } = node;
  const end = isContainer(type) ? containerEnd(source, at, node.end, type) : -1;
  if (end < 0) return false;
  const large = isLarge(type);
  const count = size(source, at, large);
  const values = Array.from({ length: count }, (_, i): Node => {
    const entry = valueEntry(at, i, count, type);
    return { type: source[entry] ?? 0, source, at: valueStart(source, at, entry, large), end };
  });
  if (!isObject(type)) {
    node.items = values;
    return true;
  }
  const members: [Buffer, Node][] = [];
  for (const [i, value] of values.entries()) {
    const entry = keyEntry(at, i, type);
    const key = at + size(source, entry, large);
    const keyEnd = key + size(source, entry + (large ? 4 : 2), false);
    if (keyEnd > end) return false;
    members.push([Buffer.from(source.subarray(key, keyEnd)), value]);
  }
  node.members = members;
  return true;
}

function put(out: JsonWriter, node: Node, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (node.members !== undefined) {
    for (const [i, [key, value]] of node.members.entries()) {
      out.byte(i === 0 ? 0x7b : 0x2c);
      putString(out, key, 0, key.length);
      out.byte(0x3a);
      if (!put(out, value, depth + 1)) return false;
    }
    if (node.members.length === 0) out.byte(0x7b);
    out.byte(0x7d);
    return true;
  }
  if (node.items !== undefined) {
    for (const [i, value] of node.items.entries()) {
      out.byte(i === 0 ? 0x5b : 0x2c);
      if (!put(out, value, depth + 1)) return false;
    }
    if (node.items.length === 0) out.byte(0x5b);
    out.byte(0x5d);
    return true;
  }
  return putValue(out, node.source, node.at, node.end, node.type, depth);
}

/** Bytes with their length in front: one byte below 251, or 252, 253, 254 and two, three, eight bytes. */
function lengthEncoded(source: Uint8Array, at: number, end: number): { readonly start: number; readonly end: number } | null {
  const first = source[at] ?? 255;
  const width = first < 251 ? 0 : first === 252 ? 2 : first === 253 ? 3 : first === 254 ? 8 : -1;
  if (width < 0 || at + 1 + width > end) return null;
  let length = width === 0 ? first : 0;
  for (let i = width; i > 0; i--) length = length * 256 + (source[at + i] ?? 0);
  const start = at + 1 + width;
  return start + length <= end ? { start, end: start + length } : null;
}

const STEP = /\.(?:"((?:[^"\\]|\\.)*)"|([^.[\]"]+))|\[(\d{1,9})\]/gsy;

/** A path as the server writes it: `$`, then `.name`, `."any name"`, `[7]`. Null for anything else. */
function parsePath(path: string): Leg[] | null {
  if (!path.startsWith('$')) return null;
  const legs: Leg[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (match === null) return null;
    const [, quoted, name, index] = match;
    if (index !== undefined) legs.push(Number(index));
    else if (name !== undefined) legs.push(Buffer.from(name));
    else {
      const key = unquote(quoted ?? '');
      if (key === null) return null;
      legs.push(Buffer.from(key));
    }
  }
  return legs;
}

function unquote(inside: string): string | null {
  try {
    return JSON.parse(`"${inside}"`) as string;
  } catch {
    return null;
  }
}
