/** Pieces of configuration schemas that several engines share: where a server is, how it is encrypted, its shards. */
import * as z from 'zod';

/** The name of the only shard where `shards` is not used. */
export const MAIN_SHARD = 'main';

// A name or an address. One colon would be a port; two and more are an IPv6 address.
const HOST = /^(?:[^\s:/@[\]]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%\w+)?)$/;
export const hostRule = 'a host name or IP address alone: no scheme, port, path, user or brackets';
export const host = z.string().min(1).regex(HOST, hostRule);
const port = z.int().min(1).max(65535);

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;
const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const pemRule = 'the PEM text itself (-----BEGIN …), not the path of a file';

/** The host of `source`, first of its fields. */
export const sourceHost = host.meta({
  title: 'Host',
  description: 'Host name or IP address of the server.',
  examples: ['db.example.com'],
  pattern_descriptor: hostRule,
  order: 1,
});

/** The port of `source`; `usual` is the one that the server listens on by default. */
export const sourcePort = (usual: number) =>
  port.default(usual).meta({ title: 'Port', description: 'TCP port of the server.', examples: [usual], order: 2 });

/** The first fields of a member of `shards`. */
export const shardName = z
  .string()
  .min(1)
  .meta({
    title: 'Name',
    description: 'Name of this shard in the state and in records. Do not change it later.',
    examples: ['eu-1'],
    order: 0,
  });
export const shardHost = host.meta({
  title: 'Host',
  description: 'Host name or IP address of this shard.',
  examples: ['eu-1.example.com'],
  pattern_descriptor: hostRule,
  order: 1,
});

/** The password of `source`. */
export const sourcePassword = (order: number) =>
  z.string().optional().meta({
    title: 'Password',
    description: 'Empty where the server asks for none.',
    airbyte_secret: true,
    always_show: true,
    order,
  });

const asAbove = 'Leave empty to use the value above.';

/** A text of a member of `shards` that is as in `source` where it is not given. */
export const shardText = (title: string, order: number) =>
  z.string().min(1).optional().meta({ title, description: asAbove, order });

export const shardPort = (usual: number) =>
  port.optional().meta({ title: 'Port', description: asAbove, examples: [usual], order: 2 });

export const shardPassword = (order: number) =>
  z.string().optional().meta({ title: 'Password', description: asAbove, airbyte_secret: true, order });

/** `json_columns` of `source`. */
export const jsonColumns = (order: number) =>
  z.enum(['text', 'native']).default('text').meta({
    title: 'JSON columns',
    description: 'text: a string holding the JSON text, exact for any content. native: the JSON value itself.',
    order,
  });

/** Fields of an `ssl_mode` for servers that ask for a certificate of the client. */
const clientCertificate = {
  client_certificate: z.string().regex(CERTIFICATE, pemRule).optional().meta({
    title: 'Client certificate',
    description: 'PEM, for servers that ask for one.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 2,
  }),
  client_key: z.string().regex(KEY, pemRule).optional().meta({
    title: 'Client key',
    description: 'PEM, the private key of the client certificate.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 3,
  }),
  client_key_password: z.string().min(1).optional().meta({
    title: 'Client key password',
    description: 'Only if the key is encrypted.',
    airbyte_secret: true,
    multiline: true,
    order: 4,
  }),
};

/** Field of an `ssl_mode` that verifies the server. */
const caCertificate = {
  ca_certificate: z.string().regex(CERTIFICATE, pemRule).meta({
    title: 'CA certificate',
    description: 'PEM, the authority (or the bundle of them) that signed the certificate of the server.',
    pattern_descriptor: pemRule,
    airbyte_secret: true,
    multiline: true,
    order: 1,
  }),
};

/** How an engine's users know four of the five modes. */
interface SslModeNames<Off, Offered, Always, Named> {
  readonly off: Off;
  /** Encryption where the server offers it. */
  readonly offered: Offered;
  readonly always: Always;
  /** The certificate comes from the authority and names the host. */
  readonly named: Named;
}

