import { describe, expect, it } from 'vitest';
import type { SnapshotCursor } from '../../../../src/contract/ids.ts';
import { keyCursor } from '../../../../src/engines/mysql/snapshot/cursor.ts';
import type { MysqlTable } from '../../../../src/engines/mysql/table.ts';

const table = { id: { namespace: 'shop', name: 'orders' }, keyset: ['part', 'id'] } as unknown as MysqlTable;
const SIGNATURE = 'part varchar(9), id bigint';
const as = (cursor: unknown): SnapshotCursor => cursor as SnapshotCursor;

describe('a cursor of the key', () => {
  it('is taken as it was written', () => {
    expect(keyCursor(table, null, SIGNATURE)).toBeNull();
    const cursor = { after: ['', '3131'], key: SIGNATURE };
    expect(keyCursor(table, as(cursor), SIGNATURE)).toEqual(cursor);
  });

  it('of another key is none of ours to count', () => {
    const cursor = { after: ['3131'], key: 'another' };
    expect(keyCursor(table, as(cursor), SIGNATURE)).toEqual(cursor);
  });

  it.each([
    ['nothing', {}, 'found {"key"'],
    ['no key', { after: ['31', '31'], key: 1 }, 'what the key is'],
    ['a text', { after: '31' }, 'found {"after":"31"'],
    [
      'too few values',
      { after: ['31'] },
      'the values of part, id as 2 texts of hexadecimal digits, and "key" what the key is, found {"after":["31"]',
    ],
    ['too many values', { after: ['31', '31', '31'] }, 'as 2 texts'],
    ['half a byte', { after: ['31', '313'] }, 'found {"after":["31","313"]'],
    ['other digits', { after: ['31', '3x'] }, 'found {"after":["31","3x"]'],
    ['a number', { after: ['31', 31] }, 'found {"after":["31",31]'],
    ['null', { after: ['31', null] }, 'as 2 texts'],
  ])('is refused with %s, by the name of the table', (_what, cursor, says) => {
    const detail = expect.stringMatching(/^the cursor of shop\.orders is damaged: "after" must be/) as string;
    const read = (): unknown => keyCursor(table, as({ key: SIGNATURE, ...cursor }), SIGNATURE);
    expect(read).toThrow(expect.objectContaining({ code: 'STATE_INVALID', table: table.id, detail }));
    expect(read).toThrow(expect.objectContaining({ detail: expect.stringContaining(says) as string }));
  });
});
