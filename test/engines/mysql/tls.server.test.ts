import { writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SslMode } from '../../../src/engines/mysql/config.ts';
import type { MysqlTarget } from '../../../src/engines/mysql/options.ts';
import { queryOn } from '../../../src/engines/mysql/sql.ts';
import { connect, disconnect, rawConnection } from '../../../src/engines/mysql/wire/connect.ts';
import { RawConnection } from '../../../src/engines/mysql/wire/raw-connection.ts';
import { Authority, type Certificate, certificatesUnavailable } from '../../kit/certificates.ts';
import { engineContext } from '../../kit/engine-context.ts';
import { describeFlavor, flavorsHere, mysqlLabel } from '../../kit/mysql-engines.ts';
import { type OwnMysqlServer, startMysql, superuser } from '../../kit/servers/mysql.ts';

const options = { applicationName: 'tls test' };
const CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

/** Connects, says whether the session is encrypted, and hangs up. */
const encrypted = async (target: MysqlTarget): Promise<boolean> => {
  const connection = await connect(target, options, engineContext().context);
  try {
    const [row] = await queryOn(connection.driver).rows<{ Value: string }>(CIPHER);
    return row?.Value !== '';
  } finally {
    await disconnect(connection);
  }
};
const refusal = async (target: MysqlTarget): Promise<{ code: string; detail: string }> => {
  try {
    await encrypted(target);
  } catch (error) {
    return error as { code: string; detail: string };
  }
  throw new Error('it connected');
};

