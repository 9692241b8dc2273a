import { describe, expect, it } from 'vitest';
import type { ShardId } from '../../../src/contract/ids.ts';
import { type Member, ShardedSession } from '../../../src/contract/sharded-session.ts';
import type { Column, Table } from '../../../src/contract/table.ts';
import { engineContext } from '../../kit/engine-context.ts';

const id: Column = { name: 'id', type: { kind: 'integer' }, nullable: false };
const text: Column = { name: 'text', type: { kind: 'string' }, nullable: true };

const table = (name: string, how: Partial<Table> = {}): Table => ({
  id: { namespace: 'shop', name },
  columns: [id, text],
  primaryKey: ['id'],
  follow: true,
  resumable: true,
  identity: '1',
  ...how,
});

/** What a session offers over these shards, by name, and what it warns of. */
const offered = async (
  shards: Readonly<Record<string, readonly Table[] | Error>>,
  unfollowed?: (table: Table) => Table,
): Promise<{ tables: readonly Table[]; failures: readonly string[]; lines: readonly string[] }> => {
  const { context, lines } = engineContext();
  const members = Object.entries(shards).map(
    ([name, tables]): Member<Table> => ({
      id: name as ShardId,
      check: () => Promise.resolve([]),
      discover: () => (tables instanceof Error ? Promise.reject(tables) : Promise.resolve(tables)),
      shard: () => {
        throw new Error('nothing is read here');
      },
      close: () => Promise.resolve(),
    }),
  );
  await using session = new ShardedSession({ members, context, ...(unfollowed && { unfollowed }) });
  const { tables, failures } = await session.discover();
  return { tables, failures: [...failures.keys()], lines };
};
const names = (tables: readonly Table[]): readonly string[] => tables.map(({ id }) => id.name);

describe('tables that differ between shards', () => {
  it('are offered without a word where they are the same, in whatever order the columns stand', async () => {
    const { tables, lines } = await offered({
      eu: [table('a'), table('b')],
      us: [table('b', { columns: [text, id], identity: '7' }), table('a')],
    });
    expect(names(tables)).toEqual(['a', 'b']);
    expect(tables[1]).toEqual(table('b'));
    expect(lines).toEqual([]);
  });

  it('are left out where a shard lacks them or has them alone, and a warning names all of them', async () => {
    const { tables, lines } = await offered({
      eu: [table('a'), table('b'), table('common')],
      us: [table('common'), table('c'), table('d')],
      asia: [table('a'), table('c')],
    });
    expect(names(tables)).toEqual([]);
    expect(lines).toEqual([
      'warn: Shard "us" lacks shop.a, shop.b: left out.',
      'warn: Shard "us" alone has shop.c, shop.d: left out.',
      'warn: Shard "asia" lacks shop.common: left out.',
    ]);
  });

  it.each<[string, Column[]]>([
    ['one more column', [id, text, { ...text, name: 'more' }]],
    ['one column less', [id]],
    ['a column of another name', [id, { ...text, name: 'Text' }]],
    ['a column of another type', [id, { ...text, type: { kind: 'number' } }]],
    ['a column that may be null', [{ ...id, nullable: true }, text]],
  ])('are left out, with a warning, where a shard has %s; the others stay', async (_, columns) => {
    const { tables, lines } = await offered({
      eu: [table('a'), table('b')],
      us: [table('a', { columns }), table('b')],
    });
    expect(names(tables)).toEqual(['b']);
    expect(lines).toEqual(['warn: Shard "us" has other columns in shop.a: the table is left out.']);
  });

  it('are offered without a key, and not followed, where the keys differ', async () => {
    const unfollowed = (of: Table): Table => ({ ...of, identity: 'not followed' });
    const shards = { eu: [table('a'), table('b')], us: [table('a', { primaryKey: ['id', 'text'] }), table('b')] };
    const { tables, lines } = await offered(shards, unfollowed);
    const reason = 'the shards do not agree on the key of shop.a.';
    expect(tables).toEqual([table('a', { primaryKey: [], follow: { reason }, identity: 'not followed' }), table('b')]);
    expect(lines).toEqual(['warn: Shard "us" has another key in shop.a: the table is offered without one.']);
  });

  it.each(['eu', 'us'])('are not followed where %s cannot follow them, and not resumed where it cannot resume', async where => {
    const hindered = table('a', { follow: { reason: 'no key' }, resumable: false });
    const { tables, lines } = await offered({ eu: [table('a')], us: [table('a')], asia: [table('a')], [where]: [hindered] });
    expect(tables).toEqual([hindered]);
    expect(lines).toEqual([]);
  });

  it('are compared among the shards that answer; the others are named as failures', async () => {
    const { tables, failures, lines } = await offered({
      eu: new Error('down'),
      us: [table('a'), table('b')],
      asia: [table('b')],
    });
    expect(names(tables)).toEqual(['b']);
    expect(failures).toEqual(['eu']);
    expect(lines).toEqual(['warn: Shard "asia" lacks shop.a: left out.']);
    await expect(offered({ eu: new Error('down'), us: new Error('down as well') })).rejects.toThrow(/^down$/);
  });
});
