import { describe, expect, it } from 'vitest';
import { passwordBytes } from '../../../../src/engines/postgres/wire/scram.ts';

const bytes = async (password: string): Promise<string> => (await passwordBytes(password)).toString('utf8');

describe('the bytes of a password', () => {
  it.each([
    ['ASCII, also control characters', 'a b\u0001~', 'a b\u0001~'],
    ['another space', 'a\u00a0b\u3000c', 'a b c'],
    ['what is mapped to nothing', 'pass\u00adword\u200d', 'password'],
    ['compatibility forms', 'ﬁ ① Ⅷ', 'fi 1 VIII'],
    ['a composed letter', 'e\u0301', 'é'],
    ['letters from right to left', '\u05d0\u05d1', '\u05d0\u05d1'],
  ])('are prepared: %s', async (_what, password, prepared) => {
    expect(await bytes(password)).toBe(prepared);
  });

  it.each([
    ['a code point newer than Unicode 3.2', 'e\u0301 \u{1f600}'],
    ['an emoji with its variation selector', '\u2764\ufe0f \u{1f9e1}'],
    ['a private one', '\ue000\u00a0'],
    ['a control character', '\u0085\u00a0'],
    ['both directions', '\u05d0\u00a0a'],
    ['nothing that is left', '\u00ad\u200d'],
  ])('are as they are where SASLprep refuses: %s', async (_what, password) => {
    expect(await bytes(password)).toBe(password);
  });
});
