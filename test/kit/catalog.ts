import type { Catalog, ConfiguredCatalog, Json, StateBody, StreamState } from './messages.ts';
import { streamKey } from './messages.ts';

export interface CatalogChoices {
  /** Names of the streams to configure; all of them unless told. */
  readonly streams?: readonly string[];
  /** `incremental` where the stream offers it, unless told, for one stream or for all (`*`). */
  readonly modes?: Readonly<Record<string, 'full_refresh' | 'incremental'>>;
  /** The columns to select, for a stream; all of them unless told. The columns that the connector adds stay. */
  readonly columns?: Readonly<Record<string, readonly string[]>>;
}

/** A configured catalog as the platform makes it from what `discover` printed. */
export const configuredCatalog = (catalog: Catalog, choices: CatalogChoices = {}): ConfiguredCatalog => {
  const wanted = choices.streams ?? catalog.streams.map(stream => stream.name);
  const streams = wanted.map(name => {
    const stream = catalog.streams.find(candidate => candidate.name === name);
    if (stream === undefined) throw new Error(`discover offers no stream ${JSON.stringify(name)}`);
    const offered = stream.supported_sync_modes.includes('incremental') ? 'incremental' : 'full_refresh';
    const sync_mode = choices.modes?.[name] ?? choices.modes?.['*'] ?? offered;
    const columns = choices.columns?.[name];
    const properties = Object.entries(stream.json_schema.properties).filter(
      ([column]) => columns === undefined || columns.includes(column) || column.startsWith('_ab_'),
    );
    return {
      stream: { ...stream, json_schema: { ...stream.json_schema, properties: Object.fromEntries(properties) } },
      sync_mode,
      destination_sync_mode: sync_mode === 'incremental' ? 'append_dedup' : 'overwrite',
      cursor_field: stream.default_cursor_field ?? [],
      primary_key: stream.source_defined_primary_key ?? [],
      generation_id: 1,
      minimum_generation_id: 0,
      sync_id: 1,
    };
  });
  return { streams };
};

/** What the platform hands back as `--state` after these STATE messages: the last GLOBAL, or the last STREAM of each stream. */
export const fullState = (states: readonly StateBody[]): StateBody[] => {
  const last = states.at(-1);
  if (last === undefined) return [];
  if (last.type === 'GLOBAL') return [last];
  const byStream = new Map<string, StateBody>();
  for (const state of states) {
    const descriptor = state.stream?.stream_descriptor;
    if (descriptor !== undefined) byStream.set(streamKey(descriptor, descriptor.name), state);
  }
  return [...byStream.values()];
};

/** The states that STATE messages set on top of older ones: what a platform has stored after a further run. */
export const mergeStates = (stored: readonly StateBody[], printed: readonly StateBody[]): StateBody[] =>
  fullState([...stored, ...printed]);

/** A stored state without one stream, as the platform passes it after the user cleared that stream. */
export const withoutStream = (stored: readonly StateBody[], name: string): StateBody[] =>
  stored.flatMap(state => {
    if (state.stream !== undefined) return state.stream.stream_descriptor.name === name ? [] : [state];
    if (state.global === undefined) return [state];
    const stream_states = state.global.stream_states.filter(entry => entry.stream_descriptor.name !== name);
    return [{ ...state, global: { ...state.global, stream_states } }];
  });

/** The state of each stream in a STATE message or in a stored state. */
export const streamStates = (states: readonly StateBody[]): ReadonlyMap<string, Json> =>
  new Map(
    states
      .flatMap(
        (state): readonly StreamState[] => state.global?.stream_states ?? (state.stream === undefined ? [] : [state.stream]),
      )
      .map(entry => [entry.stream_descriptor.name, entry.stream_state ?? null]),
  );
