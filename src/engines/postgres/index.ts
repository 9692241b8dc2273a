import type { Engine } from '../../contract/engine.ts';
import { ADDED } from './added.ts';
import { type PostgresConfig, postgresConfig } from './config.ts';
import { openSession } from './session.ts';

/** PostgreSQL 14 and newer, by COPY and logical replication (pgoutput). */
export const postgres = {
  name: 'postgres',
  title: 'PostgreSQL',
  config: postgresConfig,
  ...ADDED,
  timeOfClock: () => null, // LSNs
  connect: openSession,
} satisfies Engine<PostgresConfig>;
