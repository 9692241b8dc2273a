import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineContext } from '../../src/contract/engine.ts';
import { Authority, type Certificate } from './certificates.ts';
import { engineContext } from './engine-context.ts';

/** `ssl_mode` of a configuration. */
export interface Ssl {
  readonly mode: string;
  readonly ca_certificate?: string;
  readonly client_certificate?: string;
  readonly client_key?: string;
  readonly client_key_password?: string;
}

interface Account {
  readonly username: string;
  readonly password: string;
}

export interface Login extends Account {
  readonly host: string;
  readonly port: number;
  readonly ssl: Ssl;
}

/** What an engine calls its modes; `verify_ca` is the same for all. */
export interface Modes {
  readonly off: string;
  readonly offered: string;
  readonly always: string;
  readonly named: string;
}

interface Stoppable {
  readonly port: number;
  stop(): Promise<void>;
}

/** What an engine gives to these tests. */
export interface TlsEngine<Server extends Stoppable> {
  readonly modes: Modes;
  readonly superuser: Account;
  /** Must show a client certificate. */
  readonly certified: Account;
  /** Logs in, says whether the session is encrypted, and hangs up. */
  encrypted(login: Login, context: EngineContext): Promise<boolean>;
  /** A server with this certificate, and with the accounts of the tests; `ca` is what it verifies clients against. */
  start(tls: Certificate & { readonly ca: string }): Promise<Server>;
  /** A server that offers no TLS. */
  startPlain(): Promise<Stoppable>;
  /** Lets the server show another certificate from now on. */
  show(server: Server, certificate: Certificate): Promise<void>;
}

export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

type Connect = Pick<TlsEngine<never>, 'encrypted'>;

/** The error by which a login fails. */
const refusalOf = async ({ encrypted }: Connect, login: Login): Promise<Refusal> => {
  try {
    await encrypted(login, engineContext().context);
  } catch (error) {
    return error as Refusal;
  }
  throw new Error('it connected');
};

/** A server with a certificate, and who trusts whom. */
export class TlsScene<Server extends Stoppable> implements AsyncDisposable {
  readonly server: Server;
  readonly authority: Authority;
  readonly stranger: Authority;
  /** Of the account `by_certificate`, from the authority and from the stranger. */
  readonly client: Certificate;
  readonly strangeClient: Certificate;
  readonly #engine: TlsEngine<Server>;
  readonly #good: Certificate;

  private constructor(
    engine: TlsEngine<Server>,
    server: Server,
    [authority, stranger]: readonly [Authority, Authority],
    [good, client, strangeClient]: readonly [Certificate, Certificate, Certificate],
  ) {
    this.#engine = engine;
    this.server = server;
    this.authority = authority;
    this.stranger = stranger;
    this.#good = good;
    this.client = client;
    this.strangeClient = strangeClient;
  }

  static async open<Server extends Stoppable>(engine: TlsEngine<Server>): Promise<TlsScene<Server>> {
    const authority = await Authority.create('Authority');
    const stranger = await Authority.create('Stranger');
    const good = await authority.issue({ commonName: 'server', names: 'DNS:localhost,IP:127.0.0.1' });
    const client = await authority.issue({ commonName: 'by_certificate' });
    const strangeClient = await stranger.issue({ commonName: 'by_certificate' });
    const server = await engine.start({ ...good, ca: authority.certificate });
    return new TlsScene(engine, server, [authority, stranger], [good, client, strangeClient]);
  }

