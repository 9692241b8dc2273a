import { CopyFuzzer } from './copy-row.ts';
import { copySamples, pgoutputSessions } from './corpus.ts';
import { corpusOf, PgoutputFuzzer } from './pgoutput.ts';
import { Random } from './random.ts';

export interface FuzzResult {
  readonly target: string;
  readonly accepted: number;
  readonly rejected: number;
}

/**
 * Feeds `runs` mutated inputs to the decoders of PostgreSQL's wire formats. Throws at the first that is read otherwise
 * than by the reference, raises another error than ConnectorError, or reads outside of its bytes; the message says seed,
 * run and input.
 */
export const fuzz = (runs: number, seed: number): FuzzResult[] => {
  const random = new Random(seed);
  const pgoutput = new PgoutputFuzzer(corpusOf(pgoutputSessions()), random);
  const copy = new CopyFuzzer(copySamples(), random);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // most inputs end in an error: their stacks would take most of the time
  let run = 0;
  try {
    for (; run < runs; run++) (run % 5 < 3 ? pgoutput : copy).run();
  } catch (error) {
    throw new Error(`seed ${seed}, run ${run}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return [
    { target: 'pgoutput', accepted: pgoutput.accepted, rejected: pgoutput.rejected },
    { target: 'COPY row', accepted: copy.accepted, rejected: copy.rejected },
  ];
};
