import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../src/contract/engine.ts';
import { ConnectorError } from '../../../src/contract/errors.ts';
import type { Table } from '../../../src/contract/table.ts';
import { config, connector, type Fake, file, folder, type Outcome, refusing, SECRET, statusText, traceError } from './made-up.ts';

describe('spec', () => {
  it('is one SPEC message', async () => {
    const { code, messages } = await connector(['spec']);
    expect(code).toBe(0);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toHaveProperty('spec.connectionSpecification.properties.source');
  });
});

describe('arguments', () => {
  it.each([[[]], [['write']], [['check']], [['read', '--config', config]], [['spec', '--what']]])(
    '%j end with a TRACE ERROR and exit code 1',
    async args => {
      const { code, messages } = await connector(args);
      expect(code).toBe(1);
      expect(messages).toMatchObject([traceError({ failure_type: 'config_error' })]);
      expect(messages[0]).toHaveProperty('trace.error.message', expect.stringContaining('The command line is not understood: '));
      expect(messages[0]).not.toHaveProperty('trace.error.stack_trace');
    },
  );

  it('answers --help with text', async () => {
    const { code, text } = await connector(['--help']);
    expect(code).toBe(0);
    expect(text).toContain('Usage: source-tributary');
  });
});

describe('check', () => {
  const checked = (args: string, fake?: Fake): Promise<Outcome> => connector(['check', '--config', args], fake);

  it('succeeds', async () => {
    const { code, messages } = await checked(config);
    expect(code).toBe(0);
    expect(messages).toEqual([{ type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } }]);
  });

  it('numbers all problems, each with its remedy, and shows no secret', async () => {
    const { code, messages, text } = await checked(config, {
      check: () =>
        Promise.resolve([
          { code: 'SERVER_SETTING', detail: 'wal_level is replica.' },
          { code: 'AUTH_REJECTED', detail: `the server says: no ${SECRET} for you` },
        ]),
    });
    expect(code).toBe(0);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({ type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED' } });
    const message = statusText(messages[0]);
    expect(message.split('\n')).toEqual([
      '1. A server setting stands in the way: wal_level is replica. Change the setting that the message names. [SERVER_SETTING]',
      '2. The server refused the credentials: the server says: no ******** for you. Correct username and password, and check that the user may log in from where the connector runs. [AUTH_REJECTED]',
    ]);
    expect(text).not.toContain('wonder');
  });

  it.each([
    ['a missing file', join(folder, 'none.json'), 'FILE_UNREADABLE', 'there is no such file'],
    ['a folder', folder, 'FILE_UNREADABLE', 'this is a folder, not a file'],
    ['bytes that are not UTF-8', file(Buffer.from([0x7b, 0xff, 0x7d])), 'FILE_UNREADABLE', 'the bytes are not UTF-8'],
    ['UTF-16', file(Buffer.from('\uFEFF{}', 'utf16le')), 'FILE_UNREADABLE', 'save it as UTF-8'],
    ['an empty file', file(''), 'CONFIG_INVALID', '.json: the file is empty'],
    ['broken JSON', file('{"source" 1}'), 'CONFIG_INVALID', 'not valid JSON at line 1, column 11'],
    ['a list', file('[]'), 'CONFIG_INVALID', 'expected an object, found an array'],
  ])('says what is wrong with %s', async (_what, path, code, detail) => {
    const outcome = await checked(path);
    expect(outcome.code).toBe(0);
    expect(outcome.messages).toHaveLength(1);
    expect(outcome.messages[0]).toHaveProperty('connectionStatus.status', 'FAILED');
    expect(outcome.messages[0]).toHaveProperty('connectionStatus.message', expect.stringMatching(/^1\. /));
    expect(outcome.messages[0]).toHaveProperty('connectionStatus.message', expect.stringContaining(detail));
    expect(outcome.messages[0]).toHaveProperty('connectionStatus.message', expect.stringContaining(`[${code}]`));
  });

  it('numbers the problems of the configuration', async () => {
    const { messages } = await checked(file('{"source":{"engine":"postgres","host":1,"pasword":"x"}}'));
    const message = statusText(messages[0]);
    expect(message.split('\n')).toHaveLength(4);
    expect(message).toMatch(/^4\. /m);
    expect(message).toContain('did you mean "password"?');
  });

  it('puts a TRACE ERROR before the status of a failure that may pass, thrown or found', async () => {
    const found: Problem = { code: 'SERVER_UNREACHABLE', detail: 'db:5432 refused.' };
    const thrown = new ConnectorError(found.code, found.detail);
    for (const fake of [refusing(thrown), { check: () => Promise.resolve([found]) }]) {
      const { code, messages } = await checked(config, fake);
      expect(code).toBe(0);
      expect(messages).toMatchObject([
        traceError({ failure_type: 'transient_error' }),
        { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED' } },
      ]);
    }
  });

  it('does not ask for a retry where something has to be mended', async () => {
    const { messages } = await checked(config, {
      check: () =>
        Promise.resolve([
          { code: 'SERVER_UNREACHABLE', detail: 'x.' },
          { code: 'AUTH_REJECTED', detail: 'y.' },
        ]),
    });
    expect(messages.map(({ type }) => type)).toEqual(['CONNECTION_STATUS']);
  });

  it('shows the stack of a bug in the trace only', async () => {
    const { code, messages } = await checked(config, refusing(new TypeError(`x is not a function of ${SECRET}`)));
    expect(code).toBe(0);
    expect(messages).toMatchObject([traceError({ failure_type: 'system_error' }), { type: 'CONNECTION_STATUS' }]);
    expect(messages[0]).toHaveProperty('trace.error.stack_trace', expect.stringContaining('run.test.ts'));
    expect(messages[1]).toHaveProperty('connectionStatus.message', expect.not.stringContaining('run.test.ts'));
    expect(JSON.stringify(messages)).not.toContain('wonder');
  });
});

describe('discover', () => {
  const table: Table = {
    id: { namespace: 'public', name: 'orders' },
    columns: [{ name: 'id', type: { kind: 'integer' }, nullable: false }],
    primaryKey: ['id'],
    follow: true,
    resumable: true,
    identity: '1',
  };

  it('prints the catalog', async () => {
    const { code, messages } = await connector(['discover', '--config', config], {
      discover: () => Promise.resolve([table]),
      shards: 2,
    });
    expect(code).toBe(0);
    expect(messages).toMatchObject([
      { type: 'CATALOG', catalog: { streams: [{ name: 'orders', source_defined_primary_key: [['_ab_source_shard'], ['id']] }] } },
    ]);
  });

  it('fails with the stream that is in the way', async () => {
    const error = new ConnectorError('PERMISSION_DENIED', 'no SELECT.', { table: table.id });
    const { code, messages } = await connector(['discover', '--config', config], refusing(error));
    expect(code).toBe(1);
    expect(messages).toMatchObject([
      traceError({
        failure_type: 'config_error',
        message: 'A right is missing: no SELECT. Grant the right that the message names.',
        internal_message: 'PERMISSION_DENIED: no SELECT.',
        stream_descriptor: { name: 'orders', namespace: 'public' },
      }),
    ]);
  });

  it('names every problem of the configuration in one error', async () => {
    const { code, messages } = await connector(['discover', '--config', file('{"source":{"engine":"postgres"}}')]);
    expect(code).toBe(1);
    expect(messages[0]).toHaveProperty(
      'trace.error.message',
      expect.stringContaining('host is missing; at /source: database is missing'),
    );
  });

  it('logs what the environment asks for', async () => {
    const fake: Fake = {
      connect: (_config, { log }) => {
        log.debug(`fine ${SECRET}`);
        return Promise.reject(new ConnectorError('SERVER_UNREACHABLE', 'x.'));
      },
    };
    const quiet = await connector(['discover', '--config', config], fake);
    expect(quiet.messages.map(({ type }) => type)).toEqual(['TRACE']);
    const loud = await connector(['discover', '--config', config], fake, { env: { LOG_LEVEL: 'debug' } });
    expect(loud.messages[0]).toEqual({ type: 'LOG', log: { level: 'DEBUG', message: 'fine ********' } });
  });
});
