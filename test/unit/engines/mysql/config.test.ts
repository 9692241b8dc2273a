import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { canonicalConfig } from '../../../../src/contract/common-config.ts';
import { mysqlConfig, shardsOf } from '../../../../src/engines/mysql/config.ts';

const source = { engine: 'mysql', host: 'db.example.com', username: 'reader', databases: ['shop'] };
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const key = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n';

/** `path: message` of every complaint. */
const complaints = (config: unknown): readonly string[] => {
  const result = mysqlConfig.safeParse(config);
  return result.success ? [] : result.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
};
const withSource = (more: Readonly<Record<string, unknown>>): unknown => ({ source: { ...source, ...more } });

describe('mysqlConfig', () => {
  it('needs host, user and databases only', () => {
    expect(mysqlConfig.parse({ source })).toEqual({
      source: {
        ...source,
        port: 3306,
        tinyint1_as: 'boolean',
        json_columns: 'text',
        ssl_mode: { mode: 'preferred' },
      },
      invalid_position: 'fail',
      state_type: 'global',
      checkpoint_interval_seconds: 10,
    });
  });

  it.each([
    ['source.host', withSource({ host: 'mysql://db' })],
    ['source.port', withSource({ port: 0 })],
    ['source.port', withSource({ port: '3306' })],
    ['source.username', withSource({ username: '' })],
    ['source.databases', withSource({ databases: [] })],
    ['source.databases', withSource({ databases: undefined })],
    ['source.databases', withSource({ databases: 'shop' })],
    ['source.databases.1', withSource({ databases: ['shop', ''] })],
    ['source.databases.2', withSource({ databases: ['shop', 'sales', 'shop'] })],
    ['source.server_id', withSource({ server_id: 0 })],
    ['source.server_id', withSource({ server_id: 4_294_967_296 })],
    ['source.server_id', withSource({ server_id: 1.5 })],
    ['source.tinyint1_as', withSource({ tinyint1_as: 'number' })],
    ['source.json_columns', withSource({ json_columns: 'object' })],
    ['source.engine', withSource({ engine: 'mariadb' })],
    ['source', withSource({ database: 'shop' })],
    ['source.ssl_mode.mode', withSource({ ssl_mode: { mode: 'prefer' } })],
    ['source.ssl_mode.mode', { source, ssl_mode: { mode: 'verify_full' } }],
    ['source.ssl_mode.ca_certificate', withSource({ ssl_mode: { mode: 'verify_identity' } })],
    ['source.ssl_mode.ca_certificate', withSource({ ssl_mode: { mode: 'verify_ca', ca_certificate: '/etc/ca.pem' } })],
    ['source.ssl_mode.client_key', withSource({ ssl_mode: { mode: 'required', client_certificate: certificate } })],
    ['source.ssl_mode.client_certificate', withSource({ ssl_mode: { mode: 'required', client_key: key } })],
    ['source.ssl_mode', withSource({ ssl_mode: { mode: 'disabled', ca_certificate: certificate } })],
    ['', { source: { ...source, ssl_mode: { mode: 'required' } }, ssl_mode: { mode: 'required' } }],
    ['source.shards.0', withSource({ shards: [{ name: 'eu', host: 'eu', databases: ['shop'] }] })],
    [
      'source.shards.1.name',
      withSource({
        shards: [
          { name: 'eu', host: 'a' },
          { name: 'eu', host: 'b' },
        ],
      }),
    ],
  ])('complains at "%s"', (path, config) => {
    expect(complaints(config).map(line => line.slice(0, line.indexOf(': ')))).toEqual([path]);
  });

  it('takes ssl_mode beside source as well', () => {
    const mode = { mode: 'verify_identity', ca_certificate: certificate };
    const nested = withSource({ ssl_mode: mode });
    expect(mysqlConfig.parse({ source, ssl_mode: mode })).toEqual(mysqlConfig.parse(nested));
    expect(canonicalConfig({ source, ssl_mode: mode })).toEqual(nested);
    expect(canonicalConfig(nested)).toEqual(nested);
    expect(canonicalConfig({ source: 'text', ssl_mode: mode })).toEqual({ source: 'text', ssl_mode: mode });
  });

  it('has a schema that can be printed', () => {
    const schema = z.toJSONSchema(mysqlConfig, { target: 'draft-7', io: 'input', unrepresentable: 'throw' });
    expect(schema).toMatchObject({ type: 'object', required: ['source'], properties: { source: { type: 'object' } } });
  });
});

describe('shards', () => {
  const shards = [
    { name: 'eu', host: 'eu.example.com' },
    { name: 'us', host: 'us.example.com', port: 3307, username: 'us', password: 'other' },
  ];

  it('take from above what they leave open', () => {
    const config = mysqlConfig.parse(withSource({ password: 'secret', shards }));
    expect(shardsOf(config.source)).toEqual([
      { name: 'eu', host: 'eu.example.com', port: 3306, username: 'reader', password: 'secret' },
      { name: 'us', host: 'us.example.com', port: 3307, username: 'us', password: 'other' },
    ]);
  });

  it('are one called main where the list is absent or empty', () => {
    for (const each of [source, { ...source, shards: [] }]) {
      expect(shardsOf(mysqlConfig.parse({ source: each }).source).map(({ name }) => name)).toEqual(['main']);
    }
  });

  it('have starts that name a configured database and shard, one for each server', () => {
    const starts = (starting_gtids: unknown): readonly string[] =>
      complaints({ source: { ...source, databases: ['shop', 'sales'], shards }, starting_gtids });
    expect(starts({ shop: { eu: 'a:1', us: 'b:1' } })).toEqual([]);
    expect(starts({ shop: { eu: 'a:1' }, sales: { eu: 'a:1', us: 'b:1' } })).toEqual([]);
    expect(starts({ shop: { eu: 'a:1' }, sales: { eu: 'a:2' } })).toEqual([
      'starting_gtids: the shard "eu" has two different positions',
    ]);
    expect(starts({ shop: { main: 'a:1' } })).toEqual([
      expect.stringContaining(
        'there is no database "shop" with a shard "main"; there is: "shop" / "eu", "shop" / "us", "sales" / "eu"',
      ),
    ]);
    expect(starts({ other: { eu: 'a:1' } })).toEqual([expect.stringContaining('there is no database "other"')]);
  });
});
