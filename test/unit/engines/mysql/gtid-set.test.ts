import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../../../src/engines/mysql/gtid-set.ts';

const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
const B = '4e11fa47-71ca-11e1-9e33-c80aa9429562';

const parsed = (text: string): GtidSet => {
  const set = GtidSet.parse(text);
  if (!(set instanceof GtidSet)) throw new Error(`${text}: expected ${set.expected} at ${set.at}`);
  return set;
};

/** The model: every transaction by itself. */
type Model = ReadonlySet<string>;
const member = fc.tuple(fc.constantFrom(A, B, `${A}:tag`, `${B}:other_1`), fc.integer({ min: 1, max: 12 }));
const members = fc.array(member, { maxLength: 40 });
const model = (list: readonly (readonly [string, number])[]): Model => new Set(list.map(([source, gno]) => `${source}:${gno}`));
const made = (list: readonly (readonly [string, number])[]): GtidSet => {
  const set = GtidSet.empty();
  for (const [source, gno] of list) set.add(source, gno);
  return set;
};
const all = [A, B, `${A}:tag`, `${B}:other_1`].flatMap(source => Array.from({ length: 14 }, (_, gno) => [source, gno] as const));
const contents = (set: GtidSet): Model =>
  new Set(all.filter(([source, gno]) => set.has(source, gno)).map(([source, gno]) => `${source}:${gno}`));

describe('a GTID set', () => {
  it.each([
    ['', ''],
    ['  \n', ''],
    [`${A}:1-5`, `${A}:1-5`],
    [`${A.toUpperCase()}:5`, `${A}:5`],
    // flink-cdc #4072: the hole was lost, and transaction 8 with it
    [`${A}:1-7:9-10`, `${A}:1-7:9-10`],
    [`${A}:1-7:8-10`, `${A}:1-10`],
    [`${A}:9:1-3:2-5`, `${A}:1-5:9`],
    [`${B}:1,\n${A}:2-3`, `${A}:2-3,${B}:1`],
    [`${A}:1,${A}:2`, `${A}:1-2`],
    [`${A}:1-3:Tag_1:5:7-8:9,${B}:2`, `${A}:1-3:tag_1:5:7-9,${B}:2`],
    [`${A}:tag:1,${A}:1`, `${A}:1:tag:1`],
    [` ${A} : 1 - 5 : 7 , `, `${A}:1-5:7`],
    [`${A.replaceAll('-', '')}:1`, `${A}:1`],
    [`${A}:9007199254740990`, `${A}:9007199254740990`],
  ])('reads %j', (text, canonical) => {
    expect(parsed(text).toString()).toBe(canonical);
  });

  it.each([
    ['x', 0],
    [`${A}`, 36],
    [`${A}:`, 37],
    [`${A}:0`, 37],
    [`${A}:5-`, 39],
    [`${A}:5-3`, 37],
    [`${A}:1-5;${B}:1`, 40],
    [`${A}:1,${B}x:1`, 75],
    [`${A}a:1`, 36],
    [`${A}:NaN-`, 40],
    [`${A}:tag`, 40],
    [`${A}:tag:other:1`, 46],
    [`${A}:1:tag,${B}:1`, 42],
    [`${A}:9007199254740991`, 37],
    [`${A}:9223372036854775807`, 37],
  ])('says where %j is malformed', (text, at) => {
    const set = GtidSet.parse(text);
    expect(set).not.toBeInstanceOf(GtidSet);
    expect(set).toMatchObject({ at });
  });

  it('holds what was added and nothing else, in any order', () => {
    fc.assert(fc.property(members, list => void expect(contents(made(list))).toEqual(model(list))));
  });

  it('is printed so that it reads back', () => {
    fc.assert(
      fc.property(members, list => {
        const set = made(list);
        expect(parsed(set.toString()).equals(set)).toBe(true);
        expect(parsed(set.toString()).toString()).toBe(set.toString());
      }),
    );
  });

  it('is combined as sets are', () => {
    fc.assert(
      fc.property(members, members, (left, right) => {
        const [a, b] = [made(left), made(right)];
        const [ma, mb] = [model(left), model(right)];
        expect(contents(a.union(b))).toEqual(new Set([...ma, ...mb]));
        expect(contents(a.intersect(b))).toEqual(new Set([...ma].filter(gtid => mb.has(gtid))));
        expect(contents(a.subtract(b))).toEqual(new Set([...ma].filter(gtid => !mb.has(gtid))));
        expect(a.contains(b)).toBe([...mb].every(gtid => ma.has(gtid)));
        expect(a.intersect(b).isEmpty).toBe([...ma].every(gtid => !mb.has(gtid)));
        expect(contents(a)).toEqual(ma);
      }),
    );
  });

  it('prints a growing source as it prints the whole', () => {
    fc.assert(
      fc.property(members, fc.array(member, { minLength: 1, maxLength: 20 }), (before, after) => {
        const set = made(before);
        const plain = made(before);
        for (const [source, gno] of after) {
          set.add(source, gno);
          plain.add(source, gno);
          const expected = parsed(plain.toString()).toString();
          expect(set.textGrowingAt(source)).toBe(expected);
          expect(set.toString()).toBe(expected);
        }
      }),
    );
  });

  it('is encoded for the server: untagged', () => {
    const hex = Buffer.from(parsed(`${A}:1-7:9`).encode()).toString('hex');
    const number = (value: number): string => `${value.toString(16).padStart(2, '0')}00000000000000`;
    expect(hex).toBe(`${number(1)}${A.replaceAll('-', '')}${number(2)}${number(1)}${number(8)}${number(9)}${number(10)}`);
    expect(Buffer.from(GtidSet.empty().encode()).toString('hex')).toBe(number(0));
    const large = Buffer.from(parsed(`${A}:4294967297`).encode());
    expect(large.readBigUInt64LE(32)).toBe(4_294_967_297n);
  });

  it('is encoded for the server: with tags', () => {
    const hex = Buffer.from(parsed(`${A}:1:ab:5`).encode()).toString('hex');
    const number = (value: number): string => `${value.toString(16).padStart(2, '0')}00000000000000`;
    const uuid = A.replaceAll('-', '');
    expect(hex).toBe(
      `0102000000000001${uuid}00${number(1)}${number(1)}${number(2)}${uuid}046162${number(1)}${number(5)}${number(6)}`,
    );
  });
});
