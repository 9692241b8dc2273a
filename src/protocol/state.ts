/**
 * Checkpoint ⇄ the JSON of STATE messages. The only place that knows the shape, and where old versions will be moved to
 * the present one.
 *
 *     GLOBAL  shared_state { version, engine, shards: { <shard>: { position, clock } }, packed }
 *             stream_state { version, shards: { <shard>: { identity, phase, … } } }
 *     STREAM  stream_state { version, engine, shards: { <shard>: { identity, phase, …, position, clock } } }
 *
 * Within a GLOBAL state a stream has positions of its own, as in a STREAM state, for shards that shared_state does not have.
 * Both forms are read, whatever the configuration asks to be written. Positions, cursors and memos are opaque here.
 *
 * What many streams have alike (`memo`, `as_of`, `since`) stands in each as long as it is little; else as `memo_ref` and so on, which is one of
 * shared_state's `packed`, or, in a STREAM state, as `memo_packed`: see `packing.ts`.
 */
import { ConnectorError } from '../contract/errors.ts';
import type { Json, JsonObject, Position, ShardId, SnapshotCursor, TableId } from '../contract/ids.ts';
import { tableKey, tableLabel } from '../contract/ids.ts';
import { describeFlaw, parseJson } from './json-text.ts';
import type { AirbyteState, AirbyteStreamState } from './messages.ts';
import { descriptor } from './messages.ts';
import { type Packer, unpack } from './packing.ts';
import { StateReader } from './state-reader.ts';

export const STATE_VERSION = 1;

/** How far a shard's log has been read. `clock` is the last ordering key that was handed out up to `position`. */
export interface ShardCheckpoint {
  readonly position: Position;
  readonly clock: number;
}

/** How far one table has come within one shard. */
export type TablePhase =
  /** A snapshot that the log follows is under way. `key` is the ordering key of all its rows; null `asOf`: not begun. */
  | { readonly phase: 'snapshot'; readonly cursor: SnapshotCursor | null; readonly asOf: Position | null; readonly key: number }
  /** The snapshot is complete. `since`: changes up to there are in it; null once the shard's position covers that. */
  | { readonly phase: 'streaming'; readonly since: Position | null }
  /** A full refresh without the log is under way, begun in the named job where there is a name. */
  | { readonly phase: 'refresh'; readonly cursor: SnapshotCursor | null; readonly job: string | null }
  /** A full refresh is complete, within the named job where there is a name. */
  | { readonly phase: 'refreshed'; readonly job: string | null };

/**
 * `identity` is that of the table (`Table.identity`) when the phase was noted: another one means another table. `memo` is
 * what the engine must remember of it (`Followed.memo`).
 */
export type TableShard = TablePhase & { readonly identity: string; readonly memo?: JsonObject };

export interface TableCheckpoint {
  readonly id: TableId;
  readonly shards: Map<ShardId, TableShard>;
}

export interface Checkpoint {
  /** One position for all tables of a shard. Empty for STREAM states. */
  readonly shards: Map<ShardId, ShardCheckpoint>;
  /** By `tableKey`. */
  readonly tables: Map<string, TableCheckpoint>;
  /** Each table's own position, by `tableKey`, in shards that `shards` does not have. */
  readonly streams: Map<string, Map<ShardId, ShardCheckpoint>>;
}

export const emptyCheckpoint = (): Checkpoint => ({ shards: new Map(), tables: new Map(), streams: new Map() });

/** One state for all streams. */
export function globalState(engine: string, checkpoint: Checkpoint, packer: Packer): AirbyteState {
  const phases = [...checkpoint.tables.values()].flatMap(table => [...table.shards.values()]);
  const packed = packer.all(phases.flatMap(sharedParts));
  const part: WritePart = (key, value) => (packed === null ? { [key]: value } : { [`${key}_ref`]: packed.reference(value) });
  const shards = Object.fromEntries([...checkpoint.shards].map(([id, at]) => [id, { position: at.position, clock: at.clock }]));
  return {
    type: 'GLOBAL',
    global: {
      shared_state: { version: STATE_VERSION, engine, shards, ...present('packed', packed?.packed ?? null) },
      stream_states: [...checkpoint.tables].map(
        ([key, table]): AirbyteStreamState => ({
          stream_descriptor: descriptor(table.id),
          stream_state: { version: STATE_VERSION, shards: shardsOf(table, part, checkpoint.streams.get(key)) },
        }),
      ),
    },
  };
}

