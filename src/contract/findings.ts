import type { Problem } from './engine.ts';

/** What `check` has found on one server. */
export interface Findings {
  /** What stands in the way. */
  readonly problems: readonly Problem[];
  /** What a user should know: tables that cannot be followed or not be read, settings that could be better. */
  readonly notices: readonly string[];
}

export const nothing: Findings = { problems: [], notices: [] };

export const problem = (code: Problem['code'], detail: string): Findings => ({ problems: [{ code, detail }], notices: [] });

/** `a, b, c and 7 more`, for messages that must stay readable. */
export const listed = (items: readonly string[], most = 20): string =>
  items.slice(0, most).join(', ') + (items.length > most ? ` and ${items.length - most} more` : '');
