// npm run fuzz [-- --runs N --seed S]
import { parseArgs } from 'node:util';
import { fuzzBinlog } from './binlog.ts';
import { fuzz } from './fuzz.ts';
import { fuzzGtids } from './gtids.ts';
import { fuzzJson } from './json.ts';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '1000000' }, seed: { type: 'string' } } });
const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed))
  throw new Error('--runs and --seed are whole numbers');
console.log(`${runs} runs, seed ${seed}`);
const begun = performance.now();
const fuzzers = [fuzz, fuzzBinlog, fuzzJson, fuzzGtids];
for (const { target, accepted, rejected } of fuzzers.flatMap(each => each(runs, seed)))
  console.log(`${target}: ${accepted} accepted, ${rejected} refused`);
console.log(`${((performance.now() - begun) / 1000).toFixed(1)} s`);
