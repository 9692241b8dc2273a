import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, Position } from '../../../../src/contract/ids.ts';
import { compareFiles, covers, fromPosition, meet, parsePosition, toPosition } from '../../../../src/engines/mysql/position.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562';
const position = (json: JsonObject): Position => json as Position;

const ranges = fc.array(
  fc.tuple(fc.constantFrom(A, B, `${A}:tag`), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 3 })),
  { maxLength: 6 },
);
const gtidSets = ranges.map(list =>
  position({ gtid_set: list.map(([source, first, more]) => `${source}:${first}-${first + more}`).join(',') }),
);
const gtidLists = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 5 })), {
    selector: ([domain]) => domain,
  })
  .map(list => position({ gtid_list: list.map(gtid => gtid.join('-')).join(',') }));
const files = fc
  .tuple(
    fc.constantFrom('binlog', 'mysql-bin'),
    fc.constantFrom('000009', '999999', '1000000'),
    fc.integer({ min: 4, max: 6 }),
    fc.constantFrom('s1', 's2'),
  )
  .map(([base, number, pos, server]) => position({ file: `${base}.${number}`, pos, server }));
const positions = fc.oneof(gtidSets, gtidLists, files);

const met = (a: Position, b: Position): Position | null => {
  try {
    return meet(a, b);
  } catch (error) {
    expect(error).toMatchObject({ code: 'POSITION_LOST' });
    return null;
  }
};

