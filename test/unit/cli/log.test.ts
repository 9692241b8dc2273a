import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logLevel, ProtocolLogger, redactor } from '../../../src/core/log.ts';
import type { AirbyteMessage } from '../../../src/protocol/messages.ts';

function collect(
  level: Parameters<typeof logLevel>[0] = 'INFO',
  secrets: readonly string[] = [],
): { log: ProtocolLogger; lines: string[] } {
  const lines: string[] = [];
  const emit = (message: AirbyteMessage): void => {
    if (message.type === 'LOG')
      lines.push(`${message.log.level} ${message.log.message}${message.log.stack_trace === undefined ? '' : ' +stack'}`);
  };
  return { log: new ProtocolLogger({ level: logLevel(level), redact: redactor(secrets), emit }), lines };
}

describe('redactor', () => {
  it('hides a secret as it is, in a URL, and in JSON', () => {
    const secret = 'p"ss/w ord\\é';
    const redact = redactor([secret]);
    expect(redact(`a ${secret} b`)).toBe('a ******** b');
    expect(redact(`postgres://u:${encodeURIComponent(secret)}@h`)).toBe('postgres://u:********@h');
    expect(redact(JSON.stringify({ password: secret }))).toBe('{"password":"********"}');
  });

  it('hides the lines of a key, and the longer of two secrets first', () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw';
    const redact = redactor([`-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`, 'wonder', 'wonderland']);
    expect(redact(`bad key ${line}!`)).toBe('bad key ********!');
    expect(redact('wonderland wonder')).toBe('******** ********');
  });

  it('takes a short secret for a secret only where it stands alone', () => {
    const redact = redactor(['a', '']);
    expect(redact('a cat, a=a')).toBe('******** cat, ********=********');
  });

  it('leaves no secret in any text', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'binary' }), fc.string(), fc.string(), (secret, before, after) => {
        fc.pre(!'********'.includes(secret));
        const redact = redactor([secret]);
        expect(redact(`${before}${secret}${after}`)).not.toContain(secret);
        expect(redact(JSON.stringify([before, secret]))).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
    );
  });
});

describe('ProtocolLogger', () => {
  it('prints what is important enough', () => {
    const { log, lines } = collect('WARN');
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e', new Error('cause'));
    expect(lines).toEqual(['WARN w', 'ERROR e +stack']);
  });

  it.each([
    ['debug', 'DEBUG'],
    [' Warning ', 'WARN'],
    ['', 'INFO'],
    [undefined, 'INFO'],
    ['LOUD', 'INFO'],
  ])('reads the level %j as %s', (text, level) => {
    expect(logLevel(text)).toBe(level);
  });

  it('shows ten of a kind and counts the rest', () => {
    const { log, lines } = collect();
    for (let row = 0; row < 250; row++) log.warn(`row ${row} was odd`);
    log.warn('something else');
    expect(lines).toHaveLength(11);
    log.close();
    expect(lines.at(-1)).toBe('WARN 240 more like this were not shown: row 0 was odd');
    expect(lines).toHaveLength(12);
  });

  it('hides secrets in messages and stacks', () => {
    const messages: AirbyteMessage[] = [];
    const log = new ProtocolLogger({ level: 'INFO', redact: redactor(['wonderland']), emit: message => messages.push(message) });
    log.error('login with wonderland failed', new Error('wonderland refused'));
    expect(messages).toHaveLength(1);
    expect(JSON.stringify(messages)).not.toContain('wonderland');
  });
});
