import { describe, expect, it } from 'vitest';
import { inspectState } from '../../../src/cli/inspect.ts';
import { ENGINES } from '../../../src/cli/registry.ts';
import { connector, file } from './made-up.ts';

const NOW = Date.UTC(2026, 11, 1, 12);
const inspect = (state: unknown): Promise<string> =>
  inspectState(file(typeof state === 'string' ? state : JSON.stringify(state)), ENGINES, NOW);

const clock = Date.UTC(2026, 11, 1, 9) * 1000;
const global = {
  type: 'GLOBAL',
  global: {
    shared_state: {
      version: 1,
      engine: 'mysql',
      shards: { north: { position: { gtid_set: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5' }, clock } },
    },
    stream_states: [
      {
        stream_descriptor: { name: 'orders', namespace: 'shop' },
        stream_state: {
          version: 1,
          shards: {
            north: { identity: '', phase: 'streaming' },
            south: {
              ...{ identity: '', phase: 'snapshot', cursor: { after: ['07'], key: 'id' }, key: 5 },
              ...{ position: { gtid_set: '' }, clock: 0 },
            },
          },
        },
      },
      {
        stream_descriptor: { name: 'notes', namespace: 'shop' },
        stream_state: { version: 1, shards: { north: { identity: '', phase: 'refreshed', job: '17' } } },
      },
    ],
  },
};

describe('inspect', () => {
  it('prints shards, positions, their age, streams and phases', async () => {
    expect(await inspect(global)).toBe(
      [
        'Engine: mysql',
        '',
        'Shard north',
        '  position  {"gtid_set":"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"}',
        `  clock     ${clock} (changes up to 2026-12-01T09:00:00.000Z, 3 hours ago)`,
        '',
        '2 streams',
        '  shop.notes   north  full refresh, complete (job 17)',
        '  shop.orders  north  changes',
        '  shop.orders  south  snapshot, to be continued at {"after":["07"],"key":"id"}',
        '      position  {"gtid_set":""}',
        '      clock     0',
        '',
      ].join('\n'),
    );
  });

  it('reads a whole STATE message and STREAM states too, and gives no time where ordering keys are none', async () => {
    const stream_descriptor = { name: 't', namespace: 'public' };
    const position = { lsn: '0/1', system: '1', timeline: 1 };
    const shards = { main: { identity: '1/2', phase: 'streaming', since: position, position, clock: 7 } };
    const stream = { stream_descriptor, stream_state: { version: 1, engine: 'postgres', shards } };
    const text = await inspect({ type: 'STATE', state: { type: 'STREAM', stream } });
    expect(text).toContain('Engine: postgres\n');
    expect(text).toContain('  public.t  main  changes, from {"lsn":"0/1","system":"1","timeline":1} on\n');
    expect(text).toContain('      clock     7\n');
  });

  it('cuts a long position in the middle', async () => {
    const sets = Array.from({ length: 100 }, (_, n) => `3e11fa47-71ca-11e1-9e33-c80aa9429562:${2 * n + 1}`).join(',');
    const shards = { main: { position: { gtid_set: sets }, clock: 1 } };
    const state = { type: 'GLOBAL', global: { shared_state: { version: 1, engine: 'mysql', shards }, stream_states: [] } };
    const line = (await inspect(state)).split('\n').find(each => each.includes('position'));
    expect(line?.length).toBeLessThan(500);
    expect(line).toContain(` characters)`);
  });

  it.each(['', '{}', '[]', 'null'])('says that %j starts from the beginning', async text => {
    expect(await inspect(text)).toBe('The state is empty: the next read starts from the beginning.\n');
  });

  it('is a command, and refuses what is no state of this connector', async () => {
    const { code, text } = await connector(['inspect', '--state', file(JSON.stringify(global))]);
    expect(code).toBe(0);
    expect(text).toContain('Shard north');
    const foreign = { type: 'GLOBAL', global: { shared_state: { state: { lsn: 1 } }, stream_states: [] } };
    const refused = await connector(['inspect', '--state', file(JSON.stringify(foreign))]);
    expect(refused.code).toBe(1);
    expect(refused.text).toContain('/global/shared_state/engine');
  });
});