/** `ssl_mode` of `source`: five modes, of which the one that verifies the authority alone is called `verify_ca` everywhere. */
export function sslModes<
  const Off extends string,
  const Offered extends string,
  const Always extends string,
  const Named extends string,
>({ off, offered, always, named }: SslModeNames<Off, Offered, Always, Named>) {
  const mode = <const Name extends string>(name: Name) => ({ mode: z.literal(name).meta({ order: 0 }) });
  return z.discriminatedUnion('mode', [
    z.strictObject(mode(off)).meta({ title: off, description: 'No encryption.' }),
    z
      .strictObject(mode(offered))
      .meta({ title: offered, description: 'Encryption where the server offers it; the server is not verified.' }),
    z
      .strictObject({ ...mode(always), ...clientCertificate })
      .meta({ title: always, description: 'Encryption always; the server is not verified.' }),
    z.strictObject({ ...mode('verify_ca'), ...caCertificate, ...clientCertificate }).meta({
      title: 'verify_ca',
      description: 'Encryption, and the certificate of the server must come from the given authority.',
    }),
    z
      .strictObject({ ...mode(named), ...caCertificate, ...clientCertificate })
      .meta({ title: named, description: 'As verify_ca, and the certificate must name the host.' }),
  ]);
}

interface ShardFields {
  readonly name: string;
  readonly host: string;
  readonly port?: number | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Where a shard is, and who logs in there. */
export interface ShardAddress extends Required<ShardFields> {
  readonly port: number;
  readonly username: string;
  /** Empty: none. */
  readonly password: string;
}

/** The address of a member of `shards`: what it leaves empty is taken from `source`. */
export const shardAddress = (
  { name, host, port, username, password }: ShardFields,
  source: Pick<ShardAddress, 'port' | 'username'> & Pick<ShardFields, 'password'>,
): ShardAddress => ({
  name,
  host,
  port: port ?? source.port,
  username: username ?? source.username,
  password: password ?? source.password ?? '',
});

type Refuse = (path: (string | number)[], message: string) => void;

/** Says at which place of the configuration something is wrong, for `superRefine`. */
export const refuser =
  (context: z.RefinementCtx): Refuse =>
  (path, message) => {
    context.addIssue({ code: 'custom', path, message });
  };

/** Two members of `shards` must not share a name: it is their key in the state. */
export function refuseTwinShards(shards: readonly { readonly name: string }[] | undefined, refuse: Refuse): void {
  const seen = new Set<string>();
  for (const [index, { name }] of (shards ?? []).entries()) {
    if (seen.has(name)) refuse(['source', 'shards', index, 'name'], `two shards are called "${name}"`);
    seen.add(name);
  }
}

interface ClientPair {
  readonly mode: string;
  readonly client_certificate?: string | undefined;
  readonly client_key?: string | undefined;
}

/** A client certificate and its key are of use only together. */
export function refuseHalfPair(ssl: ClientPair, refuse: Refuse): void {
  if ((ssl.client_certificate === undefined) === (ssl.client_key === undefined)) return;
  if (ssl.client_key === undefined) refuse(['source', 'ssl_mode', 'client_key'], 'a client certificate needs its key');
  else refuse(['source', 'ssl_mode', 'client_certificate'], 'a client key needs its certificate');
}

/** Every start in `starting_gtids` must be of a shard that there is. */
export function refuseUnknownStarts(
  starts: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined,
  shards: readonly { readonly database: string; readonly name: string }[],
  refuse: Refuse,
): void {
  for (const [database, positions] of Object.entries(starts ?? {})) {
    for (const name of Object.keys(positions)) {
      if (shards.some(known => known.name === name && known.database === database)) continue;
      const known = shards.map(each => `"${each.database}" / "${each.name}"`).join(', ');
      refuse(['starting_gtids'], `there is no database "${database}" with a shard "${name}"; there is: ${known}`);
    }
  }
}
