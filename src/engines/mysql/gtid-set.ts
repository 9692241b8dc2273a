import type { Intervals } from './gtid-intervals.ts';
import { common, firstEndBeyond, includes, insert, without } from './gtid-intervals.ts';
import type { TextProblem } from './gtid-text.ts';
import { readGtidSet } from './gtid-text.ts';

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
    const set = GtidSet.empty();
    return readGtidSet(text, (source, first, last) => set.addRange(source, first, last)) ?? set;
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
      else text += `${uuid === '' ? '' : ','}${source}`;
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
