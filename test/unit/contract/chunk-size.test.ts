import { describe, expect, it } from 'vitest';
import { ChunkSize } from '../../../src/contract/chunk-size.ts';
import type { Table } from '../../../src/contract/table.ts';

const table = (estimatedRows?: number, estimatedBytes?: number): Table => ({
  id: { namespace: 'shop', name: 'orders' },
  columns: [],
  primaryKey: [],
  follow: true,
  resumable: true,
  identity: '',
  ...(estimatedRows === undefined ? {} : { estimatedRows }),
  ...(estimatedBytes === undefined ? {} : { estimatedBytes }),
});
const MINUTE = 60_000;

describe('the size of chunks', () => {
  it.each([
    ['64 MB of rows', table(1_000_000, 640 * 1024 * 1024), 100_000],
    ['few wide rows', table(1000, 10 * 1024 * 1024 * 1024), 100],
    ['many narrow rows', table(1_000_000_000, 1024 * 1024 * 1024), 500_000],
    ['a table without statistics', table(), 20_000],
    ['a table that seemed empty', table(0, 16_384), 20_000],
  ])('begins with %s', (_what, of, rows) => {
    expect(ChunkSize.rows(MINUTE, of).current).toBe(rows);
  });

  it('grows while it is quick, and shrinks when it is not', () => {
    const size = ChunkSize.rows(MINUTE, table());
    const after = (millis: number): number => {
      size.took(millis);
      return size.current;
    };
    expect([1000, 10_000, 20_000, MINUTE, 61_000, 1, 1, 1, 1].map(after)).toEqual([
      80_000, 160_000, 160_000, 160_000, 80_000, 320_000, 1_280_000, 5_000_000, 5_000_000,
    ]);
  });

  it('is the smallest, and stays so, where no time is given', () => {
    const size = ChunkSize.rows(0, table(1_000_000, 1_000_000));
    size.took(0);
    expect(size.current).toBe(100);
    expect(ChunkSize.pages(0).current).toBe(8);
  });

  it('counts the pages of 64 MB', () => {
    expect(ChunkSize.pages(MINUTE).current).toBe(8192);
  });
});
