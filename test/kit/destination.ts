import { streamStates } from './catalog.ts';
import type { ConfiguredCatalog, Json, Message } from './messages.ts';
import { exactData, streamKey } from './messages.ts';
import type { RunResult } from './run-connector.ts';

/** A row as the database has it, in the words of a record: see `TestDatabase.rows`. */
export type Row = Readonly<Record<string, Json>>;

interface Kept {
  /** The ordering key. */
  readonly order: bigint;
  readonly deleted: boolean;
  readonly data: Row;
}

const parsed = new WeakMap<RunResult, Map<number, Row>>();

/** The `data` of the RECORD in a line of a run, exact. Kept, for two destinations take in the same run. */
const exactOf = (run: RunResult, index: number): Row => {
  const known = parsed.get(run) ?? new Map<number, Row>();
  parsed.set(run, known);
  const data = known.get(index) ?? exactData(run.lines[index] ?? '');
  known.set(index, data);
  return data;
};

class StreamTable {
  readonly key: readonly string[];
  readonly columns: readonly string[];
  rows = new Map<string, Kept>();
  /** Ordering keys that records of several primary keys carried: those of snapshots, for a change has one of its own. */
  readonly shared = new Set<bigint>();
  readonly owner = new Map<bigint, string>();
  smallest: bigint | null = null;

  constructor(key: readonly string[], columns: readonly string[]) {
    this.key = key;
    this.columns = columns;
  }
}

/**
 * A model of a deduplicating destination ("Incremental | Append + Deduped"): for each primary key it keeps the record
 * with the largest ordering key, of equals the later one; a record whose `_ab_cdc_deleted_at` is set is a deletion.
 *
 * What happens when a run is killed differs between destinations, so a kill run keeps two: one that was given every
 * line printed (`lines` = all), and one that commits only up to the STATE that the platform stored and never saw the
 * rest (`lines` = up to and with that STATE). Both must come to equal the database.
 */
export class Destination {
  /** Ordering keys that went backwards for a primary key. Only meaningful where lines after the stored STATE are left out. */
  get backwards(): readonly string[] {
    // Whether a key is that of a snapshot is known for sure only when a second row has carried it.
    return this.#falls.filter(({ table, order }) => !table.shared.has(order)).map(({ text }) => text);
  }
  readonly #falls: { readonly table: StreamTable; readonly order: bigint; readonly text: string }[] = [];
  #streams = new Map<string, StreamTable>();
  #names = new Map<string, StreamTable>();
  readonly #orderColumn: string;

  constructor(catalog: ConfiguredCatalog, orderColumn: string) {
    this.#orderColumn = orderColumn;
    this.configure(catalog);
  }

  /** The catalog changed: streams that left are dropped, new ones are empty, the others keep their rows. */
  configure(catalog: ConfiguredCatalog): void {
    const before = this.#names;
    this.#streams = new Map();
    this.#names = new Map();
    for (const { stream } of catalog.streams) {
      const key = (stream.source_defined_primary_key ?? []).map(path => path.join('.'));
      const columns = Object.keys(stream.json_schema.properties).filter(name => !name.startsWith('_ab_'));
      const table = new StreamTable(key, columns);
      for (const [id, kept] of before.get(stream.name)?.rows ?? []) table.rows.set(id, kept);
      this.#streams.set(streamKey(stream, stream.name), table);
      this.#names.set(stream.name, table);
    }
  }

