import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { canonicalConfig, startOfShards } from '../../../../src/contract/common-config.ts';
import { postgresConfig, shardsOf } from '../../../../src/engines/postgres/config.ts';

const source = { engine: 'postgres', host: 'db.example.com', database: 'shop', username: 'reader' };
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const key = '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n';

/** `path: message` of every complaint. */
const complaints = (config: unknown): readonly string[] => {
  const result = postgresConfig.safeParse(config);
  return result.success ? [] : result.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
};

describe('postgresConfig', () => {
  it('needs host, database and user only', () => {
    expect(postgresConfig.parse({ source })).toEqual({
      source: {
        ...source,
        port: 5432,
        schemas: ['public'],
        replication_slot: 'tributary',
        publication: 'tributary',
        json_columns: 'text',
        ssl_mode: { mode: 'prefer' },
      },
      invalid_position: 'fail',
      state_type: 'global',
      checkpoint_interval_seconds: 10,
    });
  });

  it.each(['db', 'db.example.com', '10.0.0.1', '::1', 'fe80::1%eth0', '2001:db8::10.0.0.1', 'db_1', 'bücher.example'])(
    'takes the host %s',
    host => {
      expect(complaints({ source: { ...source, host } })).toEqual([]);
    },
  );

  it.each(['', 'postgres://db', 'db:5432', 'user@db', '[::1]', 'db/shop', ' db', 'db example', '/var/run/postgresql'])(
    'refuses the host "%s"',
    host => {
      expect(complaints({ source: { ...source, host } }).join()).toContain('source.host: ');
    },
  );

  it.each([
    ['source.port', { source: { ...source, port: 0 } }],
    ['source.port', { source: { ...source, port: 65536 } }],
    ['source.port', { source: { ...source, port: '5432' } }],
    ['source.database', { source: { ...source, database: '' } }],
    ['source.username', { source: { ...source, username: '' } }],
    ['source.schemas', { source: { ...source, schemas: [] } }],
    ['source.schemas.0', { source: { ...source, schemas: [''] } }],
    ['source.replication_slot', { source: { ...source, replication_slot: 'Slot' } }],
    ['source.replication_slot', { source: { ...source, replication_slot: 'a'.repeat(64) } }],
    ['source.replication_slot', { source: { ...source, replication_slot: '' } }],
    ['source.publication', { source: { ...source, publication: '' } }],
    ['source.json_columns', { source: { ...source, json_columns: 'object' } }],
    ['source.engine', { source: { ...source, engine: 'mysql' } }],
    ['source', { source: { ...source, hsot: 'x' } }],
    ['source.ssl_mode.mode', { source, ssl_mode: { mode: 'verify-full' } }],
    ['source.ssl_mode.ca_certificate', { source, ssl_mode: { mode: 'verify_full' } }],
    ['source.ssl_mode.ca_certificate', { source, ssl_mode: { mode: 'verify_ca', ca_certificate: '/etc/ca.pem' } }],
    ['source.ssl_mode.client_key', { source, ssl_mode: { mode: 'require', client_certificate: certificate } }],
    ['source.ssl_mode.client_certificate', { source, ssl_mode: { mode: 'require', client_key: key } }],
    ['source.ssl_mode', { source, ssl_mode: { mode: 'disable', ca_certificate: certificate } }],
    ['invalid_position', { source, invalid_position: 'ignore' }],
    ['state_type', { source, state_type: 'legacy' }],
    ['checkpoint_interval_seconds', { source, checkpoint_interval_seconds: -1 }],
    ['checkpoint_interval_seconds', { source, checkpoint_interval_seconds: 3601 }],
    ['checkpoint_interval_seconds', { source, checkpoint_interval_seconds: 1.5 }],
    ['', { source, tunel_method: {} }],
    ['', { source, ssl: true }],
  ])('complains at "%s"', (path, config) => {
    expect(complaints(config).map(line => line.slice(0, line.indexOf(': ')))).toEqual([path]);
  });

  it('takes ssl_mode beside source as well, but not in both places', () => {
    const mode = { mode: 'require' };
    expect(postgresConfig.parse({ source, ssl_mode: mode })).toEqual(
      postgresConfig.parse({ source: { ...source, ssl_mode: mode } }),
    );
    expect(complaints({ source: { ...source, ssl_mode: mode }, ssl_mode: mode })).toEqual([
      expect.stringContaining('Unrecognized key: "ssl_mode"'),
    ]);
  });

  it('takes every form of client certificate', () => {
    const client = { client_certificate: certificate, client_key: key, client_key_password: 'secret' };
    expect(complaints({ source, ssl_mode: { mode: 'require', ...client } })).toEqual([]);
    expect(complaints({ source, ssl_mode: { mode: 'verify_full', ca_certificate: certificate, ...client } })).toEqual([]);
  });
});

