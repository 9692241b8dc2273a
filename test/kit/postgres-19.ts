import { describeServer, enginesRequired } from './engines.ts';
import type { Lacking } from './servers/postgres-19.ts';
import { ask } from './servers/shared.ts';

// Whether tests are skipped is decided while they are collected, and a server that is not here yet is fetched for that.
const lacking = (await ask('lacking/postgres/19')) as Lacking | null;

/**
 * Tests on PostgreSQL 19, which comes from Debian's experimental suite. That suite may drop a package any day, so 19 is
 * required (TRIBUTARY_REQUIRE_ENGINES=1) only where the archive offers it: then, and where the archive cannot be asked, to
 * be without it is a failure. Where the archive has none, the tests are skipped by name.
 */
export const describePostgres19 = (body: () => void): void =>
  describeServer('PostgreSQL 19', lacking?.reason ?? null, body, enginesRequired() && lacking?.offered === true);
