import type { ConfiguredCatalog, ConfiguredStream, RecordBody, StateBody } from './messages.ts';
import { streamKey } from './messages.ts';
import { describeRun, type RunResult } from './run-connector.ts';
import { checkData, protocolCheck } from './schemas.ts';

export interface RunContext {
  /** The catalog that the run was given; needed for `read`. */
  readonly catalog?: ConfiguredCatalog;
  /** Words that must not stand anywhere in the output, in no spelling. */
  readonly secrets?: readonly string[];
}

const secretNames = /pass|secret|token|_key$|^key$|certificate|credential|connection_string/i;

/** Every secret in a config: strings of at least four characters under a name that Airbyte calls a secret. */
export const secretsOf = (config: unknown): string[] => {
  if (typeof config !== 'object' || config === null) return [];
  return Object.entries(config).flatMap(([name, value]) =>
    typeof value === 'string' ? (secretNames.test(name) && value.length >= 4 ? [value] : []) : secretsOf(value),
  );
};

const spellings = (secret: string): Set<string> =>
  new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), Buffer.from(secret).toString('base64')]);

const leaks = (run: RunResult, secrets: readonly string[]): string[] => {
  const places = [...run.lines.map((line, index) => [`line ${index + 1}`, line] as const), ['stderr', run.stderr] as const];
  return secrets.flatMap(secret =>
    places.flatMap(([where, text]) =>
      [...spellings(secret)].some(form => text.includes(form)) ? [`${where} holds a secret`] : [],
    ),
  );
};

/** What one stream did in one run. */
class StreamTrack {
  readonly configured: ConfiguredStream;
  readonly statuses: string[] = [];
  recordsSinceState = 0;
  recordsBeforeStart = 0;
  recordsAfterEnd = 0;

  constructor(configured: ConfiguredStream) {
    this.configured = configured;
  }

  record(): void {
    this.recordsSinceState++;
    if (!this.statuses.includes('STARTED')) this.recordsBeforeStart++;
    if (this.statuses.some(status => status === 'COMPLETE' || status === 'INCOMPLETE')) this.recordsAfterEnd++;
  }
}

const recordProblems = (record: RecordBody, { stream }: ConfiguredStream): string[] => {
  const problems: string[] = [];
  const { properties } = stream.json_schema;
  const changes = record.meta?.changes ?? [];
  const nulled = new Set(changes.filter(change => change.change === 'NULLED').map(change => change.field));
  for (const field of nulled) if (record.data[field] !== null) problems.push(`${field} is NULLED by its meta, but not null`);
  for (const { field } of changes) if (!(field in record.data)) problems.push(`meta.changes names ${field}, which is not there`);
  const said = Object.fromEntries(Object.entries(record.data).filter(([name]) => !nulled.has(name)));
  const invalid = checkData(stream, said);
  if (invalid !== null) problems.push(invalid);
  const deleted = (record.data['_ab_cdc_deleted_at'] ?? null) !== null;
  for (const name of Object.keys(properties)) {
    if (!(name in record.data) && !deleted) problems.push(`column ${name} is missing`);
  }
  for (const name of Object.keys(record.data)) if (!(name in properties)) problems.push(`column ${name} is not in the catalog`);
  const key = stream.source_defined_primary_key ?? [];
  if (key.length > 0 && key.every(([name]) => (record.data[name ?? ''] ?? null) === null))
    problems.push('the primary key is null');
  return problems;
};