for (const flavor of flavorsHere) {
  describeFlavor(
    flavor,
    `TLS with ${mysqlLabel(flavor)}`,
    () => {
      let server: OwnMysqlServer;
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
        server = await startMysql({ flavor, tls: { ...good, ca: authority.certificate } });
        await server.query(
          undefined,
          `CREATE USER tls_only IDENTIFIED BY 'secret' REQUIRE SSL; CREATE USER by_certificate IDENTIFIED BY 'secret' REQUIRE X509;
         CREATE USER nameless IDENTIFIED BY ''`,
        );
      });
      afterAll(async () => {
        await server.stop();
        await authority[Symbol.asyncDispose]();
        await stranger[Symbol.asyncDispose]();
      });

      const target = (ssl: SslMode, login: Partial<MysqlTarget> = {}): MysqlTarget => ({
        host: '127.0.0.1',
        port: server.port,
        username: superuser.name,
        password: superuser.password,
        ssl,
        ...login,
      });
      const as = (username: string): Partial<MysqlTarget> => ({ username, password: 'secret' });
      const trusting = (mode: 'verify_ca' | 'verify_identity', ca = authority.certificate): SslMode => ({
        mode,
        ca_certificate: ca,
      });
      const presenting = ({ certificate, key }: Certificate, password?: string): SslMode => ({
        mode: 'required',
        client_certificate: certificate,
        client_key: key,
        ...(password !== undefined && { client_key_password: password }),
      });
      /** Lets the server show another certificate from now on. */
      const show = async ({ certificate, key }: Certificate): Promise<void> => {
        await writeFile(join(server.folder, 'cert.pem'), certificate);
        await writeFile(join(server.folder, 'key.pem'), key);
        await server.query(undefined, flavor === 'mysql' ? 'ALTER INSTANCE RELOAD TLS' : 'FLUSH SSL');
      };

      it('is as each mode demands', async () => {
        expect(await encrypted(target({ mode: 'disabled' }))).toBe(false);
        expect(await encrypted(target({ mode: 'preferred' }))).toBe(true);
        expect(await encrypted(target({ mode: 'required' }))).toBe(true);
        expect(await encrypted(target(trusting('verify_ca')))).toBe(true);
        expect(await encrypted(target(trusting('verify_identity')))).toBe(true);
        expect(await encrypted(target(trusting('verify_identity'), { host: 'localhost' }))).toBe(true);
        expect(await encrypted(target({ mode: 'preferred' }, { username: 'nameless', password: '' }))).toBe(true);
      });

      it('carries a raw connection', async () => {
        const connection = await connect(target(trusting('verify_identity')), options, engineContext().context);
        const raw = new RawConnection(rawConnection(connection), 'Testing', new AbortController().signal);
        const rows = await raw.query(CIPHER);
        expect(rows[0]?.[1]).toMatch(/^TLS_/);
        // 40 MB through records of 16 kB, in packets of 16 MB.
        const [[large] = []] = await raw.query("SELECT REPEAT('0123456789', 4000000)");
        expect(large?.length).toBe(40_000_000);
        expect(large === '0123456789'.repeat(4_000_000)).toBe(true);
        raw.close();
      });

      it('is refused without trust in the authority', async () => {
        for (const mode of ['verify_ca', 'verify_identity'] as const) {
          const { code, detail } = await refusal(target(trusting(mode, stranger.certificate)));
          expect([code, detail]).toEqual(['TLS_REFUSED', expect.stringMatching(/authority that is not in ca_certificate/)]);
        }
        expect(await encrypted(target(trusting('verify_identity', stranger.certificate + authority.certificate)))).toBe(true);
      });

      it('is refused for another name, by verify_identity only', async () => {
        await show(await authority.issue({ commonName: 'localhost', names: 'DNS:db.example.com' }));
        try {
          for (const host of ['localhost', '127.0.0.1']) {
            const { code, detail } = await refusal(target(trusting('verify_identity'), { host }));
            expect([code, detail]).toEqual([
              'TLS_REFUSED',
              expect.stringContaining(`does not name the host "${host}"; it names DNS:db.example.com`),
            ]);
          }
          expect(await encrypted(target(trusting('verify_ca')))).toBe(true);
          // An address is not the name localhost, as mysql2 would have it.
          await show(await authority.issue({ commonName: 'localhost', names: 'DNS:localhost' }));
          expect((await refusal(target(trusting('verify_identity')))).code).toBe('TLS_REFUSED');
          expect(await encrypted(target(trusting('verify_identity'), { host: 'localhost' }))).toBe(true);
        } finally {
          await show(good);
        }
      });

      // MySQL does not take such a certificate in the first place.
      if (flavor === 'mariadb') {
        it('is refused for an expired certificate', async () => {
          await show(await authority.issue({ commonName: 'server', names: 'IP:127.0.0.1', days: -1 }));
          try {
            const { code, detail } = await refusal(target(trusting('verify_ca')));
            expect([code, detail]).toEqual(['TLS_REFUSED', expect.stringContaining('has expired')]);
            expect(await encrypted(target({ mode: 'required' }))).toBe(true);
          } finally {
            await show(good);
          }
        });
      }

      it('shows a client certificate, with or without a passphrase', async () => {
        const login = as('by_certificate');
        expect(await encrypted(target(presenting(client), login))).toBe(true);
        expect(await encrypted(target({ ...presenting(client), ...trusting('verify_identity') }, login))).toBe(true);
        const key = await authority.encrypt(client.key, 'open sesame');
        expect(await encrypted(target(presenting({ ...client, key }, 'open sesame'), login))).toBe(true);

        expect((await refusal(target({ mode: 'required' }, login))).code).toBe('AUTH_REJECTED');
        const wrong = await refusal(target(presenting({ ...client, key }, 'shut sesame'), login));
        expect([wrong.code, wrong.detail]).toEqual([
          'TLS_REFUSED',
          expect.stringContaining('client_key_password is wrong or missing'),
        ]);
        expect(wrong.detail).not.toContain('shut sesame');
        const mismatch = await refusal(target(presenting({ ...client, key: strangeClient.key }), login));
        expect([mismatch.code, mismatch.detail]).toEqual(['TLS_REFUSED', expect.stringContaining('does not belong to')]);
      });

      it('is refused by the server for the certificate of a stranger', async () => {
        const { code } = await refusal(target(presenting(strangeClient), as('by_certificate')));
        expect(['TLS_REFUSED', 'CONNECTION_LOST']).toContain(code);
      });

      it('is wanted by an account, or by the whole server', async () => {
        expect(await encrypted(target({ mode: 'preferred' }, as('tls_only')))).toBe(true);
        expect((await refusal(target({ mode: 'disabled' }, as('tls_only')))).code).toBe('AUTH_REJECTED');
        await server.query(undefined, 'SET GLOBAL require_secure_transport = ON');
        try {
          const { code, detail } = await refusal(target({ mode: 'disabled' }));
          expect([code, detail]).toEqual(
            flavor === 'mysql'
              ? ['TLS_REFUSED', expect.stringContaining('Set ssl_mode to preferred')]
              : ['AUTH_REJECTED', expect.stringContaining('needs another ssl_mode than disabled')],
          );
        } finally {
          const tls = await connect(target({ mode: 'required' }), options, engineContext().context);
          await queryOn(tls.driver).rows('SET GLOBAL require_secure_transport = OFF');
          await disconnect(tls);
        }
      });

      describe('at a server without it', () => {
        let plain: OwnMysqlServer;
        beforeAll(async () => {
          plain = await startMysql({ flavor, settings: flavor === 'mysql' ? { 'tls_version=': '' } : {} });
        });
        afterAll(() => plain.stop());

        it('is left out by preferred and disabled only', async () => {
          const here = { port: plain.port };
          expect(await encrypted(target({ mode: 'preferred' }, here))).toBe(false);
          expect(await encrypted(target({ mode: 'disabled' }, here))).toBe(false);
          for (const ssl of [{ mode: 'required' } as const, trusting('verify_ca'), trusting('verify_identity')]) {
            const { code, detail } = await refusal(target(ssl, here));
            expect([code, detail]).toEqual([
              'TLS_REFUSED',
              expect.stringContaining(`offers no TLS, but ssl_mode is ${ssl.mode}`),
            ]);
          }
        });
      });
    },
    certificatesUnavailable(),
  );
}

