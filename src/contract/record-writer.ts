import { Constant } from '../bytes/constant.ts';
import type { JsonWriter } from '../bytes/json-writer.ts';
import type { Verdict } from '../values/value-writer.ts';
import { NULLED } from '../values/value-writer.ts';
import type { EpochMicros, EpochMillis } from './ids.ts';
import type { RecordTemplate } from './record-template.ts';
import type { Selection } from './table.ts';

/** `r` a row of a snapshot, `c` an insert, `u` an update, `d` a delete: the field's usual letters. */
export type Operation = 'r' | 'c' | 'u' | 'd';

/** Why a value is not in the record as the server has it: the protocol's words. */
export type ChangeReason = 'SOURCE_SERIALIZATION_ERROR' | 'SOURCE_RETRIEVAL_ERROR';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const ZERO = 0x30;
const NINE = 0x39;
const MICROS_PER_SECOND = 1_000_000;
const NO_COLUMNS = Buffer.alloc(0);
const BRACE = Buffer.of(CLOSE_BRACE);

/**
 * Appends whole RECORD lines of one shard to the output that all shards share, and keeps that shard's logical clock.
 *
 * Between `begin` and `end` there is no `await`, so lines of several shards never mix. The ordering key of a record from
 * the log is `max(natural, last + 1)`: for one primary key it never goes backwards, whatever the server's own numbers do.
 */
export class RecordWriter {
  readonly out: JsonWriter;
  /** The last ordering key handed out to the log. It is saved with the position and never goes backwards. */
  clock = 0;

  /** The constant bytes for a table; call it once per table and schema, not per row. */
  readonly template: (selection: Selection) => RecordTemplate;

  readonly #limit: number;
  readonly #now: () => EpochMillis;
  readonly #cursorKey: Constant;
  readonly #shardColumn: Buffer;
  readonly #noOrigin: Buffer;
  #origin: Uint8Array;
  /** `,"_ab_cdc_updated_at":"…","_ab_cdc_deleted_at":` null or the time again: rewritten in place for each transaction. */
  readonly #live: Buffer;
  readonly #dead: Buffer;
  readonly #updatedAt: number;
  readonly #deletedAt: number;
  #emitted: Buffer = NO_COLUMNS;
  #emittedAt = -1;
  #second = Number.NaN;
  #natural = 0;
  #key = 0;
  #deleted = false;
  /** What ends one line and begins the next, as one piece, while that stays the same; null: not put together yet. */
  #tail: Buffer | null = null;
  /** Whose lines `#tail` ends; before it is put together, whose line was the last. */
  #tailOf: RecordTemplate | null = null;
  #tailDeleted = false;
  /** The key that stands in `#tail`, and where its digits do. */
  #tailKey = 0;
  #tailKeyAt = 0;
  #tailKeyEnd = 0;
  #template: RecordTemplate | null = null;
  #lineStart = 0;
  #dataStart = 0;
  #changes: string[] = [];

  /** `shard` is written into every record as `_ab_source_shard`; null when there is only one shard. */
  constructor(
    out: JsonWriter,
    options: {
      readonly cursorColumn: string;
      /** Names of the engine's `originColumns`; null in rows of a snapshot. */
      readonly originColumns: readonly string[];
      readonly shard: string | null;
      readonly limit: number;
      readonly template: (selection: Selection) => RecordTemplate;
      readonly now: () => EpochMillis;
    },
  ) {
    this.out = out;
    this.template = options.template;
    this.#limit = options.limit;
    this.#now = options.now;
    this.#cursorKey = new Constant(`,${JSON.stringify(options.cursorColumn)}:`);
    this.#noOrigin = Buffer.from(options.originColumns.map(name => `,${JSON.stringify(name)}:null`).join(''));
    this.#origin = this.#noOrigin;
    this.#shardColumn = options.shard === null ? NO_COLUMNS : Buffer.from(`,"_ab_source_shard":${JSON.stringify(options.shard)}`);
    const time = '0000-00-00T00:00:00.000000Z';
    const updated = ',"_ab_cdc_updated_at":"';
    const deleted = `${updated}${time}","_ab_cdc_deleted_at":"`;
    this.#live = Buffer.from(`${updated}${time}","_ab_cdc_deleted_at":null`);
    this.#dead = Buffer.from(`${deleted}${time}"`);
    this.#updatedAt = updated.length;
    this.#deletedAt = deleted.length;
    this.stamp();
  }

  /** The buffer holds enough to be sent: yield, so that the core can drain it. */
  get full(): boolean {
    return this.out.length >= this.#limit;
  }

  /** Takes the time for `emitted_at`. Called between records, often enough for a clock of milliseconds to mean something. */
  stamp(): void {
    const now = this.#now();
    if (now === this.#emittedAt) return;
    this.#emittedAt = now;
    this.#emitted = Buffer.from(`,"emitted_at":${now}}}\n`);
    this.#dropTail();
  }

  #dropTail(): void {
    this.#tail = null;
    this.#tailOf = null;
  }

