import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial } from '../../../src/core/dial.ts';
import type { SslMode } from '../../../src/engines/postgres/config.ts';
import type { PgTarget } from '../../../src/engines/postgres/options.ts';
import { queryOn } from '../../../src/engines/postgres/sql.ts';
import { connect, disconnect } from '../../../src/engines/postgres/wire/connect.ts';
import { Authority, type Certificate, certificatesUnavailable } from '../../kit/certificates.ts';
import { describeServer } from '../../kit/engines.ts';
import {
  type OwnPostgresServer,
  postgresMajors,
  postgresUnavailable,
  startPostgres,
  superuser,
} from '../../kit/servers/postgres.ts';
import { sleep } from '../../kit/servers/process.ts';
import { engineContext } from './engine-fixture.ts';

const options = { replication: false, applicationName: 'tls test' };

/** Connects, says whether the session is encrypted, and hangs up. */
const encrypted = async (target: PgTarget, replication = false): Promise<boolean> => {
  const client = await connect(target, { ...options, replication }, engineContext().context);
  try {
    const [row] = await queryOn(client).rows<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return row?.ssl === true;
  } finally {
    await disconnect(client);
  }
};
const refusal = async (target: PgTarget): Promise<{ code: string; detail: string }> => {
  try {
    await encrypted(target);
  } catch (error) {
    return error as { code: string; detail: string };
  }
  throw new Error('it connected');
};

