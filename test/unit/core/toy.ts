/** An engine whose servers live in memory: what the core does with states can be tried a thousand times in a second. */

import * as z from 'zod';
import type { Constant } from '../../../src/bytes/constant.ts';
import type {
  Engine,
  Followed,
  Missed,
  Opened,
  OpenRequest,
  ReplicationEvent,
  Session,
  Shard,
  SnapshotEvent,
  SnapshotRequest,
  StreamRequest,
  Watched,
} from '../../../src/contract/engine.ts';
import { ConnectorError } from '../../../src/contract/errors.ts';
import type { EpochMicros, JsonObject, Position, ShardId, SnapshotCursor, TableId } from '../../../src/contract/ids.ts';
import type { RecordTemplate } from '../../../src/contract/record-template.ts';
import type { Operation, RecordWriter } from '../../../src/contract/record-writer.ts';
import type { Selection, Table } from '../../../src/contract/table.ts';

export const CURSOR_COLUMN = '_ab_cdc_toy';
const CHUNK = 2;

interface Change {
  readonly table: string;
  readonly id: number;
  /** Null: the row was deleted. */
  readonly text: string | null;
  readonly natural: number;
}

/** A database with a log. A position is the number of changes up to there, and whose log it is. */
export class ToyServer {
  readonly tables = new Map<string, Map<number, string>>();
  readonly log: Change[] = [];
  readonly attached: { readonly table: string; readonly id: number }[] = [];
  /** How often the log lacked a change of a table. */
  readonly gaps = new Map<string, number>();
  /** Tables that cannot be followed, for now. */
  readonly unfollowable = new Set<string>();
  /** Changes before that are not in the log any more. */
  purged = 0;
  /** Another one: the log is that of another server. */
  system: string;
  /** Tables whose snapshot the server refuses, from this row on. */
  readonly broken = new Map<string, number>();
  /** Called before each chunk of a snapshot. */
  onChunk: () => void = () => {};
  /** One number for each change, as the ordering keys see it. */
  readonly #natural: () => number;

  constructor(system: string, tables: readonly string[], natural?: () => number) {
    this.system = system;
    for (const name of tables) this.tables.set(name, new Map());
    this.#natural = natural ?? (() => this.log.length + 1);
  }

  get end(): Position {
    return this.at(this.log.length);
  }

  at(place: number): Position {
    return { system: this.system, at: place } as JsonObject as Position;
  }