/** The state of one stream by itself; `positions` has none for a shard whose log the stream does not follow. */
export function streamState(
  engine: string,
  table: TableCheckpoint,
  positions: ReadonlyMap<ShardId, ShardCheckpoint>,
  packer: Packer,
): AirbyteState {
  const part: WritePart = (key, value) => {
    const packed = packer.alone(value);
    return packed === null ? { [key]: value } : { [`${key}_packed`]: packed };
  };
  return {
    type: 'STREAM',
    stream: {
      stream_descriptor: descriptor(table.id),
      stream_state: { version: STATE_VERSION, engine, shards: shardsOf(table, part, positions) },
    },
  };
}

/** How something that many streams have alike stands in the state. */
type WritePart = (key: 'memo' | 'as_of' | 'since', value: JsonObject) => JsonObject;

function sharedParts(at: TableShard): readonly JsonObject[] {
  const place = at.phase === 'snapshot' ? at.asOf : at.phase === 'streaming' ? at.since : null;
  return [at.memo, place].filter(part => part != null);
}

function shardsOf(table: TableCheckpoint, part: WritePart, positions?: ReadonlyMap<ShardId, ShardCheckpoint>): JsonObject {
  return Object.fromEntries(
    [...table.shards].map(([id, at]) => {
      const place = positions?.get(id);
      return [id, { ...phaseToJson(at, part), ...(place === undefined ? {} : { position: place.position, clock: place.clock }) }];
    }),
  );
}

function phaseToJson(at: TableShard, part: WritePart): JsonObject {
  const head = { identity: at.identity, phase: at.phase, ...(at.memo === undefined ? {} : part('memo', at.memo)) };
  switch (at.phase) {
    case 'snapshot':
      return { ...head, ...present('cursor', at.cursor), ...(at.asOf === null ? {} : part('as_of', at.asOf)), key: at.key };
    case 'streaming':
      return { ...head, ...(at.since === null ? {} : part('since', at.since)) };
    case 'refresh':
      return { ...head, ...present('cursor', at.cursor), ...present('job', at.job) };
    case 'refreshed':
      return { ...head, ...present('job', at.job) };
  }
}

const present = (key: string, value: Json): JsonObject => (value === null ? {} : { [key]: value });

/**
 * The checkpoint in the text of a `--state` file; null for every way of saying that there is none: an empty file, `{}`,
 * `[]`, `null`, and states that name no stream. Throws STATE_INVALID with the JSON pointer of what is wrong.
 */
export function parseState(text: string, engine: string): Checkpoint | null {
  if (text.trim() === '' || text.trim() === '\uFEFF') return null;
  const json = parseJson(text);
  if ('flaw' in json) throw new ConnectorError('STATE_INVALID', `${describeFlaw(json.flaw)}.`);
  return toCheckpoint(json.value, engine);
}

/** The name of the engine in a state, as the state has it; null where the state is empty. Throws STATE_INVALID when it is none of ours. */
export function engineOfState(value: unknown): string | null {
  const root = new StateReader(value, [], '');
  if (root.absent) return null;
  const items = root.isArray ? root.items() : [root];
  for (const item of items.map(unwrap).filter(each => !each.absent && !isEmptyLegacy(each))) {
    const global = item.value('type') === 'GLOBAL';
    const place = global ? item.object('global').child('shared_state') : item.object('stream').child('stream_state');
    if (!place.absent) return place.string('engine');
  }
  return null;
}

/** As `parseState`, from JSON that is parsed already. */
export function toCheckpoint(value: unknown, engine: string): Checkpoint | null {
  const root = new StateReader(value, [], engine);
  if (root.absent) return null;
  const items = root.isArray ? root.items() : [root];
  const states = items.map(unwrap).filter(item => !item.absent && !isEmptyLegacy(item));

  const checkpoint = emptyCheckpoint();
  const globals = states.filter(item => item.value('type') === 'GLOBAL');
  for (const item of states) {
    const type = item.value('type');
    if (type === 'STREAM') readStream(item.object('stream'), checkpoint);
    else if (type !== 'GLOBAL') throw item.foreign();
  }
  const [first, second] = globals;
  if (second !== undefined) throw second.fail('there is more than one GLOBAL state; pass only the last one');
  if (first !== undefined && states.length > 1) throw first.fail('GLOBAL and STREAM states cannot be mixed');
  if (first !== undefined) readGlobal(first.object('global'), checkpoint);

  return checkpoint.shards.size === 0 && checkpoint.tables.size === 0 ? null : checkpoint;
}

/** A whole STATE message, as it stands on stdout, is as good as the state in it. */
const unwrap = (item: StateReader): StateReader => (item.value('type') === 'STATE' ? item.object('state') : item);

const isEmptyLegacy = (item: StateReader): boolean => item.value('type') === 'LEGACY' && item.child('data').absent;