describe('TLS with something else', () => {
  const serve = async (talk: (socket: Socket) => void): Promise<{ server: Server; target: MysqlTarget }> => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      talk(socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { server, target: { host: '127.0.0.1', port, username: 'u', password: 'p', ssl: { mode: 'required' } } };
  };
  /** The greeting of a server that offers TLS and caching_sha2_password. */
  const greeting = (capabilities = 0xffff_ffff): Buffer => {
    const payload = Buffer.concat([
      Buffer.from([10]),
      Buffer.from('9.7.4\0'),
      Buffer.from([1, 0, 0, 0]),
      Buffer.from('12345678\0'),
      Buffer.from([
        capabilities & 0xff,
        (capabilities >> 8) & 0xff,
        45,
        2,
        0,
        (capabilities >> 16) & 0xff,
        (capabilities >> 24) & 0xff,
        21,
      ]),
      Buffer.alloc(10),
      Buffer.from('123456789012\0caching_sha2_password\0'),
    ]);
    return Buffer.concat([Buffer.from([payload.length, 0, 0, 0]), payload]);
  };

  it.each([
    ['closes at once', (socket: Socket) => socket.destroy(), 'CONNECTION_LOST'],
    ['speaks HTTP and closes', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'CONNECTION_LOST'],
    [
      'greets, and then does not speak TLS',
      (socket: Socket) => {
        socket.write(greeting());
        socket.once('data', () => socket.write('nonsense nonsense'));
      },
      'TLS_REFUSED',
    ],
    [
      'greets, and then hangs up',
      (socket: Socket) => {
        socket.write(greeting());
        socket.once('data', () => socket.end());
      },
      'CONNECTION_LOST',
    ],
    [
      'greets with an error',
      (socket: Socket) => socket.write(Buffer.from('\x17\0\0\0\xff\x10\x04Too many connections', 'latin1')),
      'SERVER_ERROR',
    ],
    ['asks for nothing that is known', (socket: Socket) => socket.write(Buffer.from([2, 0, 0, 0, 9, 0])), 'SERVER_UNREACHABLE'],
  ])('that %s', async (_, talk, code) => {
    const { server, target } = await serve(talk);
    try {
      expect(await refusal(target)).toMatchObject({ code });
    } finally {
      server.close();
    }
  });

  it('ends soon when the run is stopped while it waits', async () => {
    const { server, target } = await serve(() => {});
    try {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 100);
      const attempt = connect(target, options, engineContext(stop.signal).context);
      await expect(attempt).rejects.toMatchObject({ code: 'STOPPED' });
    } finally {
      server.close();
    }
  }, 5_000);
});