for (const major of postgresMajors) {
  describeServer(`TLS with PostgreSQL ${major}`, postgresUnavailable(major) ?? certificatesUnavailable(), () => {
    let server: OwnPostgresServer;
    let authority: Authority;
    let stranger: Authority;
    let good: Certificate;
    let client: Certificate;
    let strangeClient: Certificate;

    beforeAll(async () => {
      authority = await Authority.create('Authority');
      stranger = await Authority.create('Stranger');
      good = await authority.issue({ commonName: 'server', names: 'DNS:localhost,IP:127.0.0.1' });
      client = await authority.issue({ commonName: 'by_certificate' });
      strangeClient = await stranger.issue({ commonName: 'by_certificate' });
      server = await startPostgres({
        major,
        tls: { ...good, ca: authority.certificate },
        hba: [
          'hostnossl all tls_only all reject',
          'hostssl all plain_only all reject',
          'hostssl all by_certificate all cert',
          'hostssl all password_too all scram-sha-256 clientcert=verify-ca',
          // localhost may be ::1 here
          'host all all ::1/128 scram-sha-256',
        ],
      });
      for (const name of ['tls_only', 'plain_only', 'password_too'])
        await server.query('postgres', `CREATE ROLE ${name} LOGIN PASSWORD 'secret'`);
      await server.query('postgres', 'CREATE ROLE by_certificate LOGIN');
    });
    afterAll(async () => {
      await server.stop();
      await authority[Symbol.asyncDispose]();
      await stranger[Symbol.asyncDispose]();
    });

    const target = (ssl: SslMode, login: Partial<PgTarget> = {}): PgTarget => ({
      host: '127.0.0.1',
      port: server.port,
      database: 'postgres',
      username: superuser.name,
      password: superuser.password,
      ssl,
      ...login,
    });
    const as = (username: string): Partial<PgTarget> => ({ username, password: 'secret' });
    const trusting = (mode: 'verify_ca' | 'verify_full', ca = authority.certificate): SslMode => ({ mode, ca_certificate: ca });
    const presenting = ({ certificate, key }: Certificate, password?: string): SslMode => ({
      mode: 'require',
      client_certificate: certificate,
      client_key: key,
      ...(password !== undefined && { client_key_password: password }),
    });
    /** Lets the server show another certificate from now on. */
    const show = async ({ certificate, key }: Certificate): Promise<void> => {
      await writeFile(join(server.dataFolder, 'server.crt'), certificate);
      await writeFile(join(server.dataFolder, 'server.key'), key);
      await server.query('postgres', 'SELECT pg_reload_conf()');
      await sleep(300);
    };

    it('is as each mode demands', async () => {
      expect(await encrypted(target({ mode: 'disable' }))).toBe(false);
      expect(await encrypted(target({ mode: 'prefer' }))).toBe(true);
      expect(await encrypted(target({ mode: 'require' }))).toBe(true);
      expect(await encrypted(target(trusting('verify_ca')))).toBe(true);
      expect(await encrypted(target(trusting('verify_full')))).toBe(true);
      expect(await encrypted(target(trusting('verify_full'), { host: 'localhost' }))).toBe(true);
    });

    it('carries a replication connection', async () => {
      expect(await encrypted(target(trusting('verify_full')), true)).toBe(true);
    });

    it('is refused without trust in the authority', async () => {
      for (const mode of ['verify_ca', 'verify_full'] as const) {
        const { code, detail } = await refusal(target(trusting(mode, stranger.certificate)));
        expect([code, detail]).toEqual(['TLS_REFUSED', expect.stringMatching(/authority that is not in ca_certificate/)]);
      }
      expect(await encrypted(target(trusting('verify_full', stranger.certificate + authority.certificate)))).toBe(true);
    });

    it('is refused for another name, by verify_full only', async () => {
      await show(await authority.issue({ commonName: 'localhost', names: 'DNS:db.example.com' }));
      try {
        for (const host of ['localhost', '127.0.0.1']) {
          const { code, detail } = await refusal(target(trusting('verify_full'), { host }));
          expect([code, detail]).toEqual([
            'TLS_REFUSED',
            expect.stringContaining(`does not name the host "${host}"; it names DNS:db.example.com`),
          ]);
        }
        expect(await encrypted(target(trusting('verify_ca')))).toBe(true);
        // The common name counts where there are no alternative names, as in libpq.
        await show(await authority.issue({ commonName: 'localhost' }));
        expect(await encrypted(target(trusting('verify_full'), { host: 'localhost' }))).toBe(true);
      } finally {
        await show(good);
      }
    });

    it('is refused for an expired certificate', async () => {
      await show(await authority.issue({ commonName: 'server', names: 'IP:127.0.0.1', days: -1 }));
      try {
        const { code, detail } = await refusal(target(trusting('verify_ca')));
        expect([code, detail]).toEqual(['TLS_REFUSED', expect.stringContaining('has expired')]);
        expect(await encrypted(target({ mode: 'require' }))).toBe(true);
      } finally {
        await show(good);
      }
    });

    it('logs in by client certificate, with or without a passphrase', async () => {
      const login = { username: 'by_certificate', password: '' };
      expect(await encrypted(target(presenting(client), login))).toBe(true);
      const key = await authority.encrypt(client.key, 'open sesame');
      expect(await encrypted(target(presenting({ ...client, key }, 'open sesame'), login))).toBe(true);
      expect(await encrypted(target(presenting(client), as('password_too')))).toBe(true);

      const missing = await refusal(target({ mode: 'require' }, login));
      expect([missing.code, missing.detail]).toEqual([
        'AUTH_REJECTED',
        expect.stringContaining('Set client_certificate and client_key'),
      ]);
      const wrong = await refusal(target(presenting({ ...client, key }, 'shut sesame'), login));
      expect([wrong.code, wrong.detail]).toEqual([
        'TLS_REFUSED',
        expect.stringContaining('client_key_password is wrong or missing'),
      ]);
      expect(wrong.detail).not.toContain('shut sesame');
      const locked = await refusal(target(presenting({ ...client, key }), login));
      expect([locked.code, locked.detail]).toEqual([
        'TLS_REFUSED',
        expect.stringContaining('client_key_password is wrong or missing'),
      ]);
      const mismatch = await refusal(target(presenting({ ...client, key: strangeClient.key }), login));
      expect([mismatch.code, mismatch.detail]).toEqual(['TLS_REFUSED', expect.stringContaining('does not belong to')]);
      const broken = await refusal(target(presenting({ ...client, certificate: '-----BEGIN CERTIFICATE-----\nx\n' }), login));
      expect(broken.code).toBe('TLS_REFUSED');
    });

    it('is refused by the server for the certificate of a stranger', async () => {
      const { code, detail } = await refusal(target(presenting(strangeClient), { username: 'by_certificate', password: '' }));
      expect([code, detail]).toEqual([
        'TLS_REFUSED',
        expect.stringContaining('does not know the authority of the client certificate'),
      ]);
    });

    it('prefers, and takes what pg_hba.conf allows', async () => {
      expect(await encrypted(target({ mode: 'prefer' }, as('tls_only')))).toBe(true);
      expect(await encrypted(target({ mode: 'prefer' }, as('plain_only')))).toBe(false);
      expect(await encrypted(target({ mode: 'disable' }, as('plain_only')))).toBe(false);
      for (const refused of [target({ mode: 'require' }, as('plain_only')), target({ mode: 'disable' }, as('tls_only'))]) {
        const { code, detail } = await refusal(refused);
        expect([code, detail]).toEqual(['AUTH_REJECTED', expect.stringContaining('pg_hba.conf')]);
      }
      const wrong = await refusal(target({ mode: 'prefer' }, { ...as('plain_only'), password: 'wrong' }));
      expect(wrong.code).toBe('AUTH_REJECTED');
    });

    describe('at a server without it', () => {
      let plain: OwnPostgresServer;
      beforeAll(async () => {
        plain = await startPostgres({ major });
      });
      afterAll(() => plain.stop());

      it('is left out by prefer and disable only', async () => {
        const here = { port: plain.port };
        expect(await encrypted(target({ mode: 'prefer' }, here))).toBe(false);
        expect(await encrypted(target({ mode: 'disable' }, here))).toBe(false);
        for (const ssl of [{ mode: 'require' } as const, trusting('verify_ca'), trusting('verify_full')]) {
          const { code, detail } = await refusal(target(ssl, here));
          expect([code, detail]).toEqual(['TLS_REFUSED', expect.stringContaining(`offers no TLS, but ssl_mode is ${ssl.mode}`)]);
        }
      });
    });
  });
}

