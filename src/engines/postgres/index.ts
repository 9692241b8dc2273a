import type { Engine } from '../../contract/engine.ts';
import { type PostgresConfig, postgresConfig } from './config.ts';
import { openSession } from './session.ts';

/** PostgreSQL 14 and newer, by COPY and logical replication (pgoutput). */
export const postgres = {
  name: 'postgres',
  title: 'PostgreSQL',
  config: postgresConfig,
  cursorColumn: '_ab_cdc_lsn',
  originColumns: [],
  timeOfClock: () => null, // LSNs
  connect: openSession,
} satisfies Engine<PostgresConfig>;