describe('positions', () => {
  it('cover themselves', () => {
    fc.assert(fc.property(positions, a => void expect(covers(a, a)).toBe(true)));
  });

  it('cover what those cover that they cover', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.tuple(gtidSets, gtidSets, gtidSets),
          fc.tuple(gtidLists, gtidLists, gtidLists),
          fc.tuple(files, files, files),
        ),
        ([a, b, c]) => {
          if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
        },
      ),
    );
  });

  it('of two kinds have nothing in common', () => {
    fc.assert(
      fc.property(gtidSets, gtidLists, files, (set, list, file) => {
        for (const [a, b] of [
          [set, list],
          [list, file],
          [file, set],
        ] as const) {
          expect(covers(a, b) || covers(b, a)).toBe(false);
          expect(met(a, b)).toBeNull();
        }
      }),
    );
  });

  it('meet in the greatest position that both cover', () => {
    const pairs = fc.oneof(
      fc.tuple(gtidSets, gtidSets, gtidSets),
      fc.tuple(gtidLists, gtidLists, gtidLists),
      fc.tuple(files, files, files),
    );
    fc.assert(
      fc.property(pairs, ([a, b, c]) => {
        const common = met(a, b);
        if (common === null) return;
        expect(covers(a, common) && covers(b, common)).toBe(true);
        if (covers(a, c) && covers(b, c)) expect(covers(common, c)).toBe(true);
      }),
    );
  });

  it('meet where one covers the other', () => {
    const pairs = fc.oneof(fc.tuple(gtidSets, gtidSets), fc.tuple(gtidLists, gtidLists), fc.tuple(files, files));
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        if (!covers(a, b)) return;
        const common = meet(a, b);
        expect(covers(common, b) && covers(b, common)).toBe(true);
      }),
    );
  });

  it('are written as they were read', () => {
    fc.assert(
      fc.property(positions, a => {
        const canonical = toPosition(fromPosition(a));
        expect(toPosition(fromPosition(canonical))).toEqual(canonical);
        expect(covers(a, canonical) && covers(canonical, a)).toBe(true);
      }),
    );
  });

  it('in files go by the number, not by its text', () => {
    const at = (file: string, pos = 4): { file: string; pos: number; server: string } => ({ file, pos, server: 's' });
    expect(compareFiles(at('binlog.1000000'), at('binlog.999999', 9999))).toBeGreaterThan(0);
    expect(compareFiles(at('binlog.000010'), at('binlog.000009'))).toBeGreaterThan(0);
    expect(compareFiles(at('a.b.000010', 5_000_000_000), at('a.b.000010', 4_294_967_296))).toBeGreaterThan(0);
    expect(compareFiles(at('mysql-bin-changelog.000010'), at('mysql-binlog.000009'))).toBeNull();
    expect(compareFiles(at('binlog.000010'), { ...at('binlog.000009'), server: 'other' })).toBeNull();
  });

  it('of MariaDB know when two servers have parted', () => {
    const list = (text: string): Position => position({ gtid_list: text });
    expect(covers(list('0-1-5'), list('0-2-5'))).toBe(false);
    expect(covers(list('0-2-6'), list('0-1-5'))).toBe(true);
    expect(covers(list('0-1-5,1-1-2'), list('0-1-5'))).toBe(true);
    expect(covers(list('0-1-5'), list('0-1-5,1-1-2'))).toBe(false);
    expect(met(list('0-1-5'), list('0-2-5'))).toBeNull();
    expect(meet(list('0-1-5,1-1-2'), list('0-1-7,2-1-1'))).toEqual({ gtid_list: '0-1-5' });
  });

  it.each([
    [{ gtid_set: 'nonsense' }, /character 1: expected a source UUID/],
    [{ gtid_set: `${A}:1-` }, /character 40: .* found the end/],
    [{ gtid_list: '0-1' }, /character 1: expected domain-server-sequence/],
    [{ gtid_list: '0-1-5,0-2-6' }, /character 7: expected domain 0 only once/],
    [{ gtid_list: '0-1-5 x' }, /character 7: expected ","/],
    [{ gtid_list: '4294967296-1-5' }, /below 2\^32/],
    [{ file: 'binlog', pos: 4, server: 's' }, /a position must be/],
    [{ file: 'binlog.000001', pos: '4', server: 's' }, /a position must be/],
    [{ file: 'binlog.000001', pos: 3, server: 's' }, /a position must be/],
    [{ file: 'binlog.000001', pos: 4.5, server: 's' }, /a position must be/],
    [{ file: 'binlog.000001', pos: 4 }, /a position must be/],
    [{}, /a position must be/],
    [{ gtid_set: 5 }, /a position must be/],
  ])('refuse %j', (json, message) => {
    expect(() => fromPosition(position(json))).toThrow(
      expect.objectContaining({ code: 'STATE_INVALID', detail: expect.stringMatching(message) }),
    );
  });

  it('are read as people write them', () => {
    expect(toPosition(parsePosition(`MySQL56/${A}:1-5`, 'mysql', ''))).toEqual({ gtid_set: `${A}:1-5` });
    expect(toPosition(parsePosition(`${A}:1-5,\n${B}:1`, 'mysql', ''))).toEqual({ gtid_set: `${A}:1-5,${B}:1` });
    expect(toPosition(parsePosition('0-1-5, 1-2-3', 'mariadb', ''))).toEqual({ gtid_list: '0-1-5,1-2-3' });
    expect(toPosition(parsePosition(' binlog.000003:5000000000 ', 'mysql', 'me'))).toEqual({
      file: 'binlog.000003',
      pos: 5_000_000_000,
      server: 'me',
    });
    expect(() => parsePosition(`MySQL56/${A}:x`, 'mysql', '')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => parsePosition(`MySQL56/${A}:-`, 'mysql', '')).toThrow(/character 46/);
    expect(() => parsePosition(`${A}:1`, 'mariadb', '')).toThrow(/MariaDB GTID list is malformed/);
  });
});

describe('prepared transactions', () => {
  const x = { gtid: `${A}:5` };
  const y = { gtid: `${A}:8` };

  it('stay in the position in front of two others while both have them behind', () => {
    const a = position({ gtid_set: `${A}:1-6:8`, prepared: { x, y } });
    const b = position({ gtid_set: `${A}:1-7` });
    expect(meet(a, b)).toEqual({ gtid_set: `${A}:1-6`, prepared: { x } });
    expect(meet(a, position({ gtid_set: `${A}:1-6` }))).toEqual({ gtid_set: `${A}:1-6` });
    const list = position({ gtid_list: '0-1-6,1-1-2', prepared: { z: { gtid: '0-1-5', after: '0-1-4' } } });
    const other = position({ gtid_list: '0-1-7,1-1-1' });
    expect(meet(list, other)).toEqual({
      gtid_list: '0-1-6,1-1-1',
      prepared: { z: { gtid: '0-1-5', after: '0-1-4' } },
    });
  });

  it('of a state that was written before they were part of it are a position lost', () => {
    expect(() => fromPosition(position({ gtid_list: '0-1-4', reached: '0-1-7' }))).toThrowError(/earlier version/);
  });
});