  copy(catalog: ConfiguredCatalog): Destination {
    const copy = new Destination(catalog, this.#orderColumn);
    copy.#names = this.#names;
    copy.configure(catalog);
    return copy;
  }

  /** Takes in the first `lines` lines of a run. */
  apply(run: RunResult, lines = run.lines.length): void {
    for (let index = 0; index < lines; index++) {
      const message: Message | null = run.messages[index] ?? null;
      if (message?.record === undefined) continue;
      const table = this.#streams.get(streamKey(message.record, message.record.stream));
      if (table === undefined) throw new Error(`a record of ${message.record.stream}, which the destination does not know`);
      this.#keep(table, message.record.stream, exactOf(run, index));
    }
  }

  /** The user cleared a stream: the destination forgets it. */
  clear(name: string): void {
    this.#table(name).rows.clear();
  }

  /** How the stream's rows differ from the database's; empty when they are the same. At most `limit` are named. */
  differences(name: string, expected: readonly Row[], limit = 10): string[] {
    const table = this.#table(name);
    const found: string[] = [];
    const left = new Map([...table.rows].filter(([, kept]) => !kept.deleted));
    for (const row of expected) {
      const key = keyOf(table, row);
      const kept = left.get(key);
      left.delete(key);
      if (kept === undefined) {
        const gone = table.rows.get(key);
        found.push(`${name} ${key} is missing${gone === undefined ? '' : ` (deleted at ${gone.order})`}: ${brief(row)}`);
        continue;
      }
      for (const column of table.columns) {
        if (JSON.stringify(kept.data[column]) === JSON.stringify(row[column])) continue;
        found.push(`${name} ${key} ${column}: ${brief(kept.data[column])} (order ${kept.order}), database ${brief(row[column])}`);
      }
    }
    for (const [key, kept] of left) found.push(`${name} ${key} is too many (order ${kept.order}): ${brief(kept.data)}`);
    return found.length <= limit ? found : [...found.slice(0, limit), `… ${found.length} differences in all`];
  }

  rowCount(name: string): number {
    return [...this.#table(name).rows.values()].filter(kept => !kept.deleted).length;
  }

  #table(name: string): StreamTable {
    const table = this.#names.get(name);
    if (table === undefined) throw new Error(`no stream ${name} in the catalog`);
    return table;
  }

  #keep(table: StreamTable, name: string, data: Row): void {
    if (table.key.length === 0) throw new Error(`${name} has no primary key: nothing can be deduplicated`);
    const key = keyOf(table, data);
    const text = data[this.#orderColumn];
    if (typeof text !== 'string' || !/^\0\d+$/.test(text)) throw new Error(`${name}: ordering key is ${JSON.stringify(text)}`);
    const order = BigInt(text.slice(1));
    this.#noteOrder(table, name, key, order);
    const before = table.rows.get(key);
    if (before !== undefined && order < before.order) return;
    table.rows.set(key, { order, deleted: (data['_ab_cdc_deleted_at'] ?? null) !== null, data });
  }

  /**
   * For one primary key the ordering key may fall only to one that it had before: a change repeated, since the run before
   * ended in the middle of its transaction, with its first records in front of the last STATE; or to that of a snapshot,
   * printed again while the log, followed between its chunks, has already said more about a row that moved.
   */
  #noteOrder(table: StreamTable, name: string, key: string, order: bigint): void {
    const owner = table.owner.get(order);
    if (owner === undefined) table.owner.set(order, key);
    else if (owner !== key) table.shared.add(order);
    if (table.smallest === null || order < table.smallest) table.smallest = order;
    const before = table.rows.get(key);
    const repeated = owner === key;
    if (before === undefined || order >= before.order || order === table.smallest || table.shared.has(order) || repeated) return;
    this.#falls.push({ table, order, text: `${name} ${key}: ordering key ${order} after ${before.order}` });
  }
}

const keyOf = (table: StreamTable, data: Row): string => JSON.stringify(table.key.map(column => data[column] ?? null));

const brief = (value: unknown): string => {
  const text = JSON.stringify(value)?.replaceAll('\\u0000', '') ?? 'undefined';
  return text.length <= 200 ? text : `${text.slice(0, 100)}…${text.slice(-60)} (${text.length} characters)`;
};

/** Index of the line behind the `ordinal`-th STATE of a run: what a destination has committed when that one is stored. */
export const linesUpToState = (run: RunResult, ordinal: number): number => {
  let seen = -1;
  for (const [index, message] of run.messages.entries()) {
    if (message?.state !== undefined && ++seen === ordinal) return index + 1;
  }
  return 0;
};

/** The rows of a full refresh: every record of the stream in the order printed, without the added columns. */
export const rowsOf = (run: RunResult, name: string): Row[] =>
  exactRecords(run, name).map(data => Object.fromEntries(Object.entries(data).filter(([column]) => !column.startsWith('_ab_'))));

/** How two bags of rows differ, whatever their order; empty when they are the same. */
export const bagDifferences = (actual: readonly Row[], expected: readonly Row[], limit = 10): string[] => {
  const text = (row: Row): string => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
  const counts = new Map<string, number>();
  for (const row of expected) counts.set(text(row), (counts.get(text(row)) ?? 0) + 1);
  for (const row of actual) counts.set(text(row), (counts.get(text(row)) ?? 0) - 1);
  const wrong = [...counts].filter(([, count]) => count !== 0);
  return wrong.slice(0, limit).map(([row, count]) => `${count > 0 ? 'missing' : 'too many'} ${Math.abs(count)} × ${brief(row)}`);
};

/** The phase that a STATE gives a stream: `snapshot`, `streaming`, `refresh`, `refreshed`, or null when it says nothing. */
export const phaseOf = (states: RunResult['states'], name: string): string | null => {
  const shards = (streamStates(states.slice(-1)).get(name) as { shards?: Record<string, { phase?: string }> } | undefined)
    ?.shards;
  return Object.values(shards ?? {})[0]?.phase ?? null;
};

/** The `data` of every record of a stream, exact, in the order printed. */
export const exactRecords = (run: RunResult, name: string): Row[] =>
  run.lines.flatMap((_, index) => (run.messages[index]?.record?.stream === name ? [exactOf(run, index)] : []));
