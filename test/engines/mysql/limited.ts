import { mysql } from '../../../src/engines/mysql/index.ts';
import { LIMITS, type Limits } from '../../../src/engines/mysql/limits.ts';
import { openSession } from '../../../src/engines/mysql/session.ts';
import { MysqlShard } from '../../../src/engines/mysql/shard.ts';
import type { Platform } from '../../kit/platform.ts';
import { type LimitedRead, readWithin as readBy } from '../../kit/read-within.ts';
import type { RunResult } from '../../kit/run-connector.ts';

/** A read within this process, with other limits to its patience. */
export const readWithin = (platform: Platform, { limits, ...options }: LimitedRead<Limits>): Promise<RunResult> =>
  readBy(
    platform,
    {
      ...mysql,
      connect: (config, context) =>
        openSession(config, context, (shard, handover) => new MysqlShard(shard, handover), { ...LIMITS, ...limits }),
    },
    options,
  );
