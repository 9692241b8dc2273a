import { describe, expect, it } from 'vitest';
import { fuzzBinlog } from '../../../../fuzz/binlog.ts';
import { fuzzGtids } from '../../../../fuzz/gtids.ts';
import { fuzzJson } from '../../../../fuzz/json.ts';
import { seedOfRun } from '../../../../kit/random.ts';

const RUNS = 1_000_000;

describe('what MySQL sends, under fuzzing', () => {
  it.each([
    ['mutated events are read as the references do', fuzzBinlog],
    ['mutated JSON documents stay within their bytes, and are JSON or null', fuzzJson],
    ['texts of GTID sets and lists mean what they say, or are refused where they are off', fuzzGtids],
  ])('a million %s', { timeout: 120_000 }, (_, fuzz) => {
    const seed = seedOfRun();
    console.log(`fuzz: ${RUNS} runs, seed ${seed} (again: npm run fuzz -- --runs ${RUNS} --seed ${seed})`);
    for (const { accepted, rejected } of fuzz(RUNS, seed)) {
      expect(accepted + rejected).toBe(RUNS);
      // Inputs that are all refused, or all valid, would test nothing.
      expect(accepted).toBeGreaterThan(RUNS / 50);
      expect(rejected).toBeGreaterThan(RUNS / 50);
    }
  });
});
