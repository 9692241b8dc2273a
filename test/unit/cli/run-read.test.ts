import { describe, expect, it } from 'vitest';
import { type Host, StdoutClosed } from '../../../src/cli/host.ts';
import { stopped } from '../../../src/cli/run.ts';
import type { Engine } from '../../../src/contract/engine.ts';
import { ConnectorError } from '../../../src/contract/errors.ts';
import { catalog, config, connector, type Fake, file, type Outcome, refusing, SECRET, traceError } from './made-up.ts';

describe('read', () => {
  const reading = (
    state?: string,
    overrides?: Partial<Host>,
    fake: Fake = refusing(new ConnectorError('AUTH_REJECTED', `not ${SECRET}.`)),
  ): Promise<Outcome> =>
    connector(
      ['read', '--config', config, '--catalog', catalog, ...(state === undefined ? [] : ['--state', state])],
      fake,
      overrides,
    );

  it('reports through the same buffer, without secrets', async () => {
    const { code, messages, text } = await reading();
    expect(code).toBe(1);
    expect(messages.at(-1)).toMatchObject(traceError({ failure_type: 'config_error' }));
    expect(text).toContain('not ********.');
    expect(text).not.toContain('wonder');
  });

  it.each([
    [
      'of another engine',
      '[{"type":"GLOBAL","global":{"shared_state":{"version":1,"engine":"mysql","shards":{}},"stream_states":[]}}]',
      'engine mysql',
    ],
    [
      'of a newer version',
      '[{"type":"GLOBAL","global":{"shared_state":{"version":2,"engine":"postgres","shards":{}},"stream_states":[]}}]',
      'newer release',
    ],
    ['cut in the middle', '[{"type":"GLOBAL","global":{"shared_', 'ends too early, at line 1, column 37'],
  ])('refuses a state %s before it connects', async (_what, text, detail) => {
    let connected = false;
    const fake: Fake = {
      connect: () => {
        connected = true;
        return Promise.reject(new Error('unexpected'));
      },
    };
    const { code, messages } = await reading(file(text), {}, fake);
    expect(code).toBe(1);
    expect(connected).toBe(false);
    expect(messages).toMatchObject([traceError({ failure_type: 'config_error' })]);
    expect(messages[0]).toHaveProperty('trace.error.message', expect.stringContaining('The state cannot be used: '));
    expect(messages[0]).toHaveProperty('trace.error.message', expect.stringContaining(detail));
  });

  it('refuses a catalog that names no known sync mode', async () => {
    const path = file('{"streams":[{"stream":{"name":"a"},"sync_mode":"INVALID"}]}');
    const { code, messages } = await connector(['read', '--config', config, '--catalog', path]);
    expect(code).toBe(1);
    expect(messages).toMatchObject([traceError({ failure_type: 'config_error' })]);
    expect(messages[0]).toHaveProperty('trace.error.message', expect.stringContaining('at /streams/0/sync_mode'));
  });

  /** A server that answers nothing, and something that happens meanwhile. */
  function interrupted(reason: Error): Promise<Outcome> {
    const controller = new AbortController();
    const connect: Engine['connect'] = (_config, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        setImmediate(() => controller.abort(reason));
      });
    return reading(undefined, { signal: controller.signal }, { connect });
  }

  it('says nothing of a stop by signal', async () => {
    const { messages } = await interrupted(stopped('SIGTERM'));
    expect(messages).toEqual([]);
  });

  it('reports an error that nobody caught', async () => {
    const { code, messages } = await interrupted(new RangeError(`lost ${SECRET}`));
    expect(code).toBe(1);
    expect(messages).toMatchObject([traceError({ failure_type: 'system_error' })]);
    expect(messages[0]).toHaveProperty('trace.error.message', expect.stringContaining('RangeError: lost ********'));
  });

  it('ends quietly when nobody reads stdout', async () => {
    const { code, messages } = await reading(undefined, { sink: () => Promise.reject(new StdoutClosed()) });
    expect(code).toBe(0);
    expect(messages).toEqual([]);
    const print = (): never => {
      throw new StdoutClosed();
    };
    expect((await connector(['check', '--config', config], {}, { print })).code).toBe(0);
    expect((await connector(['nonsense'], {}, { print })).code).toBe(0);
  });
});
