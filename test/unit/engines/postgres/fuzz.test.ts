import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../fuzz/fuzz.ts';
import { seedOfRun } from '../../../kit/random.ts';

const RUNS = 1_000_000;

describe('decoders under fuzzing', () => {
  it('read a million mutated inputs as the references do', { timeout: 120_000 }, () => {
    const seed = seedOfRun();
    console.log(`fuzz: ${RUNS} runs, seed ${seed} (again: npm run fuzz -- --runs ${RUNS} --seed ${seed})`);
    const results = fuzz(RUNS, seed);
    expect(results.reduce((sum, { accepted, rejected }) => sum + accepted + rejected, 0)).toBe(RUNS);
    // Inputs that are all refused, or all valid, would test nothing.
    for (const { accepted, rejected } of results) {
      expect(accepted).toBeGreaterThan(RUNS / 50);
      expect(rejected).toBeGreaterThan(RUNS / 50);
    }
  });
});