function readGlobal(global: StateReader, checkpoint: Checkpoint): void {
  const shared = global.child('shared_state');
  if (!shared.absent) {
    shared.expectVersion(STATE_VERSION);
    shared.expectEngine();
    for (const [id, entry] of shared.object('shards').entries()) checkpoint.shards.set(id as ShardId, readPlace(entry));
  }
  const parts = shared.value('packed') == null ? NO_PARTS : unpacked(shared, 'packed');
  for (const item of global.array('stream_states')) {
    const id = readDescriptor(item);
    const state = item.child('stream_state');
    if (state.absent) continue;
    state.expectVersion(STATE_VERSION);
    const table = addTable(checkpoint, id, item);
    const places = new Map<ShardId, ShardCheckpoint>();
    for (const [shard, entry] of state.object('shards').entries()) {
      const at = readPhase(entry, parts);
      table.shards.set(shard as ShardId, at);
      if (checkpoint.shards.has(shard as ShardId)) continue;
      if (entry.value('position') != null) places.set(shard as ShardId, readPlace(entry));
      else if (follows(at)) throw entry.fail(`the phase is ${at.phase}, but shared_state has no position for this shard`);
    }
    if (places.size > 0) checkpoint.streams.set(tableKey(id), places);
  }
}

function readStream(stream: StateReader, checkpoint: Checkpoint): void {
  const id = readDescriptor(stream);
  const state = stream.child('stream_state');
  if (state.absent) return;
  state.expectVersion(STATE_VERSION);
  state.expectEngine();
  const table = addTable(checkpoint, id, stream);
  const places = new Map<ShardId, ShardCheckpoint>();
  for (const [shard, entry] of state.object('shards').entries()) {
    const at = readPhase(entry, NO_PARTS);
    table.shards.set(shard as ShardId, at);
    if (follows(at) || entry.value('position') != null) places.set(shard as ShardId, readPlace(entry));
  }
  if (places.size > 0) checkpoint.streams.set(tableKey(id), places);
}

/** A table in such a phase has a place in the log, and means nothing without it. */
export const follows = (at: TablePhase): boolean => at.phase === 'snapshot' || at.phase === 'streaming';

function addTable(checkpoint: Checkpoint, id: TableId, at: StateReader): TableCheckpoint {
  const key = tableKey(id);
  if (checkpoint.tables.has(key)) {
    throw at.fail(`the stream ${tableLabel(id)} has more than one state; pass only the last one`);
  }
  const table: TableCheckpoint = { id, shards: new Map() };
  checkpoint.tables.set(key, table);
  return table;
}

function readDescriptor(item: StateReader): TableId {
  const from = item.object('stream_descriptor');
  return { namespace: from.optionalString('namespace') ?? '', name: from.string('name') };
}

const readPlace = (entry: StateReader): ShardCheckpoint => ({
  position: entry.jsonObject('position') as Position,
  clock: entry.count('clock'),
});

type Parts = ReadonlyMap<string, JsonObject>;
const NO_PARTS: Parts = new Map();

function unpacked(at: StateReader, key: string): Parts {
  const parts = unpack(at.string(key));
  if (parts === null) throw at.child(key).fail('this text is damaged');
  return parts;
}

/** In whichever of its forms it is there; null: it is not. */
function readPart(entry: StateReader, key: string, parts: Parts): JsonObject | null {
  const reference = entry.optionalString(`${key}_ref`);
  if (reference !== null) {
    const part = parts.get(reference);
    if (part === undefined) throw entry.child(`${key}_ref`).fail('shared_state has nothing by this reference');
    return part;
  }
  if (entry.value(`${key}_packed`) == null) return entry.optionalJsonObject(key);
  const [part] = unpacked(entry, `${key}_packed`).values();
  if (part === undefined) throw entry.child(`${key}_packed`).fail('there is nothing in it');
  return part;
}

function readPhase(entry: StateReader, parts: Parts): TableShard {
  const identity = entry.string('identity');
  const memo = readPart(entry, 'memo', parts);
  const head = memo === null ? { identity } : { identity, memo };
  const phase = entry.value('phase');
  const cursor = (): SnapshotCursor | null => entry.optionalJsonObject('cursor') as SnapshotCursor | null;
  const position = (key: string): Position | null => readPart(entry, key, parts) as Position | null;
  switch (phase) {
    case 'snapshot':
      return { ...head, phase, cursor: cursor(), asOf: position('as_of'), key: entry.count('key') };
    case 'streaming':
      return { ...head, phase, since: position('since') };
    case 'refresh':
      return { identity, phase, cursor: cursor(), job: entry.optionalString('job') };
    case 'refreshed':
      return { identity, phase, job: entry.optionalString('job') };
    default:
      throw entry
        .child('phase')
        .fail(`${JSON.stringify(phase) ?? 'nothing'} is not one of snapshot, streaming, refresh, refreshed`);
  }
}
