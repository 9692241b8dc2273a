import type { Engine } from '../../contract/engine.ts';
import type { EpochMicros } from '../../contract/ids.ts';
import type { Column } from '../../contract/table.ts';
import { type MysqlConfig, mysqlConfig } from './config.ts';
import { openSession } from './session.ts';
import { MysqlShard } from './shard.ts';

const originColumns: readonly Column[] = [
  { name: '_ab_cdc_log_file', type: { kind: 'string' }, nullable: true },
  { name: '_ab_cdc_log_pos', type: { kind: 'integer' }, nullable: true },
];

/** MySQL 8.0 and newer, MariaDB 10.5 and newer, by SELECT and the binary log. */
export const mysql = {
  name: 'mysql',
  title: 'MySQL and MariaDB',
  config: mysqlConfig,
  cursorColumn: '_ab_cdc_cursor',
  originColumns,
  timeOfClock: clock => (clock === 0 ? null : (clock as EpochMicros)),
  connect: (config, context) => openSession(config, context, (options, handover) => new MysqlShard(options, handover)),
} satisfies Engine<MysqlConfig>;
