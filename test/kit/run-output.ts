import { isUtf8 } from 'node:buffer';
import { isRecord, type Message, type RecordBody, type StateBody, type TraceBody } from './messages.ts';

/** The lines of a run, and what stands in them. */
export interface Summary {
  /** Whole lines of stdout as printed. */
  readonly lines: readonly string[];
  /** `messages[i]` is `lines[i]`; null where that is not a JSON object. */
  readonly messages: readonly (Message | null)[];
  readonly records: readonly RecordBody[];
  readonly states: readonly StateBody[];
  readonly lastState: StateBody | null;
  readonly traces: readonly TraceBody[];
  /** Messages of LOG lines. */
  readonly logs: readonly string[];
}

const parseLine = (line: string): Message | null => {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : null;
  } catch {
    return null;
  }
};

export const summarise = (lines: readonly string[]): Summary => {
  const messages = lines.map(parseLine);
  const present = messages.filter(message => message !== null);
  const states = present.flatMap(message => message.state ?? []);
  return {
    lines,
    messages,
    records: present.flatMap(message => message.record ?? []),
    states,
    lastState: states.at(-1) ?? null,
    traces: present.flatMap(message => message.trace ?? []),
    logs: present.flatMap(message => message.log?.message ?? []),
  };
};

/** Takes in stdout piece by piece, and makes lines of it. */
export class RunOutput {
  readonly lines: string[] = [];
  /** Whole lines, those that were not kept among them. */
  count = 0;
  /** Whether a whole line held bytes that are not UTF-8. */
  invalidUtf8 = false;
  readonly #keepRecords: boolean;
  readonly #onLine: (line: string, count: number) => void;
  #rest: Buffer[] = [];

  constructor(onLine: (line: string, count: number) => void, keepRecords = true) {
    this.#onLine = onLine;
    this.#keepRecords = keepRecords;
  }

  /** The piece is kept, so it must not be written to afterwards. */
  take(piece: Buffer): void {
    // Joined only once a line ends: a row of many megabytes arrives in a thousand pieces.
    const end = piece.lastIndexOf(0x0a);
    if (end < 0) {
      this.#rest.push(piece);
      return;
    }
    const whole = Buffer.concat([...this.#rest, piece.subarray(0, end)]);
    this.#rest = [piece.subarray(end + 1)];
    if (!isUtf8(whole)) this.invalidUtf8 = true;
    for (const line of whole.toString('utf8').split('\n')) {
      this.count++;
      if (this.#keepRecords || !isRecord(line)) this.lines.push(line);
      this.#onLine(line, this.count);
    }
  }

  /** What stands after the last line feed: empty unless the run was cut off. */
  get partialLine(): string {
    return Buffer.concat(this.#rest).toString('utf8');
  }
}