describe('TLS with something else', () => {
  const serve = async (talk: (socket: Socket) => void): Promise<{ server: Server; target: PgTarget }> => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      talk(socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const target = { host: '127.0.0.1', port, database: 'd', username: 'u', password: 'p', ssl: { mode: 'require' } as const };
    return { server, target };
  };

  it.each([
    ['closes at once', (socket: Socket) => socket.destroy(), 'SERVER_UNREACHABLE'],
    ['speaks HTTP', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'TLS_REFUSED'],
    ['answers something odd', (socket: Socket) => socket.write('X'), 'SERVER_UNREACHABLE'],
    ['puts plain text behind the answer', (socket: Socket) => socket.write('SR\0\0\0\x08\0\0\0\0'), 'TLS_REFUSED'],
    [
      'agrees, and then does not speak TLS',
      (socket: Socket) => {
        socket.write('S');
        setTimeout(() => socket.write('nonsense'), 50);
      },
      'TLS_REFUSED',
    ],
    ['agrees, and then hangs up', (socket: Socket) => socket.end('S'), 'CONNECTION_LOST'],
  ])('that %s', async (_, talk, code) => {
    const { server, target } = await serve(talk);
    try {
      expect((await refusal(target)).code).toBe(code);
    } finally {
      server.close();
    }
  });

  it('ends soon when the run is stopped while it waits', async () => {
    const { server, target } = await serve(() => {});
    try {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const { context } = engineContext(stop.signal);
      const attempt = connect(target, options, { ...context, dial });
      await expect(attempt).rejects.toMatchObject({ code: 'STOPPED' });
    } finally {
      server.close();
    }
  }, 5_000);
});
