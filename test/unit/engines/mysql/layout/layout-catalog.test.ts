import { describe, expect, it } from 'vitest';
import type { TableLayout } from '../../../../../src/engines/mysql/layout/column-layout.ts';
import { LayoutCatalog } from '../../../../../src/engines/mysql/layout/layout-catalog.ts';

const rules = { flavor: 'mysql', version: 9_07_00, lowerCaseTableNames: 0, timestampsNullable: true } as const;
const table = (name: string, columns: number): TableLayout => ({
  schema: 'd',
  name,
  columns: Array.from({ length: columns }, (_, at) => ({
    name: `column_${at}`,
    columnType: 'int',
    charset: null,
    collation: null,
    nullable: true,
    generated: '',
  })),
  defaultCharset: 'utf8mb4',
  defaultCollation: null,
});

describe('tables that are not followed', () => {
  const catalog = (): LayoutCatalog =>
    new LayoutCatalog({
      rules,
      followed: [{ schema: 'd', name: 'followed' }],
      layouts: [table('followed', 2000)],
      databases: {},
    });
  const names = (of: LayoutCatalog): readonly string[] => of.known.map(({ name }) => name);

  it('are kept while they are few, the latest of them', () => {
    const known = catalog();
    for (let at = 0; at < 150; at++) known.set(table(`t${at}`, 2));
    expect(names(known)).toEqual(['followed', ...Array.from({ length: 100 }, (_, at) => `t${at + 50}`)]);
  });

  it('are kept while they are small together, however wide a followed one is', () => {
    const known = catalog();
    for (let at = 0; at < 50; at++) known.set(table(`t${at}`, 200));
    expect(names(known)).toContain('followed');
    expect(names(known)).toContain('t49');
    expect(names(known)).not.toContain('t40');
    known.forget({ schema: 'd', name: 't49' });
    const { layouts } = known.toJson() as unknown as { layouts: readonly TableLayout[] };
    expect(JSON.stringify(layouts.filter(({ name }) => name !== 'followed')).length).toBeLessThan(64 * 1024);
    const restored = LayoutCatalog.fromJson(known.toJson(), { rules, followed: known.followed });
    expect(names(restored)).toEqual(names(known));
  });
});
