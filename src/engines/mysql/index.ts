import type { Engine } from '../../contract/engine.ts';
import type { EpochMicros } from '../../contract/ids.ts';
import { ADDED } from './added.ts';
import { type MysqlConfig, mysqlConfig } from './config.ts';
import { openSession } from './session.ts';
import { MysqlShard } from './shard.ts';

/** MySQL 8.0 and newer, MariaDB 10.5 and newer, by SELECT and the binary log. */
export const mysql = {
  name: 'mysql',
  title: 'MySQL and MariaDB',
  config: mysqlConfig,
  ...ADDED,
  timeOfClock: clock => (clock === 0 ? null : (clock as EpochMicros)),
  connect: (config, context) => openSession(config, context, (options, handover) => new MysqlShard(options, handover)),
} satisfies Engine<MysqlConfig>;