  /** The superuser's login at the server, but for `other`. */
  login(ssl: Ssl, other: Partial<Login> = {}): Login {
    return { host: '127.0.0.1', port: this.server.port, ...this.#engine.superuser, ssl, ...other };
  }

  trusting(mode: string, ca = this.authority.certificate): Ssl {
    return { mode, ca_certificate: ca };
  }

  presenting({ certificate, key }: Certificate, password?: string): Ssl {
    return {
      mode: this.#engine.modes.always,
      client_certificate: certificate,
      client_key: key,
      ...(password !== undefined && { client_key_password: password }),
    };
  }

  encrypted(ssl: Ssl, other?: Partial<Login>): Promise<boolean> {
    return this.#engine.encrypted(this.login(ssl, other), engineContext().context);
  }

  refusal(ssl: Ssl, other?: Partial<Login>): Promise<Refusal> {
    return refusalOf(this.#engine, this.login(ssl, other));
  }

  async expectRefused(says: string, ssl: Ssl, other?: Partial<Login>): Promise<Refusal> {
    const refusal = await this.refusal(ssl, other);
    expect([refusal.code, refusal.detail]).toEqual(['TLS_REFUSED', expect.stringContaining(says)]);
    return refusal;
  }

  /** While the server shows another certificate. */
  async showing(certificate: Certificate, body: () => Promise<void>): Promise<void> {
    try {
      await this.#engine.show(this.server, certificate);
      await body();
    } finally {
      await this.#engine.show(this.server, this.#good);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await this.authority[Symbol.asyncDispose]();
    await this.stranger[Symbol.asyncDispose]();
  }
}

/** What holds for every engine at a server of its own; gives the scene for more tests in the same group. */
export const testTls = <Server extends Stoppable>(engine: TlsEngine<Server>): (() => TlsScene<Server>) => {
  const { modes, certified } = engine;
  let scene: TlsScene<Server>;
  beforeAll(async () => {
    scene = await TlsScene.open(engine);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  it('is as each mode demands', async () => {
    expect(await scene.encrypted({ mode: modes.off })).toBe(false);
    expect(await scene.encrypted({ mode: modes.offered })).toBe(true);
    expect(await scene.encrypted({ mode: modes.always })).toBe(true);
    expect(await scene.encrypted(scene.trusting('verify_ca'))).toBe(true);
    expect(await scene.encrypted(scene.trusting(modes.named))).toBe(true);
    expect(await scene.encrypted(scene.trusting(modes.named), { host: 'localhost' })).toBe(true);
  });

  it('is refused without trust in the authority', async () => {
    const { authority, stranger } = scene;
    for (const mode of ['verify_ca', modes.named]) {
      await scene.expectRefused('authority that is not in ca_certificate', scene.trusting(mode, stranger.certificate));
    }
    const both = stranger.certificate + authority.certificate;
    expect(await scene.encrypted(scene.trusting(modes.named, both))).toBe(true);
  });

  it(`is refused for another name, by ${modes.named} only`, async () => {
    await scene.showing(await scene.authority.issue({ commonName: 'localhost', names: 'DNS:db.example.com' }), async () => {
      for (const host of ['localhost', '127.0.0.1']) {
        const says = `does not name the host "${host}"; it names DNS:db.example.com`;
        await scene.expectRefused(says, scene.trusting(modes.named), { host });
      }
      expect(await scene.encrypted(scene.trusting('verify_ca'))).toBe(true);
    });
  });

  it('shows a client certificate, with or without a passphrase', async () => {
    const { client, strangeClient, authority } = scene;
    expect(await scene.encrypted(scene.presenting(client), certified)).toBe(true);
    expect(await scene.encrypted({ ...scene.presenting(client), ...scene.trusting(modes.named) }, certified)).toBe(true);
    const key = await authority.encrypt(client.key, 'open sesame');
    expect(await scene.encrypted(scene.presenting({ ...client, key }, 'open sesame'), certified)).toBe(true);

    expect((await scene.refusal({ mode: modes.always }, certified)).code).toBe('AUTH_REJECTED');
    const wrong = scene.presenting({ ...client, key }, 'shut sesame');
    const { detail } = await scene.expectRefused('client_key_password is wrong or missing', wrong, certified);
    expect(detail).not.toContain('shut sesame');
    await scene.expectRefused('does not belong to', scene.presenting({ ...client, key: strangeClient.key }), certified);
    const broken = scene.presenting({ ...client, certificate: '-----BEGIN CERTIFICATE-----\nx\n' });
    expect((await scene.refusal(broken, certified)).code).toBe('TLS_REFUSED');
  });

  describe('at a server without it', () => {
    let plain: Stoppable;
    beforeAll(async () => {
      plain = await engine.startPlain();
    });
    afterAll(() => plain.stop());

    it(`is left out by ${modes.offered} and ${modes.off} only`, async () => {
      const here = { port: plain.port };
      expect(await scene.encrypted({ mode: modes.offered }, here)).toBe(false);
      expect(await scene.encrypted({ mode: modes.off }, here)).toBe(false);
      for (const ssl of [{ mode: modes.always }, scene.trusting('verify_ca'), scene.trusting(modes.named)]) {
        await scene.expectRefused(`offers no TLS, but ssl_mode is ${ssl.mode}`, ssl, here);
      }
    });
  });

  return () => scene;
};

/** At servers that take any certificate: ours is who finds that it has expired. */
export const testExpiry = <Server extends Stoppable>({ modes }: TlsEngine<Server>, scene: () => TlsScene<Server>): void => {
  it('is refused for an expired certificate', async () => {
    const { authority } = scene();
    await scene().showing(await authority.issue({ commonName: 'server', names: 'IP:127.0.0.1', days: -1 }), async () => {
      await scene().expectRefused('has expired', scene().trusting('verify_ca'));
      expect(await scene().encrypted({ mode: modes.always })).toBe(true);
    });
  });
};

/** What comes of asking for TLS where no database answers, but somebody who talks as each of `cases` does. */
export const testStrangeTalk = (
  engine: Connect,
  always: string,
  cases: readonly (readonly [what: string, talk: (socket: Socket) => unknown, code: string])[],
): void => {
  const serve = async (talk: (socket: Socket) => unknown, body: (login: Login) => Promise<void>): Promise<void> => {
    const server = createServer(socket => {
      socket.on('error', () => {});
      talk(socket);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await body({ host: '127.0.0.1', port, username: 'u', password: 'p', ssl: { mode: always } });
    } finally {
      server.close();
    }
  };

  it.each(cases)('that %s', (_, talk, code) =>
    serve(talk, async login => {
      expect(await refusalOf(engine, login)).toMatchObject({ code });
    }),
  );

  it(
    'ends soon when the run is stopped while it waits',
    () =>
      serve(
        () => {},
        async login => {
          const stop = new AbortController();
          setTimeout(() => stop.abort(), 100);
          const attempt = engine.encrypted(login, engineContext(stop.signal).context);
          await expect(attempt).rejects.toMatchObject({ code: 'STOPPED' });
        },
      ),
    5_000,
  );
};
