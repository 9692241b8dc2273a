/** Where a text is not what it should be: a 0-based place in it, and what was expected there. */
export interface TextProblem {
  readonly at: number;
  readonly expected: string;
}

/**
 * Transactions of one source: `[start, end, start, end, …]`, sorted, `end` exclusive, neither touching nor overlapping.
 * Numbers are exact: those beyond 2^53 are refused where they come in.
 */
type Intervals = number[];

const UUID = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/iy;
const TAG = /[a-z_][a-z0-9_]{0,31}/iy;
const NUMBER = /[0-9]+/y;
const SPACE = /[\s]*/y;
const UUID_BYTES = 16;
const UUID_TEXT = 36;
/** First and last byte of the count when the set is written with tags (rpl_gtid_set.cc, `encode_nsids_format`). */
const TAGGED_FORMAT = 1;
const COUNT_BYTES = 8;
const INTERVAL_BYTES = 16;

/**
 * A set of MySQL transaction identifiers, as `@@gtid_executed` has it: for each source UUID, and each tag of it
 * (MySQL 8.3), the numbers seen, with their holes. Reference Manual, "GTID Format and Storage", "GTID Sets".
 */
export class GtidSet {
  /** By `uuid` or `uuid:tag`, lower case, as they came; sorted when they go out. No entry is empty. */
  readonly #sources: Map<string, Intervals>;
  /** The text around the last number of the source that grows, while only that one does. */
  #grows = '';
  #head = '';
  #tail = '';
  #first = 0;
  #last = 0;

  private constructor(sources: Map<string, Intervals>) {
    this.#sources = sources;
  }

  static empty(): GtidSet {
    return new GtidSet(new Map());
  }

