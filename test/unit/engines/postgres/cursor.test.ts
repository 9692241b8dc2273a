import { describe, expect, it } from 'vitest';
import type { SnapshotCursor } from '../../../../src/contract/ids.ts';
import { keyCursor, pageCursor } from '../../../../src/engines/postgres/snapshot/cursor.ts';
import type { PgTable } from '../../../../src/engines/postgres/table.ts';

const table = { id: { namespace: 'shop', name: 'orders' }, keyset: ['part', 'id'] } as unknown as PgTable;
const as = (cursor: unknown): SnapshotCursor => cursor as SnapshotCursor;

const refused = (read: () => unknown, says: string): void =>
  expect(read).toThrow(
    expect.objectContaining({ code: 'STATE_INVALID', table: table.id, detail: expect.stringContaining(says) as string }),
  );

describe('a cursor of pages', () => {
  const cursor = { relation: 16_385, filenode: '16390', page: 2048, leaves: '0123456789abcdef' };

  it('is taken as it was written', () => {
    expect(pageCursor(table, null)).toBeNull();
    expect(pageCursor(table, as(cursor))).toEqual(cursor);
    expect(pageCursor(table, as({ ...cursor, relation: 4_294_967_295, page: 4_294_967_294 }))?.page).toBe(4_294_967_294);
  });

  it.each([
    ['no relation', { relation: undefined }, '"relation" must be an oid, found nothing'],
    ['relation 0', { relation: 0 }, '"relation" must be an oid, found 0'],
    ['a relation of text', { relation: '16385' }, 'found "16385"'],
    ['a filenode that is a number', { filenode: 16_390 }, '"filenode" must be digits, found 16390'],
    ['an empty filenode', { filenode: '' }, '"filenode" must be digits'],
    ['a page of SQL', { page: "0)' OR true --" }, '"page" must be a whole number up to 4294967294'],
    ['half a page', { page: 1.5 }, 'found 1.5'],
    ['a negative page', { page: -1 }, 'found -1'],
    ['a page that no table has', { page: 2 ** 32 }, 'found 4294967296'],
    ['no leaves', { leaves: null }, '"leaves" must be text, found null'],
  ])('is refused with %s, by the name of the table', (_what, change, says) => {
    refused(() => pageCursor(table, as({ ...cursor, ...change })), says);
    refused(() => pageCursor(table, as({ ...cursor, ...change })), 'the cursor of shop.orders is damaged');
  });

  it('is refused when it is one of a key', () => {
    refused(() => pageCursor(table, as({ key: ['a', '1'] })), '"relation" must be an oid');
  });
});

const KEY = '["part","text","C"],["id","int8",null]';

describe('a cursor of the key', () => {
  it('is taken as it was written', () => {
    expect(keyCursor(table, null, KEY)).toBeNull();
    const cursor = { key: ['', "O'Neill"], of: KEY };
    expect(keyCursor(table, as(cursor), KEY)).toEqual(cursor);
  });

  it('of another key is none of ours to count', () => {
    const cursor = { key: ['1'], of: 'another' };
    expect(keyCursor(table, as(cursor), KEY)).toEqual(cursor);
  });

  it.each([
    ['no key', {}, 'found nothing'],
    ['a text', { key: 'a' }, 'found "a"'],
    ['too few values', { key: ['a'] }, 'the values of part, id as 2 texts, found ["a"]'],
    ['too many values', { key: ['a', '1', '2'] }, 'as 2 texts'],
    ['a number', { key: ['a', 1] }, 'found ["a",1]'],
    ['null', { key: ['a', null] }, 'as 2 texts'],
    ['a NUL', { key: ['a', '\0'] }, 'as 2 texts'],
    ['pages', { relation: 1, filenode: '1', page: 1, leaves: '' }, 'found nothing'],
  ])('is refused with %s, by the name of the table', (_what, cursor, says) => {
    refused(() => keyCursor(table, as({ of: KEY, ...cursor }), KEY), says);
    refused(() => keyCursor(table, as({ of: KEY, ...cursor }), KEY), 'the cursor of shop.orders is damaged: "key" must be');
  });
});
