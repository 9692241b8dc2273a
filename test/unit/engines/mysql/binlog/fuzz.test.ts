import { describe, expect, it } from 'vitest';
import { fuzzBinlog } from '../../../../fuzz/binlog.ts';

const RUNS = 1_000_000;

describe('the binary log under fuzzing', () => {
  it('a million mutated events are read as the references do', { timeout: 120_000 }, () => {
    const given = process.env['TRIBUTARY_SEED'];
    const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
    console.log(`fuzz: ${RUNS} runs, seed ${seed} (again: npm run fuzz -- --runs ${RUNS} --seed ${seed})`);
    for (const { accepted, rejected } of fuzzBinlog(RUNS, seed)) {
      expect(accepted + rejected).toBe(RUNS);
      // Inputs that are all refused, or all valid, would test nothing.
      expect(accepted).toBeGreaterThan(RUNS / 50);
      expect(rejected).toBeGreaterThan(RUNS / 50);
    }
  });
});
