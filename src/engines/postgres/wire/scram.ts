import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type pg from 'pg';

const BYTES = 32;

/** What `pg` keeps of a SCRAM exchange that is under way. */
interface ScramSession {
  readonly clientNonce: string;
  readonly scramMaxIterations: number;
  response: string;
  message: string;
  serverSignature: string;
}

/** What `pg` calls when the server has sent its part, and what is done there. */
interface ScramClient {
  readonly saslSession: ScramSession;
  readonly connection: { sendSCRAMClientFinalMessage(response: string): void; emit(event: 'error', error: unknown): void };
  _handleAuthSASLContinue(message: { readonly data: string }): Promise<void>;
}

/**
 * The bytes of a password as server and libpq see them (src/common/saslprep.c): ASCII as it is; what SASLprep (RFC 4013)
 * can prepare, prepared; and what it refuses, such as code points newer than Unicode 3.2, as it is.
 */
export async function passwordBytes(password: string): Promise<Buffer> {
  const raw = Buffer.from(password);
  if (raw.length === password.length) return raw;
  const { saslprep } = await import('@mongodb-js/saslprep');
  try {
    const prepared = saslprep(password);
    return prepared === '' ? raw : Buffer.from(prepared);
  } catch {
    return raw;
  }
}

/**
 * Makes `pg` answer with the password that the server knows: by itself it prepares every password, also those that SASLprep
 * refuses. Call it before `connect`. It matters only for passwords beyond ASCII.
 */
export function useExactPassword(client: pg.Client, password: string): void {
  const scram = client as unknown as ScramClient;
  scram._handleAuthSASLContinue = async ({ data }) => {
    try {
      await answer(scram.saslSession, password, data);
      scram.connection.sendSCRAMClientFinalMessage(scram.saslSession.response);
    } catch (error) {
      scram.connection.emit('error', error);
    }
  };
}

/** SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677): the client's second message, and what the server must answer. */
async function answer(session: ScramSession, password: string, serverFirst: string): Promise<void> {
  const [, nonce = '', salt = '', count = ''] = /^r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]*)$/.exec(serverFirst) ?? [];
  const { clientNonce, scramMaxIterations } = session;
  if (!nonce.startsWith(clientNonce) || nonce === clientNonce)
    throw new Error('SASL: the first message of the server is not valid');
  const iterations = Number(count);
  if (iterations > scramMaxIterations) throw new Error(`SASL: ${count} iterations are more than ${scramMaxIterations}`);
  const key = promisify(pbkdf2);
  const salted = await key(await passwordBytes(password), Buffer.from(salt, 'base64'), iterations, BYTES, 'sha256');
  const final = `c=biws,r=${nonce}`;
  const messages = `n=*,r=${clientNonce},${serverFirst},${final}`;
  const hmac = (secret: Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), messages);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
  session.message = 'SASLResponse';
  session.serverSignature = hmac(hmac(salted, 'Server Key'), messages).toString('base64');
  session.response = `${final},p=${proof.toString('base64')}`;
}
