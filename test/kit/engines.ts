import { describe, it } from 'vitest';
import { type PostgresMajor, postgresMajors, postgresUnavailable } from './servers/postgres.ts';

/**
 * `describe` for tests that need a server. When it cannot be had here, the tests are skipped, under a name that says
 * so; with TRIBUTARY_REQUIRE_ENGINES=1 (as in .ci/run) that is a failure.
 */
export const describeServer = (label: string, unavailable: string | null, body: () => void): void => {
  if (unavailable === null) {
    describe(label, body);
  } else if (process.env['TRIBUTARY_REQUIRE_ENGINES'] === '1') {
    describe(label, () => {
      it('has a server', () => {
        throw new Error(`${label} is required and not available: ${unavailable}`);
      });
    });
  } else {
    describe.skip(`${label} (not available: ${unavailable})`, body);
  }
};

/** The same tests once for each supported major of PostgreSQL that tests run on. */
export const describePostgres = (body: (major: PostgresMajor) => void): void => {
  for (const major of postgresMajors) describeServer(`PostgreSQL ${major}`, postgresUnavailable(major), () => body(major));
};
