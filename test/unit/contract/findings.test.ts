import { describe, expect, it } from 'vitest';
import { followFindings } from '../../../src/contract/findings.ts';
import { tableLabel } from '../../../src/contract/ids.ts';
import type { Table } from '../../../src/contract/table.ts';

const table = (name: string, why: string | null): Table => {
  const id = { namespace: 'public', name };
  const follow = why === null ? (true as const) : { reason: `${tableLabel(id)} ${why}, run: ALTER TABLE "public"."${name}" …;` };
  return { id, columns: [], primaryKey: [], follow, resumable: false, identity: '' };
};

describe('tables that cannot be followed', () => {
  it('are one notice for each kind of reason, with a count and the first names', () => {
    const keyless = Array.from({ length: 300 }, (_, at) => table(`t${at}`, 'has no key'));
    const { problems, notices } = followFindings([table('good', null), table('view', 'is a view'), ...keyless], 'SERVER_SETTING');
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      'Only as full refresh: 300 tables (public.t0, public.t1, public.t2 and 297 more). The first of them: public.t0 has no key, run: ALTER TABLE "public"."t0" …;',
      'Only as full refresh: public.view is a view, run: ALTER TABLE "public"."view" …;',
    ]);
  });

  it('are a problem where there is no other table', () => {
    const { problems, notices } = followFindings([table('a', 'has no key'), table('b', 'has no key')], 'SERVER_SETTING');
    expect(notices).toEqual([]);
    expect(problems.map(({ detail }) => detail)).toEqual([
      'No table can be followed by the log: 2 tables (public.a, public.b). The first of them: public.a has no key, run: ALTER TABLE "public"."a" …;',
    ]);
  });
});
