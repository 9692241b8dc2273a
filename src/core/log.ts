import type { Logger } from '../contract/engine.ts';
import type { AirbyteMessage, LogLevel } from '../protocol/messages.ts';
import { logMessage } from '../protocol/messages.ts';

const LEVELS: readonly LogLevel[] = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'];
/** So many messages that differ in nothing but numbers are shown; the rest are counted. */
const SHOWN_OF_A_KIND = 10;
const KINDS_REMEMBERED = 1_000;

export interface LogOptions {
  /** The least important level that is still shown. */
  readonly level: LogLevel;
  readonly redact: Redact;
  readonly emit: (message: AirbyteMessage) => void;
}

/** Reads the environment's LOG_LEVEL; INFO where it says nothing that we know. */
export function logLevel(text: string | undefined): LogLevel {
  const name = text?.trim().toUpperCase();
  return LEVELS.find(level => level === name || (level === 'WARN' && name === 'WARNING')) ?? 'INFO';
}

/** Logger that prints LOG messages: without secrets, and without drowning the rest when one thing repeats. */
export class ProtocolLogger implements Logger {
  readonly #options: LogOptions;
  readonly #seen = new Map<string, { readonly level: LogLevel; readonly example: string; count: number }>();

  constructor(options: LogOptions) {
    this.#options = options;
  }

  debug(message: string): void {
    this.#limited('DEBUG', message);
  }

  info(message: string): void {
    this.#limited('INFO', message);
  }

  warn(message: string): void {
    this.#limited('WARN', message);
  }

  error(message: string, cause?: unknown): void {
    this.#print('ERROR', message, cause instanceof Error ? (cause.stack ?? cause.message) : undefined);
  }

  /** Says what was counted and not shown. */
  close(): void {
    for (const { level, example, count } of this.#seen.values()) {
      const hidden = count - SHOWN_OF_A_KIND;
      if (hidden > 0) this.#print(level, `${hidden} more like this were not shown: ${example}`);
    }
    this.#seen.clear();
  }

  #limited(level: LogLevel, message: string): void {
    if (!this.#wanted(level)) return;
    const kind = `${level} ${message.replace(/[0-9]+/g, '#')}`;
    const seen = this.#seen.get(kind);
    if (seen !== undefined) {
      seen.count++;
      if (seen.count > SHOWN_OF_A_KIND) return;
    } else if (this.#seen.size < KINDS_REMEMBERED) {
      this.#seen.set(kind, { level, example: message, count: 1 });
    }
    this.#print(level, message);
  }

  #print(level: LogLevel, message: string, stack?: string): void {
    if (!this.#wanted(level)) return;
    const { redact, emit } = this.#options;
    emit(logMessage(level, redact(message), stack === undefined ? undefined : redact(stack)));
  }

  #wanted(level: LogLevel): boolean {
    return LEVELS.indexOf(level) <= LEVELS.indexOf(this.#options.level);
  }
}

export type Redact = (text: string) => string;

const REDACTED = '********';
/** Shorter secrets are looked for as whole words only: replacing every `a` would leave nothing to read. */
const SAFE_LENGTH = 4;
/** A line of a multi-line secret (PEM) that is this long says something by itself. */
const TELLING_LINE = 16;

/** Replaces each secret, also as it looks inside a URL or a JSON string, and each long line of one with many lines. */
export function redactor(secrets: Iterable<string>): Redact {
  const forms = new Set<string>();
  for (const secret of secrets) {
    const lines = secret.split(/\r?\n/);
    const pieces = lines.length === 1 ? [secret] : [secret, secret.trim(), ...lines.filter(line => line.length >= TELLING_LINE)];
    for (const piece of pieces) {
      for (const form of [piece, encodeForUrl(piece), JSON.stringify(piece).slice(1, -1)]) forms.add(form);
    }
  }
  forms.delete('');
  if (forms.size === 0) return text => text;
  // The longest first: a secret may be the beginning of another.
  const patterns = [...forms]
    .sort((a, b) => b.length - a.length)
    .map(form => (form.length < SAFE_LENGTH ? `(?<![\\p{L}\\p{N}_])${literal(form)}(?![\\p{L}\\p{N}_])` : literal(form)));
  const pattern = new RegExp(patterns.join('|'), 'gu');
  return text => text.replace(pattern, REDACTED);
}

/** encodeURIComponent throws at a lone surrogate. */
const encodeForUrl = (text: string): string => encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\uFFFD'));

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, found => `\\${found}`);