describe('shards', () => {
  const shards = [
    { name: 'eu', host: 'eu.example.com' },
    { name: 'us', host: 'us.example.com', port: 6432, database: 'shop_us', username: 'us', password: 'other' },
  ];

  it('takes from above what a shard leaves open', () => {
    const config = postgresConfig.parse({ source: { ...source, password: 'secret', shards } });
    expect(shardsOf(config.source)).toEqual([
      {
        name: 'eu',
        slot: 'tributary_eu',
        host: 'eu.example.com',
        port: 5432,
        database: 'shop',
        username: 'reader',
        password: 'secret',
      },
      {
        name: 'us',
        slot: 'tributary_us',
        host: 'us.example.com',
        port: 6432,
        database: 'shop_us',
        username: 'us',
        password: 'other',
      },
    ]);
  });

  it('is one called main where the list is absent or empty', () => {
    for (const each of [source, { ...source, shards: [] }]) {
      const names = shardsOf(postgresConfig.parse({ source: each }).source).map(shard => shard.name);
      expect(names).toEqual(['main']);
    }
  });

  it('refuses two of one name, and a nameless one', () => {
    expect(complaints({ source: { ...source, shards: [shards[0], shards[0]] } })).toEqual([
      'source.shards.1.name: two shards are called "eu"',
    ]);
    expect(complaints({ source: { ...source, shards: [{ ...shards[0], name: '' }] } }).join()).toContain('source.shards.0.name');
  });
});

describe('starting_gtids', () => {
  const positions = { shop: { main: '0/16B3748' } };

  it('is JSON text or the object itself', () => {
    for (const starting of [JSON.stringify(positions), positions]) {
      expect(postgresConfig.parse({ source, starting_gtids: starting }).starting_gtids).toEqual(positions);
    }
    expect(startOfShards(positions)).toEqual(new Map([['main', '0/16B3748']]));
    expect(startOfShards(undefined).size).toBe(0);
  });

  it('may be empty', () => {
    expect(postgresConfig.parse({ source, starting_gtids: ' ' }).starting_gtids).toEqual({});
  });

  it.each([
    ['not JSON', '{"shop"'],
    ['expected JSON', '[]'],
    ['expected JSON', '"0/16B3748"'],
    ['wrong at "shop"', '{"shop": "0/16B3748"}'],
    ['wrong at "shop.main"', '{"shop": {"main": 1}}'],
    ['no database "other" with a shard "main"', '{"other": {"main": "0/1"}}'],
    ['no database "shop" with a shard "eu"', '{"shop": {"eu": "0/1"}}'],
  ])('says what is wrong: %s', (message, text) => {
    expect(complaints({ source, starting_gtids: text })).toEqual([expect.stringContaining(message)]);
  });

  it('is text in the canonical form, which the JSON Schema describes', () => {
    expect(canonicalConfig({ source, starting_gtids: positions })).toEqual({ source, starting_gtids: JSON.stringify(positions) });
    for (const same of [{ source }, { source, starting_gtids: '{}' }, [], null, 1]) expect(canonicalConfig(same)).toBe(same);
  });
});

describe('the JSON Schema made from it', () => {
  const schema = z.toJSONSchema(postgresConfig, { target: 'draft-7', io: 'input', unrepresentable: 'throw' });
  const text = JSON.stringify(schema);

  it('uses nothing that the form builder refuses', () => {
    for (const keyword of ['anyOf', 'allOf', '$ref', 'not', 'patternProperties', 'if'])
      expect(text).not.toContain(`"${keyword}":`);
  });

  it('marks every secret, and orders each object', () => {
    const objects: Record<string, unknown>[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('properties' in node) objects.push(node.properties as Record<string, unknown>);
      for (const child of Object.values(node)) walk(child);
    };
    walk(schema);
    expect(objects.length).toBeGreaterThan(6);
    for (const properties of objects) {
      const fields = Object.entries(properties) as [
        string,
        { order?: number; airbyte_secret?: boolean; title?: string; const?: string },
      ][];
      expect(new Set(fields.map(([, field]) => field.order)).size).toBe(fields.length);
      for (const [name, field] of fields) {
        expect(field.airbyte_secret === true, name).toBe(/password|certificate|key/.test(name));
        if (field.const === undefined) expect(field.title, name).toBeTypeOf('string');
      }
    }
  });
});
