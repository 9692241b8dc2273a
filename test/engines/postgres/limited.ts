import { postgres } from '../../../src/engines/postgres/index.ts';
import { LIMITS, type Limits } from '../../../src/engines/postgres/limits.ts';
import { openSession } from '../../../src/engines/postgres/session.ts';
import type { Platform } from '../../kit/platform.ts';
import { type LimitedRead, readWithin as readBy } from '../../kit/read-within.ts';
import type { RunResult } from '../../kit/run-connector.ts';

/** A read within this process, with other limits to its patience. */
export const readWithin = (platform: Platform, { limits, ...options }: LimitedRead<Limits>): Promise<RunResult> =>
  readBy(
    platform,
    { ...postgres, connect: (config, context) => openSession(config, context, { ...LIMITS, ...limits }) },
    options,
  );
