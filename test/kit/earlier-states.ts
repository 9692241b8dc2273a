/** States as earlier releases wrote them, with `$name` in place of what differs from server to server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json, StateBody } from './messages.ts';
import { repository } from './paths.ts';

/** `global` and `per_stream`: everything has been read; `snapshot`: snapshots and full refreshes are under way. */
export const earlierForms = ['global', 'per_stream', 'snapshot'] as const;

/** The recorded state of test/golden/states/<engine>.json, filled in. Throws when a name has no value. */
export function earlierState(
  engine: string,
  form: (typeof earlierForms)[number],
  values: Readonly<Record<string, Json>>,
): StateBody[] {
  const recorded = JSON.parse(readFileSync(join(repository, `test/golden/states/${engine}.json`), 'utf8')) as Readonly<
    Record<string, Json>
  >;
  const named = (name: string): Json => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for $${name}`);
    return value;
  };
  const fill = (json: Json): Json => {
    if (typeof json === 'string') {
      const whole = /^\$(\w+)$/.exec(json)?.[1];
      return whole === undefined ? json.replace(/\$(\w+)/g, (_, name: string) => String(named(name))) : named(whole);
    }
    if (Array.isArray(json)) return json.map(fill);
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fill(value)]));
  };
  return fill(recorded[form] ?? null) as unknown as StateBody[];
}
