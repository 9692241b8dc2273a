import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadCatalog, loadState } from '../../../src/cli/inputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-inputs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function file(content: string): string {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, content);
  return path;
}

describe('loadCatalog', () => {
  it('takes what platforms write', async () => {
    const text = `{"streams":[{"stream":{"name":"a","namespace":null,"json_schema":null,"is_resumable":null},
      "sync_mode":"full_refresh","destination_sync_mode":"overwrite_dedup","generation_id":null}]}`;
    expect(await loadCatalog(file(text))).toEqual({
      streams: [{ id: { namespace: '', name: 'a' }, syncMode: 'full_refresh', key: [], deduplicated: true, properties: null }],
    });
  });

  it('names all that is wrong', async () => {
    const text = '{"streams":[{"stream":{"name":7,"json_schema":[]},"sync_mode":"INVALID"},{"sync_mode":"incremental"}]}';
    const path = file(text);
    await expect(loadCatalog(path)).rejects.toMatchObject({
      code: 'CATALOG_INVALID',
      detail: [
        `${path} at /streams/0/stream/name: 7 is a number; expected a string`,
        'at /streams/0/stream/json_schema: expected an object or null, found an array',
        'at /streams/0/sync_mode: "INVALID" is not one of full_refresh, incremental',
        'at /streams/1: stream is missing.',
      ].join('; '),
    });
  });

  it('says when the file is missing or cut', async () => {
    await expect(loadCatalog(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    const [cut, empty] = [file('{"streams":['), file('\n')];
    const detail = `${cut}: the JSON ends too early, at line 1, column 13: expected a value or ].`;
    await expect(loadCatalog(cut)).rejects.toMatchObject({ code: 'CATALOG_INVALID', detail });
    await expect(loadCatalog(empty)).rejects.toMatchObject({ code: 'CATALOG_INVALID', detail: `${empty}: the file is empty.` });
  });
});

describe('loadState', () => {
  it.each(['', '\n', '\uFEFF', 'null', '{}', '[]', '[null]', '[{}]', '[{"type":"LEGACY","data":{}}]'])(
    'takes %j for none',
    async text => {
      expect(await loadState(file(text), 'postgres')).toBeNull();
    },
  );

  const shard = { identity: 'x', phase: 'streaming', position: { p: 1 }, clock: 4 };
  const item = {
    type: 'STREAM',
    global_: null,
    data: null,
    stream: {
      stream_descriptor: { name: 'a', namespace: null },
      stream_state: { version: 1, engine: 'postgres', shards: { main: shard } },
    },
  };

  it.each([[item], [[item]], [{ type: 'STATE', state: item }], [[{ type: 'STATE', state: item }]]])(
    'reads a state, form %#',
    async value => {
      expect((await loadState(file(JSON.stringify(value)), 'postgres'))?.tables.size).toBe(1);
    },
  );

  it.each([
    ['a text', '"x"', 'at the top level: "x" is a string; expected an object or null.'],
    ['a list of texts', '["x"]', 'at /0: "x" is a string; expected an object or null.'],
    ['a stream without descriptor', '[{"type":"STREAM","stream":{}}]', 'at /0/stream: stream_descriptor is missing.'],
    ['a stream that is missing', '[{"type":"STREAM"}]', 'at /0: stream is missing.'],
    [
      'a list of streams that is none',
      '[{"type":"GLOBAL","global":{"stream_states":{}}}]',
      'at /0/global/stream_states: expected an array, found an object.',
    ],
    [
      'another engine',
      JSON.stringify([item]).replace('postgres', 'mysql'),
      'at /0/stream/stream_state/engine: the state was written by the engine mysql',
    ],
  ])('refuses %s', async (_what, text, detail) => {
    const path = file(text);
    await expect(loadState(path, 'postgres')).rejects.toMatchObject({
      code: 'STATE_INVALID',
      detail: expect.stringContaining(`${path} ${detail}`) as string,
    });
  });
});
