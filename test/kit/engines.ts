import { describe, it } from 'vitest';
import { postgresMajors, postgresUnavailable, type UsualMajor } from './servers/postgres.ts';

/** TRIBUTARY_REQUIRE_ENGINES=1, as in .ci/run. */
export const enginesRequired = (): boolean => process.env['TRIBUTARY_REQUIRE_ENGINES'] === '1';

/**
 * `describe` for tests that need a server. When it cannot be had here, the tests are skipped, under a name that says
 * so; where it is required, that is a failure.
 */
export const describeServer = (
  label: string,
  unavailable: string | null,
  body: () => void,
  required = enginesRequired(),
): void => {
  if (unavailable === null) {
    describe(label, body);
  } else if (required) {
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
export const describePostgres = (body: (major: UsualMajor) => void): void => {
  for (const major of postgresMajors) describeServer(`PostgreSQL ${major}`, postgresUnavailable(major), () => body(major));
};
