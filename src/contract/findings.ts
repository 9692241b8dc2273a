import type { Problem } from './engine.ts';
import type { Table } from './table.ts';

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

/** Tables that the log cannot be followed for: notices, or the problem `code` where there is no other. */
export function followFindings(tables: readonly Table[], code: Problem['code']): Findings {
  const reasons = tables.flatMap(table => (table.follow === true ? [] : [table.follow.reason]));
  if (tables.length > 0 && reasons.length === tables.length) {
    return problem(code, `No table can be followed by the log: ${reasons.slice(0, 10).join(' ')}`);
  }
  return { problems: [], notices: reasons.map(reason => `Only as full refresh: ${reason}`) };
}
