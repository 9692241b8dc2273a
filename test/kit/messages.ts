/** The connector's output as tests see it: loosely typed on purpose, for the tests judge the shapes themselves. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface StreamName {
  readonly name: string;
  readonly namespace?: string;
}

export interface CatalogStream extends StreamName {
  readonly json_schema: { readonly properties: Readonly<Record<string, JsonObject>> };
  readonly supported_sync_modes: readonly string[];
  readonly source_defined_primary_key?: readonly (readonly string[])[];
  readonly source_defined_cursor?: boolean;
  readonly default_cursor_field?: readonly string[];
  readonly is_resumable?: boolean;
}
export interface Catalog {
  readonly streams: readonly CatalogStream[];
}
export interface ConfiguredStream {
  readonly stream: CatalogStream;
  readonly sync_mode: string;
  readonly destination_sync_mode: string;
  readonly cursor_field?: readonly string[];
  readonly primary_key?: readonly (readonly string[])[];
}
export interface ConfiguredCatalog {
  readonly streams: readonly ConfiguredStream[];
}

export interface RecordBody {
  readonly stream: string;
  readonly namespace?: string;
  readonly data: JsonObject;
  readonly emitted_at: number;
  readonly meta?: { readonly changes?: readonly { field: string; change: string; reason: string }[] };
}
export interface StreamState {
  readonly stream_descriptor: StreamName;
  readonly stream_state?: JsonObject;
}
export interface StateBody {
  readonly type: 'GLOBAL' | 'STREAM';
  readonly global?: { readonly shared_state: JsonObject; readonly stream_states: readonly StreamState[] };
  readonly stream?: StreamState;
  readonly sourceStats?: { readonly recordCount: number };
}
export interface TraceBody {
  readonly type: string;
  readonly emitted_at: number;
  readonly error?: {
    readonly message: string;
    readonly failure_type: string;
    readonly internal_message?: string;
    readonly stack_trace?: string;
    readonly stream_descriptor?: StreamName;
  };
  readonly stream_status?: { readonly stream_descriptor: StreamName; readonly status: string };
  readonly estimate?: JsonObject;
}
export interface Message {
  readonly type: string;
  readonly record?: RecordBody;
  readonly state?: StateBody;
  readonly trace?: TraceBody;
  readonly log?: { readonly level: string; readonly message: string };
  readonly catalog?: Catalog;
  readonly spec?: JsonObject;
  readonly connectionStatus?: { readonly status: string; readonly message?: string };
}

/** A key for maps over streams. */
export const streamKey = (stream: { readonly namespace?: string | undefined }, name: string): string =>
  `${stream.namespace ?? ''}\0${name}`;

/** A number of the output, exact: NUL, which no value can hold, and the digits as printed. */
export const digits = (text: string): string => `\0${text}`;

/** Where the string that opens at `start` ends, behind its closing quote. */
const stringEnd = (line: string, start: number): number => {
  for (let quote = line.indexOf('"', start + 1); quote >= 0; quote = line.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (line[quote - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return line.length;
};

const numberOrQuote = /["\d-]/g;
const numberToken = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Parses a line with every number as `digits`, for JavaScript's own numbers lose what a database holds. A scanner and
 * no single regular expression: a string of many megabytes overflows the latter's stack.
 */
export const parseExact = (line: string): Json => {
  let text = '';
  let copied = 0;
  for (let at = 0; ; ) {
    numberOrQuote.lastIndex = at;
    const found = numberOrQuote.exec(line);
    if (found === null) break;
    if (found[0] === '"') {
      at = stringEnd(line, found.index);
      continue;
    }
    numberToken.lastIndex = found.index;
    const token = numberToken.exec(line)?.[0] ?? '';
    at = found.index + Math.max(1, token.length);
    text += `${line.slice(copied, found.index)}"\\u0000${token}"`;
    copied = at;
  }
  return JSON.parse(text + line.slice(copied)) as Json;
};

/** The `data` of a RECORD line, exact. */
export const exactData = (line: string): { [column: string]: Json } =>
  (parseExact(line) as { record: { data: { [column: string]: Json } } }).record.data;

/** What a line is, by its first bytes: the connector always begins with the type. */
export const isRecord = (line: string): boolean => line.startsWith('{"type":"RECORD"');
export const isState = (line: string): boolean => line.startsWith('{"type":"STATE"');
