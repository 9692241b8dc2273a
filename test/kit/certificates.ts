import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Why no certificates can be made here, or null. */
export const certificatesUnavailable = (): string | null =>
  spawnSync('openssl', ['version']).status === 0 ? null : 'openssl is not on the PATH';

/** PEM texts. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Wish {
  readonly commonName: string;
  /** As in `subjectAltName`: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string;
  /** Negative: it has expired already. */
  readonly days?: number;
}

/** A certificate authority of one's own, with the `openssl` command in a temporary folder. */
export class Authority implements AsyncDisposable {
  readonly certificate: string;
  readonly #folder: string;
  #issued = 0;

  private constructor(folder: string, certificate: string) {
    this.#folder = folder;
    this.certificate = certificate;
  }

  static async create(commonName: string): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'tributary-authority-'));
    const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign'];
    const subject = ['-subj', `/CN=${commonName}`, '-days', '2'];
    await openssl(folder, ['req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', ...subject, ...extensions]);
    return new Authority(folder, await readFile(join(folder, 'ca.crt'), 'utf8'));
  }

  async issue({ commonName, names, days = 2 }: Wish): Promise<Certificate> {
    const name = `c${this.#issued++}`;
    await openssl(this.#folder, [
      'req',
      ...newKey,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${commonName}`,
    ]);
    await writeFile(
      join(this.#folder, `${name}.ext`),
      names === undefined ? 'keyUsage=digitalSignature\n' : `subjectAltName=${names}\n`,
    );
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
    const request = ['x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`];
    await openssl(this.#folder, [...request, ...signer, '-days', String(days)]);
    const [certificate, key] = await Promise.all(
      ['crt', 'key'].map(end => readFile(join(this.#folder, `${name}.${end}`), 'utf8')),
    );
    return { certificate: certificate ?? '', key: key ?? '' };
  }

  /** The same key under a passphrase. */
  async encrypt(key: string, passphrase: string): Promise<string> {
    await writeFile(join(this.#folder, 'plain.key'), key);
    const output = ['-out', 'secret.key', '-aes256', '-passout', `pass:${passphrase}`];
    await openssl(this.#folder, ['pkey', '-in', 'plain.key', ...output]);
    return readFile(join(this.#folder, 'secret.key'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'];

const openssl = async (cwd: string, args: readonly string[]): Promise<void> => {
  await run('openssl', args, { cwd });
};