/** The first key that stands twice in one object of a record's line, outside of the values of its columns; null when none does. */
const doubleKey = (line: string): string | null => {
  const seen: Set<string>[] = [];
  let depth = 0;
  // Strings are passed over by hand: a value may have 100 MB, for which an expression has not enough of a stack.
  const mark = /["{}[\]]/g;
  const colon = /\s*:/y;
  for (let found = mark.exec(line); found !== null; found = mark.exec(line)) {
    const [token] = found;
    if (token === '{' || token === '[') seen[depth++] = new Set();
    else if (token === '}' || token === ']') depth--;
    else {
      const end = endOfString(line, found.index);
      mark.lastIndex = end;
      colon.lastIndex = end;
      if (depth > DATA_DEPTH || !colon.test(line)) continue;
      const name = line.slice(found.index, end);
      if (seen[depth - 1]?.has(name) === true) return `${name}:`;
      seen[depth - 1]?.add(name);
    }
  }
  return null;
};

/** Behind the quote that ends the string which begins at `start`. */
const endOfString = (line: string, start: number): number => {
  for (let end = start + 1; ; ) {
    const quote = line.indexOf('"', end);
    if (quote < 0) return line.length;
    let slashes = 0;
    while (line[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
    end = quote + 1;
  }
};
/** The message, its `record`, and that one's `data`. */
const DATA_DEPTH = 3;

/** Counts of STATE messages against what was printed, and their order. */
class StateTrack {
  readonly problems: string[] = [];
  #recordsSince = 0;
  #global: boolean | null = null;
  readonly #last = new Map<string, string>();

  record(): void {
    this.#recordsSince++;
  }

  state(state: StateBody, line: string, at: string, tracks: ReadonlyMap<string, StreamTrack>): void {
    const global = state.type === 'GLOBAL';
    if (this.#global !== null && this.#global !== global) this.problems.push(`${at}: GLOBAL and STREAM states in one run`);
    this.#global = global;
    const descriptor = state.stream?.stream_descriptor;
    const key = descriptor === undefined ? '' : streamKey(descriptor, descriptor.name);
    const track = tracks.get(key);
    if (!global && track === undefined) this.problems.push(`${at}: STATE of a stream that is not configured`);
    const expected = global ? this.#recordsSince : (track?.recordsSinceState ?? 0);
    if (state.sourceStats?.recordCount !== expected) {
      this.problems.push(`${at}: recordCount ${state.sourceStats?.recordCount}, but ${expected} records since the last STATE`);
    }
    if (!/"recordCount":\d+\.\d+[,}]/.test(line)) this.problems.push(`${at}: recordCount is not printed as a double`);
    const content = JSON.stringify(state.global ?? state.stream);
    if (this.#last.get(key) === content && expected > 0) this.problems.push(`${at}: records, but the same STATE as before`);
    this.#last.set(key, content);
    this.#recordsSince = 0;
    if (track !== undefined) track.recordsSinceState = 0;
    if (global) for (const other of tracks.values()) other.recordsSinceState = 0;
  }
}

const statusProblems = (track: StreamTrack, exitCode: number | null): string[] => {
  const { statuses } = track;
  const { name } = track.configured.stream;
  const problems: string[] = [];
  const end = statuses.findIndex(status => status === 'COMPLETE' || status === 'INCOMPLETE');
  if (statuses.length > 0 && statuses[0] !== 'STARTED') problems.push(`${name}: first status is ${statuses[0]}`);
  if (statuses.filter(status => status === 'STARTED').length > 1) problems.push(`${name}: STARTED more than once`);
  if (end >= 0 && end !== statuses.length - 1) problems.push(`${name}: statuses after the end: ${statuses.join(' ')}`);
  if (exitCode === 0 && statuses.at(-1) !== 'COMPLETE') problems.push(`${name}: exit code 0, statuses ${statuses.join(' ')}`);
  if (exitCode !== null && exitCode > 0 && statuses.length > 0 && end < 0)
    problems.push(`${name}: failed run left it without an end`);
  if (track.recordsBeforeStart > 0) problems.push(`${name}: ${track.recordsBeforeStart} records before STARTED`);
  if (track.recordsAfterEnd > 0) problems.push(`${name}: ${track.recordsAfterEnd} records after its end`);
  if (exitCode === 0 && track.recordsSinceState > 0) problems.push(`${name}: ${track.recordsSinceState} records without a STATE`);
  return problems;
};

const readProblems = (run: RunResult, catalog: ConfiguredCatalog): string[] => {
  const problems: string[] = [];
  const tracks = new Map(
    catalog.streams.map(entry => [streamKey(entry.stream, entry.stream.name), new StreamTrack(entry)] as const),
  );
  const states = new StateTrack();
  const looked = new Set<string>();
  run.messages.forEach((message, index) => {
    const at = `line ${index + 1}`;
    if (message?.record !== undefined) {
      const track = tracks.get(streamKey(message.record, message.record.stream));
      if (track === undefined) problems.push(`${at}: record of ${message.record.stream}, which is not configured`);
      else
        for (const problem of recordProblems(message.record, track.configured))
          problems.push(`${at}: ${track.configured.stream.name}: ${problem}`);
      // All records of a stream are made alike: the first insert and the first delete of a run are looked at.
      const kind = `${message.record.stream} ${((message.record as Partial<RecordBody>).data?.['_ab_cdc_deleted_at'] ?? null) === null}`;
      const double = looked.has(kind) ? null : doubleKey(run.lines[index] ?? '');
      if (double !== null) problems.push(`${at}: ${double} stands twice`);
      looked.add(kind);
      track?.record();
      states.record();
    } else if (message?.state !== undefined) {
      states.state(message.state, run.lines[index] ?? '', at, tracks);
    } else if (message?.trace?.stream_status !== undefined) {
      const { stream_descriptor: descriptor, status } = message.trace.stream_status;
      const track = tracks.get(streamKey(descriptor, descriptor.name));
      if (track === undefined) problems.push(`${at}: status of ${descriptor.name}, which is not configured`);
      else track.statuses.push(status);
    }
  });
  for (const track of tracks.values()) problems.push(...statusProblems(track, run.stdoutClosed ? null : run.exitCode));
  return [...problems, ...states.problems];
};

const wrongKinds: Readonly<Record<string, readonly string[]>> = {
  spec: ['SPEC', 'LOG', 'TRACE'],
  check: ['CONNECTION_STATUS', 'LOG', 'TRACE'],
  discover: ['CATALOG', 'LOG', 'TRACE'],
  read: ['RECORD', 'STATE', 'LOG', 'TRACE'],
};

/** Everything in a run's output that breaks the protocol or one of our own promises; empty when all is well. */
export const violations = (run: RunResult, context: RunContext = {}): string[] => {
  const problems: string[] = [];
  const check = protocolCheck();
  run.messages.forEach((message, index) => {
    const line = run.lines[index] ?? '';
    if (message === null) problems.push(`line ${index + 1} is not a JSON object: ${line.slice(0, 200)}`);
    else {
      const wrong = check(message);
      if (wrong !== null) problems.push(`line ${index + 1} breaks the protocol: ${wrong}: ${line.slice(0, 300)}`);
      if (!(wrongKinds[run.command] ?? []).includes(message.type))
        problems.push(`line ${index + 1}: ${message.type} in ${run.command}`);
    }
  });
  if (run.invalidUtf8) problems.push('stdout is not valid UTF-8');
  if (run.partialLine !== '' && run.signal !== 'SIGKILL' && !run.stdoutClosed)
    problems.push(`the last line is cut: ${run.partialLine.slice(0, 200)}`);
  for (const trace of run.traces) {
    if (trace.error === undefined) continue;
    if (/\n\s+at /.test(trace.error.message)) problems.push('a stack trace in the message for the user');
    if (trace.error.failure_type !== 'system_error' && trace.error.stack_trace !== undefined) {
      problems.push(`stack_trace with ${trace.error.failure_type}`);
    }
  }
  if (run.exitCode !== null && run.exitCode !== 0 && !run.traces.some(trace => trace.error !== undefined)) {
    problems.push(`exit code ${run.exitCode} without a TRACE ERROR`);
  }
  if (context.catalog !== undefined) problems.push(...readProblems(run, context.catalog));
  return [...problems, ...leaks(run, context.secrets ?? [])];
};

/** Throws with all violations and a description of the run; returns the run when there are none. */
export const expectSound = (run: RunResult, context: RunContext = {}): RunResult => {
  const problems = violations(run, context);
  if (problems.length === 0) return run;
  const shown = problems.slice(0, 20).join('\n  ');
  throw new Error(`${problems.length} violations:\n  ${shown}\n${describeRun(run)}`);
};