  set(table: string, id: number, text: string | null): void {
    const rows = this.tables.get(table) as Map<number, string>;
    if (text === null && !rows.has(id)) return;
    if (text === null) rows.delete(id);
    else rows.set(id, text);
    this.log.push({ table, id, text, natural: this.#natural() });
  }

  /** A row comes that is in no log, as with a partition. Such rows have the largest ids, in the order in which they come. */
  attach(table: string, id: number, text: string): void {
    (this.tables.get(table) as Map<number, string>).set(id, text);
    this.attached.push({ table, id });
  }

  /** A change while the log does not have the table. */
  unseen(table: string, id: number, text: string): void {
    (this.tables.get(table) as Map<number, string>).set(id, text);
    this.gaps.set(table, this.gapsOf(table) + 1);
  }

  gapsOf(table: string): number {
    return this.gaps.get(table) ?? 0;
  }

  attachedTo(table: string): readonly number[] {
    return this.attached.filter(row => row.table === table).map(({ id }) => id);
  }

  /** What the ordering keys of a log that begins now begin with. */
  get clock(): number {
    return this.#natural();
  }
}

interface Place {
  readonly system: string;
  readonly at: number;
}
const placeOf = (position: Position): Place => position as unknown as Place;

interface ToyCursor {
  readonly id: number;
  /** These rows alone. */
  readonly only?: readonly number[];
}
const asCursor = (cursor: ToyCursor): SnapshotCursor => cursor as unknown as JsonObject as SnapshotCursor;

class ToyShard implements Shard {
  readonly id: ShardId;
  readonly #server: ToyServer;
  #followed: readonly Followed[] = [];

  constructor(id: string, server: ToyServer) {
    this.id = id as ShardId;
    this.#server = server;
  }

  tables(ids: readonly TableId[]): Promise<readonly Table[]> {
    return Promise.resolve(ids.map(({ name }) => tableOf(name, this.#server)));
  }

  seed(): Promise<Position> {
    return Promise.reject(new Error('not asked for'));
  }

  open({ from, tables }: OpenRequest): Promise<Opened> {
    const { end, system, purged, log } = this.#server;
    const opened = { settled: true, tables, joined: [] };
    if (from === null) return Promise.resolve({ ...opened, from: end, fresh: true });
    const place = placeOf(from);
    if (place.system === system && place.at >= purged && place.at <= log.length) {
      return Promise.resolve({ ...opened, from, fresh: false });
    }
    return Promise.reject(new ConnectorError('POSITION_LOST', `the log of ${system} has no ${JSON.stringify(place)}.`));
  }

  reset(): Promise<void> {
    return Promise.resolve();
  }

  head(): Promise<Position> {
    return Promise.resolve(this.#server.end);
  }

  origin(): Promise<Position> {
    return Promise.resolve(this.#server.end);
  }

  missed(tables: readonly Watched[]): Promise<readonly Missed[]> {
    const missed = tables.flatMap(({ followed, cursor }): readonly Missed[] => {
      const { only } = (cursor ?? {}) as unknown as Partial<ToyCursor>;
      const { name } = followed.selection.table.id;
      const gaps = this.#server.gapsOf(name);
      const attached = this.#server.attachedTo(name);
      const memo = { attached: attached.length, gaps };
      if (Number(followed.memo?.['gaps'] ?? gaps) < gaps) return [{ followed, cursor: null, memo }];
      if (cursor === null || (cursor !== undefined && only === undefined)) return [];
      const come = attached.slice(Number(followed.memo?.['attached'] ?? attached.length));
      if (come.length > 0) return [{ followed, cursor: asCursor({ id: -1, only: [...(only ?? []), ...come] }), memo }];
      followed.memo = memo;
      return [];
    });
    return Promise.resolve(missed);
  }

  covers(reached: Position, target: Position): boolean {
    const [a, b] = [placeOf(reached), placeOf(target)];
    return a.system === b.system && a.at >= b.at;
  }

  clockAt(): number {
    return this.#server.clock;
  }

  meet(a: Position, b: Position): Position {
    if (placeOf(a).system !== placeOf(b).system) {
      throw new ConnectorError('POSITION_LOST', `positions of ${placeOf(a).system} and ${placeOf(b).system}.`);
    }
    return placeOf(a).at <= placeOf(b).at ? a : b;
  }

  async *snapshot({ selection, cursor }: SnapshotRequest, records: RecordWriter): AsyncGenerator<SnapshotEvent, void> {
    const template = records.template(selection);
    const { name } = selection.table.id;
    const { id: first, only } = (cursor ?? { id: -1 }) as unknown as ToyCursor;
    for (let after = first; ; ) {
      await Promise.resolve();
      this.#server.onChunk();
      const rows = [...(this.#server.tables.get(name) ?? [])].sort(([a], [b]) => a - b);
      const chunk = rows.filter(([id]) => id > after && only?.includes(id) !== false).slice(0, CHUNK);
      for (const [id, text] of chunk) {
        if (id >= (this.#server.broken.get(name) ?? Number.POSITIVE_INFINITY)) {
          throw new ConnectorError('STREAM_FAILED', `division by zero in ${name}.`, { table: selection.table.id });
        }
        write(records, template, 'r', id, text);
      }
      if (chunk.length < CHUNK) {
        const followed = this.#followed.find(each => each.selection.table.id.name === name);
        if (followed !== undefined && only === undefined) {
          followed.memo = { ...followed.memo, attached: this.#server.attachedTo(name).length };
        }
        return;
      }
      after = chunk.at(-1)?.[0] ?? after;
      yield { kind: 'chunk', cursor: asCursor({ id: after, ...(only === undefined ? {} : { only }) }) };
    }
  }

  stream(request: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    this.#followed = request.tables;
    for (const each of request.tables) {
      if (each.awaitsOrigin) each.memo = { gaps: this.#server.gapsOf(each.selection.table.id.name) };
    }
    return this.#events(request, records);
  }

  async *#events({ tables, from }: StreamRequest, records: RecordWriter): AsyncGenerator<ReplicationEvent, never> {
    for (let { at } = placeOf(from); ; ) {
      await Promise.resolve();
      const change = this.#server.log[at];
      if (change === undefined) {
        yield { kind: 'heartbeat', position: this.#server.at(at) };
        continue;
      }
      const committedAt = 0 as EpochMicros;
      records.transaction(change.natural, committedAt);
      records.advance(1);
      const followed = tables.find(({ selection }) => selection.table.id.name === change.table);
      if (followed !== undefined && followed.since !== null && placeOf(followed.since).at <= at) {
        write(records, records.template(followed.selection), change.text === null ? 'd' : 'c', change.id, change.text);
      }
      at += 1;
      yield { kind: 'commit', position: this.#server.at(at), committedAt };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function write(records: RecordWriter, template: RecordTemplate, operation: Operation, id: number, text: string | null): void {
  const out = records.begin(template, operation);
  out.constant(template.keys[0] as Constant);
  out.integer(id);
  if (text !== null) {
    out.constant(template.keys[1] as Constant);
    out.string(text);
  }
  records.end();
}

const columns: Selection['columns'] = [
  { name: 'id', type: { kind: 'integer' }, nullable: false },
  { name: 'text', type: { kind: 'string' }, nullable: true },
];

function tableOf(name: string, server: ToyServer): Table {
  return {
    id: { namespace: '', name },
    columns,
    primaryKey: ['id'],
    follow: server.unfollowable.has(name) ? { reason: `${name} cannot be followed.` } : true,
    resumable: true,
    identity: 'toy',
    estimatedRows: server.tables.get(name)?.size ?? 0,
  };
}

/** An engine over these servers, by the names of their shards. */
export function toyEngine(servers: Readonly<Record<string, ToyServer>>): Engine {
  const shards = Object.entries(servers).map(([name, server]) => new ToyShard(name, server));
  const session: Session = {
    check: () => Promise.resolve([]),
    discover: () => {
      const [server] = Object.values(servers);
      const tables = server === undefined ? [] : [...server.tables.keys()].map(name => tableOf(name, server));
      return Promise.resolve({ tables, failures: new Map() });
    },
    shards: () => Promise.resolve(shards),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const connect = (): Promise<Session> => Promise.resolve(session);
  return {
    name: 'toy',
    title: 'Toy',
    config: z.unknown(),
    cursorColumn: CURSOR_COLUMN,
    originColumns: [],
    timeOfClock: () => null,
    connect,
  };
}
