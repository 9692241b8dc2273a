import { createHash } from 'node:crypto';
import * as z from 'zod';
import { commonConfig, sslModeInSource } from '../../contract/common-config.ts';
import {
  jsonColumns,
  MAIN_SHARD,
  refuseHalfPair,
  refuser,
  refuseTwinShards,
  refuseUnknownStarts,
  type ShardAddress,
  shardAddress,
  shardHost,
  shardName,
  shardPassword,
  shardPort,
  shardText,
  sourceHost,
  sourcePassword,
  sourcePort,
  sslModes,
} from '../../contract/connection-config.ts';

const shard = z
  .strictObject({
    name: shardName,
    host: shardHost,
    port: shardPort(5432),
    database: shardText('Database', 3),
    username: shardText('Username', 4),
    password: shardPassword(5),
  })
  .meta({ title: 'Shard' });

const sslMode = sslModes({ off: 'disable', offered: 'prefer', always: 'require', named: 'verify_full' });

export type SslMode = z.output<typeof sslMode>;

const source = z
  .strictObject({
    engine: z.literal('postgres').meta({ order: 0 }),
    host: sourceHost,
    port: sourcePort(5432),
    database: z
      .string()
      .min(1)
      .meta({ title: 'Database', description: 'Name of the database.', examples: ['shop'], order: 3 }),
    username: z
      .string()
      .min(1)
      .meta({ title: 'Username', description: 'A role that may log in and read the tables.', examples: ['reader'], order: 4 }),
    password: sourcePassword(5),
    schemas: z
      .array(z.string().min(1))
      .min(1)
      .default(['public'])
      .meta({
        title: 'Schemas',
        description: 'The schemas whose tables are offered. Upper and lower case matter.',
        examples: [['public', 'sales']],
        order: 6,
      }),
    replication_slot: z
      .string()
      .regex(/^[a-z0-9_]{1,63}$/, 'lower-case letters, digits and underscores only, at most 63')
      .default('tributary')
      .meta({
        title: 'Replication slot',
        description:
          'Use a separate slot for each connection. The first sync creates it if it does not exist. With shards, each shard gets a slot named `<slot>_<shard>`.',
        examples: ['tributary'],
        pattern_descriptor: 'lower-case letters, digits and underscores, at most 63',
        order: 7,
      }),
    publication: z
      .string()
      .min(1)
      .max(63)
      .default('tributary')
      .meta({
        title: 'Publication',
        description: 'Created and extended by syncs where it is absent and the role may do so; one of your own is used as it is.',
        examples: ['tributary'],
        order: 8,
      }),
    json_columns: jsonColumns(9),
    ssl_mode: sslMode.default({ mode: 'prefer' }).meta({
      title: 'Encryption',
      description: 'As sslmode of libpq.',
      type: 'object',
      order: 10,
    }),
    shards: z.array(shard).optional().meta({
      title: 'Shards',
      description:
        'For an application-sharded database: servers or databases that all have the same tables. Replaces host and database above; what a shard leaves empty is taken from there.',
      order: 11,
    }),
  })
  .meta({ title: 'PostgreSQL' });

/** Everything that a config file for PostgreSQL may say. Written once, here; `spec/spec.json` is made from it. */
export const postgresConfig = z.preprocess(
  sslModeInSource,
  z
    .strictObject({
      source: source.meta({ title: 'PostgreSQL', order: 0, group: 'db' }),
      ...commonConfig,
    })
    .superRefine((config, context) => {
      const refuse = refuser(context);
      const { shards, ssl_mode: ssl } = config.source;
      refuseTwinShards(shards, refuse);
      refuseHalfPair(ssl, refuse);
      refuseUnknownStarts(config.starting_gtids, shardsOf(config.source), refuse);
    }),
);

export type PostgresConfig = z.output<typeof postgresConfig>;

interface DatabaseAddress extends ShardAddress {
  /** Slots are named once in a server, and shards may be databases of one server: each listed one has a slot of its own. */
  readonly slot: string;
  readonly database: string;
}

/** `<slot>_<shard>`, as far as the server's rules for names allow, else a name made of the shard's hash. */
function slotOfShard(slot: string, shard: string): string {
  const name = `${slot}_${shard}`;
  if (/^[a-z0-9_]{1,63}$/.test(name)) return name;
  return `${slot.slice(0, 50)}_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/** The servers or databases that a config names: the listed shards, or the one called `main`. */
export function shardsOf(config: z.output<typeof source>): readonly DatabaseAddress[] {
  const { host, database, replication_slot: slot, shards = [] } = config;
  if (shards.length === 0) return [{ ...shardAddress({ name: MAIN_SHARD, host }, config), slot, database }];
  return shards.map(shard => ({
    ...shardAddress(shard, config),
    slot: slotOfShard(slot, shard.name),
    database: shard.database ?? database,
  }));
}
