import { createHash } from 'node:crypto';
import { z } from 'zod';
import { commonConfig } from '../../contract/common-config.ts';

/** The name of the only shard where `shards` is not used. */
export const MAIN_SHARD = 'main';

// A name or an address. One colon would be a port; two and more are an IPv6 address.
const HOST = /^(?:[^\s:/@[\]]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%\w+)?)$/;
const hostRule = 'a host name or IP address alone: no scheme, port, path, user or brackets';
const host = z.string().min(1).regex(HOST, hostRule);
const port = z.int().min(1).max(65535);
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;
const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const pemRule = 'the PEM text itself (-----BEGIN …), not the path of a file';

const shard = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .meta({
        title: 'Name',
        description: 'How this shard is called in state and records. Never change it.',
        examples: ['eu-1'],
        order: 0,
      }),
    host: host.meta({ title: 'Host', examples: ['eu-1.example.com'], pattern_descriptor: hostRule, order: 1 }),
    port: port.optional().meta({ title: 'Port', description: 'As above where empty.', examples: [5432], order: 2 }),
    database: z.string().min(1).optional().meta({ title: 'Database', description: 'As above where empty.', order: 3 }),
    username: z.string().min(1).optional().meta({ title: 'Username', description: 'As above where empty.', order: 4 }),
    password: z
      .string()
      .optional()
      .meta({ title: 'Password', description: 'As above where empty.', airbyte_secret: true, order: 5 }),
  })
  .meta({ title: 'Shard' });

const source = z
  .strictObject({
    engine: z.literal('postgres').meta({ order: 0 }),
    host: host.meta({
      title: 'Host',
      description: 'Host name or IP address of the server.',
      examples: ['db.example.com'],
      pattern_descriptor: hostRule,
      order: 1,
    }),
    port: port.default(5432).meta({ title: 'Port', examples: [5432], order: 2 }),
    database: z
      .string()
      .min(1)
      .meta({ title: 'Database', description: 'Name of the database.', examples: ['shop'], order: 3 }),
    username: z
      .string()
      .min(1)
      .meta({ title: 'Username', description: 'A role that may log in and read the tables.', examples: ['reader'], order: 4 }),
    password: z.string().optional().meta({
      title: 'Password',
      description: 'Empty where the server asks for none.',
      airbyte_secret: true,
      always_show: true,
      order: 5,
    }),
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
          'Each connection needs one of its own. Created by the first sync where absent. With shards, each has one: this name, _, and the name of the shard.',
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
    json_columns: z.enum(['text', 'native']).default('text').meta({
      title: 'json and jsonb columns',
      description: 'text: a string holding the JSON text, exact for any content. native: the JSON value itself.',
      order: 9,
    }),
    shards: z.array(shard).optional().meta({
      title: 'Shards',
      description:
        'For an application-sharded database: servers or databases that all have the same tables. Replaces host and database above; what a shard leaves empty is taken from there.',
      order: 10,
    }),
  })
  .meta({ title: 'PostgreSQL' });

const clientCertificate = {
  client_certificate: z.string().regex(CERTIFICATE, pemRule).optional().meta({
    title: 'Client certificate',
    description: 'PEM, for servers that ask for one.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 2,
  }),
  client_key: z.string().regex(KEY, pemRule).optional().meta({
    title: 'Client key',
    description: 'PEM, the private key of the client certificate.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 3,
  }),
  client_key_password: z.string().min(1).optional().meta({
    title: 'Client key password',
    description: 'Where the key is encrypted.',
    airbyte_secret: true,
    multiline: true,
    order: 4,
  }),
};
const caCertificate = {
  ca_certificate: z.string().regex(CERTIFICATE, pemRule).meta({
    title: 'CA certificate',
    description: 'PEM, the authority (or the bundle of them) that signed the certificate of the server.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 1,
  }),
};

