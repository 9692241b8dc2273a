/** `inspect`: a state as text for a person. Connects to nothing and changes nothing. */
import type { Engine } from '../contract/engine.ts';
import { ConnectorError } from '../contract/errors.ts';
import { type Json, type ShardId, tableKey, tableLabel } from '../contract/ids.ts';
import { describeFlaw, parseJson } from '../protocol/json-text.ts';
import { type Checkpoint, engineOfState, type ShardCheckpoint, type TableShard, toCheckpoint } from '../protocol/state.ts';
import { lookingInto, readText } from './files.ts';
import type { Engines } from './registry.ts';

const MICROS_PER_MILLI = 1000;
const NOTHING = 'The state is empty: the next read starts from the beginning.\n';

/** Throws FILE_UNREADABLE and STATE_INVALID. */
export async function inspectState(path: string, engines: Engines, now: number): Promise<string> {
  const text = await readText('--state', path);
  return await lookingInto(path, async () => {
    if (text.trim() === '') return NOTHING;
    const json = parseJson(text);
    if ('flaw' in json) throw new ConnectorError('STATE_INVALID', `${describeFlaw(json.flaw)}.`);
    const name = engineOfState(json.value);
    const checkpoint = name === null ? null : toCheckpoint(json.value, name);
    if (name === null || checkpoint === null) return NOTHING;
    const engine = await engines[name]?.();
    return describe(checkpoint, engine ?? null, name, now);
  });
}

function describe(checkpoint: Checkpoint, engine: Engine | null, name: string, now: number): string {
  const time = (place: ShardCheckpoint): string => timeOf(place, engine, now);
  const lines = [`Engine: ${name}${engine === null ? ' (not one of this connector)' : ''}`];
  for (const [shard, place] of checkpoint.shards) lines.push('', `Shard ${shard}`, ...placeLines(place, time(place)));
  const tables = [...checkpoint.tables.values()].toSorted((a, b) => (tableLabel(a.id) < tableLabel(b.id) ? -1 : 1));
  lines.push('', tables.length === 1 ? '1 stream' : `${tables.length} streams`);
  const width = Math.max(0, ...tables.map(({ id }) => tableLabel(id).length));
  for (const { id, shards } of tables) {
    const label = `  ${tableLabel(id).padEnd(width)}`;
    if (shards.size === 0) lines.push(`${label}  not read yet`);
    for (const [shard, at] of shards) {
      lines.push(`${label}  ${shard}  ${phaseText(at)}`);
      const own = checkpoint.streams.get(tableKey(id))?.get(shard as ShardId);
      if (own !== undefined) lines.push(...placeLines(own, time(own)).map(line => `    ${line}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

const placeLines = (place: ShardCheckpoint, time: string): readonly string[] => [
  `  position  ${short(place.position)}`,
  `  clock     ${place.clock}${time}`,
];

/** When the newest change was committed that the state covers, where the engine's ordering keys are times. */
function timeOf({ clock }: ShardCheckpoint, engine: Engine | null, now: number): string {
  const micros = engine?.timeOfClock(clock) ?? null;
  if (micros === null) return '';
  const millis = Math.floor(micros / MICROS_PER_MILLI);
  return ` (changes up to ${new Date(millis).toISOString()}, ${ageText(now - millis)})`;
}

/** In the largest unit of which there are at least two. */
function ageText(millis: number): string {
  const seconds = Math.round(millis / 1000);
  if (seconds < 0) return 'in the future';
  for (const [unit, length] of [['days', 86_400] as const, ['hours', 3600] as const, ['minutes', 60] as const]) {
    if (seconds >= 2 * length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return `${seconds} seconds ago`;
}

function phaseText(at: TableShard): string {
  switch (at.phase) {
    case 'snapshot':
      return `snapshot, ${at.cursor === null ? 'at its beginning' : `to be continued at ${short(at.cursor)}`}`;
    case 'streaming':
      return at.since === null ? 'changes' : `changes, from ${short(at.since)} on`;
    case 'refresh':
      return `full refresh, ${at.cursor === null ? 'at its beginning' : `to be continued at ${short(at.cursor)}`}${jobText(at.job)}`;
    case 'refreshed':
      return `full refresh, complete${jobText(at.job)}`;
  }
}

const jobText = (job: string | null): string => (job === null ? '' : ` (job ${job})`);

/** Longer positions, such as large GTID sets, are cut in the middle. */
const LONGEST = 400;

function short(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= LONGEST
    ? text
    : `${text.slice(0, LONGEST / 2)} … ${text.slice(-LONGEST / 2)} (${text.length} characters)`;
}
