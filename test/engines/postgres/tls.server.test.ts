import { writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineContext } from '../../../src/contract/engine.ts';
import type { SslMode } from '../../../src/engines/postgres/config.ts';
import { queryOn } from '../../../src/engines/postgres/sql.ts';
import { connect, disconnect } from '../../../src/engines/postgres/wire/connect.ts';
import { certificatesUnavailable } from '../../kit/certificates.ts';
import { describeServer } from '../../kit/engines.ts';
import {
  type OwnPostgresServer,
  type PostgresMajor,
  postgresMajors,
  postgresUnavailable,
  startPostgres,
  superuser,
} from '../../kit/servers/postgres.ts';
import { sleep } from '../../kit/servers/process.ts';
import { type Login, type TlsEngine, testExpiry, testStrangeTalk, testTls } from '../../kit/tls.ts';
import { engineContext } from './engine-fixture.ts';

/** Connects, says whether the session is encrypted, and hangs up. */
const encrypted = async (login: Login, context: EngineContext, replication = false): Promise<boolean> => {
  const target = { ...login, database: 'postgres', ssl: login.ssl as SslMode };
  const client = await connect(target, { replication, applicationName: 'tls test' }, context);
  try {
    const [row] = await queryOn(client).rows<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return row?.ssl === true;
  } finally {
    await disconnect(client);
  }
};
const as = (username: string) => ({ username, password: 'secret' });

const engineOf = (major: PostgresMajor): TlsEngine<OwnPostgresServer> => ({
  modes: { off: 'disable', offered: 'prefer', always: 'require', named: 'verify_full' },
  superuser: { username: superuser.name, password: superuser.password },
  certified: { username: 'by_certificate', password: '' },
  encrypted,
  async start(tls) {
    const server = await startPostgres({
      major,
      tls,
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
    return server;
  },
  startPlain: () => startPostgres({ major }),
  async show(server, { certificate, key }) {
    await writeFile(join(server.dataFolder, 'server.crt'), certificate);
    await writeFile(join(server.dataFolder, 'server.key'), key);
    await server.query('postgres', 'SELECT pg_reload_conf()');
    await sleep(300);
  },
});

for (const major of postgresMajors) {
  describeServer(`TLS with PostgreSQL ${major}`, postgresUnavailable(major) ?? certificatesUnavailable(), () => {
    const engine = engineOf(major);
    const scene = testTls(engine);
    testExpiry(engine, scene);

    it('carries a replication connection', async () => {
      const login = scene().login(scene().trusting('verify_full'));
      expect(await encrypted(login, engineContext().context, true)).toBe(true);
    });

    it('takes the common name where there are no alternative names, as libpq does', async () => {
      await scene().showing(await scene().authority.issue({ commonName: 'localhost' }), async () => {
        expect(await scene().encrypted(scene().trusting('verify_full'), { host: 'localhost' })).toBe(true);
      });
    });

    it('shows a client certificate beside a password, and says what is missing without one', async () => {
      expect(await scene().encrypted(scene().presenting(scene().client), as('password_too'))).toBe(true);
      const missing = await scene().refusal({ mode: 'require' }, engine.certified);
      expect([missing.code, missing.detail]).toEqual([
        'AUTH_REJECTED',
        expect.stringContaining('Set client_certificate and client_key'),
      ]);
    });

    it('is refused for an encrypted key without a passphrase', async () => {
      const { client, authority } = scene();
      const key = await authority.encrypt(client.key, 'open sesame');
      const says = 'client_key_password is wrong or missing';
      await scene().expectRefused(says, scene().presenting({ ...client, key }), engine.certified);
    });

    it('is refused by the server for the certificate of a stranger', async () => {
      const says = 'does not know the authority of the client certificate';
      await scene().expectRefused(says, scene().presenting(scene().strangeClient), engine.certified);
    });

    it('prefers, and takes what pg_hba.conf allows', async () => {
      expect(await scene().encrypted({ mode: 'prefer' }, as('tls_only'))).toBe(true);
      expect(await scene().encrypted({ mode: 'prefer' }, as('plain_only'))).toBe(false);
      expect(await scene().encrypted({ mode: 'disable' }, as('plain_only'))).toBe(false);
      for (const [mode, username] of [
        ['require', 'plain_only'],
        ['disable', 'tls_only'],
      ] as const) {
        const { code, detail } = await scene().refusal({ mode }, as(username));
        expect([code, detail]).toEqual(['AUTH_REJECTED', expect.stringContaining('pg_hba.conf')]);
      }
      const wrong = await scene().refusal({ mode: 'prefer' }, { ...as('plain_only'), password: 'wrong' });
      expect(wrong.code).toBe('AUTH_REJECTED');
    });
  });
}

describe('TLS with something else', () => {
  testStrangeTalk({ encrypted }, 'require', [
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
  ]);
});
