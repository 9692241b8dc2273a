import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineContext } from '../../../src/contract/engine.ts';
import type { SslMode } from '../../../src/engines/mysql/config.ts';
import { queryOn } from '../../../src/engines/mysql/sql.ts';
import { connect, disconnect, type MysqlConnection, rawConnection } from '../../../src/engines/mysql/wire/connect.ts';
import { RawConnection } from '../../../src/engines/mysql/wire/raw-connection.ts';
import { certificatesUnavailable } from '../../kit/certificates.ts';
import { engineContext } from '../../kit/engine-context.ts';
import { describeFlavor, flavorsHere, mysqlLabel } from '../../kit/mysql-engines.ts';
import { type MysqlFlavor, type OwnMysqlServer, startMysql, superuser } from '../../kit/servers/mysql.ts';
import { type Login, type TlsEngine, testExpiry, testStrangeTalk, testTls } from '../../kit/tls.ts';

const CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

const logIn = (login: Login, context: EngineContext): Promise<MysqlConnection> =>
  connect({ ...login, ssl: login.ssl as SslMode }, { applicationName: 'tls test' }, context);

/** Connects, says whether the session is encrypted, and hangs up. */
const encrypted = async (login: Login, context: EngineContext): Promise<boolean> => {
  const connection = await logIn(login, context);
  try {
    const [row] = await queryOn(connection.driver).rows<{ Value: string }>(CIPHER);
    return row?.Value !== '';
  } finally {
    await disconnect(connection);
  }
};
const as = (username: string) => ({ username, password: 'secret' });

const engineOf = (flavor: MysqlFlavor): TlsEngine<OwnMysqlServer> => ({
  modes: { off: 'disabled', offered: 'preferred', always: 'required', named: 'verify_identity' },
  superuser: { username: superuser.name, password: superuser.password },
  certified: as('by_certificate'),
  encrypted,
  async start(tls) {
    const server = await startMysql({ flavor, tls });
    await server.query(
      undefined,
      `CREATE USER tls_only IDENTIFIED BY 'secret' REQUIRE SSL; CREATE USER by_certificate IDENTIFIED BY 'secret' REQUIRE X509;
       CREATE USER nameless IDENTIFIED BY ''`,
    );
    return server;
  },
  startPlain: () => startMysql({ flavor, settings: flavor === 'mysql' ? { 'tls_version=': '' } : { ssl: 'OFF' } }),
  async show(server, { certificate, key }) {
    await writeFile(join(server.folder, 'cert.pem'), certificate);
    await writeFile(join(server.folder, 'key.pem'), key);
    await server.query(undefined, flavor === 'mysql' ? 'ALTER INSTANCE RELOAD TLS' : 'FLUSH SSL');
  },
});

for (const flavor of flavorsHere) {
  describeFlavor(
    flavor,
    `TLS with ${mysqlLabel(flavor)}`,
    () => {
      const engine = engineOf(flavor);
      const scene = testTls(engine);
      // MySQL does not take such a certificate in the first place.
      if (flavor === 'mariadb') testExpiry(engine, scene);

      it('is there for an account without a password', async () => {
        expect(await scene().encrypted({ mode: 'preferred' }, { username: 'nameless', password: '' })).toBe(true);
      });

      it('carries a raw connection', async () => {
        const connection = await logIn(scene().login(scene().trusting('verify_identity')), engineContext().context);
        const raw = new RawConnection(rawConnection(connection), 'Testing', new AbortController().signal);
        const rows = await raw.query(CIPHER);
        expect(rows[0]?.[1]).toMatch(/^TLS_/);
        // 40 MB through records of 16 kB, in packets of 16 MB.
        const [[large] = []] = await raw.query("SELECT REPEAT('0123456789', 4000000)");
        expect(large?.length).toBe(40_000_000);
        expect(large === '0123456789'.repeat(4_000_000)).toBe(true);
        raw.close();
      });

      it('does not take an address for the name localhost, as mysql2 would', async () => {
        await scene().showing(await scene().authority.issue({ commonName: 'localhost', names: 'DNS:localhost' }), async () => {
          expect((await scene().refusal(scene().trusting('verify_identity'))).code).toBe('TLS_REFUSED');
          expect(await scene().encrypted(scene().trusting('verify_identity'), { host: 'localhost' })).toBe(true);
        });
      });

      it('is refused by the server for the certificate of a stranger', async () => {
        const { code } = await scene().refusal(scene().presenting(scene().strangeClient), engine.certified);
        expect(['TLS_REFUSED', 'CONNECTION_LOST']).toContain(code);
      });

      it('is wanted by an account, or by the whole server', async () => {
        expect(await scene().encrypted({ mode: 'preferred' }, as('tls_only'))).toBe(true);
        expect((await scene().refusal({ mode: 'disabled' }, as('tls_only'))).code).toBe('AUTH_REJECTED');
        const isOlder = await scene().server.isMariadb10();
        await scene().server.query(undefined, 'SET GLOBAL require_secure_transport = ON');
        try {
          const { code, detail } = await scene().refusal({ mode: 'disabled' });
          const said = ['TLS_REFUSED', expect.stringContaining('Set ssl_mode to preferred')];
          // Older MariaDB says no more than that access is denied.
          const older = ['AUTH_REJECTED', expect.stringContaining('needs another ssl_mode than disabled')];
          expect([code, detail]).toEqual(isOlder ? older : said);
        } finally {
          const tls = await logIn(scene().login({ mode: 'required' }), engineContext().context);
          await queryOn(tls.driver).rows('SET GLOBAL require_secure_transport = OFF');
          await disconnect(tls);
        }
      });
    },
    certificatesUnavailable(),
  );
}

describe('TLS with something else', () => {
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

  testStrangeTalk({ encrypted }, 'required', [
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
  ]);
});
