/**
 * The messages that a source prints: one JSON object per line. Shapes and names follow the Airbyte protocol, version 0
 * (`airbyte_protocol.yaml`), which `spec/airbyte-protocol.json` describes for the tests. Records are not built here:
 * they are written as bytes by `contract/record-writer.ts`.
 */
import type { FailureType } from '../contract/errors.ts';
import type { EpochMillis, JsonObject, TableId } from '../contract/ids.ts';

export type SyncMode = 'full_refresh' | 'incremental';

export interface StreamDescriptor {
  readonly name: string;
  readonly namespace?: string;
}

/** A stream as `discover` offers it. */
export interface AirbyteStream {
  readonly name: string;
  readonly namespace?: string;
  readonly json_schema: JsonObject;
  readonly supported_sync_modes: readonly SyncMode[];
  readonly source_defined_cursor: boolean;
  readonly default_cursor_field?: readonly string[];
  readonly source_defined_primary_key?: readonly (readonly string[])[];
  readonly is_resumable: boolean;
}

export interface AirbyteStreamState {
  readonly stream_descriptor: StreamDescriptor;
  readonly stream_state: JsonObject;
}

export interface AirbyteGlobalState {
  readonly shared_state: JsonObject;
  readonly stream_states: readonly AirbyteStreamState[];
}

export interface StateStats {
  /** Records since the previous STATE: of that stream for STREAM, of all streams for GLOBAL. */
  readonly recordCount: number;
}

export type AirbyteState =
  | { readonly type: 'GLOBAL'; readonly global: AirbyteGlobalState; readonly sourceStats?: StateStats }
  | { readonly type: 'STREAM'; readonly stream: AirbyteStreamState; readonly sourceStats?: StateStats };

export type LogLevel = 'FATAL' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE';
export type StreamStatus = 'STARTED' | 'RUNNING' | 'COMPLETE' | 'INCOMPLETE';

export interface ErrorTrace {
  /** For the user: what happened, where, what to do. No stack, no secret. */
  readonly message: string;
  readonly internal_message?: string;
  readonly stack_trace?: string;
  readonly failure_type: FailureType;
  readonly stream_descriptor?: StreamDescriptor;
}

export interface EstimateTrace {
  readonly type: 'STREAM';
  readonly name: string;
  readonly namespace?: string;
  readonly row_estimate?: number;
  readonly byte_estimate?: number;
}

export type AirbyteTrace =
  | { readonly type: 'ERROR'; readonly emitted_at: number; readonly error: ErrorTrace }
  | { readonly type: 'ESTIMATE'; readonly emitted_at: number; readonly estimate: EstimateTrace }
  | {
      readonly type: 'STREAM_STATUS';
      readonly emitted_at: number;
      readonly stream_status: { readonly stream_descriptor: StreamDescriptor; readonly status: StreamStatus };
    };

/** Every message of this connector but RECORD and SPEC: the one is bytes, the other a file. */
export type AirbyteMessage =
  | { readonly type: 'LOG'; readonly log: { readonly level: LogLevel; readonly message: string; readonly stack_trace?: string } }
  | { readonly type: 'CONNECTION_STATUS'; readonly connectionStatus: ConnectionStatus }
  | { readonly type: 'CATALOG'; readonly catalog: { readonly streams: readonly AirbyteStream[] } }
  | { readonly type: 'STATE'; readonly state: AirbyteState }
  | { readonly type: 'TRACE'; readonly trace: AirbyteTrace };

export interface ConnectionStatus {
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly message?: string;
}

export const descriptor = (id: TableId): StreamDescriptor =>
  id.namespace === '' ? { name: id.name } : { name: id.name, namespace: id.namespace };

export const logMessage = (level: LogLevel, message: string, stack?: string): AirbyteMessage => ({
  type: 'LOG',
  log: stack === undefined ? { level, message } : { level, message, stack_trace: stack },
});

export const errorMessage = (error: ErrorTrace, at: EpochMillis): AirbyteMessage => ({
  type: 'TRACE',
  trace: { type: 'ERROR', emitted_at: at, error },
});

export const streamStatusMessage = (id: TableId, status: StreamStatus, at: EpochMillis): AirbyteMessage => ({
  type: 'TRACE',
  trace: { type: 'STREAM_STATUS', emitted_at: at, stream_status: { stream_descriptor: descriptor(id), status } },
});

/** `rows` and `bytes` are guesses about the whole stream in this sync; fractions are cut off. */
export const estimateMessage = (
  id: TableId,
  guess: { readonly rows?: number | undefined; readonly bytes?: number | undefined },
  at: EpochMillis,
): AirbyteMessage => ({
  type: 'TRACE',
  trace: {
    type: 'ESTIMATE',
    emitted_at: at,
    estimate: {
      type: 'STREAM',
      ...descriptor(id),
      ...(guess.rows === undefined ? {} : { row_estimate: Math.max(0, Math.trunc(guess.rows)) }),
      ...(guess.bytes === undefined ? {} : { byte_estimate: Math.max(0, Math.trunc(guess.bytes)) }),
    },
  },
});

export const stateMessage = (state: AirbyteState, recordCount: number): AirbyteMessage => ({
  type: 'STATE',
  state: { ...state, sourceStats: { recordCount } },
});

/** The message as one line, line feed included. Cold path. */
export function encodeMessage(message: AirbyteMessage): string {
  if (message.type !== 'STATE' || message.state.sourceStats === undefined) return `${wellFormed(JSON.stringify(message))}\n`;
  // The protocol wants recordCount with a decimal point, which JSON.stringify never prints for a whole number.
  const { sourceStats, ...state } = message.state;
  const text = wellFormed(JSON.stringify({ type: 'STATE', state }));
  return `${text.slice(0, -2)},"sourceStats":{"recordCount":${asDouble(sourceStats.recordCount)}}}}\n`;
}

const asDouble = (value: number): string => (Number.isInteger(value) ? `${value}.0` : `${value}`);

/** JSON.stringify writes a lone surrogate as an escape; readers with strict strings drop such a line without a word. */
const wellFormed = (json: string): string =>
  json.includes('\\ud') ? json.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, found => (found === '\\\\' ? found : '\\ufffd')) : json;
