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
    port: shardPort(3306),
    username: shardText('Username', 3),
    password: shardPassword(4),
  })
  .meta({ title: 'Shard' });

const sslMode = sslModes({ off: 'disabled', offered: 'preferred', always: 'required', named: 'verify_identity' });

export type SslMode = z.output<typeof sslMode>;

const source = z.strictObject({
  engine: z.literal('mysql').meta({ order: 0 }),
  host: sourceHost,
  port: sourcePort(3306),
  username: z
    .string()
    .min(1)
    .meta({
      title: 'Username',
      description: 'An account with REPLICATION SLAVE, REPLICATION CLIENT, and SELECT on the databases.',
      examples: ['reader'],
      order: 3,
    }),
  password: sourcePassword(4),
  databases: z
    .array(z.string().min(1))
    .min(1)
    .meta({ title: 'Databases', description: 'The databases whose tables are offered.', examples: [['shop']], order: 5 }),
  ssl_mode: sslMode.default({ mode: 'preferred' }).meta({
    title: 'Encryption',
    description: 'As --ssl-mode of the mysql client.',
    type: 'object',
    order: 6,
  }),
  server_id: z
    .int()
    .min(1)
    .max(4_294_967_295)
    .optional()
    .meta({
      title: 'Server id',
      description:
        'The number under which the log is read; no replica and no other reader may have it. Empty: one is chosen at random in each sync.',
      examples: [4711],
      order: 7,
    }),
  tinyint1_as: z.enum(['boolean', 'integer']).default('boolean').meta({
    title: 'tinyint(1) columns',
    description: 'boolean: everything but 0 is true. integer: the number itself.',
    order: 8,
  }),
  json_columns: jsonColumns(9),
  shards: z.array(shard).optional().meta({
    title: 'Shards',
    description:
      'For an application-sharded database: servers that all have the same databases and tables. Replaces the host above; what a shard leaves empty is taken from there.',
    order: 10,
  }),
});

/** Everything that a config file for MySQL or MariaDB may say. Written once, here; `spec/spec.json` is made from it. */
export const mysqlConfig = z.preprocess(
  sslModeInSource,
  z
    .strictObject({
      source: source.meta({ title: 'MySQL and MariaDB', order: 0, group: 'db' }),
      ...commonConfig,
    })
    .superRefine((config, context) => {
      const refuse = refuser(context);
      const { databases, ssl_mode: ssl, shards } = config.source;
      for (const [index, name] of databases.entries()) {
        if (databases.indexOf(name) < index) refuse(['source', 'databases', index], `"${name}" stands twice`);
      }
      refuseTwinShards(shards, refuse);
      refuseHalfPair(ssl, refuse);
      const names = shardsOf(config.source).map(({ name }) => name);
      refuseUnknownStarts(
        config.starting_gtids,
        databases.flatMap(database => names.map(name => ({ database, name }))),
        refuse,
      );
      // A position is one of the whole server: databases cannot begin apart.
      for (const name of names) {
        const starts = new Set(Object.values(config.starting_gtids ?? {}).flatMap(positions => positions[name] ?? []));
        if (starts.size > 1) refuse(['starting_gtids'], `the shard "${name}" has two different positions`);
      }
    }),
);

export type MysqlConfig = z.output<typeof mysqlConfig>;

/** The servers that a config names: the listed shards, or the one called `main`. */
export function shardsOf(config: z.output<typeof source>): readonly ShardAddress[] {
  const { host, shards = [] } = config;
  const members = shards.length === 0 ? [{ name: MAIN_SHARD, host }] : shards;
  return members.map(member => shardAddress(member, config));
}