const sslMode = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('disable').meta({ order: 0 }) }).meta({ title: 'disable', description: 'No encryption.' }),
  z
    .strictObject({ mode: z.literal('prefer').meta({ order: 0 }) })
    .meta({ title: 'prefer', description: 'Encryption where the server offers it; the server is not verified.' }),
  z
    .strictObject({ mode: z.literal('require').meta({ order: 0 }), ...clientCertificate })
    .meta({ title: 'require', description: 'Encryption always; the server is not verified.' }),
  z.strictObject({ mode: z.literal('verify_ca').meta({ order: 0 }), ...caCertificate, ...clientCertificate }).meta({
    title: 'verify_ca',
    description: 'Encryption, and the certificate of the server must come from the given authority.',
  }),
  z
    .strictObject({ mode: z.literal('verify_full').meta({ order: 0 }), ...caCertificate, ...clientCertificate })
    .meta({ title: 'verify_full', description: 'As verify_ca, and the certificate must name the host.' }),
]);

export type SslMode = z.output<typeof sslMode>;

/** Everything that a config file for PostgreSQL may say. Written once, here; `spec/spec.json` is made from it. */
export const postgresConfig = z
  .strictObject({
    source: source.meta({ title: 'PostgreSQL', order: 0, group: 'db' }),
    ssl_mode: sslMode.default({ mode: 'prefer' }).meta({
      title: 'Encryption',
      description: 'As sslmode of libpq.',
      type: 'object',
      order: 10,
      group: 'security',
    }),
    ...commonConfig,
  })
  .superRefine((config, context) => {
    const refuse = (path: (string | number)[], message: string): void => {
      context.addIssue({ code: 'custom', path, message });
    };
    const seen = new Set<string>();
    for (const [index, { name }] of (config.source.shards ?? []).entries()) {
      if (seen.has(name)) refuse(['source', 'shards', index, 'name'], `two shards are called "${name}"`);
      seen.add(name);
    }
    const ssl = config.ssl_mode;
    if ('client_certificate' in ssl || 'client_key' in ssl) {
      if (ssl.client_key === undefined) refuse(['ssl_mode', 'client_key'], 'a client certificate needs its key');
      if (ssl.client_certificate === undefined) refuse(['ssl_mode', 'client_certificate'], 'a client key needs its certificate');
    }
    const shards = shardsOf(config.source);
    for (const [database, positions] of Object.entries(config.starting_gtids ?? {})) {
      for (const name of Object.keys(positions)) {
        if (shards.some(known => known.name === name && known.database === database)) continue;
        const known = shards.map(each => `"${each.database}" / "${each.name}"`).join(', ');
        refuse(['starting_gtids'], `there is no database "${database}" with a shard "${name}"; there is: ${known}`);
      }
    }
  });

export type PostgresConfig = z.output<typeof postgresConfig>;

interface ShardAddress {
  readonly name: string;
  /** Slots are named once in a server, and shards may be databases of one server: each listed one has a slot of its own. */
  readonly slot: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

/** `<slot>_<shard>`, as far as the server's rules for names allow, else a name made of the shard's hash. */
function slotOfShard(slot: string, shard: string): string {
  const name = `${slot}_${shard}`;
  if (/^[a-z0-9_]{1,63}$/.test(name)) return name;
  return `${slot.slice(0, 50)}_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/** The servers or databases that a config names: the listed shards, or the one called `main`. */
export function shardsOf(config: z.output<typeof source>): readonly ShardAddress[] {
  const { host, port, database, username, password = '' } = config;
  const base = { host, port, database, username, password };
  const listed = config.shards ?? [];
  if (listed.length === 0) return [{ name: MAIN_SHARD, slot: config.replication_slot, ...base }];
  return listed.map(shard => ({
    name: shard.name,
    slot: slotOfShard(config.replication_slot, shard.name),
    host: shard.host,
    port: shard.port ?? base.port,
    database: shard.database ?? base.database,
    username: shard.username ?? base.username,
    password: shard.password ?? base.password,
  }));
}
