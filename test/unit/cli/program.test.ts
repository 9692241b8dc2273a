import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { parseArguments } from '../../../src/cli/program.ts';
import type { ConnectorError } from '../../../src/contract/errors.ts';

describe('parseArguments', () => {
  it('understands its commands', () => {
    expect(parseArguments(['spec'])).toEqual({ command: 'spec' });
    expect(parseArguments(['check', '--config', 'c.json'])).toEqual({ command: 'check', config: 'c.json' });
    expect(parseArguments(['discover', '--config=c.json'])).toEqual({ command: 'discover', config: 'c.json' });
    const read = { command: 'read', config: 'c', catalog: 'k', state: undefined };
    expect(parseArguments(['read', '--config', 'c', '--catalog', 'k'])).toEqual(read);
    expect(parseArguments(['read', '--state', 's', '--catalog', 'k', '--config', 'c'])).toEqual({ ...read, state: 's' });
    expect(parseArguments(['inspect', '--state', 's'])).toEqual({ command: 'inspect', state: 's' });
  });

  it.each([
    [[], 'a command is missing.'],
    [['write'], "unknown command 'write'."],
    [['raed'], '(Did you mean read?)'],
    [['check'], "required option '--config <file>' not specified."],
    [['check', '--config'], "option '--config <file>' argument missing."],
    [['read', '--config', 'c'], "required option '--catalog <file>' not specified."],
    [['read', '--config', 'c', '--catalog', 'k', '--stat', 's'], "unknown option '--stat' (Did you mean --state?)"],
    [['check', '--config', 'c', 'more'], 'too many arguments'],
    [['spec', '--config', 'c'], "unknown option '--config'"],
  ])('refuses %j', (args, detail) => {
    try {
      parseArguments(args);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ARGUMENTS_INVALID' });
      expect((error as ConnectorError).detail).toContain(detail);
      return;
    }
    expect.unreachable('was accepted');
  });

  it('gives text for people', () => {
    expect(parseArguments(['--version'])).toEqual({ command: 'text', text: `${packageJson.version}\n` });
    const help = parseArguments(['--help']);
    expect(help).toMatchObject({ command: 'text' });
    expect(JSON.stringify(help)).toMatch(/spec.*check.*discover.*read/s);
    expect(JSON.stringify(parseArguments(['read', '--help']))).toContain('--catalog <file>');
  });
});
