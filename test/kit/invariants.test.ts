import { describe, expect, it } from 'vitest';
import { secretsOf, violations } from './invariants.ts';
import { madeUpRun } from './made-up-run.ts';
import type { ConfiguredCatalog } from './messages.ts';
import type { RunResult } from './run-connector.ts';

const integer = { type: ['null', 'number'], airbyte_type: 'integer' };
const time = { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
const catalog: ConfiguredCatalog = {
  streams: [
    {
      stream: {
        name: 't',
        namespace: 'public',
        json_schema: {
          properties: {
            id: integer,
            at: time,
            raw: { type: ['null', 'string'], contentEncoding: 'base64' },
            _ab_cdc_deleted_at: time,
          },
        },
        supported_sync_modes: ['incremental'],
        source_defined_primary_key: [['id']],
      },
      sync_mode: 'incremental',
      destination_sync_mode: 'append_dedup',
    },
  ],
};

const full = { id: 1, at: '2024-02-29T01:02:03.5Z', raw: 'AAA=', _ab_cdc_deleted_at: null };
const record = (data: object, more: object = {}): string =>
  JSON.stringify({ type: 'RECORD', record: { stream: 't', namespace: 'public', data, emitted_at: 1, ...more } });
const status = (word: string, name = 't'): string => {
  const stream_status = { stream_descriptor: { name, namespace: 'public' }, status: word };
  return JSON.stringify({ type: 'TRACE', trace: { type: 'STREAM_STATUS', emitted_at: 1, stream_status } });
};
const state = (count: string, position: number): string =>
  `{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{"at":${position}},"stream_states":[]},"sourceStats":{"recordCount":${count}}}}`;
const error = (body: object): string =>
  JSON.stringify({
    type: 'TRACE',
    trace: { type: 'ERROR', emitted_at: 1, error: { message: 'no', failure_type: 'config_error', ...body } },
  });

const good = [status('STARTED'), status('RUNNING'), record(full), state('1.0', 1), state('0.0', 2), status('COMPLETE')];

const found = (lines: readonly string[], end: Partial<RunResult> = {}): string =>
  violations(madeUpRun(lines, end), { catalog, secrets: ['pa"ss/word'] }).join('\n');
const replaced = (index: number, ...lines: string[]): string[] => [...good.slice(0, index), ...lines, ...good.slice(index + 1)];

describe('violations', () => {
  it('finds none in a good run, a killed one, and one that failed as it should', () => {
    expect(found(good)).toBe('');
    expect(found(good.slice(0, 3), { exitCode: null, signal: 'SIGKILL', partialLine: '{"ty' })).toBe('');
    expect(found([...good.slice(0, 5), status('INCOMPLETE'), error({})], { exitCode: 1 })).toBe('');
    expect(found(replaced(2, record({ id: 1, _ab_cdc_deleted_at: full.at })))).toBe('');
    const changes = [{ field: 'at', change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' }];
    expect(found(replaced(2, record({ ...full, at: null }, { meta: { changes } })))).toBe('');
  });

  const cases: readonly (readonly [string, readonly string[], Partial<RunResult>, RegExp])[] = [
    ['no JSON', replaced(2, 'Hello'), {}, /not a JSON object/],
    [
      'a shape that the protocol does not have',
      replaced(2, '{"type":"RECORD","record":{"stream":"t"}}'),
      {},
      /breaks the protocol/,
    ],
    ['a SPEC in a read', [...good, '{"type":"SPEC","spec":{"connectionSpecification":{"type":"object"}}}'], {}, /SPEC in read/],
    ['a wrong count', replaced(3, state('2.0', 1)), {}, /recordCount 2, but 1/],
    ['a count without a point', replaced(3, state('1', 1)), {}, /double/],
    ['a record without a STATE', [...good.slice(0, 5), record(full), status('COMPLETE')], {}, /records without a STATE/],
    ['the same STATE twice', replaced(4, record(full), state('1.0', 1)), {}, /same STATE/],
    ['a column twice', replaced(2, record(full).replace('"id":1', '"id":2,"id":1')), {}, /"id": stands twice/],
    ['a value of another type', replaced(2, record({ ...full, id: '1' })), {}, /\/id must be/],
    ['half an integer', replaced(2, record({ ...full, id: 1.5 })), {}, /airbyte_type/],
    ['a day that is not', replaced(2, record({ ...full, at: '2023-02-29T01:02:03Z' })), {}, /date-time|airbyte_type/],
    ['a time without its zone', replaced(2, record({ ...full, at: '2023-02-28T01:02:03' })), {}, /airbyte_type/],
    ['bad base64', replaced(2, record({ ...full, raw: 'AAA' })), {}, /contentEncoding/],
    ['a missing column', replaced(2, record({ id: 1, at: null, _ab_cdc_deleted_at: null })), {}, /raw is missing/],
    ['a column too many', replaced(2, record({ ...full, more: 1 })), {}, /more is not in the catalog/],
    ['a null key', replaced(2, record({ ...full, id: null })), {}, /primary key is null/],
    ['an unknown stream', replaced(2, record(full, { stream: 'u' })), {}, /not configured/],
    [
      'a record before STARTED',
      [record(full), ...replaced(2)].filter(line => line !== good[3]).toSpliced(3, 0, state('1.0', 1)),
      {},
      /before STARTED/,
    ],
    ['no COMPLETE', good.slice(0, 5), {}, /exit code 0, statuses/],
    ['two COMPLETE', [...good, status('COMPLETE')], {}, /statuses after the end/],
    ['a failure without INCOMPLETE', [...good.slice(0, 5), error({})], { exitCode: 1 }, /without an end/],
    ['a failure without words', [...good.slice(0, 5), status('INCOMPLETE')], { exitCode: 1 }, /without a TRACE ERROR/],
    ['a cut line', good, { partialLine: '{"type"' }, /cut/],
    ['bad UTF-8', good, { invalidUtf8: true }, /UTF-8/],
    ['a stack trace for the user', [...good, error({ message: 'no\n    at f (x.js:1:1)' })], {}, /stack trace/],
    ['a secret on stdout', replaced(2, record({ ...full, raw: 'pa"ss/word' })), {}, /line 3 holds a secret/],
    ['a secret on stderr, encoded', good, { stderr: 'postgres://u:pa%22ss%2Fword@h' }, /stderr holds a secret/],
    [
      'null that the meta does not explain as such',
      replaced(2, record(full, { meta: { changes: [{ field: 'at', change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' }] } })),
      {},
      /not null/,
    ],
  ];
  it.each(cases)('%s', (_, lines, end, says) => {
    expect(found(lines, end)).toMatch(says);
  });
});

it('knows the secrets of a config', () => {
  const config = {
    source: { host: 'h', password: 'hunter22', shards: [{ password: 'hunter33' }] },
    ssl_mode: { client_key: 'PEMPEM' },
  };
  expect(secretsOf(config)).toEqual(['hunter22', 'hunter33', 'PEMPEM']);
});