  /** Puts together what stands behind the columns of a record, and in front of those of the next one. */
  #makeTail({ head }: RecordTemplate): Buffer {
    const key = Buffer.from(`${this.#key}`);
    this.#tailKey = this.#key;
    this.#tailKeyAt = this.#cursorKey.length;
    this.#tailKeyEnd = this.#tailKeyAt + key.length;
    const times = this.#deleted ? this.#dead : this.#live;
    return Buffer.concat([this.#cursorKey.bytes, key, times, this.#origin, this.#shardColumn, BRACE, this.#emitted, head.bytes]);
  }

  /** Counts the digits of the key up where they stand; puts the tail together anew where that is not enough. */
  #moveTailKey(tail: Buffer, template: RecordTemplate): Buffer {
    const step = this.#key - this.#tailKey;
    if (step < 0 || step > 9) return this.#makeTail(template);
    this.#tailKey = this.#key;
    let at = this.#tailKeyEnd - 1;
    let digit = (tail[at] ?? ZERO) + step;
    while (digit > NINE && at > this.#tailKeyAt) {
      tail[at] = digit - 10;
      at -= 1;
      digit = (tail[at] ?? ZERO) + 1;
    }
    if (digit > NINE) return this.#makeTail(template);
    tail[at] = digit;
    return tail;
  }

  /**
   * A transaction of the log begins. `natural` is one number for it that does not depend on which server is read. `origin`
   * is JSON for the engine's `originColumns`, each with a comma in front: `,"_ab_cdc_log_pos":4`.
   */
  transaction(natural: number, committedAt: EpochMicros, origin: Uint8Array = NO_COLUMNS): void {
    this.#natural = natural;
    this.#origin = origin;
    this.#setTime(committedAt);
    this.#dropTail();
    this.stamp();
  }

  /**
   * Hands out the next `count` ordering keys; the record that follows gets the last of them. Engines call it for every
   * change in the log, also for those they leave out, so that a replay with other tables hands out the same keys.
   */
  advance(count: number): void {
    const next = this.clock + 1;
    this.clock = Math.max(this.#natural, next) + count - 1;
    this.#key = this.clock;
  }

  /** The record that follows gets the last but `back` of the keys handed out. */
  stepBack(back: number): void {
    this.#key = this.clock - back;
  }

  /** Rows of a snapshot follow: all carry the clock as it stood where the table's log begins. */
  snapshotRows(key: number, readAt: EpochMicros): void {
    this.#key = key;
    this.#origin = this.#noOrigin;
    this.#setTime(readAt);
    this.#dropTail();
    this.stamp();
  }

  /** Starts a line. The caller writes, for each column it has, `out.constant(template.keys[i])` and one value, then calls `end`. */
  begin(template: RecordTemplate, operation: Operation): JsonWriter {
    const out = this.out;
    out.dropOpenLine();
    this.#template = template;
    this.#deleted = operation === 'd';
    this.#lineStart = out.length;
    out.lineStart = out.length;
    out.expected(template.head);
    this.#dataStart = out.length;
    return out;
  }

  /** Notes that the column's value is not as the server has it. */
  change(column: number, verdict: Verdict, reason: ChangeReason): void {
    const field = this.#template?.selection.columns[column]?.name ?? '';
    const change = verdict === NULLED ? 'NULLED' : 'TRUNCATED';
    this.#changes.push(`{"field":${JSON.stringify(field)},"change":"${change}","reason":"${reason}"}`);
  }

  /** Finishes the line: it is final, and counted. */
  end(): void {
    const out = this.out;
    const template = this.#template as RecordTemplate;
    if (template.changes && out.length > this.#dataStart && this.#changes.length === 0) {
      if (this.#tailOf !== template || this.#tailDeleted !== this.#deleted) {
        // Most transactions are over after one record: only behind the second alike it is worth while.
        this.#tail = null;
        this.#tailOf = template;
        this.#tailDeleted = this.#deleted;
      } else {
        this.#tail ??= this.#makeTail(template);
        if (this.#key !== this.#tailKey) this.#tail = this.#moveTailKey(this.#tail, template);
        out.bytes[this.#dataStart] = OPEN_BRACE;
        out.rawWithAhead(this.#tail, template.head);
        this.#count(template);
        return;
      }
    }
    if (template.changes) {
      out.constant(this.#cursorKey);
      out.integer(this.#key);
      out.raw(this.#deleted ? this.#dead : this.#live);
      if (this.#origin.length > 0) out.raw(this.#origin);
    }
    if (this.#shardColumn.length > 0) out.raw(this.#shardColumn);
    if (out.length === this.#dataStart) out.byte(OPEN_BRACE);
    else out.bytes[this.#dataStart] = OPEN_BRACE;
    out.byte(CLOSE_BRACE);
    if (this.#changes.length > 0) {
      out.raw(Buffer.from(`,"meta":{"changes":[${this.#changes.join(',')}]}`));
      this.#changes = [];
    }
    out.raw(this.#emitted);
    this.#count(template);
  }

  #count(template: RecordTemplate): void {
    const out = this.out;
    out.lineStart = -1;
    template.counter.records += 1;
    template.counter.bytes += out.length - this.#lineStart;
    this.#template = null;
  }

  /** Takes back a line that was begun and not ended: no half line ever leaves. Harmless where there is none. */
  abandon(): void {
    if (this.#template === null) return;
    this.out.dropOpenLine();
    this.#template = null;
    this.#changes = [];
  }

  #setTime(micros: EpochMicros): void {
    const second = Math.floor(micros / MICROS_PER_SECOND);
    if (second !== this.#second) {
      this.#second = second;
      const text = new Date(second * 1000).toISOString().slice(0, 19);
      this.#live.write(text, this.#updatedAt, 'latin1');
      this.#dead.write(text, this.#updatedAt, 'latin1');
      this.#dead.write(text, this.#deletedAt, 'latin1');
    }
    let rest = micros - second * MICROS_PER_SECOND;
    for (let digit = 25; digit >= 20; digit--) {
      const value = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
      this.#live[this.#updatedAt + digit] = value;
      this.#dead[this.#updatedAt + digit] = value;
      this.#dead[this.#deletedAt + digit] = value;
    }
  }
}
