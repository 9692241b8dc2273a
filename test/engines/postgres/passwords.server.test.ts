import { expect, it } from 'vitest';
import { connect, disconnect } from '../../../src/engines/postgres/wire/connect.ts';
import { describePostgres } from '../../kit/engines.ts';
import { acquirePostgres } from '../../kit/servers/shared.ts';
import { engineContext } from './engine-fixture.ts';

/** What the server was given as the password, and what the user types. */
const PASSWORDS: readonly (readonly [what: string, password: string])[] = [
  ['ASCII', 'it\'s a "pass\\word" 100%'],
  ['control characters of ASCII', 'tab\tand \u0001'],
  ['letters with accents', 'Grüße, señor'],
  ['a letter and its accent apart', 'cafe\u0301'],
  ['compatibility forms', 'ﬁrst ① Ⅷ ｆｕｌｌ'],
  ['a space that does not break', 'no\u00a0break'],
  ['an ideographic space', '東京\u3000大阪'],
  ['a soft hyphen', 'soft\u00adhyphen'],
  ['a zero-width joiner', 'zero\u200dwidth'],
  ['only what is mapped to nothing', '\u00ad\u200d'],
  ['Hebrew', 'שלום'],
  ['Hebrew and Latin', 'שלום abc'],
  ['Arabic that ends in a digit', 'سلام1'],
  ['a heart with its variation selector', 'I \u2764\ufe0f SQL'],
  ['an emoji', 'pass\u{1f600}word'],
  ['an emoji and a space that does not break', '\u{1f600}\u00a0x'],
  ['a family of emoji', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}'],
  ['a flag', '\u{1f1e9}\u{1f1ea}'],
  ['a letter newer than Unicode 3.2, with an accent apart', '\u{10d00}e\u0301'],
  ['a private code point', '\ue000ﬁ'],
  ['a control character beyond ASCII', '\u0085ﬁ'],
  ['a direction mark', '\u200eabcﬁ'],
  ['a replacement character', '\ufffdﬁ'],
  ['a line separator', 'a\u2028bﬁ'],
];

describePostgres(major => {
  it.each(PASSWORDS)('logs in with a password that has %s', async (_what, password) => {
    const server = await acquirePostgres(major);
    const role = `reader_${Math.random().toString(36).slice(2)}`;
    const client = await server.client();
    try {
      await client.query(`SET password_encryption = 'scram-sha-256'`);
      await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(password)}`);
      const { host, port } = server;
      const target = { host, port, database: 'postgres', username: role, password, ssl: { mode: 'disable' as const } };
      const options = { replication: false, applicationName: 'test' };
      const session = await connect(target, options, engineContext().context);
      await disconnect(session);
      const other = connect({ ...target, password: `${password}.` }, options, engineContext().context);
      await expect(other).rejects.toMatchObject({ code: 'AUTH_REJECTED' });
    } finally {
      await client.query(`DROP ROLE ${role}`);
      await client.end();
    }
  });
});
