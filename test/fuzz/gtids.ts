import { GtidSet } from '../../src/engines/mysql/gtid-set.ts';
import { GtidList } from '../../src/engines/mysql/mariadb-gtid.ts';
import type { FuzzResult } from './fuzz.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';

const HIGHEST = 24;
const SOURCES = [
  '3e11fa47-71ca-11e1-9e33-c80aa9429562',
  '3e11fa47-71ca-11e1-9e33-c80aa9429562:tag_1',
  'ffffffff-0000-0000-0000-000000000000',
];

/** A set as nobody would keep one: every transaction by its name. */
type Plain = ReadonlySet<string>;

const spaced = (random: Random): string => random.pick(['', '', '', ' ', '\n', ' \t']);

/** A set, and one of the many texts that mean it: ranges in any order, twice, over each other, in capitals. */
const setAndText = (random: Random): readonly [Plain, string] => {
  const plain = new Set<string>();
  const parts: string[] = [];
  for (let left = random.below(5); left > 0; left--) {
    const source = random.pick(SOURCES);
    let text = random.below(3) === 0 ? source.toUpperCase() : source;
    for (let ranges = 1 + random.below(3); ranges > 0; ranges--) {
      const first = 1 + random.below(HIGHEST);
      const last = Math.min(HIGHEST, first + random.below(6));
      for (let gno = first; gno <= last; gno++) plain.add(`${source}:${gno}`);
      text += `${spaced(random)}:${spaced(random)}${first === last && random.below(2) === 0 ? first : `${first}-${last}`}`;
    }
    parts.push(`${spaced(random)}${text}${spaced(random)}`);
  }
  return [plain, parts.join(',')];
};

const names = (set: GtidSet): Set<string> => {
  const all = new Set<string>();
  for (const source of SOURCES) for (let gno = 1; gno <= HIGHEST; gno++) if (set.has(source, gno)) all.add(`${source}:${gno}`);
  return all;
};
const same = (what: string, set: GtidSet, plain: Plain): void => {
  const found = names(set);
  if (found.size !== plain.size || [...plain].some(name => !found.has(name))) throw new Error(`${what}: ${set.toString()}`);
};
const setOf = (text: string): GtidSet => {
  const parsed = GtidSet.parse(text);
  if (parsed instanceof GtidSet) return parsed;
  throw new Error(`refused at ${parsed.at}: ${text}`);
};

/** Two sets against sets that know nothing of intervals. */
const sets = (random: Random): void => {
  const [one, oneText] = setAndText(random);
  const [two, twoText] = setAndText(random);
  const a = setOf(oneText);
  const b = setOf(twoText);
  same('parse', a, one);
  same('union', a.union(b), new Set([...one, ...two]));
  same('intersect', a.intersect(b), new Set([...one].filter(name => two.has(name))));
  same('subtract', a.subtract(b), new Set([...one].filter(name => !two.has(name))));
  if (a.contains(b) !== [...two].every(name => one.has(name))) throw new Error(`contains: ${oneText} | ${twoText}`);
  if (!setOf(a.toString()).equals(a)) throw new Error(`again: ${a.toString()}`);
};

const TEXTS = [
  `${SOURCES[0]}:1-5:7,${SOURCES[1]}:3`,
  `${SOURCES[2]}:1-9223372036854775806`,
  '0-1-5',
  '0-1-4711,1-2-15',
  '4294967295-1-9007199254740991',
].map(text => Buffer.from(text));

/** A text with changes: it is refused at a place of its own, or means what its own text means. Returns whether it was taken. */
const text = (random: Random, Kind: typeof GtidSet | typeof GtidList): boolean => {
  const input = mutate(random, random.pick(TEXTS), random.pick(TEXTS)).toString('latin1');
  const parsed = Kind.parse(input);
  if ('expected' in parsed) {
    if (parsed.at < 0 || parsed.at > input.length) throw new Error(`refused at ${parsed.at}: ${JSON.stringify(input)}`);
    return false;
  }
  const again = Kind.parse(parsed.toString());
  if ('expected' in again || again.toString() !== parsed.toString()) throw new Error(`again: ${JSON.stringify(input)}`);
  return true;
};

/** Feeds `runs` texts of GTID sets and lists to their readers, a tenth of them to the arithmetic as well. Throws at the first that is off. */
export const fuzzGtids = (runs: number, seed: number): FuzzResult[] => {
  const random = new Random(seed);
  let accepted = 0;
  let rejected = 0;
  for (let run = 0; run < runs; run++) {
    try {
      if (run % 10 === 0) sets(random);
      if (run % 10 === 0 || text(random, run % 3 === 0 ? GtidList : GtidSet)) accepted++;
      else rejected++;
    } catch (error) {
      throw new Error(`seed ${seed}, run ${run}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  return [{ target: 'GTID sets and lists', accepted, rejected }];
};
