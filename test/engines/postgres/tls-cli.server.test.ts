import { afterAll, beforeAll, expect, it } from 'vitest';
import { Authority, type Certificate, certificatesUnavailable } from '../../kit/certificates.ts';
import { describeServer } from '../../kit/engines.ts';
import type { JsonObject } from '../../kit/messages.ts';
import { type RunResult, runConnector } from '../../kit/run-connector.ts';
import { type OwnPostgresServer, postgresUnavailable, startPostgres, superuser } from '../../kit/servers/postgres.ts';

const keyPassword = 'shut sesame, 0815';
const catalog = { streams: [{ stream: { name: 't', namespace: 'public', json_schema: {} }, sync_mode: 'full_refresh' }] };

describeServer('TLS refused, as the executable says it', postgresUnavailable(18) ?? certificatesUnavailable(), () => {
  let encrypting: OwnPostgresServer;
  let plain: OwnPostgresServer;
  let authority: Authority;
  let stranger: Authority;
  let client: Certificate;
  let other: Certificate;
  let locked: string;

  beforeAll(async () => {
    authority = await Authority.create('Authority');
    stranger = await Authority.create('Stranger');
    const server = await authority.issue({ commonName: 'server', names: 'IP:127.0.0.1' });
    client = await authority.issue({ commonName: superuser.name });
    other = await stranger.issue({ commonName: superuser.name });
    locked = await authority.encrypt(client.key, 'open sesame');
    encrypting = await startPostgres({ major: 18, tls: { ...server, ca: authority.certificate } });
    plain = await startPostgres({ major: 18 });
  });
  afterAll(async () => {
    await Promise.all([encrypting.stop(), plain.stop()]);
    await Promise.all([authority[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()]);
  });

  const config = ({ port }: OwnPostgresServer, sslMode: JsonObject): JsonObject => ({
    source: {
      engine: 'postgres',
      host: '127.0.0.1',
      port,
      database: 'postgres',
      username: superuser.name,
      password: superuser.password,
      ssl_mode: sslMode,
    },
  });
  const presenting = (key: string, more: JsonObject = {}): JsonObject => ({
    mode: 'require',
    client_certificate: client.certificate,
    client_key: key,
    ...more,
  });

  /** What must not be shown: passwords, and any line of a key. */
  const expectNoSecret = (run: RunResult): void => {
    const lines = [client.key, other.key, locked].flatMap(key =>
      key.split('\n').filter(line => line.length >= 16 && !line.startsWith('-')),
    );
    const text = [...run.lines, run.stderr].join('\n');
    const shown = [...lines, keyPassword, 'PRIVATE KEY', superuser.password].filter(secret => text.includes(secret));
    expect(shown).toEqual([]);
  };

  const refused = async (wrong: JsonObject, says: RegExp): Promise<void> => {
    const check = await runConnector({ command: 'check', config: wrong });
    const status = check.messages.at(-1)?.connectionStatus;
    expect([check.exitCode, status?.status]).toEqual([0, 'FAILED']);
    expect(status?.message).toMatch(says);
    expect(status?.message).toContain('[TLS_REFUSED]');
    expectNoSecret(check);
    for (const command of ['discover', 'read'] as const) {
      const run = await runConnector({ command, config: wrong, ...(command === 'read' && { catalog }) });
      const errors = run.traces.flatMap(trace => trace.error ?? []);
      expect([run.exitCode, errors.length, run.records.length, run.states.length]).toEqual([1, 1, 0, 0]);
      expect(errors[0]).toMatchObject({
        failure_type: 'config_error',
        internal_message: expect.stringMatching(/^TLS_REFUSED: /),
      });
      expect(errors[0]?.message).toMatch(says);
      expect(errors[0]).not.toHaveProperty('stack_trace');
      expect([...run.lines, run.stderr].join('\n')).not.toMatch(/(?:\\n|\n) +at /);
      expectNoSecret(run);
    }
  };

  it('by a server without TLS', () => refused(config(plain, { mode: 'require' }), /offers no TLS, but ssl_mode is require/));

  it('for want of trust in the authority', () =>
    refused(
      config(encrypting, { mode: 'verify_full', ca_certificate: stranger.certificate }),
      /authority that is not in ca_certificate/,
    ));

  it('with the key of another certificate', () => refused(config(encrypting, presenting(other.key)), /does not belong to/));

  it('with a key whose passphrase is another', () =>
    refused(
      config(encrypting, presenting(locked, { client_key_password: keyPassword })),
      /client_key_password is wrong or missing/,
    ));

  it('with a key that is none', () =>
    refused(
      config(encrypting, presenting(client.key.replaceAll(/^[A-Za-z0-9+/]{8}/gm, 'garbage!'))),
      /client_key is no private key that can be read/,
    ));
});
