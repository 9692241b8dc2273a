import type { Problem } from './engine.ts';
import { tableLabel } from './ids.ts';
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

/** `a, b and c`; a long list is shortened in the middle: `a, b, c, …, y, z (26 in all)`. */
export function shortened(items: readonly string[], most = 10): string {
  if (items.length > most) {
    const first = items.slice(0, most - 2).join(', ');
    return `${first}, …, ${items.slice(-2).join(', ')} (${items.length} in all)`;
  }
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** Tables that the log cannot be followed for: notices, or the problem `code` where there is no other. */
export function followFindings(tables: readonly Table[], code: Problem['code']): Findings {
  const reasons = fullRefreshReasons(tables);
  if (tables.length > 0 && tables.every(table => table.follow !== true)) {
    return problem(code, `No table can be followed by the log: ${reasons.slice(0, 10).join(' ')}`);
  }
  return { problems: [], notices: reasons.map(reason => `Only as full refresh: ${reason}`) };
}

/** Named of each kind; the rest are counted. */
const MOST_NAMES = 3;

/**
 * Why tables are offered as full refresh only, once for each kind of reason, the most frequent first: a schema may have
 * hundreds of tables without a key.
 */
export function fullRefreshReasons(tables: readonly Table[]): readonly string[] {
  const kinds = new Map<string, { readonly reason: string; readonly labels: string[] }>();
  for (const { id, follow } of tables) {
    if (follow === true) continue;
    const label = tableLabel(id);
    const spellings = [label, `"${id.name}"`, `\`${id.name}\``];
    const kind = spellings.reduce((text, spelling) => text.replaceAll(spelling, ''), follow.reason);
    const known = kinds.get(kind) ?? { reason: follow.reason, labels: [] };
    known.labels.push(label);
    kinds.set(kind, known);
  }
  return [...kinds.values()]
    .toSorted((a, b) => b.labels.length - a.labels.length)
    .map(({ reason, labels }) =>
      labels.length === 1 ? reason : `${labels.length} tables (${listed(labels, MOST_NAMES)}). The first of them: ${reason}`,
    );
}