  /**
   * Reads `uuid[:tag][:first[-last]]…[,…]` with white space and line breaks anywhere between its parts, as the server
   * prints and accepts it. Empty text is the empty set.
   */
  static parse(text: string): GtidSet | TextProblem {
    return new GtidSetReader(text).read();
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** Sources (`uuid` or `uuid:tag`) with a transaction in it, sorted. */
  get sources(): readonly string[] {
    return [...this.#sources.keys()].sort();
  }

  clone(): GtidSet {
    const sources = new Map<string, Intervals>();
    for (const [source, intervals] of this.#sources) sources.set(source, [...intervals]);
    return new GtidSet(sources);
  }

  has(source: string, gno: number): boolean {
    const intervals = this.#sources.get(source);
    if (intervals === undefined) return false;
    const index = firstEndBeyond(intervals, gno);
    const start = intervals[index];
    return start !== undefined && start <= gno;
  }

  /**
   * Adds one transaction; `source` is `uuid` or `uuid:tag` in lower case. Quick for the number that follows the greatest,
   * as a log has them.
   */
  add(source: string, gno: number): void {
    const intervals = this.#sources.get(source);
    if (intervals !== undefined && intervals[intervals.length - 1] === gno) {
      intervals[intervals.length - 1] = gno + 1;
      if (this.#grows === source) this.#last = gno;
      else this.#grows = '';
      return;
    }
    this.addRange(source, gno, gno);
  }

  /** Adds `first` to `last`, both included. */
  addRange(source: string, first: number, last: number): void {
    this.#grows = '';
    const known = this.#sources.get(source);
    if (known === undefined) this.#sources.set(source, [first, last + 1]);
    else insert(known, first, last + 1);
  }

  /** Whether every transaction of `other` is in this one. */
  contains(other: GtidSet): boolean {
    for (const [source, intervals] of other.#sources) {
      const own = this.#sources.get(source);
      if (own === undefined || !includes(own, intervals)) return false;
    }
    return true;
  }

  equals(other: GtidSet): boolean {
    return this.contains(other) && other.contains(this);
  }

  intersect(other: GtidSet): GtidSet {
    return this.#combine(other, (own, others) => common(own, others));
  }

  subtract(other: GtidSet): GtidSet {
    return this.#combine(other, (own, others) => without(own, others));
  }

  union(other: GtidSet): GtidSet {
    const result = this.clone();
    for (const [source, intervals] of other.#sources) {
      for (let index = 0; index < intervals.length; index += 2) {
        result.addRange(source, intervals[index] ?? 0, (intervals[index + 1] ?? 0) - 1);
      }
    }
    return result;
  }

  /** As the server prints it, without its line breaks: sources sorted, the tags of a UUID behind it. */
  toString(): string {
    return this.#grows === '' ? this.#format('') : this.#grown();
  }

  /**
   * As `toString`, for a set that grows at the end of `source` and is printed after each transaction: the text around
   * the growing number is kept, so that it costs the same however long the set is.
   */
  textGrowingAt(source: string): string {
    if (this.#grows !== source) {
      this.#format(source);
      this.#grows = source;
    }
    return this.#grown();
  }

  /**
   * The bytes of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS (rpl_gtid_set.cc, `Gtid_set::encode`): a count, then for each
   * source its UUID, its tag where the set has tags at all, its number of intervals, and they, `end` exclusive, all
   * little-endian.
   */
  encode(): Uint8Array {
    const sources = this.sources;
    const tagged = sources.some(source => source.length > UUID_TEXT);
    let size = COUNT_BYTES;
    for (const source of sources) {
      size += UUID_BYTES + COUNT_BYTES + ((this.#sources.get(source)?.length ?? 0) / 2) * INTERVAL_BYTES;
      if (tagged) size += 1 + tagOf(source).length;
    }
    const bytes = Buffer.alloc(size);
    if (tagged) {
      bytes.writeUIntLE(sources.length, 1, 6);
      bytes[0] = TAGGED_FORMAT;
      bytes[7] = TAGGED_FORMAT;
    } else {
      writeUint64(bytes, 0, sources.length);
    }
    let at = COUNT_BYTES;
    for (const source of sources) {
      const intervals = this.#sources.get(source) ?? [];
      at += bytes.write(source.slice(0, UUID_TEXT).replaceAll('-', ''), at, 'hex');
      if (tagged) {
        const tag = tagOf(source);
        // A variable-length integer of the server's serialization library: one byte, doubled, up to 63.
        bytes[at] = tag.length * 2;
        at += 1 + bytes.write(tag, at + 1, 'latin1');
      }
      writeUint64(bytes, at, intervals.length / 2);
      at += COUNT_BYTES;
      for (const number of intervals) {
        writeUint64(bytes, at, number);
        at += 8;
      }
    }
    return bytes;
  }

  #combine(other: GtidSet, operation: (own: Intervals, others: Intervals) => Intervals): GtidSet {
    const result = new Map<string, Intervals>();
    for (const [source, intervals] of this.#sources) {
      const rest = operation(intervals, other.#sources.get(source) ?? []);
      if (rest.length > 0) result.set(source, rest);
    }
    return new GtidSet(result);
  }

  /** The whole text. Keeps what stands before and behind the last number of `growing`. */
  #format(growing: string): string {
    let text = '';
    let uuid = '';
    for (const source of this.sources) {
      const own = source.slice(0, UUID_TEXT);
      if (own === uuid) text += `:${tagOf(source)}`;
      else text += `${text === '' ? '' : ','}${source}`;
      uuid = own;
      const intervals = this.#sources.get(source) ?? [];
      for (let index = 0; index < intervals.length; index += 2) {
        const first = intervals[index] ?? 0;
        const last = (intervals[index + 1] ?? 0) - 1;
        if (source === growing && index === intervals.length - 2) {
          this.#head = text;
          this.#first = first;
          this.#last = last;
          text = '';
        } else {
          text += interval(first, last);
        }
      }
    }
    if (growing !== '') this.#tail = text;
    return text;
  }

  #grown(): string {
    return this.#head + interval(this.#first, this.#last) + this.#tail;
  }
}

const interval = (first: number, last: number): string => (first === last ? `:${first}` : `:${first}-${last}`);

const tagOf = (source: string): string => source.slice(UUID_TEXT + 1);

function writeUint64(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32LE(value % 4_294_967_296, at);
  bytes.writeUInt32LE(Math.floor(value / 4_294_967_296), at + 4);
}

/** Index of the first interval whose end lies beyond `value`; `intervals.length` when there is none. */
function firstEndBeyond(intervals: Intervals, value: number): number {
  let low = 0;
  let high = intervals.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((intervals[middle * 2 + 1] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low * 2;
}

function insert(intervals: Intervals, start: number, end: number): void {
  // The first that touches or lies behind, then all that touch: they become one.
  const from = firstEndBeyond(intervals, start - 1);
  let first = start;
  let last = end;
  let to = from;
  while (to < intervals.length && (intervals[to] ?? 0) <= end) {
    first = Math.min(first, intervals[to] ?? 0);
    last = Math.max(last, intervals[to + 1] ?? 0);
    to += 2;
  }
  intervals.splice(from, to - from, first, last);
}

function includes(own: Intervals, others: Intervals): boolean {
  for (let index = 0; index < others.length; index += 2) {
    const start = others[index] ?? 0;
    const at = firstEndBeyond(own, start);
    const from = own[at];
    if (from === undefined || from > start || (own[at + 1] ?? 0) < (others[index + 1] ?? 0)) return false;
  }
  return true;
}

function common(own: Intervals, others: Intervals): Intervals {
  const result: Intervals = [];
  let left = 0;
  let right = 0;
  while (left < own.length && right < others.length) {
    const start = Math.max(own[left] ?? 0, others[right] ?? 0);
    const ownEnd = own[left + 1] ?? 0;
    const otherEnd = others[right + 1] ?? 0;
    const end = Math.min(ownEnd, otherEnd);
    if (start < end) result.push(start, end);
    if (ownEnd <= otherEnd) left += 2;
    else right += 2;
  }
  return result;
}

function without(own: Intervals, others: Intervals): Intervals {
  const result: Intervals = [];
  let right = 0;
  for (let left = 0; left < own.length; left += 2) {
    let start = own[left] ?? 0;
    const end = own[left + 1] ?? 0;
    while (right < others.length && (others[right + 1] ?? 0) <= start) right += 2;
    for (let at = right; at < others.length && (others[at] ?? 0) < end && start < end; at += 2) {
      const hole = others[at] ?? 0;
      if (hole > start) result.push(start, hole);
      start = Math.max(start, others[at + 1] ?? 0);
    }
    if (start < end) result.push(start, end);
  }
  return result;
}

class GtidSetReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): GtidSet | TextProblem {
    const set = GtidSet.empty();
    for (;;) {
      this.#match(SPACE);
      if (this.#at === this.#text.length) return set;
      // The server takes empty elements: `,` at the end, `,,` in between.
      if (this.#take(',')) continue;
      const problem = this.#source(set);
      if (problem !== null) return problem;
      if (this.#at < this.#text.length && !this.#take(',')) return this.#expected('"," or ":" or the end');
    }
  }

  #source(set: GtidSet): TextProblem | null {
    const uuid = this.#match(UUID)?.toLowerCase().replaceAll('-', '');
    if (uuid === undefined || /[0-9a-f]/i.test(this.#text[this.#at] ?? '')) {
      return this.#expected('a source UUID such as 3e11fa47-71ca-11e1-9e33-c80aa9429562');
    }
    const dashed = `${uuid.slice(0, 8)}-${uuid.slice(8, 12)}-${uuid.slice(12, 16)}-${uuid.slice(16, 20)}-${uuid.slice(20)}`;
    let source = dashed;
    let parts = 0;
    for (; this.#take(':'); parts++) {
      const tag = this.#match(TAG);
      if (tag !== null) {
        source = `${dashed}:${tag.toLowerCase()}`;
        continue;
      }
      const problem = this.#interval(set, source);
      if (problem !== null) return problem;
    }
    return parts === 0 ? this.#expected('":" and transaction numbers') : null;
  }

  #interval(set: GtidSet, source: string): TextProblem | null {
    const start = this.#at;
    const first = this.#number();
    if (first === null) return this.#expected('a transaction number from 1 to 9007199254740991, or a tag');
    if (!this.#take('-')) {
      set.addRange(source, first, first);
      return null;
    }
    const last = this.#number();
    if (last === null) return this.#expected('the last number of the range');
    if (last < first) return { at: start, expected: 'a range that does not run backwards' };
    set.addRange(source, first, last);
    return null;
  }

  /** Null, and nothing taken: no number, zero, or one that a double does not hold together with its successor. */
  #number(): number | null {
    const from = this.#at;
    const value = Number(this.#match(NUMBER) ?? '0');
    if (value >= 1 && value < Number.MAX_SAFE_INTEGER) return value;
    this.#at = from;
    return null;
  }

  #take(character: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    this.#match(SPACE);
    return true;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[0];
  }

  #expected(expected: string): TextProblem {
    return { at: this.#at, expected };
  }
}
